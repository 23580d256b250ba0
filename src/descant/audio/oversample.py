"""What the waveform does between its samples: fourfold oversampled peaks, as ITU-R BS.1770-4 annex 2 asks for."""

from __future__ import annotations

from functools import cache

import numpy as np
import scipy.fft
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from descant.audio.clip import Samples

FACTOR = 4
REACH = 24
"""Frames on either side that a value between two samples depends on."""

_TAPS = 2 * REACH
_FFT_FRAMES = 4096
_STEP = _FFT_FRAMES - _TAPS + 1
_BLOCKS_AT_ONCE = 64
_KAISER_BETA = 7.0


def interval_peaks(samples: Samples) -> NDArray[np.float32]:
    """The largest magnitude from each sample up to the next one, at four points.

    Args:
        samples: Shape [channels, frames]; taken as zero outside.

    Returns:
        float32 [channels, frames]. The true peak of the audio is the maximum.
    """
    channels, frames = samples.shape
    if frames == 0:
        return np.zeros((channels, 0), np.float32)
    blocks = -(-frames // _STEP)
    before, after = REACH - 1, blocks * _STEP - frames + REACH
    padded = np.pad(samples, ((0, 0), (before, after)))
    windows = sliding_window_view(padded, _FFT_FRAMES, axis=1)[:, ::_STEP]
    between = np.empty((channels, blocks, _STEP), np.float32)
    spectra = _spectra()
    for first in range(0, blocks, _BLOCKS_AT_ONCE):
        part = slice(first, first + _BLOCKS_AT_ONCE)
        spectrum = scipy.fft.rfft(windows[:, part], axis=-1)
        peaks = np.zeros((channels, spectrum.shape[1], _STEP), np.float32)
        for kernel in spectra:
            values = scipy.fft.irfft(spectrum * kernel, n=_FFT_FRAMES, axis=-1)[..., _TAPS - 1 :]
            np.maximum(peaks, np.abs(values), out=peaks)
        between[:, part] = peaks
    return np.maximum(np.abs(samples), between.reshape(channels, -1)[:, :frames])


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
