"""Tuning and pitch classes of polyphonic sound."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from descant.dsp.stft import frame_count, magnitude_blocks

Floats = NDArray[np.float32]

_LOW_HZ, _HIGH_HZ = 120.0, 2000.0


def tuning_cents(mono: Floats, sample_rate: int, *, size: int = 8192, frames: int = 240) -> float:
    """Deviation of the tuning from A = 440 Hz, from the spectral peaks of frames spread over the recording.

    Args:
        mono: Samples, shape [samples].
        sample_rate: Frames per second.
        size: FFT length in samples.
        frames: At most how many frames are looked at.

    Returns:
        Cents, -50..50; 0 when there are no peaks.
    """
    hop = size // 4
    total = frame_count(len(mono), hop)
    wanted = np.unique(np.linspace(0, total - 1, min(frames, total)).astype(np.int64))
    bin_hz = sample_rate / size
    low, high = int(_LOW_HZ / bin_hz), int(_HIGH_HZ / bin_hz)
    mean = 0j
    for block in magnitude_blocks(mono, size, hop, frames=wanted):
        band = block[:, low - 1 : high + 1]
        middle, left, right = band[:, 1:-1], band[:, :-2], band[:, 2:]
        loud = middle > 0.05 * band.max(axis=1, keepdims=True)
        rows, columns = np.nonzero((middle > left) & (middle >= right) & loud & (middle > 1e-5))
        a, b, c = (np.log(x[rows, columns] + 1e-12) for x in (left, middle, right))
        offset = 0.5 * (a - c) / (a - 2 * b + c - 1e-12)
        hz = (columns + low + offset) * bin_hz
        phase = 2j * np.pi * 12.0 * np.log2(hz / 440.0)
        mean += complex((np.sqrt(middle[rows, columns]) * np.exp(phase)).sum())
    return float(np.angle(mean) / (2 * np.pi) * 100.0) if mean != 0 else 0.0


def chroma_from_pitch_bands(bands: Floats, *, lowest: int, per_semitone: int) -> Floats:
    """Fold bands that are equally spaced in pitch into twelve pitch classes.

    Args:
        bands: Shape [frames, semitones * per_semitone].
        lowest: MIDI number of the first semitone.
        per_semitone: Bands in a semitone; the middle one is taken.

    Returns:
        Shape [frames, 12], C first; each frame sums to 1, or is all zero.
    """
    semitones = bands[:, per_semitone // 2 :: per_semitone]
    chroma = np.zeros((len(bands), 12), np.float32)
    for index in range(semitones.shape[1]):
        chroma[:, (lowest + index) % 12] += semitones[:, index]
    total = chroma.sum(axis=1, keepdims=True)
    unit: Floats = (chroma / np.where(total > 0, total, 1.0)).astype(np.float32)
    return unit
