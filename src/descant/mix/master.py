"""The last step: one gain for the whole set, and a limiter on the sum only."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from descant.audio.clip import Clip
from descant.audio.limiter import limit
from descant.audio.loudness import integrated_lufs, normalize_loudness, true_peak_db

_AUDIBLE = 0.05


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
    finished = normalize_loudness(clip, lufs, ceiling_db)
    reached = integrated_lufs(finished)
    if not math.isfinite(reached):
        # Too short or too soft to be measured: only the ceiling can be kept.
        finished = limit(clip, ceiling_db)
    gain_db, reduction_db = _gains_db(clip, finished)
    return Master(finished, gain_db, reduction_db, reached, true_peak_db(finished))


def _gains_db(before: Clip, after: Clip) -> tuple[float, float]:
    """The gain before the limiter, and the limiter's largest reduction.

    A limiter only takes away, and between peaks nothing: so the largest ratio of output to input is the gain.
    """
    size = np.abs(before.samples)
    loud = size > _AUDIBLE * before.peak
    if not loud.any():
        return 0.0, 0.0
    ratio = np.abs(after.samples[loud]) / size[loud]
    highest = float(ratio.max())
    return 20.0 * math.log10(highest), max(0.0, 20.0 * math.log10(highest / max(float(ratio.min()), 1e-6)))
