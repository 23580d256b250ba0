"""Filter banks over FFT bins: mel bands for timbre and onsets, fractions of semitones for harmony."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from descant.dsp.pitch import midi_to_hz

Floats = NDArray[np.float32]


def mel_filters(sample_rate: int, size: int, bands: int, low_hz: float, high_hz: float) -> Floats:
    """Triangles equally spaced in mel (O'Shaughnessy's formula), each of area one.

    Returns:
        Shape [bands, size // 2 + 1].
    """
    low, high = (2595.0 * np.log10(1.0 + hz / 700.0) for hz in (low_hz, high_hz))
    corners = 700.0 * (10.0 ** (np.linspace(low, high, bands + 2) / 2595.0) - 1.0)
    return _triangles(corners, sample_rate, size)


def slaney_filters(sample_rate: int, size: int, bands: int) -> Floats:
    """The mel filters of Slaney's Auditory Toolbox, up to the Nyquist frequency, as Whisper and GE2E hear.

    Linear in frequency below 1 kHz, logarithmic above; triangles of one area per hertz, exact also where they are
    narrower than a bin.

    Returns:
        Shape [bands, size // 2 + 1].
    """
    step_hz, knee_hz, octave = 200.0 / 3.0, 1000.0, np.log(6.4) / 27.0
    knee = knee_hz / step_hz
    top_hz = sample_rate / 2.0
    top = knee + np.log(top_hz / knee_hz) / octave if top_hz > knee_hz else top_hz / step_hz
    mel = np.linspace(0.0, top, bands + 2)
    corners = np.where(mel < knee, mel * step_hz, knee_hz * np.exp(octave * (mel - knee)))
    hz = np.arange(size // 2 + 1) * sample_rate / size
    low, centre, high = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    weights = np.maximum(0.0, np.minimum((hz - low) / (centre - low), (high - hz) / (high - centre)))
    filters: Floats = (weights * 2.0 / (high - low)).astype(np.float32)
    return filters


def pitch_filters(
    sample_rate: int, size: int, *, lowest: int, semitones: int, per_semitone: int, tuning_cents: float = 0.0
) -> Floats:
    """Triangles equally spaced in pitch, each of area one and never narrower than one FFT bin to each side.

    Args:
        sample_rate: Frames per second of the audio.
        size: FFT length in samples.
        lowest: MIDI number of the lowest semitone.
        semitones: How many semitones are covered.
        per_semitone: Bands in a semitone (odd, so that one sits on the pitch itself).
        tuning_cents: Deviation of the recording from A = 440 Hz.

    Returns:
        Shape [semitones * per_semitone, size // 2 + 1]; the middle band of each semitone is in tune.
    """
    count = semitones * per_semitone
    steps = np.arange(-1, count + 1) / per_semitone - (per_semitone // 2) / per_semitone
    return _triangles(midi_to_hz(lowest + steps + tuning_cents / 100.0), sample_rate, size)


def _triangles(corners_hz: NDArray[np.float64], sample_rate: int, size: int) -> Floats:
    bin_hz = sample_rate / size
    bins = np.arange(size // 2 + 1) * bin_hz
    low, centre, high = corners_hz[:-2, None], corners_hz[1:-1, None], corners_hz[2:, None]
    rise = (bins - centre) / np.maximum(centre - low, bin_hz)
    fall = (centre - bins) / np.maximum(high - centre, bin_hz)
    weights = np.maximum(0.0, 1.0 + np.minimum(rise, fall))
    total = weights.sum(axis=1, keepdims=True)
    return (weights / np.where(total > 0, total, 1.0)).astype(np.float32)
