"""Playing to notation: times on a grid, and lengths as the values that notes can be written with.

Everything counts in *units* of 1/48 quarter note, in which sixteenths (12), triplet eighths (16) and sixty-fourths (3)
are whole. Each quarter note of time is heard as straight (sixteenths) or as a triplet, whichever fits its onsets
better, so that swung eighths come out as triplets and not as dotted figures.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from descant.score.notes import Note

UNITS = 48
"""Units of a quarter note (`divisions` in MusicXML)."""

STRAIGHT, TRIPLET = 12, 16
_FINEST = 3
_TRIPLET_BIAS = 0.6  # a triplet must fit clearly better, for most music is straight

_VALUES = (  # units, type, dots
    (192, "whole", 0), (144, "half", 1), (96, "half", 0), (72, "quarter", 1), (48, "quarter", 0), (36, "eighth", 1),
    (24, "eighth", 0), (18, "16th", 1), (12, "16th", 0), (9, "32nd", 1), (6, "32nd", 0), (3, "64th", 0),
)  # fmt: skip
_TRIPLET_VALUES = {32: ("quarter", 0), 16: ("eighth", 0)}


@dataclass(frozen=True, slots=True)
class Value:
    """A length as it is written: `units` long, drawn as `type` with `dots`, maybe within a triplet."""

    units: int
    type: str
    dots: int
    is_triplet: bool = False


@dataclass(frozen=True, slots=True)
class Placed:
    """A note on the grid: units from the beginning, and the note it was."""

    start: int
    end: int
    note: Note


def choose_grids(notes: Iterable[Note], *, allow_triplets: bool = True) -> dict[int, int]:
    """For each quarter note of time that holds onsets its grid, `STRAIGHT` or `TRIPLET`, in units."""
    onsets: dict[int, list[float]] = defaultdict(list)
    for note in notes:
        # Shortly before a beat is meant to be on it.
        position = note.start * UNITS
        beat = int((position + STRAIGHT / 2) // UNITS)
        onsets[beat].append(position - beat * UNITS)
    grids: dict[int, int] = {}
    for beat, positions in onsets.items():
        errors = [sum(abs(p - grid * round(p / grid)) for p in positions) for grid in (STRAIGHT, TRIPLET)]
        inside = any(0 < round(p / TRIPLET) < UNITS // TRIPLET for p in positions)
        fits = inside and errors[1] < _TRIPLET_BIAS * errors[0]
        grids[beat] = TRIPLET if allow_triplets and fits else STRAIGHT
    return grids


def place(notes: Iterable[Note], grids: dict[int, int]) -> list[Placed]:
    """Notes with start and end on the grid of the quarter note they fall into, at least one step long, by start."""
    placed = []
    for note in notes:
        start = snap(note.start, grids)
        beat, within = divmod(start, UNITS)
        step = grids.get(beat, STRAIGHT)
        end = snap(note.end, grids)
        if end <= start:
            end = beat * UNITS + (within // step + 1) * step
        placed.append(Placed(start, end, note))
    return sorted(placed, key=lambda p: (p.start, -p.note.pitch))


def snap(quarter: float, grids: dict[int, int]) -> int:
    """The position in units nearest to a position in quarters, on the grid of its quarter note."""
    position = quarter * UNITS
    beat = int((position + STRAIGHT / 2) // UNITS)
    step = grids.get(beat, STRAIGHT)
    within = round((position - beat * UNITS) / step) * step
    return max(0, beat * UNITS + within)


def written_values(start: int, end: int, *, triplet_beats: frozenset[int], beat: int, origin: int) -> list[Value]:
    """A stretch of time within one bar as values to be tied together.

    Args:
        start: First unit of the stretch.
        end: Its end (exclusive).
        triplet_beats: Quarter notes (numbers counted from the beginning of the score) that are triplets.
        beat: Units of one beat of the bar; values cross beats only from a beat on.
        origin: First unit of the bar.
    """
    cuts = {start, end}
    for number in triplet_beats:
        cuts |= {c for c in (number * UNITS, (number + 1) * UNITS) if start < c < end}
    values: list[Value] = []
    for a, b in pairwise(sorted(cuts)):
        if a // UNITS in triplet_beats:
            values += _triplet_values(b - a)
        else:
            values += _straight_values(a, b, beat, origin)
    return values


def _triplet_values(units: int) -> list[Value]:
    if units == UNITS:
        return [Value(UNITS, "quarter", 0)]
    return [Value(units, *_TRIPLET_VALUES[units], is_triplet=True)]


def _straight_values(start: int, end: int, beat: int, origin: int) -> list[Value]:
    values: list[Value] = []
    while start < end:
        into_beat = (start - origin) % beat
        room = end - start
        if into_beat:
            room = min(room, beat - into_beat)
        units, name, dots = next(v for v in _VALUES if v[0] <= room)
        values.append(Value(units, name, dots))
        start += units
    return values


def on_finest(quarter: float) -> int:
    """A position in units on the grid of sixty-fourths, for bar lines."""
    return max(0, round(quarter * UNITS / _FINEST) * _FINEST)
