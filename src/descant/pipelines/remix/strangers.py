"""Other songs: what every likeness is measured against, so that a number says something.

They are invented (`data.invent`) and played, so that they are the same everywhere and belong to nobody.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from descant.audio.io import write
from descant.data.invent import chord_pitches, invent_song
from descant.instrument.api import play
from descant.pipelines.records import write_record
from descant.progress import Monitor
from descant.score.harmony import Key
from descant.score.notes import Note, Score, Track

if TYPE_CHECKING:  # who calls a step is no part of its address
    from descant.pipelines.graph import Inputs

SAMPLE_RATE = 22_050
SONGS = "songs.record.json"

_PROGRAMS = (0, 24, 48)
_LOWEST_CHORD, _LOWEST_BASS = 52, 36


@dataclass(frozen=True, slots=True)
class StrangerOptions:
    """Seeds, one a song, and how long each is."""

    seeds: tuple[int, ...] = (1, 2, 3)
    bars: int = 48


@dataclass(frozen=True, slots=True)
class Stranger:
    """What is true of an invented song: its file, key, and beats in seconds."""

    file: str
    key: Key
    beats_s: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Strangers:
    """All of them."""

    songs: tuple[Stranger, ...]


def invent(inputs: Inputs, options: StrangerOptions, folder: Path, monitor: Monitor) -> None:
    """Melody, chords and bass of invented songs, played."""
    songs = []
    for number, seed in enumerate(options.seeds):
        part = monitor.part("inventing", number / len(options.seeds), (number + 1) / len(options.seeds))
        song = _played_score(invent_song(np.random.default_rng(seed), bars=options.bars), number)
        stems = play(
            song, soundfont=inputs["soundfont"], sample_rate=SAMPLE_RATE, progress=part.sink, cancel=monitor.cancel
        )
        file = f"{seed}.wav"
        write(folder / file, stems.mix().to_mono(), subtype="PCM_16")
        assert song.key is not None
        beats = song.tempo.seconds_at(np.arange(int(song.end))).tolist()
        songs.append(Stranger(file, song.key, tuple(beats)))
    write_record(folder / SONGS, Strangers(tuple(songs)))


def _played_score(song: Score, number: int) -> Score:
    chords = [
        Note(span.start, span.end - span.start, pitch, 70)
        for span in song.chords
        for pitch in chord_pitches(span.chord, _LOWEST_CHORD)
    ]
    bass = [
        Note(span.start, span.end - span.start, _LOWEST_BASS + span.chord.root, 85)
        for span in song.chords
        if span.chord.root is not None
    ]
    melody = replace(song.tracks[0], program=73)
    harmony = Track("chords", tuple(chords), _PROGRAMS[number % len(_PROGRAMS)])
    return song.with_tracks((melody, harmony, Track("bass", tuple(bass), 33)))
