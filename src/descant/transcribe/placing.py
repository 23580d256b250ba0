"""Notes in seconds become notes on a score's time line."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from descant.score.notes import Bend, Note
from descant.score.tempo import TempoMap
from descant.transcribe.basic_pitch import BINS_PER_SEMITONE, frame_times
from descant.transcribe.decode import NoteEvent

DEFAULT_BPM = 120.0
"""Tempo of a score when none is given: seconds are kept, bars mean nothing."""

_SHORTEST_QUARTERS = 1e-4


def place_events(events: Sequence[NoteEvent], tempo: TempoMap) -> tuple[Note, ...]:
    """Basic Pitch's events as notes; where each lies in quarters follows from the tempo map.

    Args:
        events: Notes as heard.
        tempo: Where quarters lie in seconds.
    """
    if not events:
        return ()
    edges = np.asarray([(e.start_frame, e.end_frame) for e in events], np.int64)
    quarters = tempo.quarters_at(frame_times(edges).ravel()).reshape(-1, 2)
    notes = []
    for event, (start, end) in zip(events, quarters.tolist(), strict=True):
        frames = np.arange(event.start_frame, event.end_frame, dtype=np.int64)
        offsets = tempo.quarters_at(frame_times(frames)) - start if event.bends else np.zeros(0)
        curve = bend_curve(offsets.tolist(), [bend / BINS_PER_SEMITONE for bend in event.bends])
        notes.append(place(start, end, event.pitch, event.amplitude, curve))
    return tuple(notes)


def place(start: float, end: float, pitch: int, amplitude: float, bends: tuple[Bend, ...]) -> Note:
    """One note between two positions in quarters, its amplitude (0..1) as velocity."""
    start = max(start, 0.0)
    velocity = int(np.clip(round(127 * amplitude), 1, 127))
    return Note(start, max(end - start, _SHORTEST_QUARTERS), pitch, velocity, bends)


def bend_curve(offsets: Sequence[float], semitones: Sequence[float]) -> tuple[Bend, ...]:
    """A pitch curve from its samples, without points inside runs of one value; empty when it never leaves zero."""
    if not any(semitones):
        return ()
    last = len(semitones) - 1
    return tuple(
        Bend(max(offset, 0.0), value)
        for i, (offset, value) in enumerate(zip(offsets, semitones, strict=True))
        if i in (0, last) or value != semitones[i - 1] or value != semitones[i + 1]
    )
