"""A traditional tune as a score."""

from __future__ import annotations

from descant.score.notes import Note, Score, Track
from descant.score.tempo import TempoMap

AH_VOUS_DIRAI = (
    [0, 0, 7, 7, 9, 9, 7, None, 5, 5, 4, 4, 2, 2, 0, None]
    + [7, 7, 5, 5, 4, 4, 2, None] * 2
    + [0, 0, 7, 7, 9, 9, 7, None, 5, 5, 4, 4, 2, 2, 0, None]
)
"""The traditional French tune, in semitones above the tonic, a quarter each; None holds the note before."""


def tune(tonic: int = 60, bpm: float = 100.0, start: float = 0.0, steps: list[int | None] | None = None) -> Score:
    """The tune as a score with a melody and nothing else."""
    notes: list[Note] = []
    for place, step in enumerate(steps or AH_VOUS_DIRAI):
        if step is None:
            last = notes.pop()
            notes.append(Note(last.start, last.duration + 1, last.pitch, last.velocity))
        else:
            notes.append(Note(start + place, 0.95, tonic + step, 84))
    return Score((Track("melody", tuple(notes), 52),), TempoMap.constant(bpm))
