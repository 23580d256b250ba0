"""How fast systems make notes: warm, one voice and sixteen, in seconds of sound per second."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median

import torch

from descant.audio.clip import Clip
from descant.data.notes.note_set import NoteItem
from descant.evaluate.instrument_systems import ChordMaker, NoteMaker
from descant.progress import Monitor

VOICES = 16

QUOTED = (
    ("SING, the published code run as is on 2 cores", 16_000, 1, 29.0),
    ("SING, by its authors on a GPU", 16_000, 1, 512.0),
    ("NSynth's WaveNet autoencoder, by SING's authors on a GPU", 16_000, 1, 0.2),
)
"""Figures of others, not measured here: name, rate in Hz, channels, seconds of sound per second."""

_NOTES, _CHORDS = 5, 3


@dataclass(frozen=True, slots=True)
class Speed:
    """What a system takes for notes of an instrument.

    Attributes:
        sample_rate: Of its sound, in Hz.
        channels: Likewise.
        one: Seconds of sound per second of waiting, one voice.
        chord: The same for a chord of sixteen: 1 or more can be played live.
        first_s: The first note after loading, in seconds.
    """

    sample_rate: int
    channels: int
    one: float
    chord: float
    first_s: float


def speed_of(maker: NoteMaker, notes: Sequence[NoteItem], monitor: Monitor) -> Speed:
    """Measure a system on this machine: medians of five notes, and of three chords.

    Args:
        maker: The system; its first note (loading, compiling) is kept apart.
        notes: What to play, in turn.
        monitor: Progress of this step.

    Raises:
        Cancelled: The monitor was asked to stop.
        InputNotFound: The system does not play one of the instruments.
    """
    asked = [notes[n % len(notes)] for n in range(_NOTES + 1)]
    first_s, clip = _timed(lambda: _note(maker, asked[0]))
    alone: list[float] = []
    together: list[float] = []
    for note in asked[1:]:
        monitor.report(len(alone) / (_NOTES + _CHORDS), maker.name)
        alone.append(_timed(partial(_note, maker, note))[0])
    for note in asked[1 : 1 + _CHORDS]:
        monitor.report((_NOTES + len(together)) / (_NOTES + _CHORDS), maker.name)
        together.append(_timed(partial(_chord, maker, note))[0])
    one, chord = (clip.duration_s / max(median(times), 1e-9) for times in (alone, together))
    return Speed(clip.sample_rate, clip.channels, one, chord, first_s)


def described_machine() -> str:
    """What figures of speed depend on."""
    return f"{torch.get_num_threads()} thread(s) of PyTorch {torch.__version__}"


def _note(maker: NoteMaker, note: NoteItem) -> Clip:
    return maker.play(note.instrument, note.pitch, note.velocity)


def _chord(maker: NoteMaker, note: NoteItem) -> Clip:
    """Sixteen keys about a note's, summed."""
    lowest = min(max(note.pitch - VOICES // 2, 0), 127 - VOICES)
    pitches = range(lowest, lowest + VOICES)
    if isinstance(maker, ChordMaker):
        return maker.play_together(note.instrument, pitches, note.velocity)
    voices = [maker.play(note.instrument, pitch, note.velocity) for pitch in pitches]
    return Clip(sum((voice.samples for voice in voices[1:]), voices[0].samples), voices[0].sample_rate)


def _timed(make: Callable[[], Clip]) -> tuple[float, Clip]:
    began = time.perf_counter()
    clip = make()
    return time.perf_counter() - began, clip
