"""What the listening net looks at: a mel spectrum 50 times and a pitch spectrum 10 times a second."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray

from descant.audio.clip import Clip
from descant.dsp.chroma import tuning_cents
from descant.dsp.filters import mel_filters, pitch_filters
from descant.dsp.stft import filtered

Floats = NDArray[np.float32]

SAMPLE_RATE = 22_050
PULSE_HOP, PULSE_SIZE = 441, 1024
PULSE_FPS = SAMPLE_RATE / PULSE_HOP
MEL_BANDS, MEL_LOW_HZ, MEL_HIGH_HZ = 80, 30.0, 10_000.0
PITCH_HOP, PITCH_SIZE = 2205, 8192
PITCH_FPS = SAMPLE_RATE / PITCH_HOP
LOWEST_PITCH, SEMITONES, PER_SEMITONE = 24, 84, 3

_MEL_RANGE, _PITCH_RANGE = 100.0, 300.0
_FLOOR = 1e-4


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """Spectra of one recording; frame k of each lies at k times its hop.

    Attributes:
        mel: Compressed mel magnitudes, shape [frames at 50 per second, 80], about 0..5.
        pitch: Compressed magnitudes in thirds of semitones from C1, in tune, shape [frames at 10 per second, 252].
        tuning_cents: By how much the recording deviates from A = 440 Hz.
    """

    mel: Floats
    pitch: Floats
    tuning_cents: float


def mono_for_listening(clip: Clip) -> Floats:
    """The clip as mono samples at 22.05 kHz, of its own length even when that is shorter than the resampler's delay."""
    mono = np.ascontiguousarray(clip.to_mono().samples[0])
    if clip.sample_rate != SAMPLE_RATE and len(mono):
        mono = np.asarray(soxr.resample(mono, clip.sample_rate, SAMPLE_RATE), np.float32)
    return mono


def extract_features(mono: Floats) -> Features:
    """Features of mono samples at 22.05 kHz, shape [samples]."""
    tuning = tuning_cents(mono, SAMPLE_RATE, size=PITCH_SIZE)
    mel = filtered(
        mono, PULSE_SIZE, PULSE_HOP, mel_filters(SAMPLE_RATE, PULSE_SIZE, MEL_BANDS, MEL_LOW_HZ, MEL_HIGH_HZ)
    )
    bank = pitch_filters(
        SAMPLE_RATE,
        PITCH_SIZE,
        lowest=LOWEST_PITCH,
        semitones=SEMITONES,
        per_semitone=PER_SEMITONE,
        tuning_cents=tuning,
    )
    return Features(
        _compressed(mel, _MEL_RANGE),
        _compressed(filtered(mono, PITCH_SIZE, PITCH_HOP, bank), _PITCH_RANGE),
        tuning,
    )


def _compressed(bands: Floats, dynamic: float) -> Floats:
    """Logarithm above a floor that lies `dynamic` times below the loudest frames, whatever the recording's level."""
    loudest = max(float(np.quantile(bands.max(axis=1), 0.95)), _FLOOR)
    compressed: Floats = np.log1p(bands * np.float32(dynamic / loudest))
    return compressed
