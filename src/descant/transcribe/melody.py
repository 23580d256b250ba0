"""Sung melody: single notes with their pitch curves, from the f0 of one voice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from descant.audio.clip import Clip
from descant.dsp.pitch import PitchTrack
from descant.dsp.segment import segment
from descant.dsp.voice import VoiceFrames, voice_frames
from descant.progress import CancelToken, Monitor, ProgressSink
from descant.score.notes import Note
from descant.score.tempo import TempoMap
from descant.transcribe.config import MelodyOptions
from descant.transcribe.placing import bend_curve, place

Doubles = NDArray[np.float64]

_CLEAR_TUNING = 0.5
_TUNING_SPREAD_S = 6.0
_BEND_STEP = 1.0 / 32.0
_QUIETEST_DB = 36.0
# The frame in which a rise ends comes this much after the moment people mark as the note's start.
_ONSET_LEAD_S = 0.010
# Spoken syllables stray this far from one pitch on average (in 59 of 68 excerpts), sung notes do not (in none of 38);
# what is held this long within a semitone is written even so.
_SPOKEN_SEMITONES = 0.7
_HELD_S = 0.15
_HELD_SEMITONES = 1.0
_FARTHEST_STRAY = 3.0


@dataclass(frozen=True, slots=True)
class SungNote:
    """One sung note.

    Attributes:
        start_s: Where its vowel starts, in seconds.
        end_s: Where it ends.
        pitch: Exact pitch as a fractional MIDI number (60.25 is a quarter of a semitone above middle C).
        number: The MIDI number it is written as.
        confidence: Mean confidence of the pitch tracker, 0..1.
        amplitude: Loudness against the loudest note, 0..1.
        curve: (seconds after the start, fractional MIDI number) of each frame.
        stray: How far its frames lie from `pitch` on average, in semitones.
        held_s: The longest stretch in which the pitch stays within a semitone, in seconds.
    """

    start_s: float
    end_s: float
    pitch: float
    number: int
    confidence: float
    amplitude: float
    curve: tuple[tuple[float, float], ...] = ()
    stray: float = 0.0
    held_s: float = 0.0


def sung_notes(
    source: Clip | PitchTrack,
    *,
    clip: Clip | None = None,
    options: MelodyOptions | None = None,
    progress: ProgressSink | None = None,
    cancel: CancelToken | None = None,
) -> tuple[SungNote, ...]:
    """What one voice sings.

    Args:
        source: A recording of one voice, or its pitch track.
        clip: The recording behind a pitch track; gives the loudness in which syllables show.
        options: How notes are told apart.
        progress: Receives `Progress` events.
        cancel: Stops the work when raised.

    Returns:
        Notes in order of time, not overlapping; none when nothing is sung.
    """
    options = options or MelodyOptions()
    monitor = Monitor(progress, cancel, "melody")
    if isinstance(source, Clip):
        if source.frames == 0:
            return ()
        from descant.nets.swift_f0 import SwiftF0

        clip = source
        track = SwiftF0.load()(source, progress=monitor.part("melody", 0.0, 0.8).sink, cancel=cancel)
    else:
        track = source
    if len(track.times_s) < 2 or not track.voiced.any():
        monitor.report(1.0)
        return ()
    frames = voice_frames(track, clip)
    monitor.report(0.9)
    notes = _notes(frames, options)
    monitor.report(1.0)
    return notes


def notes_on(notes: Sequence[SungNote], tempo: TempoMap) -> tuple[Note, ...]:
    """Sung notes on a score's time line, their pitch curves as bends."""
    placed = []
    for note in notes:
        start, end = tempo.quarters_at([note.start_s, note.end_s]).tolist()
        offsets = tempo.quarters_at([note.start_s + offset for offset, _ in note.curve]) - start
        semitones = [round((midi - note.number) / _BEND_STEP) * _BEND_STEP for _, midi in note.curve]
        placed.append(place(start, end, note.number, note.amplitude, bend_curve(offsets.tolist(), semitones)))
    return tuple(placed)


def sounds_spoken(notes: Sequence[SungNote]) -> bool:
    """Whether the notes of a recording move as speech does: hardly any of them is held at a pitch."""
    lengths = np.asarray([note.end_s - note.start_s for note in notes])
    if not len(notes) or lengths.sum() <= 0.0:
        return False
    return bool(np.average([note.stray for note in notes], weights=lengths) >= _SPOKEN_SEMITONES)


def held_notes(notes: Sequence[SungNote]) -> tuple[SungNote, ...]:
    """The notes whose pitch stays within a semitone for 0.15 s: what is left of speech when only its tones count."""
    return tuple(note for note in notes if note.held_s >= _HELD_S)


