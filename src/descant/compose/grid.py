"""Bars and the beat grid: scores to bars of quantised notes, the form in which the composer reads and writes.

Time is counted in ticks, twelfths of a quarter note, so that sixteenths (3) and triplet eighths (4) are both whole.
Within a beat a note starts on one of six places: the four sixteenths or the two inner triplet eighths. Each beat
is taken as straight or as triplets as a whole, by which grid its notes lie closer to.
"""

from __future__ import annotations

import itertools
import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from descant.score.harmony import NO_CHORD, Chord, ChordSpan
from descant.score.notes import Note, Score
from descant.score.tempo import TimeSignature

TICKS = 12
"""Ticks in a quarter note."""
OFFSETS = (0, 3, 4, 6, 8, 9)
"""Where in a beat a note may start, in ticks."""
BAR_BEATS = 4
"""The longest bar in quarters; longer ones are read as several."""

_TRIPLET_ADVANTAGE = 0.4
_TRIPLET_FLOOR = 0.35
_EARLY = 1 / 8
_STRAIGHT = np.array([0, 3, 6, 9, 12], float)
_TRIPLETS = np.array([0, 4, 8, 12], float)


@dataclass(frozen=True, slots=True, order=True)
class GridNote:
    """A note on the grid of its bar.

    Attributes:
        position: Ticks from the start of the bar.
        pitch: MIDI number.
        duration: Ticks.
        velocity: 1..127.
    """

    position: int
    pitch: int
    duration: int
    velocity: int = 80


