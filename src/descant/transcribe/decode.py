"""From Basic Pitch's maps to note events.

The rules are those of the published package (facts in the sheet: onset inference, greedy extraction from the latest
onset to the earliest, the "melodia trick", bends from the contour), written for arrays: one sort instead of a search
of the whole map per note, and runs found by cumulative sums instead of frame by frame.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import scipy.signal
from numpy.typing import NDArray

from descant.transcribe.basic_pitch import (
    BINS_PER_SEMITONE,
    HOP,
    LOWEST_PITCH,
    PITCHES,
    SAMPLE_RATE,
    NoteMaps,
    frame_times,
)
from descant.transcribe.config import NoteOptions

Doubles = NDArray[np.float64]

_TOLERATED_FRAMES = 11  # weak frames in a row that end a note
_BEND_BINS = 25
_BEND_SPREAD_BINS = 5.0
_LOOK_FRAMES = 256

# Longer recordings are decoded in sections cut where least sounds; ten minutes of maps take 90 MB.
_SECTION_FRAMES = 10 * 60 * SAMPLE_RATE // HOP
_CUT_FRAMES = 60 * SAMPLE_RATE // HOP


@dataclass(frozen=True, slots=True)
class NoteEvent:
    """A note as heard.

    Attributes:
        start_frame: First frame.
        end_frame: Frame after the last.
        pitch: MIDI number.
        amplitude: Mean of the note map, 0..1.
        bends: Deviation from the pitch in thirds of a semitone, one per frame; empty without bends.
    """

    start_frame: int
    end_frame: int
    pitch: int
    amplitude: float
    bends: tuple[int, ...] = ()

    @property
    def start_s(self) -> float:
        """Start in seconds."""
        return float(frame_times(np.asarray([self.start_frame]))[0])

    @property
    def end_s(self) -> float:
        """End in seconds."""
        return float(frame_times(np.asarray([self.end_frame]))[0])


def decode(maps: NoteMaps, options: NoteOptions | None = None) -> tuple[NoteEvent, ...]:
    """Note events of a whole recording's maps, sorted by start, then pitch."""
    options = options or NoteOptions()
    if maps.frames < 3:
        return ()
    notes, onsets = _in_range(maps, options)
    if options.infer_onsets:
        onsets = _with_inferred_onsets(notes, onsets)
    found = _Extraction(notes, options).run(_onset_cells(onsets, options.onset_threshold))
    if options.bends:
        found = [replace(event, bends=_bends(maps.contours, event)) for event in found]
    return tuple(sorted(found, key=lambda e: (e.start_frame, e.pitch)))


def decode_stream(parts: Iterable[NoteMaps], options: NoteOptions | None = None) -> Iterator[tuple[NoteEvent, ...]]:
    """Note events of maps that arrive in parts: up to ten minutes exactly as `decode`, longer ones in sections.

    A section is cut where least sounds within its last minute, so that no note is cut while another place is silent.

    Args:
        parts: Consecutive maps.
        options: How to decode.

    Yields:
        Events of each section, their frames counted from the start of the recording.
    """
    held: list[NoteMaps] = []
    frames = done = 0
    for part in parts:
        held.append(part)
        frames += part.frames
        if frames >= _SECTION_FRAMES:
            joined = NoteMaps.join(held)
            cut = _quietest_frame(joined.notes, frames - _CUT_FRAMES)
            yield _shifted(decode(joined.slice(0, cut), options), done)
            held = [NoteMaps(*(a.copy() for a in (joined.notes[cut:], joined.onsets[cut:], joined.contours[cut:])))]
            frames, done = held[0].frames, done + cut
    yield _shifted(decode(NoteMaps.join(held), options), done)


def without_shared_bends(events: Iterable[NoteEvent]) -> tuple[NoteEvent, ...]:
    """The events with bends only where a note sounds alone, since a MIDI channel has one wheel for all its notes."""
    ordered = sorted(events, key=lambda e: (e.start_frame, e.end_frame, e.pitch))
    latest_end = -1
    result = []
    for index, event in enumerate(ordered):
        next_start = ordered[index + 1].start_frame if index + 1 < len(ordered) else event.end_frame
        is_alone = latest_end <= event.start_frame and next_start >= event.end_frame
        result.append(event if is_alone else replace(event, bends=()))
        latest_end = max(latest_end, event.end_frame)
    return tuple(result)


def _in_range(maps: NoteMaps, options: NoteOptions) -> tuple[Doubles, Doubles]:
    low = max(0, options.lowest_pitch - LOWEST_PITCH)
    high = min(PITCHES, options.highest_pitch - LOWEST_PITCH + 1)
    notes, onsets = (np.zeros((maps.frames, PITCHES)) for _ in range(2))
    if high > low:
        notes[:, low:high] = maps.notes[:, low:high]
        onsets[:, low:high] = maps.onsets[:, low:high]
    return notes, onsets


def _with_inferred_onsets(notes: Doubles, onsets: Doubles) -> Doubles:
    growth = np.zeros_like(notes)
    growth[2:] = np.maximum(np.minimum(notes[2:] - notes[1:-1], notes[2:] - notes[:-2]), 0.0)
    largest = growth.max()
    return np.maximum(onsets, growth * (onsets.max() / largest)) if largest > 0 else onsets


