"""A look-ahead limiter that keeps the true peak, not only the samples, under a ceiling."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import minimum_filter1d, uniform_filter1d

from descant.audio.clip import Clip
from descant.audio.oversample import interval_peaks_by_span
from descant.audio.spans import spans
from descant.errors import InvalidOption
from descant.parallel import side_by_side
from descant.progress import CancelToken

HOP_FRAMES = 16
"""Peaks are collected and gains are drawn on a grid of so many frames (0.4 ms at 44.1 kHz)."""

LOOK_AHEAD_MS = 3.0
RELEASE_MS = 80.0
_RECOVERY_DB = 6.0
_ROUNDS = 4
_MARGIN = 10.0 ** (-0.02 / 20.0)  # a gain that moves between samples lifts some peaks a little


def limit(
    clip: Clip, ceiling_db: float = -1.0, *, look_ahead_ms: float = LOOK_AHEAD_MS, release_ms: float = RELEASE_MS
) -> Clip:
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
    peaks = hop_peaks(clip)
    if peaks.max(initial=0.0) <= 10.0 ** (ceiling_db / 20.0):
        return clip
    return hold_peaks(clip, peaks, ceiling_db, look_ahead_ms=look_ahead_ms, release_ms=release_ms).clip


@dataclass(frozen=True, slots=True, eq=False)
class Limited:
    """What came out of the limiter.

    Attributes:
        clip: The audio.
        reduction_db: The most that was taken away.
        true_peak: Its highest oversampled peak.
    """

    clip: Clip
    reduction_db: float
    true_peak: float


def hold_peaks(
    clip: Clip,
    peaks: NDArray[np.float64],
    ceiling_db: float,
    *,
    gain_db: float = 0.0,
    look_ahead_ms: float = LOOK_AHEAD_MS,
    release_ms: float = RELEASE_MS,
    cancel: CancelToken | None = None,
) -> Limited:
    """`limit` for a clip whose peaks are known, after a gain.

    Args:
        clip: Any clip.
        peaks: Its `hop_peaks`.
        ceiling_db: See `limit`.
        gain_db: Makes the clip louder or softer first.
        look_ahead_ms: See `limit`.
        release_ms: See `limit`.
        cancel: Stops the work.
    """
    ceiling = 10.0 ** (ceiling_db / 20.0)
    factor = 10.0 ** (gain_db / 20.0)
    peaks = peaks * factor
    for _ in range(_ROUNDS):
        gain = limiting_gain(
            peaks, _MARGIN * ceiling, clip.sample_rate, look_ahead_ms=look_ahead_ms, release_ms=release_ms
        )
        limited = apply_gain(clip, factor * gain)
        left = hop_peaks(limited, cancel=cancel)
        true_peak = float(left.max(initial=0.0))
        if true_peak <= ceiling:
            break
        # Treat the peaks that are left as if they had been that much higher.
        peaks = peaks * np.maximum(1.0, left / ceiling)
    else:
        limited = Clip(limited.samples * np.float32(_MARGIN * ceiling / true_peak), clip.sample_rate)
        true_peak = _MARGIN * ceiling
    return Limited(limited, -20.0 * math.log10(gain.min(initial=1.0)), true_peak)


def hop_peaks(clip: Clip, *, cancel: CancelToken | None = None) -> NDArray[np.float64]:
    """The highest oversampled peak of all channels in each hop, shape [ceil(frames / HOP_FRAMES)]."""

    def of_channel(channel: int, stop: CancelToken) -> NDArray[np.float64]:
        highest = np.zeros(-(-clip.frames // HOP_FRAMES))
        for span, peaks in interval_peaks_by_span(clip.samples[channel : channel + 1]):
            stop.check()
            hops = np.maximum.reduceat(peaks[0], np.arange(0, peaks.shape[1], HOP_FRAMES))
            highest[span.start // HOP_FRAMES :][: len(hops)] = hops
        return highest

    channels = side_by_side(of_channel, range(clip.channels), cancel=cancel)
    highest: NDArray[np.float64] = np.max(channels, axis=0)
    return highest


def limiting_gain(
    peaks: NDArray[np.float64],
    ceiling: float,
    sample_rate: int,
    *,
    look_ahead_ms: float = LOOK_AHEAD_MS,
    release_ms: float = RELEASE_MS,
) -> NDArray[np.float64]:
    """The gain at the centre of each hop that keeps its peaks under the ceiling, and has no corners.

    The minimum over the look-ahead, then a release that rises along a line in decibels, then two moving averages
    that together span the look-ahead: an average of values that are all low enough is low enough.

    Args:
        peaks: From `hop_peaks`.
        ceiling: Highest amplitude allowed.
        sample_rate: Of the audio, in Hz.
        look_ahead_ms: See `limit`.
        release_ms: See `limit`.
    """
    hop_ms = 1000.0 * HOP_FRAMES / sample_rate
    reach = max(1, round(look_ahead_ms / hop_ms))
    wanted_db = 20.0 * np.log10(np.minimum(1.0, ceiling / np.maximum(peaks, 1e-12)))
    # One hop more than the averages span, because between two hops the gain of both counts.
    low = minimum_filter1d(wanted_db, 2 * (reach + 1) + 1, mode="nearest")
    ramp = _RECOVERY_DB * hop_ms / release_ms * np.arange(len(low))
    gain = 10.0 ** ((np.minimum.accumulate(low - ramp) + ramp) / 20.0)
    size = reach + 1 - reach % 2
    for _ in range(2):
        gain = uniform_filter1d(gain, size, mode="nearest")
    # Rounding in the moving averages must not lift the gain over one.
    smooth: NDArray[np.float64] = np.minimum(gain, 1.0)
    return smooth


def apply_gain(clip: Clip, gain: NDArray[np.float64]) -> Clip:
    """The clip times a gain that runs straight between the centres of the hops."""
    centres = (np.arange(len(gain)) + 0.5) * HOP_FRAMES
    samples = np.empty(clip.samples.shape, np.float32)
    for span in spans(clip.frames):
        factors = np.interp(np.arange(span.start, span.stop) + 0.5, centres, gain).astype(np.float32)
        np.multiply(clip.samples[:, span], factors, out=samples[:, span])
    return Clip(samples, clip.sample_rate)
