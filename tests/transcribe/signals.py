"""Deterministic signals and maps, from which golden values were made with the published package."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 22_050


def tune_with_bends() -> NDArray[np.float32]:
    """Eight seconds of decaying harmonic tones: a scale, chords, a bent note, a repeated note, a pause."""
    frames = 8 * SAMPLE_RATE
    out = np.zeros(frames)
    notes = [(0.2 + 0.3 * i, 0.28, p, 0.0) for i, p in enumerate((60, 62, 64, 65, 67))]
    notes += [(1.9, 1.0, p, 0.0) for p in (48, 55, 64, 72)]
    notes += [(3.1, 0.9, 69, 1.5), (4.6, 0.25, 57, 0.0), (4.9, 0.25, 57, 0.0), (5.2, 0.6, 57, 0.0)]
    notes += [(6.0, 1.6, p, 0.0) for p in (45, 52, 61)]
    for start, length, pitch, bend in notes:
        first, count = int(start * SAMPLE_RATE), int(length * SAMPLE_RATE)
        t = np.arange(count) / SAMPLE_RATE
        hz = 440.0 * 2.0 ** ((pitch + bend * np.sin(np.pi * t / length) - 69.0) / 12.0)
        phase = 2.0 * np.pi * np.cumsum(hz) / SAMPLE_RATE
        tone = sum(np.sin(k * phase) / k**1.2 for k in range(1, 8))
        out[first : first + count] += tone * np.exp(-2.0 * t / length) * np.minimum(1.0, t / 0.004)
    return (0.2 * out).astype(np.float32)


def random_maps(seed: int, frames: int = 400) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Notes, onsets and contours of plausible shape: smooth blobs on a weak floor."""
    rng = np.random.default_rng(seed)
    notes = rng.uniform(0.0, 0.25, (frames, 88))
    onsets = rng.uniform(0.0, 0.2, (frames, 88))
    contours = rng.uniform(0.0, 0.3, (frames, 264))
    for _ in range(60):
        start, length, pitch = int(rng.integers(frames - 40)), int(rng.integers(4, 80)), int(rng.integers(0, 88))
        end = min(start + length, frames)
        notes[start:end, pitch] = np.maximum(notes[start:end, pitch], rng.uniform(0.2, 0.95, end - start))
        onsets[start, pitch] = rng.uniform(0.3, 1.0)
        centre = int(np.clip(3 * pitch + rng.integers(-4, 5), 0, 263))
        contours[start:end, centre] = rng.uniform(0.4, 1.0, end - start)
    return tuple(np.round(m, 5).astype(np.float32) for m in (notes, onsets, contours))  # type: ignore[return-value]
