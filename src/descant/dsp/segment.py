"""The best division of a pitch curve into notes, found by dynamic programming over segments.

A segmental Viterbi search: every stretch of frames may be a note at any pitch (a quarter-semitone grid) or silence.
A note costs a fixed price, lowered where a syllable starts, plus the capped deviation of its frames from one pitch;
silence costs more the louder and surer the frames are. A frame counts the more the stiller the pitch around it is:
what moves through a semitone and a half within a tenth of a second is a scoop, a glide or wide vibrato and says little
about the note, so it joins the note whose syllable it belongs to instead of making one of its own, or, where it is
soft, silence. A repeated note splits where the price of a note is paid by its onset.

The state model (attack, stable, silence) follows Mauch et al., "Computer-aided melody note transcription using the
Tony software", TENOR 2015; segments replace its frame-wise states because a note's length and its median then enter
the score directly.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import scipy.ndimage
from numpy.typing import NDArray

from descant.dsp.voice import VoiceFrames, onset_evidence
from descant.errors import InvalidOption

Doubles = NDArray[np.float64]

_GRID = 0.25
_CAP_SEMITONES = 1.5
_LONGEST_S = 30.0
_QUIET_DB = 16.0
_LOWEST_PRICE = -1.0
# The unit of prices: a frame of the pitch track they were chosen on.
_PRICED_FRAME_S = 0.016
# The pitch is judged still or moving over this much on either side of a frame; where it moves through
# `_RESTLESS_SEMITONES` there, the frame counts half, and never less than `_LEAST_WEIGHT`.
_STILL_S = 0.048
_RESTLESS_SEMITONES = 1.5
_LEAST_WEIGHT = 0.1


@dataclass(frozen=True, slots=True)
class SegmentOptions:
    """How a pitch curve is divided into notes.

    Attributes:
        confidence_threshold: How sure the tracker must be that a pitch sounds, 0..1.
        note_cost: Price of one more note, in frames times semitones of deviation; higher gives fewer, longer notes.
        onset_weight: How much of that price a syllable's onset pays; higher splits repeated notes more readily.
        shortest_s: The shortest note.
        longest_gap_s: The longest pause in the voice that a note may bridge.
        lowest_pitch: Lowest MIDI number that is written.
        highest_pitch: Highest MIDI number that is written.
    """

    confidence_threshold: float = 0.5
    note_cost: float = 4.0
    onset_weight: float = 8.0
    shortest_s: float = 0.064
    longest_gap_s: float = 0.05
    lowest_pitch: int = 24
    highest_pitch: int = 96

    def __post_init__(self) -> None:
        if not 0.0 < self.confidence_threshold < 1.0:
            raise InvalidOption(f"confidence_threshold must lie between 0 and 1; got {self.confidence_threshold}.")
        for name in ("note_cost", "onset_weight", "shortest_s", "longest_gap_s"):
            if not 0.0 <= getattr(self, name) < 100.0:
                raise InvalidOption(f"{name} must lie between 0 and 100; got {getattr(self, name)}.")
        if not 0 <= self.lowest_pitch <= self.highest_pitch <= 127:
            raise InvalidOption(
                f"The pitch range {self.lowest_pitch}..{self.highest_pitch} is empty or outside MIDI's 0..127.",
                "Give the lower number first; 60 is middle C.",
            )


@dataclass(frozen=True, slots=True)
class Segment:
    """Frames `start`..`end` (exclusive) that are one note."""

    start: int
    end: int


def segment(frames: VoiceFrames, options: SegmentOptions) -> tuple[Segment, ...]:
    """Divide a voice into notes.

    Args:
        frames: The voice.
        options: Prices and limits.

    Returns:
        Notes in order, not overlapping.
    """
    sounding = _sounding(frames, options)
    evidence = onset_evidence(frames)
    found: list[Segment] = []
    for start, end in _runs(sounding):
        found += [Segment(start + a, start + b) for a, b in _best_division(frames, evidence, start, end, options)]
    return tuple(found)


def stillness(midi: Doubles, hop_s: float) -> Doubles:
    """How much each frame of a pitch curve says about the note that is sung, 0.1..1.

    Args:
        midi: Fractional MIDI numbers of one voiced stretch, shape [frames].
        hop_s: Distance between frames in seconds.

    Returns:
        1 where the pitch stands still, 1/2 where it moves through a semitone and a half within 0.1 s, shape [frames].
    """
    width = 2 * max(1, round(_STILL_S / hop_s)) + 1
    highest = scipy.ndimage.maximum_filter1d(midi, width, mode="nearest")
    lowest = scipy.ndimage.minimum_filter1d(midi, width, mode="nearest")
    still: Doubles = np.maximum(1.0 / (1.0 + ((highest - lowest) / _RESTLESS_SEMITONES) ** 2), _LEAST_WEIGHT)
    return still


def _sounding(frames: VoiceFrames, options: SegmentOptions) -> NDArray[np.bool_]:
    """Frames that may belong to a note: voiced, within range, with short gaps closed."""
    inside = (frames.midi >= options.lowest_pitch - 1) & (frames.midi <= options.highest_pitch + 1)
    voiced = (frames.confidence >= options.confidence_threshold) & inside
    longest = round(options.longest_gap_s / frames.hop_s)
    closed = voiced.copy()
    edges = np.flatnonzero(voiced)
    for before, after in itertools.pairwise(edges.tolist()):
        if 1 < after - before <= longest + 1:
            closed[before:after] = True
    return closed


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _best_division(
    frames: VoiceFrames, evidence: Doubles, start: int, end: int, options: SegmentOptions
) -> list[tuple[int, int]]:
    """Notes of one run as (first, last + 1) frames counted from its start."""
    count = end - start
    per_frame = frames.hop_s / _PRICED_FRAME_S
    deviation = _deviation_sums(frames, start, end, options) * per_frame
    silence = np.concatenate([[0.0], np.cumsum(_silence_cost(frames, start, end))]) * per_frame
    price = np.maximum(options.note_cost - options.onset_weight * evidence[start:end], _LOWEST_PRICE)
    price[0] = min(price[0], options.note_cost * 0.5)
    shortest = max(2, round(options.shortest_s / frames.hop_s))
    longest = round(_LONGEST_S / frames.hop_s)
    best = np.full(count + 1, np.inf)
    best[0] = 0.0
    came_from = np.zeros(count + 1, np.int64)
    is_note = np.zeros(count + 1, bool)
    for stop in range(1, count + 1):
        # silence: one frame at a time
        best[stop], came_from[stop] = best[stop - 1] + silence[stop] - silence[stop - 1], stop - 1
        low, high = max(0, stop - longest), stop - shortest + 1
        if high > low:
            own = (deviation[stop] - deviation[low:high]).min(axis=1)
            total = best[low:high] + price[low:high] + own
            first = int(total.argmin())
            if total[first] < best[stop]:
                best[stop], came_from[stop], is_note[stop] = total[first], low + first, True
    notes = []
    stop = count
    while stop > 0:
        if is_note[stop]:
            notes.append((int(came_from[stop]), stop))
        stop = int(came_from[stop])
    return notes[::-1]


def _deviation_sums(frames: VoiceFrames, start: int, end: int, options: SegmentOptions) -> Doubles:
    """Running sums of each frame's deviation from each pitch of the grid, shape [frames + 1, pitches]."""
    midi = frames.midi[start:end]
    # What is restless and soft is no part of a note: only where the voice is loud does it count less.
    restless = (1.0 - stillness(midi, frames.hop_s)) * _loudness(frames, start, end)
    weight = np.clip(frames.confidence[start:end] / 0.8, 0.1, 1.0) * (1.0 - restless)
    sure = frames.confidence[start:end] >= options.confidence_threshold
    centre = midi[sure] if sure.any() else midi
    grid = np.arange(np.floor(centre.min()), np.ceil(centre.max()) + _GRID, _GRID)
    away = np.minimum(np.abs(midi[:, np.newaxis] - grid), _CAP_SEMITONES) * weight[:, np.newaxis]
    return np.concatenate([np.zeros((1, len(grid))), np.cumsum(away, axis=0)])


def _silence_cost(frames: VoiceFrames, start: int, end: int) -> Doubles:
    cost: Doubles = 0.1 + 0.9 * _loudness(frames, start, end) * np.clip(frames.confidence[start:end], 0.1, 1.0)
    return cost


def _loudness(frames: VoiceFrames, start: int, end: int) -> Doubles:
    """0..1 against the loudest frame of the stretch; half at `_QUIET_DB` below it."""
    level = frames.level_db[start:end]
    loud: Doubles = 1.0 / (1.0 + np.exp(-(level - level.max() + _QUIET_DB) / 2.5))
    return loud
