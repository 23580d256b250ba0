"""POP909 (Wang et al., ISMIR 2020): piano arrangements of 909 pop songs, as scores on their own beats.

The MIDI ticks of the set do not lie on the beat; the annotated beats do. So notes are read in seconds and placed
on the beat grid of `beat_midi.txt`, where one beat is one quarter note.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from descant.data.archive import Archive
from descant.data.splits import Split, split_of
from descant.errors import InputNotFound, ScoreReadError
from descant.score.harmony import Chord, ChordSpan, Key
from descant.score.midi_reader import score_from_midi
from descant.score.notes import Score, Track
from descant.score.smf import parse_midi
from descant.score.tempo import BeatGrid, TempoMap, TimeSignature

_CHORD_SNAP = 0.5
"""Chord borders lie on beats up to rounding of the text files; they are snapped to half beats."""


class Pop909:
    """The data set.

    Args:
        path: `pop909.zip`, or the unpacked folder.

    Raises:
        InputNotFound: The path holds no POP909.
    """

    def __init__(self, path: Path) -> None:
        self._archive = Archive(path)
        self._folders = {
            name.split("/")[-2]: name.rsplit("/", 1)[0]
            for name in self._archive.names
            if name.endswith("/beat_midi.txt") and name.split("/")[-2].isdigit()
        }
        if not self._folders:
            raise InputNotFound(f"{path} holds no POP909 songs.", "Expected folders 001..909 with beat_midi.txt.")

    def songs(self, split: Split | None = None) -> Iterator[str]:
        """Song numbers ("001"), all or those of one split, in order."""
        return (song for song in sorted(self._folders) if split is None or self.split(song) == split)

    @staticmethod
    def split(song: str) -> Split:
        """Where a song belongs: 80 % train, 10 % validation, 10 % test, by a hash of its number."""
        return split_of(f"pop909/{song}", digest_bytes=1)

    def load(self, song: str) -> Score:
        """One song with the tracks "melody", "bridge" and "piano", its chords, main key, bars and tempo.

        Raises:
            InputNotFound: No such song.
            ScoreReadError: Its files contradict each other.
        """
        if song not in self._folders:
            raise InputNotFound(f"POP909 has no song {song!r}.", "Songs are numbered 001 to 909.")
        grid = self._beats(song)
        tempo = grid.tempo_map()
        return Score(
            tracks=self._tracks(song, tempo),
            tempo=tempo,
            time_signatures=_time_signatures(grid, tempo),
            key=self._key(song),
            chords=self._chords(song, tempo),
        )

    def _rows(self, song: str, file: str) -> list[list[str]]:
        text = self._archive.read_text(f"{self._folders[song]}/{file}")
        return [line.split() for line in text.splitlines() if line.strip()]

    def _beats(self, song: str) -> BeatGrid:
        rows = [[float(cell) for cell in row] for row in self._rows(song, "beat_midi.txt")]
        if len(rows) < 8:
            raise ScoreReadError(f"POP909 song {song} has fewer than eight beats.")
        downbeats = [i for i, row in enumerate(rows) if row[2] == 1.0]
        half_bars = [i for i, row in enumerate(rows) if row[1] == 1.0]
        # In triple metre the set groups two bars of three under one "downbeat"; the other column has the bars.
        if _usual_gap(downbeats) == 6 and _usual_gap(half_bars) == 3:
            downbeats = half_bars
        if not downbeats:
            raise ScoreReadError(f"POP909 song {song} has no downbeat.")
        bar = _usual_gap(downbeats)
        positions: list[int] = []
        last = downbeats[0] - bar * (1 + downbeats[0] // bar)
        marked = set(downbeats)
        for index in range(len(rows)):
            if index in marked or index - last == bar:
                last = index
            positions.append(index - last + 1)
        return BeatGrid(tuple(row[0] for row in rows), tuple(positions))

    def _tracks(self, song: str, tempo: TempoMap) -> tuple[Track, ...]:
        file = f"{self._folders[song]}/{song}.mid"
        midi = score_from_midi(parse_midi(self._archive.read_bytes(file), file), as_played=False)
        tracks = []
        for part in midi.tracks:
            starts = tempo.quarters_at(midi.tempo.seconds_at([note.start for note in part.notes]))
            ends = tempo.quarters_at(midi.tempo.seconds_at([note.end for note in part.notes]))
            notes = (
                replace(note, start=float(start), duration=float(end - start))
                for note, start, end in zip(part.notes, starts, ends, strict=True)
                if end > start >= 0
            )
            tracks.append(Track(part.name.strip().lower(), tuple(notes), program=0))
        return tuple(tracks)

    def _chords(self, song: str, tempo: TempoMap) -> tuple[ChordSpan, ...]:
        spans: list[ChordSpan] = []
        for start_s, end_s, label in self._rows(song, "chord_midi.txt"):
            start, end = (
                max(0.0, round(float(q) / _CHORD_SNAP) * _CHORD_SNAP)
                for q in tempo.quarters_at([float(start_s), float(end_s)])
            )
            if spans:
                start = max(start, spans[-1].end)
            if end > start:
                spans.append(ChordSpan(start, end, Chord.parse(label)))
        return tuple(spans)

    def _key(self, song: str) -> Key | None:
        seconds: Counter[str] = Counter()
        for start_s, end_s, label in self._rows(song, "key_audio.txt"):
            seconds[label] += round(1000 * (float(end_s) - float(start_s)))
        return Key.parse(seconds.most_common(1)[0][0]) if seconds else None


def _time_signatures(grid: BeatGrid, tempo: TempoMap) -> tuple[TimeSignature, ...]:
    """One signature for each change of bar length: half of the songs have a short bar somewhere."""
    lines = sorted({0, *(round(float(q)) for q in tempo.quarters_at(grid.downbeats_s))})
    lengths = [b - a for a, b in itertools.pairwise(lines)]
    signatures: list[TimeSignature] = []
    for start, beats in zip(lines, [*lengths, grid.beats_per_bar], strict=False):
        # Bars are counted by multiples of the last signature, so an equal one is only stated after a change.
        if not signatures or signatures[-1].numerator != beats:
            signatures.append(TimeSignature(float(start), beats, 4))
    return tuple(signatures)


def _usual_gap(indices: list[int]) -> int:
    gaps = Counter(b - a for a, b in itertools.pairwise(indices))
    return gaps.most_common(1)[0][0] if gaps else 4
