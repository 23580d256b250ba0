"""Bringing a clip to a loudness with its true peak under a ceiling."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import sosfilt

from descant.audio.clip import Clip
from descant.audio.limiter import HOP_FRAMES, Limited, hold_peaks, hop_peaks, limiting_gain
from descant.audio.loudness import (
    MOMENTARY_STEPS,
    STEPS_PER_S,
    channel_weights,
    gated_lufs,
    integrated_lufs,
    k_weighting,
)
from descant.audio.spans import spans
from descant.parallel import side_by_side
from descant.progress import CancelToken

_ESTIMATES = 12
_ESTIMATE_ERROR_LU = 0.005
_LEAST_EFFECT = 0.1
_LARGEST_STEP_DB = 3.0
_ERROR_LU = 0.02


@dataclass(frozen=True, slots=True, eq=False)
class Normalized:
    """A clip at its loudness.

    Attributes:
        clip: The audio.
        gain_db: The one gain, before the limiter.
        reduction_db: The most that the limiter took away.
        lufs: Loudness reached; -inf for silence.
        true_peak_db: Highest true peak; -inf for silence.
    """

    clip: Clip
    gain_db: float
    reduction_db: float
    lufs: float
    true_peak_db: float


def normalize(clip: Clip, lufs: float, true_peak_db: float, *, cancel: CancelToken | None = None) -> Normalized:
    """Bring a clip to a loudness under a ceiling, and say what was done.

    One gain for all channels. If peaks would pass the ceiling, a look-ahead limiter holds them, and the gain is
    raised until the loudness is met again within 0.02 LU. Where more gain only means more limiting (a click in near
    silence), the loudness stays lower: the ceiling goes first. What is too soft or too short to have a loudness is
    only kept under the ceiling.

    Args:
        clip: Any clip.
        lufs: Target for the integrated loudness, for instance -14.
        true_peak_db: Ceiling in dBTP.
        cancel: Stops the work.
    """
    peaks = hop_peaks(clip, cancel=cancel)
    outline = _Outline(clip, _hop_powers(clip, cancel=cancel))
    highest, now = float(peaks.max(initial=0.0)), outline.lufs(1.0)
    gain_db = lufs - now if math.isfinite(now) else 0.0
    ceiling = _factor(true_peak_db)
    peak = highest * _factor(gain_db)
    if peak <= 0.9999 * ceiling:
        reached = outline.lufs(_factor(gain_db))
        return Normalized(clip.gain(gain_db) if gain_db else clip, gain_db, 0.0, reached, _db(peak))
    if not math.isfinite(now):
        return _normalized(hold_peaks(clip, peaks, true_peak_db, cancel=cancel), 0.0, now)
    aim = lufs
    for _ in range(2):
        gain_db = outline.gain_before_limiting(aim, lufs - now, peaks, ceiling)
        limited = hold_peaks(clip, peaks, true_peak_db, gain_db=gain_db, cancel=cancel)
        reached = integrated_lufs(limited.clip)
        if abs(lufs - reached) < _ERROR_LU:
            break
        aim += lufs - reached
    return _normalized(limited, gain_db, reached)


def normalize_loudness(clip: Clip, lufs: float, true_peak_db: float | None = -1.0) -> Clip:
    """The clip at a given loudness, with its true peak under a ceiling; see `normalize`.

    Args:
        clip: Any clip; silence is returned as it is.
        lufs: Target for the integrated loudness, for instance -14.
        true_peak_db: Ceiling in dBTP; None leaves the peaks alone.
    """
    if true_peak_db is not None:
        return normalize(clip, lufs, true_peak_db).clip
    now = integrated_lufs(clip)
    return clip.gain(lufs - now) if math.isfinite(now) else clip


class _Outline:
    """The loudness of a clip under any curve of gains, without filtering it again.

    Args:
        clip: What it outlines.
        powers: Weighted energy of each hop of the limiter's grid.
    """

    def __init__(self, clip: Clip, powers: NDArray[np.float64]) -> None:
        self._rate = clip.sample_rate
        self._powers = powers
        self._edges = np.minimum(np.arange(len(powers) + 1) * HOP_FRAMES, clip.frames)
        steps = max(MOMENTARY_STEPS, clip.frames * STEPS_PER_S // clip.sample_rate)
        self._marks = np.round(np.arange(steps + 1) * clip.sample_rate / STEPS_PER_S).clip(max=clip.frames)
        self._lengths = np.maximum(self._marks[MOMENTARY_STEPS:] - self._marks[:-MOMENTARY_STEPS], 1)

    def lufs(self, gains: NDArray[np.float64] | float) -> float:
        """Integrated loudness with a gain for all, or for each hop."""
        energy = np.concatenate([[0.0], np.cumsum(self._powers * gains * gains)])
        sums = np.interp(self._marks, self._edges, energy)
        return gated_lufs((sums[MOMENTARY_STEPS:] - sums[:-MOMENTARY_STEPS]) / self._lengths)

    def gain_before_limiting(
        self, aim_lufs: float, gain_db: float, peaks: NDArray[np.float64], ceiling: float
    ) -> float:
        """The gain with which the limited clip reaches a loudness, sought from `gain_db` on."""
        last_missing, step_db = math.inf, 1.0
        for _ in range(_ESTIMATES):
            factor = _factor(gain_db)
            missing = aim_lufs - self.lufs(factor * limiting_gain(peaks * factor, ceiling, self._rate))
            if abs(missing) >= abs(last_missing):
                return gain_db - step_db  # past the loudest that limiting can make it
            if abs(missing) < _ESTIMATE_ERROR_LU:
                break
            # The harder the limiter works, the less a decibel of gain brings: the last step tells how much.
            effect = (last_missing - missing) / step_db
            step_db = min(missing / min(max(effect, _LEAST_EFFECT), 1.0), _LARGEST_STEP_DB)
            last_missing = missing
            gain_db += step_db
        return gain_db


def _hop_powers(clip: Clip, *, cancel: CancelToken | None) -> NDArray[np.float64]:
    """Weighted energy of each hop of the limiter's grid."""
    sections = k_weighting(clip.sample_rate)

    def of_channel(channel: int, stop: CancelToken) -> NDArray[np.float64]:
        powers = np.zeros(-(-clip.frames // HOP_FRAMES))
        state = np.zeros((len(sections), 2))
        for span in spans(clip.frames):
            stop.check()
            weighted, state = sosfilt(sections, clip.samples[channel, span].astype(np.float64), zi=state)
            sums = np.add.reduceat(weighted * weighted, np.arange(0, len(weighted), HOP_FRAMES))
            powers[span.start // HOP_FRAMES :][: len(sums)] = sums
        return powers

    channels = np.array(side_by_side(of_channel, range(clip.channels), cancel=cancel))
    powers: NDArray[np.float64] = (channel_weights(clip.channels) * channels).sum(axis=0)
    return powers


def _normalized(limited: Limited, gain_db: float, lufs: float) -> Normalized:
    return Normalized(limited.clip, gain_db, limited.reduction_db, lufs, _db(limited.true_peak))


def _factor(gain_db: float) -> float:
    return float(10.0 ** (gain_db / 20.0))


def _db(amplitude: float) -> float:
    return 20.0 * math.log10(amplitude) if amplitude > 0 else -math.inf
