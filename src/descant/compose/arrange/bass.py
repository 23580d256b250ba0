"""Bass lines: the root where the chord changes, the rest by the style's pattern, locked to the kick."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from descant.compose.arrange.drums import DrumBar
from descant.compose.arrange.form import BarPlan
from descant.compose.grid import TICKS, Bar, chord_at, chord_spans
from descant.score.harmony import QUALITIES, Chord
from descant.score.notes import Note

LOWEST, HIGHEST = 28, 50
_CENTRE = 36

Line = list[tuple[int, int, int]]
"""(tick in the bar, pitch, velocity)"""


@dataclass(frozen=True, slots=True)
class _Moment:
    """What a pattern may look at: the bar, the kit in it, the chord that follows and the pitch before."""

    bar: Bar
    kit: DrumBar
    following: Chord
    last: int


def bass_notes(
    bars: Sequence[Bar], plans: Sequence[BarPlan], drums: Sequence[DrumBar], pattern: str
) -> tuple[Note, ...]:
    """The bass part.

    Args:
        bars: With chords and the written piano, whose lowest voice the "locked" and "held" patterns follow.
        plans: Intensity of each bar.
        drums: What the kit plays.
        pattern: Name of a pattern in `PATTERNS`.
    """
    spans = chord_spans(tuple(bars))
    notes: list[Note] = []
    last = _CENTRE
    for bar, asked, kit in zip(bars, plans, drums, strict=True):
        following = chord_at(spans, bar.span.end + 0.01)
        if asked.is_final or asked.intensity < 0.2:
            line = _roots(bar, last)
        else:
            line = PATTERNS[pattern](_Moment(bar, kit, following, last))
        length = round(bar.span.quarters * TICKS)
        line = sorted({tick: (tick, pitch, velocity) for tick, pitch, velocity in line if tick < length}.values())
        level = 0.75 + 0.3 * asked.intensity
        for place, (tick, pitch, velocity) in enumerate(line):
            until = line[place + 1][0] if place + 1 < len(line) else length
            duration = (until - tick) * (1.0 if asked.is_final else 0.93) / TICKS
            notes.append(Note(bar.span.start + tick / TICKS, duration, pitch, int(np.clip(velocity * level, 1, 127))))
            last = pitch
    return tuple(notes)


def near(pitch_class: int, reference: int) -> int:
    """The pitch of a class in the bass's range that is nearest to a reference, leaning to the middle."""
    choices = range(LOWEST + (pitch_class - LOWEST) % 12, HIGHEST + 1, 12)
    return min(choices, key=lambda p: abs(p - reference) + 0.4 * abs(p - _CENTRE))


def _root(chord: Chord) -> int:
    assert chord.root is not None
    return chord.root if chord.bass is None else chord.bass


def _fifth(chord: Chord) -> int:
    assert chord.root is not None
    step = next((i for i in QUALITIES[chord.quality] if i in (6, 7, 8)), 7)
    return (chord.root + step) % 12


def _spans(bar: Bar) -> list[tuple[int, int, Chord]]:
    """(start tick, end tick, chord) of the bar's chords that sound."""
    ends = [tick for tick, _ in bar.chords[1:]] + [round(bar.span.quarters * TICKS)]
    return [(tick, end, chord) for (tick, chord), end in zip(bar.chords, ends, strict=True) if not chord.is_none]


def _roots(bar: Bar, last: int) -> Line:
    return [(tick, near(_root(chord), last), 84) for tick, _, chord in _spans(bar)]


def _approach(bar: Bar, following: Chord, last: int, line: Line) -> Line:
    """A step into the next chord's root on the last eighth, if the chord changes."""
    now = _spans(bar)
    if following.root is None or not now or _root(now[-1][2]) == _root(following):
        return line
    target = near(_root(following), last)
    tick = round(bar.span.quarters * TICKS) - TICKS // 2
    below = target - 2 if (target - 2) % 12 in now[-1][2].pitch_classes else target - 1
    step = below if below >= LOWEST and last <= target else target + 2
    return [*(n for n in line if n[0] < tick), (tick, step, 74)]


def _held(now: _Moment) -> Line:
    """Roots, and where the piano's left hand moves to another chord tone the bass goes along."""
    line = _roots(now.bar, now.last)
    return [*line, *((t, p, v - 8) for t, p, v in _left_hand(now.bar, now.last) if t % (2 * TICKS) == 0 and t > 0)]


