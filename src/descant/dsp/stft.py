"""Short-time spectra, projected onto filter banks block by block so that memory follows the bands, not the bins."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import scipy.fft
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_BLOCK_FRAMES = 512


def frame_count(samples: int, hop: int) -> int:
    """Number of centred frames: frame k is centred on sample k * hop."""
    return 1 + samples // hop


def magnitude_blocks(mono: Floats, size: int, hop: int, *, frames: NDArray[np.int64] | None = None) -> Iterator[Floats]:
    """Magnitude spectra with a Hann window, in blocks of frames.

    Args:
        mono: Samples, shape [samples]; taken as zero beyond both ends.
        size: Window and FFT length in samples.
        hop: Distance between frame centres in samples.
        frames: Indices of the wanted frames, rising; all when None.

    Yields:
        Magnitudes, shape [frames of the block, size // 2 + 1], scaled so that a full-scale sine reads about 1.
    """
    window = np.hanning(size + 1)[:-1].astype(np.float32)
    window *= np.float32(2.0 / window.sum())
    wanted = np.arange(frame_count(len(mono), hop)) if frames is None else frames
    offsets = np.arange(size)
    for first in range(0, len(wanted), _BLOCK_FRAMES):
        starts = wanted[first : first + _BLOCK_FRAMES] * hop - size // 2
        low, high = int(starts[0]), int(starts[-1]) + size
        part = mono[max(low, 0) : max(high, 0)]
        part = np.pad(part, (max(-low, 0), max(high - low - max(-low, 0) - len(part), 0)))
        cut = part[(starts - low)[:, np.newaxis] + offsets]
        yield np.abs(scipy.fft.rfft(cut * window, axis=1)).astype(np.float32)


def filtered(mono: Floats, size: int, hop: int, filters: Floats) -> Floats:
    """Magnitude spectra through a filter bank.

    Args:
        mono: Samples, shape [samples].
        size: Window and FFT length in samples.
        hop: Distance between frame centres in samples.
        filters: Shape [bands, size // 2 + 1].

    Returns:
        Band magnitudes, shape [1 + samples // hop, bands].
    """
    weights = np.ascontiguousarray(filters.T)
    return np.concatenate([block @ weights for block in magnitude_blocks(mono, size, hop)])
