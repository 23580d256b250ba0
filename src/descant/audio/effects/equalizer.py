"""Biquad equaliser: shelves, peak, high-pass and low-pass, after R. Bristow-Johnson's "Audio EQ Cookbook"."""

from __future__ import annotations

import math

import numpy as np
from scipy.signal import sosfilt

from descant.audio.clip import Clip
from descant.audio.spans import spans
from descant.errors import InvalidOption

_BUTTERWORTH = math.sqrt(0.5)
_Coefficients = tuple[float, float, float, float, float, float]


def low_shelf(clip: Clip, frequency_hz: float, gain_db: float, *, q: float = _BUTTERWORTH) -> Clip:
    """Everything below a frequency louder (or softer) by `gain_db`; at the frequency itself half of it."""
    amplitude, cosine, alpha = _design(clip, frequency_hz, q, gain_db)
    root = 2 * math.sqrt(amplitude) * alpha
    more, less = amplitude + 1, amplitude - 1
    return _filter(
        clip,
        (
            amplitude * (more - less * cosine + root),
            2 * amplitude * (less - more * cosine),
            amplitude * (more - less * cosine - root),
            more + less * cosine + root,
            -2 * (less + more * cosine),
            more + less * cosine - root,
        ),
    )


def high_shelf(clip: Clip, frequency_hz: float, gain_db: float, *, q: float = _BUTTERWORTH) -> Clip:
    """Everything above a frequency louder (or softer) by `gain_db`; at the frequency itself half of it."""
    amplitude, cosine, alpha = _design(clip, frequency_hz, q, gain_db)
    root = 2 * math.sqrt(amplitude) * alpha
    more, less = amplitude + 1, amplitude - 1
    return _filter(
        clip,
        (
            amplitude * (more + less * cosine + root),
            -2 * amplitude * (less + more * cosine),
            amplitude * (more + less * cosine - root),
            more - less * cosine + root,
            2 * (less - more * cosine),
            more - less * cosine - root,
        ),
    )


def peak(clip: Clip, frequency_hz: float, gain_db: float, *, q: float = 1.0) -> Clip:
    """A bell of `gain_db` around a frequency; larger `q` is narrower."""
    amplitude, cosine, alpha = _design(clip, frequency_hz, q, gain_db)
    return _filter(
        clip,
        (
            1 + alpha * amplitude,
            -2 * cosine,
            1 - alpha * amplitude,
            1 + alpha / amplitude,
            -2 * cosine,
            1 - alpha / amplitude,
        ),
    )


def high_pass(clip: Clip, frequency_hz: float, *, q: float = _BUTTERWORTH) -> Clip:
    """Everything below a frequency removed, 12 dB per octave, 3 dB down at the frequency."""
    _, cosine, alpha = _design(clip, frequency_hz, q, 0.0)
    edge = (1 + cosine) / 2
    return _filter(clip, (edge, -2 * edge, edge, 1 + alpha, -2 * cosine, 1 - alpha))


def low_pass(clip: Clip, frequency_hz: float, *, q: float = _BUTTERWORTH) -> Clip:
    """Everything above a frequency removed, 12 dB per octave, 3 dB down at the frequency."""
    _, cosine, alpha = _design(clip, frequency_hz, q, 0.0)
    edge = (1 - cosine) / 2
    return _filter(clip, (edge, 2 * edge, edge, 1 + alpha, -2 * cosine, 1 - alpha))


def _design(clip: Clip, frequency_hz: float, q: float, gain_db: float) -> tuple[float, float, float]:
    """Amplitude, cosine and bandwidth term that all the recipes share."""
    if not 0 < frequency_hz < clip.sample_rate / 2:
        raise InvalidOption(
            f"A filter at {frequency_hz} Hz is impossible at a sample rate of {clip.sample_rate} Hz.",
            f"Choose a frequency between 0 and {clip.sample_rate / 2:g} Hz.",
        )
    if q <= 0:
        raise InvalidOption(f"A filter with a Q of {q} is impossible.", "Choose a positive Q, for instance 0.7.")
    angle = 2 * math.pi * frequency_hz / clip.sample_rate
    return 10.0 ** (gain_db / 40.0), math.cos(angle), math.sin(angle) / (2 * q)


def _filter(clip: Clip, coefficients: _Coefficients) -> Clip:
    section = np.array([coefficients]) / coefficients[3]
    state = np.zeros((1, clip.channels, 2))
    result = np.empty(clip.samples.shape, np.float32)
    for span in spans(clip.frames):
        result[:, span], state = sosfilt(section, clip.samples[:, span].astype(np.float64), axis=-1, zi=state)
    return Clip(result, clip.sample_rate)
