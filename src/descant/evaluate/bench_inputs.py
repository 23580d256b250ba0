"""Input of any length for benchmarks, made on the spot: a song, a voice, a score, stems. Same length, same bytes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from descant.audio.clip import Clip
from descant.audio.io import AudioWriter
from descant.score.midi import write_midi
from descant.score.notes import Note, Score, Track
from descant.score.tempo import TempoMap

SAMPLE_RATE = 44_100
BPM = 120.0
TUNE = (64, 67, 67, 64, 62, 67, 71, 67, 69, 72, 72, 69, 65, 69, 67, 65)
CHORDS = ((48, 60, 64, 67), (43, 59, 62, 67), (45, 57, 60, 64), (41, 57, 60, 65))
PARTS = (  # name, program, notes a minute, length in quarters, lowest and highest key, whether drums
    ("vocals", 73, 100, 1.0, 60, 80, False),
    ("piano", 0, 500, 1.0, 48, 84, False),
    ("guitar", 25, 333, 1.0, 40, 70, False),
    ("bass", 33, 167, 0.9, 28, 50, False),
    ("pad", 89, 100, 4.0, 48, 72, False),
    ("drums", 0, 667, 0.25, 35, 52, True),
)

Floats = NDArray[np.float64]

_NOTE_S = 60.0 / BPM
_LOOP_S = len(TUNE) * _NOTE_S


def write_song(path: Path, seconds: float) -> Path:
    """A stereo song of a sung tune, chords and a beat, as 16-bit audio; written in pieces, so hours are possible."""
    voice, band = _voice(), _band()
    sides = np.stack([0.6 * voice + band, 0.6 * voice + 0.8 * np.roll(band, 300)])
    return _loop(path, sides, seconds)


def write_voice(path: Path, seconds: float) -> Path:
    """The same tune sung alone, mono."""
    return _loop(path, _voice()[np.newaxis], seconds)


def write_stems(folder: Path, seconds: float) -> list[Path]:
    """Four stereo stems."""
    voice, band = _voice(), _band()
    kick = _beat()
    parts = {"vocals": voice, "other": band - kick, "drums": kick, "bass": _tones([(c[0],) for c in CHORDS])}
    return [_loop(folder / f"{name}.wav", np.stack([part, part]), seconds) for name, part in parts.items()]


def write_score(path: Path, seconds: float) -> Path:
    """The busy score as MIDI."""
    return write_midi(path, busy_score(seconds))


def busy_score(seconds: float) -> Score:
    """A busy arrangement of six tracks with random notes, as many voices at once as dense pop has."""
    random = np.random.default_rng(0)
    tracks = []
    quarters = seconds * BPM / 60.0
    for name, program, a_minute, length, low, high, is_drum in PARTS:
        count = max(1, round(a_minute * seconds / 60.0))
        starts = random.uniform(0.0, max(1.0, quarters - 8.0), count)
        keys, velocities = random.integers(low, high, count), random.integers(40, 110, count)
        notes = (Note(float(s), length, int(k), int(v)) for s, k, v in zip(starts, keys, velocities, strict=True))
        tracks.append(Track(name, tuple(notes), program, is_drum))
    return Score(tuple(tracks), TempoMap.constant(BPM))


def _loop(path: Path, samples: Floats, seconds: float) -> Path:
    piece = Clip((0.5 * samples).astype(np.float32), SAMPLE_RATE)
    left = round(seconds * SAMPLE_RATE)
    with AudioWriter(path, SAMPLE_RATE, piece.channels, subtype="PCM_16") as writer:
        while left > 0:
            writer.write(Clip(piece.samples[:, :left], SAMPLE_RATE))
            left -= piece.frames
    return path


def _voice() -> Floats:
    frames = round(_NOTE_S * SAMPLE_RATE)
    keys = np.repeat(np.array(TUNE, float), frames)
    time = np.arange(len(keys)) / SAMPLE_RATE
    vibrato = 0.2 * np.sin(2 * np.pi * 5.5 * time)
    phase = np.cumsum(2 * np.pi * 440.0 * 2.0 ** ((keys + vibrato - 69.0) / 12.0) / SAMPLE_RATE)
    shape = np.concatenate([np.linspace(0, 1, 1_200), np.ones(frames - 4_200), np.linspace(1, 0, 3_000)])
    sung: Floats = sum(np.sin(k * phase) / k**1.5 for k in range(1, 9)) * np.tile(shape, len(TUNE)) * 0.3
    return sung


def _band() -> Floats:
    return _tones(CHORDS) + _beat()


def _tones(chords: list[tuple[int, ...]] | tuple[tuple[int, ...], ...]) -> Floats:
    length = round(_LOOP_S / len(chords) * SAMPLE_RATE)
    time = np.arange(length) / SAMPLE_RATE
    bars = [
        sum(np.sin(2 * np.pi * 440.0 * 2.0 ** ((key - 69) / 12) * k * time) / k for key in chord for k in (1, 2, 3))
        for chord in chords
    ]
    return 0.05 * np.concatenate(bars)


def _beat() -> Floats:
    frames = round(_NOTE_S * SAMPLE_RATE)
    time = np.arange(frames) / SAMPLE_RATE
    noise = np.random.default_rng(1).standard_normal(frames) * np.exp(-60 * time)
    kick = np.exp(-30 * time) * np.sin(2 * np.pi * 60 * time)
    return np.tile(np.concatenate([0.4 * kick, 0.05 * noise + 0.1 * kick]), len(TUNE) // 2)
