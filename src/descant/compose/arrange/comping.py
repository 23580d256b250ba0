"""The written piano part as the piano or the guitar of the band plays it, and the second voice."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from descant.compose.arrange.form import BarPlan
from descant.compose.grid import TICKS, Bar, GridNote, to_notes
from descant.score.notes import Note

GUITAR = range(40, 80)
_GUITAR_CENTRE = range(45, 74)
_STRINGS = 5
_STRUM_QUARTERS = 0.022
_UNDER_BASS = 45
_ANSWER = range(55, 90)
_CLASH_TICKS = 6


def piano_notes(bars: Sequence[Bar], plans: Sequence[BarPlan], *, has_bass: bool) -> tuple[Note, ...]:
    """The piano part; with a bass in the band the left hand plays its lowest notes more softly."""
    notes: list[Note] = []
    for bar, asked in zip(bars, plans, strict=True):
        for note in to_notes(bar.piano, bar.span):
            soft = 0.78 if has_bass and note.pitch < _UNDER_BASS else 1.0
            notes.append(replace(note, velocity=_level(note.velocity * soft, asked)))
    return without_overlaps(notes)


def guitar_notes(bars: Sequence[Bar], plans: Sequence[BarPlan]) -> tuple[Note, ...]:
    """The piano part on a guitar: in its range, at most five strings at once, chords strummed."""
    notes: list[Note] = []
    for bar, asked in zip(bars, plans, strict=True):
        places: dict[int, list[GridNote]] = defaultdict(list)
        for note in bar.piano:
            places[note.position].append(note)
        for position, struck in sorted(places.items()):
            notes += _strum(bar, asked, position, struck)
    return without_overlaps(notes)


def _strum(bar: Bar, asked: BarPlan, position: int, struck: Sequence[GridNote]) -> list[Note]:
    by_pitch = {_on_guitar(n.pitch): n for n in struck}
    pitches = sorted(by_pitch)
    if len(pitches) > _STRINGS:
        # The lowest and the highest matter most; what is left out lies in between.
        pitches = [*pitches[: _STRINGS - 2], *pitches[-2:]]
    # Down-strokes on the beat run upwards, up-strokes between the beats downwards.
    order = pitches if position % TICKS == 0 else pitches[::-1]
    gap = _STRUM_QUARTERS if len(order) >= 3 else 0.0
    result = []
    for place, pitch in enumerate(order):
        note = by_pitch[pitch]
        late = gap * place
        start = bar.span.start + position / TICKS + late
        duration = max(0.1, note.duration / TICKS - late)
        result.append(Note(start, duration, pitch, _level(note.velocity - 2 * place, asked)))
    return result


def _on_guitar(pitch: int) -> int:
    while pitch < GUITAR[0]:
        pitch += 12
    while pitch > _GUITAR_CENTRE[-1]:
        pitch -= 12
    return pitch


def answer_notes(bars: Sequence[Bar], plans: Sequence[BarPlan]) -> tuple[Note, ...]:
    """The second voice: where the singer pauses at full level, under the singer softly and never a semitone away."""
    notes: list[Note] = []
    for bar, asked in zip(bars, plans, strict=True):
        if asked.is_final:
            continue
        for note, placed in zip(bar.bridge, to_notes(bar.bridge, bar.span), strict=True):
            if _clashes(note, bar.melody) or note.pitch not in _ANSWER:
                continue
            level = 0.66 if _sounds_with(note, bar.melody) else 0.92
            notes.append(replace(placed, velocity=_level(note.velocity * level, asked)))
    return without_overlaps(notes)


def _sounds_with(note: GridNote, melody: Sequence[GridNote]) -> bool:
    return any(n.position < note.position + note.duration and note.position < n.position + n.duration for n in melody)


def _clashes(note: GridNote, melody: Sequence[GridNote]) -> bool:
    for other in melody:
        start = max(note.position, other.position)
        together = min(note.position + note.duration, other.position + other.duration) - start
        if together >= _CLASH_TICKS and (note.pitch - other.pitch) % 12 in (1, 11):
            return True
    return False


def _level(velocity: float, asked: BarPlan) -> int:
    return int(np.clip(round(velocity * (0.78 + 0.3 * asked.intensity)), 1, 127))


def without_overlaps(notes: Sequence[Note]) -> tuple[Note, ...]:
    """The notes, each ended where the same pitch is struck again (MIDI cannot say otherwise)."""
    by_pitch: dict[int, list[Note]] = defaultdict(list)
    for note in sorted(notes):
        earlier = by_pitch[note.pitch]
        if earlier and note.start - earlier[-1].start < 1e-6:
            earlier[-1] = max(earlier[-1], note, key=lambda n: n.duration)
            continue
        if earlier and earlier[-1].end > note.start:
            earlier[-1] = replace(earlier[-1], duration=note.start - earlier[-1].start)
        earlier.append(note)
    return tuple(sorted(note for row in by_pitch.values() for note in row if note.duration > 0.02))
