"""Correlation of recordings: of waveforms against lag, of spectra moment by moment, of onsets against lag.

These are the pictures that student projects compare songs by. They find a lag and prove that samples were used again;
whether two recordings are the same music they do not tell (`dsp.likeness` does).
"""

from __future__ import annotations

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from descant.audio.clip import Clip
from descant.audio.resample import resample
from descant.dsp.filters import mel_filters
from descant.dsp.onset import onset_strength
from descant.dsp.stft import filtered

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

SAMPLE_RATE = 11_025
MEL_FPS = SAMPLE_RATE / 256
BANDS = 64

_SIZE, _HOP = 1024, 256
_FLOOR_DB = 80.0


def lag_correlation(first: Doubles, second: Doubles, longest: int) -> Doubles:
    """Normalised cross-correlation of two sequences by FFT.

    Args:
        first: Shape [m].
        second: Shape [n].
        longest: Largest lag in samples.

    Returns:
        Shape [2 * longest + 1]: value i is the correlation with `second` moved back by i - `longest` samples, so that
        a peak at a positive lag means that `second` is late. Zeros where one of them is silent.
    """
    norm = float(np.linalg.norm(first) * np.linalg.norm(second))
    if norm == 0.0:
        return np.zeros(2 * longest + 1)
    size = scipy.fft.next_fast_len(len(first) + len(second) + longest, real=True)
    spectrum = np.conj(scipy.fft.rfft(first, size)) * scipy.fft.rfft(second, size)
    circular = scipy.fft.irfft(spectrum, size)
    lags: Doubles = np.concatenate([circular[size - longest :], circular[: longest + 1]]) / norm
    return lags


def mono_at(clip: Clip, sample_rate: int = SAMPLE_RATE) -> Floats:
    """A recording as one channel at the rate of this module, shape [samples]."""
    samples: Floats = np.ascontiguousarray(resample(clip.to_mono(), sample_rate).samples[0])
    return samples


def mel_db(mono: Floats) -> Floats:
    """Mel spectrum in decibels below the loudest, 43 frames a second at 11.025 kHz, shape [frames, 64], -80..0."""
    bands = filtered(mono, _SIZE, _HOP, mel_filters(SAMPLE_RATE, _SIZE, BANDS, 40.0, 5_500.0))
    loudest = max(float(bands.max(initial=0.0)), 1e-9)
    levels: Floats = np.maximum(20.0 * np.log10(bands / np.float32(loudest) + 1e-9), -_FLOOR_DB).astype(np.float32)
    return levels


def moments(frames: Floats, count: int) -> Floats:
    """The mean of each of `count` equal stretches of a sequence of frames, shape [count, bands]."""
    edges = np.linspace(0, len(frames), count + 1).astype(int)
    starts = np.minimum(edges[:-1], len(frames) - 1)
    sums = np.add.reduceat(frames, starts, axis=0)
    lengths = np.diff([*starts, len(frames)])
    means: Floats = (sums / np.maximum(lengths, 1)[:, np.newaxis]).astype(np.float32)
    return means


def correlation_matrix(first: Floats, second: Floats) -> Floats:
    """Pearson's correlation of every row of one with every row of the other, shapes [m, d] and [n, d] to [m, n].

    What all rows of a side share is taken off first: else any two spectra of music are alike, loud below, soft above.
    """
    left, right = (_unit_rows(rows - rows.mean(axis=0)) for rows in (first, second))
    result: Floats = left @ right.T
    return result


def _unit_rows(rows: Floats) -> Floats:
    centred = rows - rows.mean(axis=1, keepdims=True)
    norm = np.linalg.norm(centred, axis=1, keepdims=True)
    unit: Floats = centred / np.where(norm > 0, norm, 1.0)
    return unit


def onsets(levels_db: Floats) -> Doubles:
    """How suddenly a mel spectrum grows, without its mean, shape [frames]."""
    strength = onset_strength(levels_db, lag=2).astype(np.float64)
    centred: Doubles = strength - strength.mean() if len(strength) else strength
    return centred
