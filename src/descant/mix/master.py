"""The last step: one gain for the whole set, and a limiter on the sum only."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from descant.audio.clip import Clip
from descant.audio.limiter import limit
from descant.audio.loudness import integrated_lufs, true_peak_db

_ERROR_LU = 0.05
_ROUNDS = 8
_MOST_LIMITING_DB = 12.0


@dataclass(frozen=True, slots=True, eq=False)
class Master:
    """A finished sum.

    Attributes:
        clip: At its loudness, limited.
        gain_db: The gain before the limiter.
        reduction_db: The most the limiter took away.
        lufs: Loudness reached; -inf for silence.
        true_peak_db: Highest true peak; -inf for silence.
    """

    clip: Clip
    gain_db: float
    reduction_db: float
    lufs: float
    true_peak_db: float


def master(clip: Clip, lufs: float, ceiling_db: float) -> Master:
    """Bring a sum to a loudness with its true peak under a ceiling.

    What the limiter takes from the loudness the gain gives back, unless that would only mean more limiting: then the
    result stays softer, for the ceiling goes first.
    """
    now = integrated_lufs(clip)
    if not math.isfinite(now):
        return Master(limit(clip, ceiling_db), 0.0, 0.0, -math.inf, true_peak_db(clip))
    gain_db = lufs - now
    highest_db = ceiling_db - true_peak_db(clip) + _MOST_LIMITING_DB
    tried: list[tuple[float, float]] = []
    for _ in range(_ROUNDS):
        gain_db = min(gain_db, highest_db)
        loud = clip.gain(gain_db)
        limited = limit(loud, ceiling_db)
        reached = integrated_lufs(limited) if limited is not loud else now + gain_db
        if abs(lufs - reached) <= _ERROR_LU or gain_db == highest_db:
            break
        tried.append((gain_db, reached))
        gain_db += (lufs - reached) / _slope(tried)
    return Master(limited, gain_db, _reduction_db(loud, limited), reached, true_peak_db(limited))


def _slope(tried: list[tuple[float, float]]) -> float:
    """How much loudness a decibel of gain still brings, from the last two rounds."""
    if len(tried) < 2 or tried[-1][0] == tried[-2][0]:
        return 1.0
    (gain_a, lufs_a), (gain_b, lufs_b) = tried[-2:]
    return min(max((lufs_b - lufs_a) / (gain_b - gain_a), 0.2), 1.0)


def _reduction_db(before: Clip, after: Clip) -> float:
    if after is before or before.frames == 0:
        return 0.0
    loud = np.abs(before.samples) > 0.1 * before.peak
    ratio = np.abs(after.samples[loud]) / np.abs(before.samples[loud])
    return float(-20.0 * np.log10(max(ratio.min(initial=1.0), 1e-6)))
