"""Groove MIDI (Gillick et al., ICML 2019): drummers on an electronic kit, played to a metronome, with their splits."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from descant.data.archive import Archive
from descant.data.splits import Split
from descant.errors import InputNotFound
from descant.score.midi_reader import score_from_midi
from descant.score.notes import Score, Track
from descant.score.smf import parse_midi
from descant.score.tempo import TempoMap, TimeSignature

ROLAND_TO_GM = {22: 42, 26: 46, 58: 43}
"""Keys of the Roland kit that General MIDI lacks (edges of hi-hat and tom), and what they sound like there."""


@dataclass(frozen=True, slots=True)
class Performance:
    """A row of `info.csv`.

    Attributes:
        name: Its identifier ("drummer1/session1/1").
        style: Style with an optional sub-style after a slash ("rock/halftime").
        bpm: Metronome tempo.
        is_fill: A fill rather than a groove.
        beats_per_bar: Numerator of the time signature.
        beat_unit: Its denominator.
        split: The set's own split.
        file: MIDI file inside the set.
    """

    name: str
    style: str
    bpm: float
    is_fill: bool
    beats_per_bar: int
    beat_unit: int
    split: Split
    file: str


class Groove:
    """The data set.

    Args:
        path: `groove.zip`, or the unpacked folder.

    Raises:
        InputNotFound: The path holds no Groove MIDI set.
    """

    def __init__(self, path: Path) -> None:
        self._archive = Archive(path)
        info = self._archive.find("info.csv")
        if info is None:
            raise InputNotFound(f"{path} holds no Groove MIDI set.", "Expected an info.csv.")
        self._root = info.removesuffix("info.csv")
        rows = csv.DictReader(self._archive.read_text(info).splitlines())
        known = set(self._archive.names)
        self._performances = tuple(p for p in map(_performance, rows) if self._root + p.file in known)

    def performances(self, split: Split | None = None, *, fills: bool | None = None) -> Iterator[Performance]:
        """Performances of one split or all; only fills, only grooves, or both."""
        return (
            p
            for p in self._performances
            if (split is None or p.split == split) and (fills is None or p.is_fill == fills)
        )

    def load(self, performance: Performance) -> Score:
        """One performance as a score with a single track "drums", its keys mapped to General MIDI."""
        file = self._root + performance.file
        midi = score_from_midi(parse_midi(self._archive.read_bytes(file), file), as_played=False)
        notes = (
            replace(note, duration=max(note.duration, 1 / 32), pitch=ROLAND_TO_GM.get(note.pitch, note.pitch))
            for track in midi.tracks
            for note in track.notes
        )
        return Score(
            tracks=(Track("drums", tuple(notes), is_drum=True),),
            tempo=TempoMap.constant(performance.bpm),
            time_signatures=(TimeSignature(0.0, performance.beats_per_bar, performance.beat_unit),),
        )


def _performance(row: dict[str, str]) -> Performance:
    numerator, denominator = row["time_signature"].split("-")
    return Performance(
        name=row["id"],
        style=row["style"],
        bpm=float(row["bpm"]),
        is_fill=row["beat_type"] == "fill",
        beats_per_bar=int(numerator),
        beat_unit=int(denominator),
        split=cast(Split, row["split"]),
        file=row["midi_filename"],
    )
