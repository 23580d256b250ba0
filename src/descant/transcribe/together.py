"""How much of the time a vocal stem holds two tones at once: two singers, or one with harmonies."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from descant.transcribe.decode import NoteEvent

_HARMONICS = frozenset({0, 12, 19, 24, 28, 31, 34, 36})
"""Intervals in semitones at which one voice's own overtones lie."""
_AS_LOUD = 0.6


def share_together(events: Sequence[NoteEvent]) -> float:
    """Share of the frames with a note in which a second one, no overtone of the first and nearly as loud, sounds.

    Args:
        events: What Basic Pitch heard in a vocal stem.

    Returns:
        0..1; 0 where nothing was heard.
    """
    end = max((event.end_frame for event in events), default=0)
    if not end:
        return 0.0
    sung = np.zeros(end, bool)
    together = np.zeros(end, bool)
    loudness = np.zeros((128, end), np.float32)
    for event in events:
        row = loudness[event.pitch, event.start_frame : event.end_frame]
        np.maximum(row, np.float32(event.amplitude), out=row)
    for frame in np.flatnonzero(loudness.max(axis=0)):
        column = loudness[:, frame]
        pitches = np.flatnonzero(column)
        loudest = int(pitches[np.argmax(column[pitches])])
        sung[frame] = True
        together[frame] = any(
            abs(int(pitch) - loudest) not in _HARMONICS
            and abs(int(pitch) - loudest) > 1
            and column[pitch] >= _AS_LOUD * column[loudest]
            for pitch in pitches
        )
    return float(together.sum() / sung.sum())
