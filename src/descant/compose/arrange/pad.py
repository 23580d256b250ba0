"""The pad: chords held by strings or a synthesizer, each voice moving as little as it can."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, pairwise

import numpy as np

from descant.compose.arrange.form import BarPlan
from descant.compose.grid import Bar, chord_spans
from descant.score.harmony import Chord
from descant.score.notes import Note

LOWEST, HIGHEST = 52, 76
_CENTRE = 62.0
_VOICES = 3
_LONGEST_QUARTERS = 8.0


def pad_notes(bars: Sequence[Bar], plans: Sequence[BarPlan], sounds_from: float) -> tuple[Note, ...]:
    """The pad's notes: a voice that keeps its pitch is held over the change of chord, two bars at most.

    Args:
        bars: With chords.
        plans: Intensity of each bar.
        sounds_from: Intensity from which the pad plays.
    """
    notes: list[Note] = []
    held: dict[int, tuple[float, int]] = {}
    voicing: tuple[int, ...] = ()
    for bar, asked in zip(bars, plans, strict=True):
        sounds = asked.intensity >= sounds_from or asked.is_final
        velocity = int(np.clip(40 + 34 * asked.intensity, 1, 127))
        for span in chord_spans((bar,)) if sounds else ():
            voicing = voice(span.chord, voicing)
            over = [p for p in held if p not in voicing or span.start - held[p][0] >= _LONGEST_QUARTERS]
            notes += [_closed(pitch, held.pop(pitch), span.start) for pitch in over]
            for pitch in voicing:
                held.setdefault(pitch, (span.start, velocity))
        covered = chord_spans((bar,))[-1].end if sounds and chord_spans((bar,)) else bar.span.start
        if not sounds or covered < bar.span.end:
            notes += [_closed(pitch, since, covered) for pitch, since in held.items()]
            held.clear()
    if bars:
        notes += [_closed(pitch, since, bars[-1].span.end) for pitch, since in held.items()]
    return tuple(note for note in notes if note.duration > 0.05)


def _closed(pitch: int, since: tuple[float, int], end: float) -> Note:
    start, velocity = since
    return Note(start, max(end - start, 0.01), pitch, velocity)


def voice(chord: Chord, before: tuple[int, ...]) -> tuple[int, ...]:
    """Three pitches of a chord that lie nearest to the voicing before, its third and seventh preferred to its fifth."""
    tones = sorted(chord.pitch_classes)
    pitches = [p for p in range(LOWEST, HIGHEST + 1) if p % 12 in tones]
    wanted = min(_VOICES, len(tones))

    def cost(choice: tuple[int, ...]) -> float:
        classes = {p % 12 for p in choice}
        missing = 6.0 * (wanted - len(classes))
        if len(tones) > _VOICES and chord.root is not None:
            missing += sum(4.0 for step in (3, 4, 10, 11) if (chord.root + step) % 12 in set(tones) - classes)
        width = choice[-1] - choice[0]
        spacing = 0.5 * max(0, width - 12) + 2.0 * sum(1 for a, b in pairwise(choice) if b - a < 3)
        moved = sum(min(abs(p - q) for q in before) for p in choice) if before else 0.0
        return missing + spacing + moved + 0.3 * abs(sum(choice) / len(choice) - _CENTRE)

    return min(combinations(pitches, wanted), key=cost)