@dataclass(frozen=True, slots=True)
class BarSpan:
    """Where a bar lies: `start` and `quarters` in quarter notes."""

    start: float
    quarters: float

    @property
    def end(self) -> float:
        """Where the next bar starts."""
        return self.start + self.quarters

    @property
    def beats(self) -> int:
        """Whole beats, the last one possibly cut short."""
        return max(1, math.ceil(self.quarters - 1e-6))


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of music on the grid.

    Attributes:
        span: Where it lies.
        chords: (tick, chord) pairs, the first at 0, each different from the one before.
        melody: The given part.
        piano: The accompaniment.
        bridge: The second voice that answers the melody.
    """

    span: BarSpan
    chords: tuple[tuple[int, Chord], ...] = ((0, NO_CHORD),)
    melody: tuple[GridNote, ...] = ()
    piano: tuple[GridNote, ...] = ()
    bridge: tuple[GridNote, ...] = ()

    def transpose(self, semitones: int) -> Bar:
        """The bar moved by semitones."""
        return replace(
            self,
            chords=tuple((tick, chord.transpose(semitones)) for tick, chord in self.chords),
            melody=_shifted(self.melody, semitones),
            piano=_shifted(self.piano, semitones),
            bridge=_shifted(self.bridge, semitones),
        )

    def chord_at(self, tick: int) -> Chord:
        """The chord that sounds at a tick."""
        return self.chords[bisect_right([t for t, _ in self.chords], tick) - 1][1]


def _shifted(notes: tuple[GridNote, ...], semitones: int) -> tuple[GridNote, ...]:
    return tuple(replace(note, pitch=note.pitch + semitones) for note in notes)


def bar_spans(time_signatures: tuple[TimeSignature, ...], end: float) -> tuple[BarSpan, ...]:
    """The bars from quarter 0 to the first bar line at or after `end` (at least one bar).

    Bars longer than four quarters are divided into equal parts of whole beats where that goes (6/4 into 3 + 3).
    """
    signatures = time_signatures or (TimeSignature(0.0, 4, 4),)
    spans: list[BarSpan] = []
    start = 0.0
    while not spans or start < end - 1e-6:
        signature = next((s for s in reversed(signatures) if s.start <= start + 1e-6), signatures[0])
        for quarters in _parts(signature.bar_quarters):
            spans.append(BarSpan(start, quarters))
            start += quarters
    return tuple(spans)


def _parts(quarters: float) -> list[float]:
    if quarters <= BAR_BEATS:
        return [quarters]
    count = math.ceil(quarters / BAR_BEATS)
    whole = float(math.ceil(quarters / count))
    return [whole] * (count - 1) + [quarters - whole * (count - 1)]


def snap_starts(starts: NDArray[np.float64]) -> NDArray[np.int64]:
    """Note starts in quarters to ticks on the grid.

    A beat is read as triplets only if that explains its notes much better than sixteenths do.
    """
    if len(starts) == 0:
        return np.zeros(0, np.int64)
    # Notes played a little early belong to the beat that follows.
    beats = np.floor(starts + _EARLY / 2)
    inside = (starts - beats) * TICKS
    straight, straight_error = _nearest(inside, _STRAIGHT)
    triplet, triplet_error = _nearest(inside, _TRIPLETS)
    beat_numbers, index = np.unique(beats, return_inverse=True)
    straight_sum = np.bincount(index, straight_error**2, len(beat_numbers))
    triplet_sum = np.bincount(index, triplet_error**2, len(beat_numbers))
    counts = np.bincount(index, minlength=len(beat_numbers))
    is_triplet = (triplet_sum < _TRIPLET_ADVANTAGE * straight_sum) & (straight_sum > _TRIPLET_FLOOR * counts)
    ticks: NDArray[np.int64] = (beats * TICKS + np.where(is_triplet[index], triplet, straight)).astype(np.int64)
    return np.maximum(ticks, 0)


def _nearest(values: NDArray[np.float64], grid: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    distance = np.abs(values[:, None] - grid)
    best = distance.argmin(1)
    return grid[best], distance[np.arange(len(values)), best]


def bars_of(score: Score, *, end: float = 0.0) -> tuple[Bar, ...]:
    """A score's tracks "melody", "piano" and "bridge" and its chords, bar by bar, at least up to quarter `end`.

    See `lay_out`.
    """
    parts = {name: track.notes for name in ("melody", "piano", "bridge") if (track := score.track(name))}
    spans, placed = lay_out(parts, score.time_signatures, end=end)
    chords = chords_by_bar(score.chords, spans)
    return tuple(
        Bar(span, chords[i], **{name: bars[i] for name, bars in placed.items()}) for i, span in enumerate(spans)
    )


def lay_out(
    parts: Mapping[str, Sequence[Note]], time_signatures: tuple[TimeSignature, ...], *, end: float = 0.0
) -> tuple[tuple[BarSpan, ...], dict[str, list[tuple[GridNote, ...]]]]:
    """Notes of several parts on one grid, bar by bar.

    The beats are read as straight or as triplets from all parts together. Of several notes of a part that fall on the
    same place and pitch the longest is kept.

    Args:
        parts: The notes of each part, positions in quarters.
        time_signatures: Where the bars are.
        end: There are bars at least up to this quarter.

    Returns:
        The bars, and for each part the notes of each bar.
    """
    flat = [(name, note) for name, notes in parts.items() for note in notes]
    snapped = snap_starts(np.array([note.start for _, note in flat], float))
    last = int(snapped.max(initial=0)) / TICKS
    spans = bar_spans(time_signatures, max(last + 1e-3, end))
    edges = [round(span.start * TICKS) for span in spans]
    placed: dict[str, list[list[GridNote]]] = {name: [[] for _ in spans] for name in parts}
    for (name, note), tick in zip(flat, snapped, strict=True):
        index = bisect_right(edges, int(tick)) - 1
        placed[name][index].append(_grid_note(note, int(tick) - edges[index]))
    return spans, {name: [_without_doubles(notes) for notes in bars] for name, bars in placed.items()}


def _grid_note(note: Note, position: int) -> GridNote:
    return GridNote(position, note.pitch, max(1, round(note.duration * TICKS)), note.velocity)


def _without_doubles(notes: list[GridNote]) -> tuple[GridNote, ...]:
    longest: dict[tuple[int, int], GridNote] = {}
    for note in notes:
        place = (note.position, note.pitch)
        if place not in longest or longest[place].duration < note.duration:
            longest[place] = note
    return tuple(sorted(longest.values()))


def chords_by_bar(
    chords: tuple[ChordSpan, ...], spans: tuple[BarSpan, ...]
) -> tuple[tuple[tuple[int, Chord], ...], ...]:
    """For each bar its chords at beats: (tick, chord), the first at 0; gaps between spans are "no chord"."""
    result = []
    for span in spans:
        changes: list[tuple[int, Chord]] = []
        for beat in range(span.beats):
            chord = chord_at(chords, span.start + beat + 0.01)
            if not changes or changes[-1][1] != chord:
                changes.append((beat * TICKS, chord))
        result.append(tuple(changes))
    return tuple(result)


def chord_at(chords: tuple[ChordSpan, ...], quarter: float) -> Chord:
    """The chord that sounds at a position."""
    index = bisect_right(chords, quarter, key=lambda span: span.start) - 1
    return chords[index].chord if index >= 0 and quarter < chords[index].end else NO_CHORD


def chord_spans(bars: tuple[Bar, ...]) -> tuple[ChordSpan, ...]:
    """The bars' chords as spans, equal neighbours joined and silence left out."""
    places = [(bar.span.start + tick / TICKS, chord) for bar in bars for tick, chord in bar.chords]
    places.append((bars[-1].span.end if bars else 0.0, NO_CHORD))
    spans: list[ChordSpan] = []
    for (start, chord), (end, _) in itertools.pairwise(places):
        if spans and spans[-1].chord == chord and spans[-1].end >= start - 1e-6:
            spans[-1] = replace(spans[-1], end=end)
        elif not chord.is_none:
            spans.append(ChordSpan(start, end, chord))
    return tuple(spans)


def to_notes(notes: tuple[GridNote, ...], span: BarSpan) -> tuple[Note, ...]:
    """Grid notes of a bar as notes in quarters."""
    return tuple(
        Note(span.start + note.position / TICKS, note.duration / TICKS, note.pitch, note.velocity) for note in notes
    )
