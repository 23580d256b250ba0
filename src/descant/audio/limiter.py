"""A look-ahead limiter that keeps the true peak, not only the samples, under a ceiling."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import minimum_filter1d, uniform_filter1d

from descant.audio.clip import Clip
from descant.audio.oversample import interval_peaks
from descant.errors import InvalidOption

_RECOVERY_DB = 6.0
_ROUNDS = 4


def limit(clip: Clip, ceiling_db: float = -1.0, *, look_ahead_ms: float = 3.0, release_ms: float = 80.0) -> Clip:
    """The clip with a true peak of at most `ceiling_db`; what lies below is not touched.

    One gain for all channels: it falls smoothly within the look-ahead before a peak, and recovers along a straight
    line in decibels. There is no delay.

    Args:
        clip: Any clip.
        ceiling_db: Highest true peak (on fourfold oversampled samples) in dBTP.
        look_ahead_ms: How long before a peak the gain starts to fall.
        release_ms: Time in which the gain recovers by 6 dB.

    Returns:
        A clip of the same length. It is the same object if nothing had to be done.

    Raises:
        InvalidOption: A time is not positive.
    """
    if look_ahead_ms <= 0 or release_ms <= 0:
        raise InvalidOption("The limiter's times must be positive.", "Typical are 3 ms look-ahead, 80 ms release.")
    ceiling = 10.0 ** (ceiling_db / 20.0)
    peaks = _frame_peaks(clip)
    if clip.frames == 0 or peaks.max() <= ceiling:
        return clip
    reach = max(1, round(look_ahead_ms / 1000 * clip.sample_rate))
    slope_db = _RECOVERY_DB / (release_ms / 1000 * clip.sample_rate)
    wanted = np.minimum(1.0, ceiling / np.maximum(peaks, 1e-12))
    limited = clip
    for _ in range(_ROUNDS):
        gain = _smooth(wanted, reach, slope_db)
        limited = Clip((clip.samples * gain).astype(np.float32), clip.sample_rate)
        left = _frame_peaks(limited)
        if left.max() <= ceiling:
            return limited
        # A gain that moves between samples can lift a peak a little over the ceiling: ask for that much more there.
        wanted = wanted * np.minimum(1.0, 0.9999 * ceiling / np.maximum(left, 1e-12))
    trim = 0.9999 * ceiling / float(_frame_peaks(limited).max())
    return Clip((limited.samples * np.float32(min(1.0, trim))).astype(np.float32), clip.sample_rate)


def _frame_peaks(clip: Clip) -> NDArray[np.float64]:
    """Largest magnitude around each frame, over all channels: between it and both neighbours."""
    if clip.frames == 0:
        return np.zeros(0)
    after: NDArray[np.float64] = interval_peaks(clip.samples).max(axis=0).astype(np.float64)
    before = np.concatenate([after[:1], after[:-1]])
    peaks: NDArray[np.float64] = np.maximum(after, before)
    return peaks


def _smooth(wanted: NDArray[np.float64], reach: int, slope_db: float) -> NDArray[np.float64]:
    """A gain below `wanted` everywhere that has no corners.

    The minimum over the look-ahead, then a release that rises by at most `slope_db` per frame, then two moving
    averages that together span the look-ahead: an average of values that are all low enough is low enough.
    """
    low = 20.0 * np.log10(minimum_filter1d(wanted, 2 * reach + 1, mode="nearest"))
    ramp = slope_db * np.arange(low.shape[0])
    released = 10.0 ** ((np.minimum.accumulate(low - ramp) + ramp) / 20.0)
    width = reach + (1 - reach % 2)
    once = uniform_filter1d(released, width, mode="nearest")
    averaged: NDArray[np.float64] = uniform_filter1d(once, width, mode="nearest")
    # Rounding in the moving averages must not lift the gain over one.
    smooth: NDArray[np.float64] = np.minimum(averaged, 1.0)
    return smooth
