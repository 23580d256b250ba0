"""A score laid out for reading: bars, staves, voices, chords, rests, ties; still without any file format."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass, replace

from descant.errors import InvalidOption
from descant.score.harmony import Key
from descant.score.notes import Note, Score, Track
from descant.score.quantise import TRIPLET, UNITS, Placed, Value, choose_grids, on_finest, place, written_values
from descant.score.tempo import TimeSignature

MAX_BARS = 20_000

_MIDDLE_C = 60
_HAND_SPLIT, _HAND_SPAN = 57, 12
_FINEST_DENOMINATOR = 64
_STEPS = "FCGDAEB"
_STEP_PITCHES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


@dataclass(frozen=True, slots=True)
class Bar:
    """One measure, in units from the beginning.

    Attributes:
        start: First unit.
        end: One past the last.
        meter: Its time signature.
        is_new_meter: Whether the signature is to be shown.
        is_partial: Whether it is shorter than its signature says, because the next one starts early.
    """

    start: int
    end: int
    meter: TimeSignature
    is_new_meter: bool
    is_partial: bool

    @property
    def beat(self) -> int:
        """Units of a beat: three of the lower number in compound time (6/8), else one."""
        unit = 4 * UNITS // self.meter.denominator
        is_compound = self.meter.denominator >= 8 and self.meter.numerator % 3 == 0 and self.meter.numerator > 3
        return unit * 3 if is_compound else unit


@dataclass(frozen=True, slots=True)
class Sign:
    """A chord, note or rest with one written value.

    Attributes:
        start: Unit at which it sounds.
        value: How it is written.
        notes: What sounds; empty for a rest.
        tied_back: Whether it goes on from the sign before.
        tied_on: Whether the next sign goes on from it.
        triplet: "start", "stop" or "" for the bracket of a triplet.
        fills_bar: Whether it is the rest of a whole empty bar.
    """

    start: int
    value: Value
    notes: tuple[Note, ...] = ()
    tied_back: bool = False
    tied_on: bool = False
    triplet: str = ""
    fills_bar: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """One track as notation: `voices[staff][voice][bar]` are the signs of a bar; staff 0 is the upper one."""

    track: Track
    voices: tuple[tuple[tuple[tuple[Sign, ...], ...], ...], ...]


@dataclass(slots=True)
class _Group:
    """Notes that start and end together."""

    start: int
    end: int
    notes: list[Note]


def lay_out_bars(score: Score) -> tuple[Bar, ...]:
    """The measures of a score, to the end of its last note, chord or section; at least one.

    Raises:
        InvalidOption: A time signature cannot be written.
    """
    for meter in score.time_signatures:
        power = meter.denominator & (meter.denominator - 1)
        if power or not 1 <= meter.denominator <= _FINEST_DENOMINATOR or meter.numerator < 1:
            raise InvalidOption(
                f"A time signature of {meter.numerator}/{meter.denominator} cannot be written.",
                f"The lower number must be a power of two up to {_FINEST_DENOMINATOR}.",
            )
    meters = sorted(score.time_signatures, key=lambda m: m.start) or [TimeSignature(0.0, 4, 4)]
    last = max([score.end, *(c.end for c in score.chords), *(s.end for s in score.sections)])
    # Rounding to the grid may carry the last note over the last bar line.
    end = max(1, on_finest(last), *(p.end for t in score.tracks for p in _placed(t, score)[0]))
    bars: list[Bar] = []
    starts = [0, *(on_finest(m.start) for m in meters[1:]), end]
    for index, meter in enumerate(meters):
        length = meter.numerator * 4 * UNITS // meter.denominator
        stop = min(starts[index + 1], end)
        position, is_new = starts[index], True
        if (stop - position) // length > MAX_BARS:
            raise InvalidOption(f"The score has over {MAX_BARS} bars.", "Look for a stray note at its end.")
        while position < stop:
            is_partial = stop < end and position + length > stop
            bars.append(Bar(position, stop if is_partial else position + length, meter, is_new, is_partial))
            position, is_new = bars[-1].end, False
    return tuple(bars)


def lay_out_part(track: Track, score: Score, bars: tuple[Bar, ...]) -> Part:
    """One track as notation for the given bars."""
    placed, triplets = _placed(track, score)
    hands = _hands(placed) if _has_two_staves(track) else (placed,)
    staves = []
    for hand in hands:
        lines = _voices(hand)
        staves.append(tuple(_signs(line, bars, triplets) for line in lines))
    return Part(track, tuple(staves))


def spell(pitch: int, key: Key | None) -> tuple[str, int, int]:
    """Step, alteration and octave of a pitch, as near to the key on the line of fifths as can be.

    The raised seventh of minor keys is spelt as such (G sharp in A minor).
    """
    fifths = key.fifths if key is not None else 0
    lowest = fifths - (3 if key is not None and key.mode == "minor" else 4)
    # C is 0 on the line, G 1, F -1; find the one of twelve neighbours that is this pitch class.
    position = lowest + (pitch % 12 * 7 - lowest) % 12
    step = _STEPS[(position + 1) % 7]
    alteration = (position + 1) // 7
    return step, alteration, (pitch - alteration - _STEP_PITCHES[step]) // 12 - 1


def _placed(track: Track, score: Score) -> tuple[list[Placed], frozenset[int]]:
    """Notes on the grid, and the quarter notes of time that are triplets."""
    # A triplet needs a quarter note as beat, and bar lines that fall on quarters.
    simple = all(
        m.denominator <= 4 and float(m.start).is_integer() and m.bar_quarters.is_integer()
        for m in score.time_signatures
    )
    grids = choose_grids(track.notes, allow_triplets=simple)
    return place(track.notes, grids), frozenset(beat for beat, step in grids.items() if step == TRIPLET)


def _has_two_staves(track: Track) -> bool:
    """Keyboards that are played with two hands."""
    is_keyboard = not track.is_drum and (track.program < 24) and track.program // 8 != 1
    pitches = [n.pitch for n in track.notes]
    return is_keyboard and bool(pitches) and min(pitches) < _HAND_SPLIT - 2 and max(pitches) > _MIDDLE_C + 2


def _hands(placed: list[Placed]) -> tuple[list[Placed], list[Placed]]:
    """Right and left: what starts together and fits one hand stays together, the rest is split at middle C."""
    together: dict[int, list[Placed]] = defaultdict(list)
    for item in placed:
        together[item.start].append(item)
    right: list[Placed] = []
    left: list[Placed] = []
    for items in together.values():
        pitches = [i.note.pitch for i in items]
        if max(pitches) - min(pitches) <= _HAND_SPAN:
            (right if sum(pitches) / len(pitches) >= _HAND_SPLIT else left).extend(items)
        else:
            for item in items:
                (right if item.note.pitch >= _MIDDLE_C else left).append(item)
    return right, left


def _voices(placed: list[Placed]) -> tuple[list[_Group], ...]:
    """One or two lines of chords that do not overlap. Pitches and onsets are all kept; lengths give way.

    A chord goes to the first line that is free; where none is, it joins one that starts with it, or cuts the one that
    would have ended first.
    """
    found: dict[tuple[int, int], _Group] = {}
    for item in placed:
        group = found.setdefault((item.start, item.end), _Group(item.start, item.end, []))
        if all(n.pitch != item.note.pitch for n in group.notes):
            group.notes.append(item.note)
    # Of what starts together the longer chord comes first: it is more likely the accompaniment's second line.
    groups = sorted(found.values(), key=lambda g: (g.start, -max(n.pitch for n in g.notes)))
    lines: tuple[list[_Group], list[_Group]] = ([], [])
    for group in groups:
        free = next((line for line in lines if not line or line[-1].end <= group.start), None)
        if free is not None:
            free.append(group)
            continue
        mate = next((line[-1] for line in lines if line[-1].start == group.start), None)
        if mate is not None:
            mate.notes += [n for n in group.notes if all(n.pitch != m.pitch for m in mate.notes)]
            continue
        line = min(lines, key=lambda v: v[-1].end)
        line[-1].end = group.start
        line.append(group)
    return lines if lines[1] else (lines[0],)


def _signs(groups: list[_Group], bars: tuple[Bar, ...], triplets: frozenset[int]) -> tuple[tuple[Sign, ...], ...]:
    """For each bar the chords of a line and the rests between them."""
    pieces: dict[int, list[tuple[int, int, _Group]]] = defaultdict(list)
    starts = [b.start for b in bars]
    for group in groups:
        index = bisect_right(starts, group.start) - 1
        while index < len(bars) and bars[index].start < group.end:
            bar = bars[index]
            pieces[index].append((max(group.start, bar.start), min(group.end, bar.end), group))
            index += 1
    result = []
    for index, bar in enumerate(bars):
        inside = frozenset(t for t in triplets if bar.start // UNITS <= t <= bar.end // UNITS)
        signs: list[Sign] = []
        position = bar.start
        for start, end, group in pieces[index]:
            signs += _rests(position, start, bar, inside)
            signs += _chord_signs(start, end, group, bar, inside)
            position = end
        if position == bar.start:
            whole = Value(bar.end - bar.start, "", 0)
            signs = [Sign(bar.start, whole, fills_bar=True)]
        else:
            signs += _rests(position, bar.end, bar, inside)
        result.append(_bracketed(signs))
    return tuple(result)


def _rests(start: int, end: int, bar: Bar, triplets: frozenset[int]) -> list[Sign]:
    signs = []
    for value in written_values(start, end, triplet_beats=triplets, beat=bar.beat, origin=bar.start):
        signs.append(Sign(start, value))
        start += value.units
    return signs


def _chord_signs(start: int, end: int, group: _Group, bar: Bar, triplets: frozenset[int]) -> list[Sign]:
    notes = tuple(sorted(group.notes, key=lambda n: n.pitch))
    signs = []
    for value in written_values(start, end, triplet_beats=triplets, beat=bar.beat, origin=bar.start):
        stop = start + value.units
        signs.append(Sign(start, value, notes, tied_back=start > group.start, tied_on=stop < group.end))
        start = stop
    return signs


def _bracketed(signs: list[Sign]) -> tuple[Sign, ...]:
    """Triplets get a bracket over each of their quarter notes."""
    result = []
    for sign in signs:
        mark = ""
        if sign.value.is_triplet:
            within = sign.start % UNITS
            mark = "start" if within == 0 else "stop" if within + sign.value.units == UNITS else ""
        result.append(replace(sign, triplet=mark) if mark else sign)
    return tuple(result)
