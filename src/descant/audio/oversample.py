"""What the waveform does between its samples: fourfold oversampled peaks, as ITU-R BS.1770-4 annex 2 asks for."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np
import scipy.fft
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from descant.audio.clip import Samples
from descant.audio.spans import spans

FACTOR = 4
REACH = 24
"""Frames on either side that a value between two samples depends on."""

_TAPS = 2 * REACH
_FFT_FRAMES = 4096
_STEP = 4048  # what the FFT leaves room for, in whole hops of the limiter
_BLOCKS_AT_ONCE = 16
_KAISER_BETA = 7.0


def interval_peaks(samples: Samples) -> NDArray[np.float32]:
    """The largest magnitude from each sample up to the next one, at four points.

    Args:
        samples: Shape [channels, frames]; taken as zero outside.

    Returns:
        float32 [channels, frames]. The true peak of the audio is the maximum.
    """
    peaks = np.empty(samples.shape, np.float32)
    for span, part in interval_peaks_by_span(samples):
        peaks[:, span] = part
    return peaks


def interval_peaks_by_span(samples: Samples) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """`interval_peaks` piece by piece: where it lies, and its values; each piece but the last has whole hops."""
    channels, frames = samples.shape
    for span in spans(frames, _BLOCKS_AT_ONCE * _STEP):
        blocks = -(-(span.stop - span.start) // _STEP)
        padded = np.zeros((channels, (blocks - 1) * _STEP + _FFT_FRAMES), np.float32)
        first = max(0, span.start - REACH + 1)
        known = samples[:, first : span.start - REACH + 1 + padded.shape[1]]
        offset = first - (span.start - REACH + 1)
        padded[:, offset : offset + known.shape[1]] = known
        spectrum = scipy.fft.rfft(sliding_window_view(padded, _FFT_FRAMES, axis=1)[:, ::_STEP], axis=-1)
        peaks = np.zeros((channels, blocks, _STEP), np.float32)
        for kernel in _spectra():
            values = scipy.fft.irfft(spectrum * kernel, n=_FFT_FRAMES, axis=-1)[..., _TAPS - 1 : _TAPS - 1 + _STEP]
            np.maximum(peaks, np.abs(values), out=peaks)
        yield span, np.maximum(np.abs(samples[:, span]), peaks.reshape(channels, -1)[:, : span.stop - span.start])


@cache
def _spectra() -> tuple[NDArray[np.complex64], ...]:
    """Transfer functions of the interpolators for 1/4, 2/4 and 3/4 of the way to the next sample."""
    taps = np.arange(_TAPS) - (REACH - 1)
    spectra = []
    for phase in range(1, FACTOR):
        distance = taps - phase / FACTOR
        window = np.i0(_KAISER_BETA * np.sqrt(1 - (distance / REACH) ** 2)) / np.i0(_KAISER_BETA)
        kernel = np.sinc(distance) * window
        kernel /= kernel.sum()
        # Overlap-save convolves with the kernel reversed: tap k multiplies the sample k frames ahead.
        spectra.append(scipy.fft.rfft(kernel[::-1].astype(np.float32), n=_FFT_FRAMES))
    return tuple(spectra)
