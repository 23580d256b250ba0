"""Whether a recording is one voice alone: what sounds beside the harmonics of its melody, and below them.

One voice has its energy at multiples of its pitch and none below it. A band has it elsewhere, too: chords between the
multiples, bass and drums below. Noise and rooms put some between, hardly any below.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from descant.nets.source_filter import FPS
from descant.nets.whisper_encoder import SAMPLE_RATE

Floats = NDArray[np.float32]

_WINDOW = 2048
_EVERY = 5
"""Frames of 10 ms from one look to the next."""

_LOWEST_HZ, _HIGHEST_HZ = 60.0, 3_000.0
_NEAR_HZ, _NEAR_SHARE, _NEAREST = 25.0, 0.01, 0.25
_BELOW = 0.75
_FAINTEST = 1e-4
_LEAST_HARMONIC, _MOST_BELOW = 0.82, 0.004


@dataclass(frozen=True, slots=True)
class Aloneness:
    """Medians over the voiced frames of a recording; `benchmarks/reference_alone.py` measures voices and songs.

    Attributes:
        harmonic: Share of the energy (60 to 3000 Hz) that lies at multiples of the pitch.
        below: Share that lies below three quarters of the pitch.
    """

    harmonic: float
    below: float

    @property
    def is_alone(self) -> bool:
        """Whether this may be one voice: only what fails in both is taken for music, as noise alone fails in one."""
        return self.harmonic >= _LEAST_HARMONIC or self.below <= _MOST_BELOW


def aloneness(mono: Floats, f0_hz: Floats, voiced: NDArray[np.bool_]) -> Aloneness:
    """Measure a recording.

    Args:
        mono: [samples] at 16 kHz.
        f0_hz: [frames] at 100 a second.
        voiced: Of the same frames.

    Returns:
        Both shares; 1 and 0, as of a voice, where nothing can be measured.
    """
    hop, half = SAMPLE_RATE // FPS, _WINDOW // 2
    frames = np.flatnonzero(voiced)
    frames = frames[(frames * hop >= half) & (frames * hop + half <= len(mono))][::_EVERY]
    if not len(frames):
        return Aloneness(1.0, 0.0)
    cut = np.stack([mono[frame * hop - half : frame * hop + half] for frame in frames])
    hz = np.fft.rfftfreq(_WINDOW, 1.0 / SAMPLE_RATE)
    heard = (hz >= _LOWEST_HZ) & (hz <= _HIGHEST_HZ)
    power = np.square(np.abs(np.fft.rfft(cut * np.hanning(_WINDOW), axis=1)))[:, heard]
    total = power.sum(axis=1)
    loud = total > _FAINTEST * total.max()
    if not loud.any():
        return Aloneness(1.0, 0.0)
    power, total, pitch, hz = power[loud], total[loud], f0_hz[frames][loud, np.newaxis], hz[heard][np.newaxis]
    multiple = np.maximum(np.round(hz / pitch), 1.0)
    is_near = np.abs(hz - multiple * pitch) < np.minimum(_NEAREST * pitch, _NEAR_HZ + _NEAR_SHARE * hz)
    harmonic = (power * is_near).sum(axis=1) / total
    below = (power * (hz < _BELOW * pitch)).sum(axis=1) / total
    return Aloneness(float(np.median(harmonic)), float(np.median(below)))
