"""Short-time spectra of mid and side around given samples, block by block."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import scipy.fft
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Spectra = NDArray[np.complex64]

_BLOCK = 256


def hann(size: int) -> Floats:
    """A periodic Hann window."""
    return np.hanning(size + 1)[:-1].astype(np.float32)


def mid_side(samples: Floats) -> Floats:
    """[1 or 2, samples] to mid and side, [2, samples]; the side of one channel is silence."""
    if len(samples) == 1:
        return np.stack([samples[0], np.zeros_like(samples[0])])
    return np.stack([0.5 * (samples[0] + samples[1]), 0.5 * (samples[0] - samples[1])])


def spectra(
    signal: Floats, centres: NDArray[np.int64], size: int, padded: int | None = None
) -> Iterator[tuple[slice, Spectra]]:
    """Spectra under a Hann window.

    Args:
        signal: [channels, samples]; silence beyond both ends.
        centres: Sample at the middle of each frame, rising.
        size: Of the window.
        padded: Of the transform; None is the window's.

    Yields:
        Which frames, and their spectra [channels, frames, bins].
    """
    window = hann(size)
    offsets = np.arange(size)
    for first in range(0, len(centres), _BLOCK):
        starts = centres[first : first + _BLOCK] - size // 2
        low, high = int(starts[0]), int(starts[-1]) + size
        part = signal[:, max(low, 0) : max(high, 0)]
        part = np.pad(part, ((0, 0), (max(-low, 0), max(0, high - max(low, 0) - part.shape[1]))))
        cut = part[:, (starts - low)[:, np.newaxis] + offsets] * window
        yield slice(first, first + len(starts)), scipy.fft.rfft(cut, padded or size, axis=-1)