def tuning_offset(pitches: Doubles, weights: Doubles) -> tuple[float, float]:
    """By how much a voice's scale lies off A = 440 Hz, and how clear that is.

    Args:
        pitches: Fractional MIDI numbers.
        weights: How much each counts, for instance its duration.

    Returns:
        Semitones in -0.5..0.5, and a clarity from 0 (no scale at all) to 1: the circular mean and its length.
    """
    total = float(np.sum(weights))
    if total <= 0.0:
        return 0.0, 0.0
    mean = complex(np.sum(weights * np.exp(2j * np.pi * pitches)) / total)
    return float(np.angle(mean) / (2 * np.pi)), abs(mean)


def local_tuning(times_s: Doubles, pitches: Doubles, weights: Doubles) -> Doubles:
    """Where the voice's scale lies around each note, as it drifts; 0 throughout for a voice without a clear scale.

    The offset is followed through the drift: a singer who sinks by a semitone keeps the same note numbers.

    Args:
        times_s: When the notes start, rising, shape [notes].
        pitches: Fractional MIDI numbers, shape [notes].
        weights: How much each counts, for instance its duration, shape [notes].

    Returns:
        Semitones to take away before rounding, shape [notes]; on the whole within half a semitone of zero.
    """
    near = np.exp(-0.5 * ((times_s[:, np.newaxis] - times_s) / _TUNING_SPREAD_S) ** 2)
    found = [tuning_offset(pitches, weights * row) for row in near]
    clarity = np.asarray([clear for _, clear in found])
    if not len(found) or np.average(clarity, weights=weights) < _CLEAR_TUNING:
        return np.zeros(len(found))
    offsets: Doubles = np.unwrap([offset for offset, _ in found], period=1.0)
    return offsets - np.round(np.average(offsets, weights=weights))


def _notes(frames: VoiceFrames, options: MelodyOptions) -> tuple[SungNote, ...]:
    segments = segment(frames, options)
    if not segments:
        return ()
    pitches = np.asarray([_steady_pitch(frames, s.start, s.end) for s in segments])
    lengths = np.asarray([s.end - s.start for s in segments], float)
    starts_s = frames.times_s[[s.start for s in segments]]
    shifts = local_tuning(starts_s, pitches, lengths) if options.follow_tuning else np.zeros(len(segments))
    levels = np.asarray([frames.level_db[s.start : s.end].max() for s in segments])
    amplitudes = np.clip(1.0 + (levels - levels.max()) / _QUIETEST_DB, 0.1, 1.0)
    notes: list[SungNote] = []
    for s, pitch, shift, amplitude in zip(
        segments, pitches.tolist(), shifts.tolist(), amplitudes.tolist(), strict=True
    ):
        number = round(pitch - shift)
        if not options.lowest_pitch <= number <= options.highest_pitch:
            continue
        start_s = max(float(frames.times_s[s.start]) - _ONSET_LEAD_S, 0.0)
        if notes and notes[-1].end_s > start_s:
            notes[-1] = replace(notes[-1], end_s=start_s)
        end_s = float(frames.times_s[s.end - 1]) + frames.hop_s
        confidence = float(frames.confidence[s.start : s.end].mean())
        curve = _curve(frames, s.start, s.end, pitch) if options.bends else ()
        midi = frames.midi[s.start : s.end]
        stray = float(np.minimum(np.abs(midi - pitch), _FARTHEST_STRAY).mean())
        held_s = _longest_held(midi) * frames.hop_s
        notes.append(SungNote(start_s, end_s, pitch, number, confidence, amplitude, curve, stray, held_s))
    return tuple(notes)


def _steady_pitch(frames: VoiceFrames, start: int, end: int) -> float:
    """The pitch a note is held at: the median of its sure frames."""
    midi, confidence = frames.midi[start:end], frames.confidence[start:end]
    sure = confidence >= 0.5
    return float(np.median(midi[sure] if sure.any() else midi))


def _longest_held(midi: Doubles) -> int:
    """Frames of the longest stretch that stays within a semitone."""
    longest = first = 0
    for last in range(len(midi)):
        while np.ptp(midi[first : last + 1]) > _HELD_SEMITONES:
            first += 1
        longest = max(longest, last + 1 - first)
    return longest


def _curve(frames: VoiceFrames, start: int, end: int, pitch: float) -> tuple[tuple[float, float], ...]:
    midi = frames.midi[start:end].copy()
    unsure = (frames.confidence[start:end] < 0.5) | (np.abs(midi - pitch) > 6.0)
    if unsure.all():
        return ()
    index = np.arange(len(midi))
    midi[unsure] = np.interp(index[unsure], index[~unsure], midi[~unsure])
    offsets = frames.times_s[start:end] - max(float(frames.times_s[start]) - _ONSET_LEAD_S, 0.0)
    return tuple(zip(offsets.tolist(), midi.tolist(), strict=True))
