"""Where the notes of a recording begin, where their keys are let go, and where they end."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from descant.audio.clip import Clip
from descant.dsp.pitch import PitchTrack
from descant.dsp.segment import Segment, SegmentOptions, segment
from descant.dsp.voice import VoiceFrames, onset_evidence, voice_frames
from descant.nets.partial_synth import SAMPLE_RATE

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

_HOP = 128
_ONSET_DB, _END_DB, _NOISE_DB = -40.0, -60.0, 9.0
_FLAT_DB, _FLAT_SHARE, _FLOOR_BELOW_DB = 3.0, 0.12, 30.0
_BEFORE_S = 0.002
_SOFT_DB = -24.0
_PITCH_STEP = 0.6
_ONSET = 0.5
_GAP_S = 0.05
_OCTAVES = (12.0, 19.0, 24.0, 28.0)
_LEAST_PART_S = 0.1
_BEND_HOP_S = 0.01
_LEAST_FALL_DB, _STEEPER_DB_S = 10.0, 30.0
_BETTER = 0.6
_LEAD_S = 0.03


@dataclass(frozen=True, slots=True)
class Cut:
    """A note in a recording, in samples.

    Attributes:
        start: Where the key is struck.
        end: Where it has rung out, or the next begins.
        held: How long the key is down, counted from `start`.
        is_released: Whether letting go is heard.
        midi: What the tracker heard; None where the recording was not cut.
    """

    start: int
    end: int
    held: int
    is_released: bool
    midi: float | None


def cut(clip: Clip, track: PitchTrack) -> tuple[Cut, ...]:
    """The notes of a recording at 48 kHz; a recording of one note is one cut."""
    level = envelope_db(clip.samples, 0.005)
    floor = _noise_floor(level) + _NOISE_DB
    bounds = _notes_of(clip, track)
    if len(bounds) < 2:
        found = _trimmed(level, 0, len(level), floor, midi=None)
        return () if found is None else (found,)
    cuts = []
    for number, (start_s, midi) in enumerate(bounds):
        first = 0 if number == 0 else round((start_s - _LEAD_S) * SAMPLE_RATE / _HOP)
        last = len(level)
        if number + 1 < len(bounds):
            last = round((bounds[number + 1][0] - _LEAD_S) * SAMPLE_RATE / _HOP)
            last = _rise_before(level, first, last)
        if number:
            first = _rise_before(level, 0, first)
        found = _trimmed(level, first, last, floor, midi=midi)
        if found is not None:
            cuts.append(found)
    return tuple(cuts)


def envelope_db(samples: Floats, window_s: float) -> Doubles:
    """RMS of both channels in dB, a value every 128 samples, [values]."""
    power = np.square(samples, dtype=np.float64).mean(axis=0)
    size = max(round(window_s * SAMPLE_RATE), 1)
    sums = np.concatenate(([0.0], np.cumsum(power)))
    centres = np.arange(0, len(power), _HOP)
    low, high = np.maximum(centres - size // 2, 0), np.minimum(centres + size - size // 2, len(power))
    level: Doubles = 10.0 * np.log10((sums[high] - sums[low]) / np.maximum(high - low, 1) + 1e-12)
    return level


def _noise_floor(level: Doubles) -> float:
    """The level of what sounds when nothing is played; -inf where the recording has no such stretch."""
    lowest = float(np.percentile(level, 2))
    lasting = float(np.mean(level < lowest + _FLAT_DB))
    return lowest if lasting > _FLAT_SHARE and lowest < level.max() - _FLOOR_BELOW_DB else -np.inf


def _notes_of(clip: Clip, track: PitchTrack) -> list[tuple[float, float]]:
    """Beginnings in seconds and pitches of the notes of a phrase; one or none where it is a single note."""
    if len(track.times_s) < 3 or not track.voiced.any():
        return []
    frames = voice_frames(track, clip)
    options = SegmentOptions(shortest_s=_LEAST_PART_S, lowest_pitch=24, highest_pitch=100)
    evidence = onset_evidence(frames)
    loudest = float(frames.level_db.max())
    found: list[tuple[Segment, float]] = []
    for part in segment(frames, options):
        midi = float(np.median(frames.midi[part.start : part.end]))
        if float(frames.level_db[part.start : part.end].max()) < loudest + _SOFT_DB:
            continue  # what rings on
        if found and not _is_new(frames, evidence, found[-1], (part, midi)):
            continue
        found.append((part, midi))
    return [(float(track.times_s[part.start]), midi) for part, midi in found]


def _is_new(
    frames: VoiceFrames, evidence: Doubles, before: tuple[Segment, float], after: tuple[Segment, float]
) -> bool:
    """Whether a segment is a note of its own, and no slip of the tracker by an octave or a lull in one note."""
    near = evidence[max(after[0].start - 3, 0) : after[0].start + 4]
    struck = bool(near.max(initial=0.0) > _ONSET)
    paused = (after[0].start - before[0].end) * frames.hop_s > _GAP_S
    step = abs(after[1] - before[1])
    if any(abs(step - octave) < _PITCH_STEP for octave in _OCTAVES):
        return struck
    return step > _PITCH_STEP or struck or paused


def _rise_before(level: Doubles, low: int, place: int) -> int:
    """The valley of the level near a place: where one note gives way to the next."""
    reach = round(0.06 * SAMPLE_RATE / _HOP)
    first, last = max(low, place - reach // 2), min(place + reach, len(level))
    return first + int(np.argmin(level[first:last])) if last > first else place


def _trimmed(level: Doubles, first: int, last: int, floor: float, *, midi: float | None) -> Cut | None:
    """A note between two places of the envelope."""
    part = level[first:last]
    if not len(part):
        return None
    top = float(part.max())
    heard = np.flatnonzero(part > max(top + _ONSET_DB, min(floor, top - _LEAST_FALL_DB)))
    begin = max(first + int(heard[0]) - round(_BEFORE_S * SAMPLE_RATE / _HOP), first)
    sounding = np.flatnonzero(part > max(top + _END_DB, min(floor, top - _LEAST_FALL_DB)))
    end = first + int(sounding[-1]) + 1
    held = release_of(level[begin:end])
    length = (end - begin) * _HOP
    return Cut(begin * _HOP, end * _HOP, length if held is None else held * _HOP, held is not None, midi)


def release_of(level: Doubles) -> int | None:
    """Where a key is let go: the place where two straight lines through the level in dB meet, the second far steeper.

    Args:
        level: Of a note, as `envelope_db` makes it.

    Returns:
        A place in it; None where the note decays evenly to its end, or stops short.
    """
    step = max(round(_BEND_HOP_S * SAMPLE_RATE / _HOP), 1)
    y: Doubles = np.convolve(level, np.ones(step) / step, "valid")[::step].astype(np.float64, copy=False)
    hop_s = step * _HOP / SAMPLE_RATE
    top = int(np.argmax(y))
    y = y[top:]
    if len(y) < 10:
        return None
    x: Doubles = np.arange(len(y), dtype=np.float64) * hop_s
    straight = _misfit(x, y)[0]
    best: tuple[float, int, float, float] | None = None
    for place in range(4, len(y) - 3):
        first, second = _misfit(x[:place], y[:place]), _misfit(x[place:], y[place:])
        if best is None or first[0] + second[0] < best[0]:
            best = (first[0] + second[0], place, first[1], second[1])
    if best is None:
        return None
    misfit, place, before, after = best
    falls = float(y[place - 1] - y[-1])
    if misfit < _BETTER * straight and after < before - _STEEPER_DB_S and falls > _LEAST_FALL_DB:
        return (top + place) * step
    return None


def _misfit(x: Doubles, y: Doubles) -> tuple[float, float]:
    """Squared misfit and slope of the best straight line."""
    dx, dy = x - x.mean(), y - y.mean()
    slope = float(dx @ dy) / max(float(dx @ dx), 1e-12)
    return float(np.square(dy - slope * dx).sum()), slope