def _onset_cells(onsets: Doubles, threshold: float) -> NDArray[np.int64]:
    """(frame, pitch index) of local maxima in time, the latest first, shape [onsets, 2]."""
    inner = onsets[1:-1]
    peaks = (inner > onsets[:-2]) & (inner > onsets[2:]) & (inner >= threshold)
    cells = np.argwhere(peaks)[::-1]
    cells[:, 0] += 1
    return cells


class _Extraction:
    """Takes notes out of the map; what a note explains, with one semitone to both sides, is set to zero."""

    def __init__(self, notes: Doubles, options: NoteOptions) -> None:
        self._notes = notes
        self._left = notes.copy()
        self._frames = len(notes)
        self._threshold = options.frame_threshold
        self._fill_in = options.fill_in
        self._shortest = round(options.shortest_s * SAMPLE_RATE / HOP)

    def run(self, onset_cells: NDArray[np.int64]) -> list[NoteEvent]:
        found = [note for start, pitch in onset_cells.tolist() if (note := self._from_onset(start, pitch))]
        if self._fill_in:
            found += self._unexplained()
        return found

    def _from_onset(self, start: int, pitch: int) -> NoteEvent | None:
        if start >= self._frames - 1:
            return None
        stop, weak = self._follow(self._left[start + 1 : self._frames - 1, pitch])
        end = start + 1 + stop - weak
        if end - start <= self._shortest:
            return None
        self._clear(start, end, pitch)
        return self._event(start, end, pitch)

    def _unexplained(self) -> list[NoteEvent]:
        # Cells only ever fall to zero, so one sort gives the order in which the largest would be taken each time.
        cells = np.flatnonzero(self._left > self._threshold)
        order = np.argsort(-self._left.ravel()[cells], kind="stable")
        found = []
        for cell in cells[order].tolist():
            middle, pitch = divmod(cell, PITCHES)
            if self._left[middle, pitch] <= self._threshold:
                continue
            self._left[middle, pitch] = 0.0
            ahead, weak_ahead = self._follow(self._left[middle + 1 : self._frames - 1, pitch])
            behind, weak_behind = self._follow(self._left[1:middle, pitch][::-1])
            self._clear(middle + 1, middle + 1 + ahead, pitch)
            self._clear(middle - behind, middle, pitch)
            start, end = middle - behind + weak_behind, middle + ahead - weak_ahead
            if end - start > self._shortest:
                found.append(self._event(start, end, pitch))
        return found

    def _follow(self, values: Doubles) -> tuple[int, int]:
        """Frames walked until eleven weak ones in a row or the end, and how many weak ones end the walk."""
        for first in range(0, max(len(values), 1), _LOOK_FRAMES):
            # Each look starts early enough to see a run that began in the one before.
            base = max(0, first - _TOLERATED_FRAMES + 1)
            sums = np.concatenate([[0], np.cumsum(values[base : first + _LOOK_FRAMES] < self._threshold)])
            full = np.flatnonzero(sums[_TOLERATED_FRAMES:] - sums[:-_TOLERATED_FRAMES] == _TOLERATED_FRAMES)
            if len(full):
                return base + int(full[0]) + _TOLERATED_FRAMES, _TOLERATED_FRAMES
        strong = np.flatnonzero(values[-_TOLERATED_FRAMES:] >= self._threshold)
        tail = min(len(values), _TOLERATED_FRAMES)
        return len(values), tail - 1 - int(strong[-1]) if len(strong) else tail

    def _clear(self, start: int, end: int, pitch: int) -> None:
        self._left[start:end, max(0, pitch - 1) : pitch + 2] = 0.0

    def _event(self, start: int, end: int, pitch: int) -> NoteEvent:
        return NoteEvent(start, end, pitch + LOWEST_PITCH, float(self._notes[start:end, pitch].mean()))


def _bends(contours: NDArray[np.float32], event: NoteEvent) -> tuple[int, ...]:
    centre = (event.pitch - LOWEST_PITCH) * BINS_PER_SEMITONE
    low, high = max(0, centre - _BEND_BINS), min(PITCHES * BINS_PER_SEMITONE, centre + _BEND_BINS + 1)
    weights = scipy.signal.windows.gaussian(2 * _BEND_BINS + 1, std=_BEND_SPREAD_BINS)
    weights = weights[low - centre + _BEND_BINS : high - centre + _BEND_BINS]
    best = np.argmax(contours[event.start_frame : event.end_frame, low:high] * weights, axis=1)
    return tuple((best + low - centre).tolist())


def _quietest_frame(notes: NDArray[np.float32], first: int) -> int:
    width = 2 * _TOLERATED_FRAMES + 1
    loudness = notes[first:].max(axis=1)
    around = np.convolve(loudness, np.ones(width), mode="valid")
    return first + int(around.argmin()) + _TOLERATED_FRAMES


def _shifted(events: tuple[NoteEvent, ...], frames: int) -> tuple[NoteEvent, ...]:
    if frames == 0:
        return events
    return tuple(replace(e, start_frame=e.start_frame + frames, end_frame=e.end_frame + frames) for e in events)
