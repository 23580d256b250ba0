"""A small set of notes in NSynth's form, made by arithmetic: an organ that holds and a bell that decays, in stereo."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import soundfile

from descant.audio.clip import Clip
from descant.audio.resample import resample

RATE = 48_000
PITCHES = tuple(range(48, 84, 3))
VELOCITIES = (50, 100)
INSTRUMENTS = {"organ_electronic_000": ("organ", 0.0), "mallet_acoustic_000": ("mallet", 12.0)}


def made_note(
    pitch: float, velocity: int, fall_db_s: float, *, late_s: float = 0.0, side: float = 0.3, rate: int = RATE
) -> np.ndarray:
    """Four seconds in stereo: eight partials, 10 ms of attack, 120 dB/s of release after 3 s; shape [2, samples]."""
    time_s = np.arange(4 * rate) / rate - late_s
    level_db = -fall_db_s * time_s - 120.0 * np.maximum(time_s - 3.0, 0.0)
    shape = 0.3 * (velocity / 127) * np.clip(time_s / 0.01, 0.0, 1.0) * 10.0 ** (level_db / 20.0)
    hz = 440.0 * 2.0 ** ((pitch - 69) / 12)
    # Partials fade towards a fixed formant, so a note that is played faster sounds brighter than a recorded one.
    weights = [1.0 / k / (1.0 + (hz * k / 1500.0) ** 2) for k in range(1, 9)]
    mid = shape * sum(w * np.sin(2 * np.pi * hz * k * time_s) for k, w in enumerate(weights, 1))
    other = shape * sum(w * np.sin(2 * np.pi * hz * k * time_s + k) for k, w in enumerate(weights, 1))
    return np.stack([mid + side * other, mid - side * other]).astype(np.float32)


def make_note_set(root: Path, *, high: bool = True) -> Path:
    """Two instruments of twelve pitches and two velocities; SING's split holds some pitches out."""
    (root / "audio").mkdir(parents=True)
    if high:
        (root / "audio_48k").mkdir()
    index = {}
    for instrument, (family, fall) in INSTRUMENTS.items():
        for pitch in PITCHES:
            for velocity in VELOCITIES:
                name = f"{instrument}-{pitch:03d}-{velocity:03d}"
                samples = made_note(pitch, velocity, fall)
                low = resample(Clip(samples.mean(axis=0), RATE), 16_000).samples[0]
                soundfile.write(root / "audio" / f"{name}.wav", low, 16_000, subtype="PCM_16")
                if high:
                    soundfile.write(root / "audio_48k" / f"{name}.flac", samples.T, RATE, subtype="PCM_24")
                index[name] = {
                    "instrument_str": instrument,
                    "instrument_family_str": family,
                    "instrument_source_str": "acoustic",
                    "pitch": pitch,
                    "velocity": velocity,
                }
    (root / "examples.json").write_text(json.dumps(index))
    return root