def _locked(now: _Moment) -> Line:
    """On the kick: roots, and what the piano's left hand plays there."""
    low = {tick: pitch for tick, pitch, _ in _left_hand(now.bar, now.last)}
    line = _roots(now.bar, now.last)
    taken = {tick for tick, _, _ in line}
    for start, end, chord in _spans(now.bar):
        for tick in now.kit.kicks or (start,):
            if start <= tick < end and tick not in taken:
                line.append((tick, low.get(tick, near(_root(chord), now.last)), 80))
    return _approach(now.bar, now.following, now.last, sorted(line))


def _left_hand(bar: Bar, last: int) -> Line:
    """Lowest piano notes that are chord tones, moved to the bass's range."""
    lowest: dict[int, int] = {}
    for note in bar.piano:
        if note.pitch < 55:
            lowest[note.position] = min(note.pitch, lowest.get(note.position, 127))
    return [
        (tick, near(pitch % 12, last), 82)
        for tick, pitch in sorted(lowest.items())
        if pitch % 12 in bar.chord_at(tick).pitch_classes
    ]


def _eighths(now: _Moment) -> Line:
    line: Line = []
    for start, end, chord in _spans(now.bar):
        pitch = near(_root(chord), now.last)
        line += [(tick, pitch, 92 if tick in now.kit.kicks or tick == start else 78) for tick in range(start, end, 6)]
    return _approach(now.bar, now.following, now.last, line)


def _alternating(now: _Moment) -> Line:
    """Root and fifth by turns, two beats apart; in triple time only the root."""
    line: Line = []
    for start, end, chord in _spans(now.bar):
        pitch = near(_root(chord), now.last)
        step = 2 * TICKS if now.bar.span.quarters != 3 else 3 * TICKS
        for count, tick in enumerate(range(start, end, step)):
            line.append((tick, pitch if count % 2 == 0 else near(_fifth(chord), pitch - 3), 86 - 6 * (count % 2)))
    return _approach(now.bar, now.following, now.last, line)


def _bossa(now: _Moment) -> Line:
    """Root, then the fifth on the "and" of two, held over the half bar: long - short, long - short."""
    line: Line = []
    for start, end, chord in _spans(now.bar):
        root = near(_root(chord), now.last)
        fifth = near(_fifth(chord), root)
        shape = ((0, root, 86), (18, root, 66), (24, fifth, 80), (42, fifth, 64))
        line += [(start + tick, pitch, v) for tick, pitch, v in shape if start + tick < end]
    return line


def _tumbao(now: _Moment) -> Line:
    """The root on one, the fifth on the "and" of two, and the next chord's root anticipated on four."""
    line: Line = []
    for start, end, chord in _spans(now.bar):
        root = near(_root(chord), now.last)
        line += [(start, root, 84)] + ([(start + 18, near(_fifth(chord), root), 82)] if start + 18 < end else [])
    if now.bar.span.quarters == 4 and now.following.root is not None:
        line = [*(n for n in line if n[0] < 36), (36, near(_root(now.following), now.last), 88)]
    return line


def _offbeat(now: _Moment) -> Line:
    """Between the kicks: every off-beat eighth, the root first."""
    line: Line = []
    for start, end, chord in _spans(now.bar):
        pitch = near(_root(chord), now.last)
        line += [(start, pitch, 88), *((tick, pitch, 94) for tick in range(start + 6, end, TICKS))]
    return line


def _walking(now: _Moment) -> Line:
    """A quarter note on each beat: chord tones, and a half step into what follows."""
    line: Line = []
    pitch = now.last
    spans = _spans(now.bar)
    for place, (start, end, chord) in enumerate(spans):
        tones = [(_root(chord) if chord.root is None else chord.root + i) % 12 for i in QUALITIES[chord.quality]]
        ahead = spans[place + 1][2] if place + 1 < len(spans) else now.following
        beats = range(start, end, TICKS)
        for count, tick in enumerate(beats):
            if count == 0:
                pitch = near(_root(chord), pitch)
            elif tick == beats[-1] and ahead.root is not None and len(beats) > 1:
                target = near(_root(ahead), pitch)
                pitch = target - 1 if pitch <= target and target - 1 >= LOWEST else target + 1
            else:
                pitch = near(tones[count % len(tones)], pitch + 2)
            line.append((tick, pitch, 86 if count % 2 == 0 else 80))
    return line


PATTERNS: dict[str, Callable[[_Moment], Line]] = {
    "held": _held,
    "locked": _locked,
    "eighths": _eighths,
    "alternating": _alternating,
    "bossa": _bossa,
    "tumbao": _tumbao,
    "offbeat": _offbeat,
    "walking": _walking,
}
"""Bass patterns by name."""
