"""A synthetic singer: a melody as vowels on a gliding, trembling pitch, with its exact f0 as truth.

Not a voice to listen to for pleasure, but one that makes a listener's life hard in the ways singers do: notes are
approached from below, vibrato sets in late, consonants are noisy and come before the beat, levels differ.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.ndimage
from numpy.typing import NDArray

from descant.dsp.pitch import PitchTrack, midi_to_hz

Floats = NDArray[np.float64]

_FRAME_S = 0.005
_HIGHEST_HARMONIC_HZ = 7_000.0
FORMANTS_HZ = (  # first three formants of a, e, i, o, u
    (750.0, 1200.0, 2600.0),
    (480.0, 1900.0, 2600.0),
    (300.0, 2250.0, 3000.0),
    (450.0, 850.0, 2500.0),
    (320.0, 750.0, 2400.0),
)
BANDWIDTHS_HZ = (90.0, 120.0, 180.0)


@dataclass(frozen=True, slots=True)
class SungNote:
    """A note to sing: `start_s`, `end_s` in seconds and a MIDI `pitch`."""

    start_s: float
    end_s: float
    pitch: float


def sing(
    notes: list[SungNote], duration_s: float, sample_rate: int, rng: np.random.Generator
) -> tuple[NDArray[np.float32], PitchTrack]:
    """Sing a monophonic line.

    Args:
        notes: Sorted by start, not overlapping.
        duration_s: Length of the result.
        sample_rate: Frames per second of the result.
        rng: Source of the singer's habits and accidents.

    Returns:
        Samples, shape [duration_s * sample_rate], peak 0.5; and the sung f0 every 5 ms, voiced where it sounds.
    """
    count = int(duration_s / _FRAME_S) + 1
    times = np.arange(count, dtype=np.float64) * _FRAME_S
    pitch, level, vowel = _contours(notes, times, rng)
    track = PitchTrack(times, midi_to_hz(pitch), (level > 0.05).astype(float), level > 0.05)
    voice = _voice(track.f0_hz, level, vowel, times, duration_s, sample_rate, rng)
    voice += _consonants(notes, len(voice), sample_rate, rng)
    peak = np.abs(voice).max(initial=0.0)
    return (0.5 * voice / peak if peak > 0 else voice).astype(np.float32), track


def _contours(
    notes: list[SungNote], times: Floats, rng: np.random.Generator
) -> tuple[Floats, Floats, NDArray[np.int64]]:
    pitch = np.full(len(times), 60.0 if not notes else notes[0].pitch)
    level = np.zeros(len(times))
    vowel = np.zeros(len(times), np.int64)
    depth, rate = rng.uniform(0.0, 0.5), rng.uniform(4.8, 6.5)
    glide_s, out_of_tune = rng.uniform(0.02, 0.09), rng.uniform(0.0, 0.18)
    for note in notes:
        first, last = np.searchsorted(times, [note.start_s, note.end_s])
        if last - first < 4:
            continue
        since = times[first:last] - note.start_s
        target = note.pitch + rng.normal(0.0, out_of_tune)
        start = pitch[first - 1] if first > 0 and level[first - 1] > 0 else target - rng.uniform(0.0, 1.5)
        tremble = depth * np.clip((since - 0.25) / 0.3, 0.0, 1.0) * np.sin(2 * np.pi * rate * since + rng.uniform(0, 6))
        pitch[first:last] = target + (start - target) * np.exp(-since / glide_s) + tremble
        pitch[last:] = target
        loud = rng.uniform(0.6, 1.0)
        fade = np.minimum(1.0, np.minimum(since / 0.03, (note.end_s - note.start_s - since) / 0.05))
        level[first:last] = loud * np.clip(fade, 0.0, 1.0) * (1.0 - 0.4 * since / max(since[-1], 1e-3))
        vowel[first:last] = rng.integers(len(FORMANTS_HZ))
    drift = scipy.ndimage.gaussian_filter1d(rng.normal(0.0, 1.0, len(times)), 40.0) * rng.uniform(0.0, 0.6)
    return pitch + drift, level, vowel


def _voice(
    f0_hz: Floats,
    level: Floats,
    vowel: NDArray[np.int64],
    times: Floats,
    duration_s: float,
    sample_rate: int,
    rng: np.random.Generator,
) -> Floats:
    frames = round(duration_s * sample_rate)
    at = np.arange(frames) / sample_rate
    phase = np.cumsum(np.interp(at, times, f0_hz)) * (2 * np.pi / sample_rate)
    stretch = rng.uniform(0.9, 1.2)
    formants = scipy.ndimage.uniform_filter1d(np.asarray(FORMANTS_HZ)[vowel] * stretch, 12, axis=0)
    tilt = rng.uniform(0.9, 1.6)
    voice = np.zeros(frames)
    top = min(_HIGHEST_HARMONIC_HZ, 0.45 * sample_rate)
    sounding = level > 0
    lowest = f0_hz[sounding].min() if sounding.any() else top
    for harmonic in range(1, int(top / lowest) + 1):
        hz = harmonic * f0_hz
        gain = level * harmonic**-tilt * (hz < top)
        if not gain.any():
            break
        resonance = 0.03 + sum(
            weight / (1.0 + ((hz - formants[:, i]) / BANDWIDTHS_HZ[i]) ** 2)
            for i, weight in enumerate((1.0, 0.6, 0.35))
        )
        voice += np.interp(at, times, gain * resonance) * np.sin(harmonic * phase)
    breath = rng.normal(0.0, 1.0, frames) * rng.uniform(0.0, 0.01)
    return voice + breath * np.interp(at, times, level)


def _consonants(notes: list[SungNote], frames: int, sample_rate: int, rng: np.random.Generator) -> Floats:
    noise = np.zeros(frames)
    share = rng.uniform(0.2, 0.9)
    for note in notes:
        if rng.random() > share:
            continue
        length = int(rng.uniform(0.02, 0.09) * sample_rate)
        first = int(note.start_s * sample_rate) - length
        if first < 0 or first + length > frames:
            continue
        burst = np.diff(rng.normal(0.0, 1.0, length + 1)) * np.hanning(length)
        noise[first : first + length] += burst * rng.uniform(0.02, 0.15)
    return noise


def sung_notes(starts_s: Floats, ends_s: Floats, pitches: Floats, rng: np.random.Generator) -> list[SungNote]:
    """Make any notes singable: the top line only, without overlaps, each start a little early or late."""
    order = np.lexsort((-pitches, np.round(starts_s, 2)))
    loose = rng.uniform(0.0, 0.03)
    notes: list[SungNote] = []
    for index in order:
        start = float(starts_s[index] + rng.normal(0.0, loose))
        end = float(ends_s[index] - rng.uniform(0.0, 0.05))
        if notes and starts_s[index] < notes[-1].start_s + 0.03:
            continue
        if notes and notes[-1].end_s > start:
            notes[-1] = SungNote(notes[-1].start_s, max(start, notes[-1].start_s + 0.03), notes[-1].pitch)
            start = max(start, notes[-1].end_s)
        if end - start >= 0.04 and start >= 0:
            notes.append(SungNote(start, end, float(pitches[index])))
    return notes
