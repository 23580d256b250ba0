"""Real singers made to sing any melody: recorded syllables moved to new pitches and times, with exact notes as truth.

A voice bank is a folder of recordings of sung syllables with an `oto.ini`, in which a person marked where each
syllable's vowel starts. The syllables are moved by pitch-synchronous overlap-add (Moulines and Charpentier 1990), so
consonants, timbre and the onsets of syllables stay real while notes, scoops, glides, vibrato and drift are known.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.ndimage
import scipy.signal
from numpy.typing import NDArray

from descant.audio.clip import Clip
from descant.audio.io import read
from descant.dsp.pitch import hz_to_midi, midi_to_hz
from descant.errors import InputNotFound

Floats = NDArray[np.float64]

SAMPLE_RATE = 32_000
_LONGEST_CONSONANT_S = 0.11
_CONTROL_S = 0.005
_NOISE_HOP_S = 0.004
_SETTLED_S = 0.08
_CLEAR_RISE_DB = 5.0


@dataclass(frozen=True, slots=True)
class TrueNote:
    """A note that is sung: start of its vowel and end in seconds, and its pitch as a fractional MIDI number."""

    start_s: float
    end_s: float
    pitch: float


@dataclass(frozen=True, slots=True, eq=False)
class Syllable:
    """A recorded syllable.

    Attributes:
        samples: The sound, at `SAMPLE_RATE`, consonant first.
        vowel: Sample at which the vowel starts.
        marks: Samples of the pitch periods, rising.
        period: Usual distance between marks in samples.
    """

    samples: Floats
    vowel: int
    marks: NDArray[np.int64]
    period: float


@dataclass(frozen=True, slots=True)
class OtoEntry:
    """A line of `oto.ini`: where in a file a syllable lies; a negative length counts from the file's end."""

    file: str
    alias: str
    offset_s: float
    length_s: float
    vowel_s: float


class VoiceBank:
    """One singer's recorded syllables.

    Args:
        folder: Recordings with `oto.ini` and `voice.json` (`f0_median_hz`).

    Raises:
        InputNotFound: The folder holds no voice bank.
    """

    def __init__(self, folder: Path) -> None:
        oto, about = folder / "oto.ini", folder / "voice.json"
        if not oto.is_file() or not about.is_file():
            raise InputNotFound(f"{folder} holds no voice bank.", "Expected oto.ini and voice.json in it.")
        self.name = folder.name
        self._folder = folder
        self.f0_hz = float(json.loads(about.read_text(encoding="utf-8"))["f0_median_hz"])
        self.entries = tuple(e for e in map(_oto_entry, oto.read_text(encoding="utf-8").splitlines()) if e is not None)
        self._files: dict[str, Floats] = {}

    def draw(self, rng: np.random.Generator) -> Syllable:
        """Any syllable whose vowel lasts at least a fifth of a second."""
        for _ in range(200):
            cut = self.cut(self.entries[int(rng.integers(len(self.entries)))])
            if cut is not None:
                return _marked(*cut, self.f0_hz)
        raise InputNotFound(f"{self._folder} holds no usable syllable.")

    def cut(self, entry: OtoEntry) -> tuple[Floats, int] | None:
        """The sound of an entry at `SAMPLE_RATE`, consonant first, and the sample at which its vowel starts.

        None where the file is missing, or the vowel is silent or lasts less than a fifth of a second.
        """
        if not (self._folder / entry.file).is_file():
            return None
        sound = self._sound(entry.file)
        onset = round((entry.offset_s + entry.vowel_s) * SAMPLE_RATE)
        length = round(entry.length_s * SAMPLE_RATE)
        end = round((entry.offset_s + entry.length_s) * SAMPLE_RATE) if entry.length_s > 0 else len(sound) + length
        first, onset = _consonant_and_vowel(sound, onset)
        part = sound[first : min(end, onset + 2 * SAMPLE_RATE)]
        part = part[: _faded(part, onset - first)]
        if len(part) - (onset - first) < 0.2 * SAMPLE_RATE or np.abs(part[onset - first :]).max(initial=0) < 0.02:
            return None
        return part, onset - first

    def _sound(self, file: str) -> Floats:
        if file not in self._files:
            if len(self._files) > 64:
                self._files.clear()
            self._files[file] = read(self._folder / file, sample_rate=SAMPLE_RATE, channels=1).samples[0].astype(float)
        return self._files[file]


def resing(
    notes: Sequence[TrueNote], bank: VoiceBank, duration_s: float, rng: np.random.Generator
) -> tuple[Clip, tuple[TrueNote, ...]]:
    """Let a singer sing a melody, with the habits and accidents of an amateur.

    Args:
        notes: The melody; sorted, not overlapping.
        bank: The singer.
        duration_s: Length of the result.
        rng: Source of the habits.

    Returns:
        The recording, and the notes as they are really sung: detuned, some without a syllable of their own.
    """
    sung = _amateur(notes, rng)
    slurred = _slurs(sung, rng)
    at: Floats = np.arange(round(duration_s / _CONTROL_S) + 1, dtype=np.float64) * _CONTROL_S
    pitch = pitch_curve(sung, slurred, at, rng)
    out = np.zeros(round(duration_s * SAMPLE_RATE) + SAMPLE_RATE)
    groups: list[list[TrueNote]] = []
    for note, is_slurred in zip(sung, slurred, strict=True):
        if is_slurred:
            groups[-1].append(note)
        else:
            groups.append([note])
    previous_end = 0.0
    for group in groups:
        syllable = bank.draw(rng)
        end_s = group[-1].end_s
        _overlay(out, syllable, group[0].start_s, end_s, previous_end, at, pitch, float(rng.uniform(0.45, 1.0)))
        previous_end = end_s
    clip = out[: round(duration_s * SAMPLE_RATE)]
    peak = np.abs(clip).max(initial=0.0)
    return Clip((0.6 * clip / max(peak, 1e-9)).astype(np.float32), SAMPLE_RATE), tuple(
        TrueNote(n.start_s, n.end_s, _median_pitch(n, at, pitch)) for n in sung
    )


def as_phone_recording(clip: Clip, rng: np.random.Generator, *, room: Clip | None = None) -> Clip:
    """The recording as a phone in a room hears it: reverberation, band limits, noise, and breath between phrases.

    Args:
        clip: A dry recording, mono.
        rng: Source of the circumstances.
        room: Impulse response of the room, at the clip's rate; None leaves it dry.
    """
    samples = clip.samples[0].astype(float)
    if room is not None:
        tail = scipy.signal.fftconvolve(samples, room.samples[0].astype(float))[: len(samples)]
        tail *= np.sqrt(np.mean(samples**2) / max(np.mean(tail**2), 1e-12))
        samples = samples + rng.uniform(0.05, 0.35) * tail
    low, high = rng.uniform(60.0, 220.0), min(rng.uniform(3_800.0, 14_000.0), 0.45 * clip.sample_rate)
    band = scipy.signal.butter(2, [low, high], "bandpass", fs=clip.sample_rate, output="sos")
    samples = scipy.signal.sosfilt(band, samples)
    level = np.sqrt(np.mean(samples**2))
    hiss = rng.normal(0.0, 1.0, len(samples))
    hum = scipy.signal.lfilter([1.0], [1.0, -0.97], hiss) * 0.1
    samples = samples + (hiss + hum) * level * 10.0 ** (-rng.uniform(22.0, 48.0) / 20.0)
    peak = np.abs(samples).max(initial=1e-9)
    drive = rng.uniform(0.4, 1.1)
    return Clip((np.tanh(drive * samples / peak) * 0.7).astype(np.float32), clip.sample_rate)


def _oto_entry(line: str) -> OtoEntry | None:
    """An entry of its line: a negative cutoff is a length, a positive one is cut off the file's end."""
    file, equals, rest = line.partition("=")
    fields = rest.split(",")
    if not equals or len(fields) != 6 or fields[0].endswith(("-", "R")):
        return None
    try:
        offset, _, cutoff, vowel = (float(x) / 1000.0 for x in fields[1:5])
    except ValueError:
        return None
    return OtoEntry(file, fields[0], offset, -cutoff, vowel)


def _marked(samples: Floats, vowel: int, f0_hz: float) -> Syllable:
    """Mark the pitch periods: peaks of the low-passed wave, each near one period after the last."""
    low = scipy.signal.sosfiltfilt(scipy.signal.butter(2, 1.6 * f0_hz, fs=SAMPLE_RATE, output="sos"), samples)
    period = SAMPLE_RATE / f0_hz
    steady = low[vowel : vowel + round(0.15 * SAMPLE_RATE)]
    lags = np.arange(round(0.7 * period), round(1.45 * period))
    similar = [float(np.dot(steady[:-lag], steady[lag:]) / (len(steady) - lag)) for lag in lags]
    period = float(lags[int(np.argmax(similar))])
    first = vowel + int(np.argmax(low[vowel : vowel + round(period)]))
    marks = [first]
    reach = round(0.2 * period)
    for direction in (-1, 1):
        at = first
        while True:
            centre = at + direction * round(period)
            if centre - reach < 0 or centre + reach >= len(low):
                break
            at = centre - reach + int(np.argmax(low[centre - reach : centre + reach + 1]))
            marks.append(at)
    floor = 0.08 * np.abs(low[vowel:]).max()
    half = round(period)
    voiced = [m for m in sorted(marks) if np.abs(low[max(0, m - half) : m + half]).max() > floor]
    return Syllable(_evened(samples, vowel), vowel, np.asarray(voiced or [first], np.int64), period)


def _evened(samples: Floats, vowel: int) -> Floats:
    """The syllable with its vowel at one level once it has set in: a held note must not pulse as its vowel repeats."""
    settled = vowel + round(_SETTLED_S * SAMPLE_RATE)
    envelope = np.sqrt(scipy.ndimage.uniform_filter1d(samples**2, round(0.04 * SAMPLE_RATE)) + 1e-9)
    gain = np.ones(len(samples))
    gain[settled:] = np.clip(envelope[min(settled, len(samples) - 1)] / envelope[settled:], 0.25, 4.0)
    result: Floats = samples * gain
    return result


def _consonant_and_vowel(sound: Floats, marked: int) -> tuple[int, int]:
    """Where the consonant starts and the vowel sets in, near the moment a person marked.

    Marks of voice banks serve a sampler's timing: some lie well inside the vowel. If the loudness rises by more than
    `_CLEAR_RISE_DB` nearby, the vowel sets in at the end of the steepest rise; the valley before it is the consonant.
    """
    hop = SAMPLE_RATE // 200
    if marked + round(0.06 * SAMPLE_RATE) > len(sound) or marked < round(0.1 * SAMPLE_RATE):
        return max(0, marked - round(0.02 * SAMPLE_RATE)), marked
    low = max(0, marked - round(0.14 * SAMPLE_RATE))
    # Hiss and bursts lie higher than this: what rises here is the voice.
    band = scipy.signal.butter(2, [120.0, 1_800.0], "bandpass", fs=SAMPLE_RATE, output="sos")
    part = scipy.signal.sosfiltfilt(band, sound[low : marked + round(0.06 * SAMPLE_RATE)])
    power = scipy.ndimage.uniform_filter1d(part**2, 3 * hop)[::hop]
    level = 10.0 * np.log10(power + 1e-9)
    rise = level[4:] - level[:-4]
    distance = np.abs((np.arange(len(rise)) + 3) * hop + low - marked) / SAMPLE_RATE
    steepest = int((rise - 60.0 * distance).argmax())
    if rise[steepest] < _CLEAR_RISE_DB:
        return max(0, marked - round(0.02 * SAMPLE_RATE)), marked
    vowel = low + (steepest + 3) * hop
    start = max(0, steepest + 3 - round(_LONGEST_CONSONANT_S * 200))
    valley = start + int(level[start : steepest + 2].argmin())
    return min(low + valley * hop, vowel), vowel


def _faded(samples: Floats, vowel: int) -> int:
    """Where the vowel has fallen below a fifth of its level."""
    # The running sum of the filter may end a hair below zero in digital silence.
    envelope = np.sqrt(np.maximum(scipy.ndimage.uniform_filter1d(samples**2, round(0.04 * SAMPLE_RATE)), 0.0))
    quiet = np.flatnonzero(envelope[vowel:] < 0.2 * envelope[vowel:].max(initial=0.0))
    late = quiet[quiet > 0.1 * SAMPLE_RATE]
    return vowel + int(late[0]) if len(late) else len(samples)


def _amateur(notes: Sequence[TrueNote], rng: np.random.Generator) -> list[TrueNote]:
    out_of_tune, lateness, offset = rng.uniform(0.05, 0.3), rng.uniform(0.0, 0.025), rng.uniform(-0.5, 0.5)
    sung: list[TrueNote] = []
    for note in notes:
        start = max(note.start_s + rng.normal(0.0, lateness), sung[-1].start_s + 0.07 if sung else 0.12)
        if sung and start < sung[-1].end_s:
            sung[-1] = TrueNote(sung[-1].start_s, start, sung[-1].pitch)
        end = max(note.end_s - rng.uniform(0.0, 0.06), start + 0.07)
        sung.append(TrueNote(start, end, note.pitch + offset + rng.normal(0.0, out_of_tune)))
    return sung


def _slurs(notes: Sequence[TrueNote], rng: np.random.Generator) -> list[bool]:
    """Which notes have no syllable of their own: some of those that follow another pitch without a pause."""
    share = rng.uniform(0.0, 0.3)
    slurred = [False] * min(1, len(notes))
    for before, note in itertools.pairwise(notes):
        interval = abs(note.pitch - before.pitch)
        slurred.append(note.start_s - before.end_s < 0.02 and 0.7 < interval < 7 and bool(rng.random() < share))
    return slurred


def pitch_curve(notes: Sequence[TrueNote], slurred: Sequence[bool], at: Floats, rng: np.random.Generator) -> Floats:
    """Fractional MIDI numbers at the times `at` of a melody as it is sung: scoops, glides, late vibrato, drift."""
    pitch = np.full(len(at), notes[0].pitch if notes else 60.0)
    depth, rate, scoops = rng.uniform(0.0, 0.6), rng.uniform(4.5, 6.8), rng.uniform(0.1, 0.6)
    for index, (note, is_slurred) in enumerate(zip(notes, slurred, strict=True)):
        inside = (at >= note.start_s - 0.12) & (at < note.end_s + 0.2)
        since = at[inside] - note.start_s
        target = np.full(len(since), note.pitch)
        follows = index > 0 and note.start_s - notes[index - 1].end_s < 0.08
        if follows:
            glide_s = rng.uniform(0.012, 0.03) if not is_slurred else rng.uniform(0.012, 0.04)
            centre = -rng.uniform(0.0, 0.03) if not is_slurred else 0.0
            before = pitch[inside]
            share = 1.0 / (1.0 + np.exp(-(since - centre) / glide_s))
            target = before + (note.pitch - before) * share
        elif rng.random() < scoops:
            target -= rng.uniform(0.4, 3.0) * np.exp(-np.maximum(since, 0.0) / rng.uniform(0.02, 0.06))
        trembling = np.clip((since - 0.2) / 0.25, 0.0, 1.0) * depth * rng.uniform(0.5, 1.0)
        target = target + trembling * np.sin(2 * np.pi * rate * since)
        fall = np.clip((since - (note.end_s - note.start_s - 0.08)) / 0.08, 0.0, 1.0)
        if index + 1 == len(notes) or notes[index + 1].start_s - note.end_s > 0.1:
            target = target - fall * rng.uniform(0.0, 1.5) * (rng.random() < 0.4)
        pitch[inside] = target
        pitch[at >= note.end_s + 0.2] = note.pitch
    wander = scipy.ndimage.gaussian_filter1d(rng.normal(0.0, 1.0, len(at)), 0.12 / _CONTROL_S)
    shiver = scipy.ndimage.gaussian_filter1d(rng.normal(0.0, 1.0, len(at)), 2.0)
    return pitch + wander * rng.uniform(0.2, 0.8) + shiver * rng.uniform(0.0, 0.1)


def _median_pitch(note: TrueNote, at: Floats, pitch: Floats) -> float:
    inside = (at >= note.start_s) & (at < note.end_s)
    return float(np.median(pitch[inside])) if inside.any() else note.pitch


def _overlay(
    out: Floats,
    syllable: Syllable,
    start_s: float,
    end_s: float,
    previous_end_s: float,
    at: Floats,
    pitch: Floats,
    gain: float,
) -> None:
    """Add one syllable: before `start_s` as much of its consonant as the pause leaves room for, then its vowel."""
    room_s = max(start_s - max(previous_end_s - 0.05, 0.0), 0.0)
    consonant = min(syllable.vowel, round(room_s * SAMPLE_RATE))
    position = start_s * SAMPLE_RATE - consonant
    end = end_s * SAMPLE_RATE
    begin = position
    vowel_length = len(syllable.samples) - syllable.vowel
    fall = 1.0 - gain  # louder syllables are held more evenly
    span = max(end - position, 1.0)

    def swell(since: float) -> float:
        return 1.0 - 0.6 * fall * since / span

    level = gain / max(np.sqrt(np.mean(syllable.samples[syllable.vowel :] ** 2)), 1e-6) * 0.1
    while position < end:
        source = _source_position(position - start_s * SAMPLE_RATE, syllable.vowel, vowel_length, syllable.period)
        nearest = int(syllable.marks[np.argmin(np.abs(syllable.marks - source))])
        is_voiced = abs(nearest - source) <= 0.75 * syllable.period
        if is_voiced:
            hz = float(midi_to_hz(np.interp(position / SAMPLE_RATE, at, pitch)))
            half, centre, step = round(syllable.period), nearest, SAMPLE_RATE / hz
        else:
            half = round(_NOISE_HOP_S * SAMPLE_RATE)
            centre, step = round(source), float(half)
        fade = min(1.0, (position - begin) / (0.012 * SAMPLE_RATE) + 0.1, (end - position) / (0.03 * SAMPLE_RATE))
        fade *= swell(position - begin)
        _add_grain(out, syllable.samples, centre, round(position), half, level * max(fade, 0.0))
        position += step


def _source_position(offset: float, vowel: int, vowel_length: int, period: float) -> float:
    """Where in the syllable a moment lies: the consonant as it is, then the vowel, back and forth in its middle."""
    usable = 0.85 * vowel_length
    if offset < usable:
        return vowel + offset
    turn = 0.4 * vowel_length
    phase = (offset - usable) % (2 * turn)
    return vowel + usable - (phase if phase < turn else 2 * turn - phase) - period


def _add_grain(out: Floats, source: Floats, centre: int, position: int, half: int, gain: float) -> None:
    low = max(0, half - centre, half - position)
    high = min(2 * half, len(source) - centre + half, len(out) - position + half)
    if high > low:
        window = np.hanning(2 * half + 1)[:-1]
        grain = source[centre - half + low : centre - half + high] * window[low:high]
        out[position - half + low : position - half + high] += gain * grain


def fit_to_voice(notes: Sequence[TrueNote], f0_hz: float) -> list[TrueNote]:
    """The melody moved by octaves to where the voice lies."""
    if not notes:
        return []
    middle = float(np.median([n.pitch for n in notes]))
    shift = 12.0 * round((float(hz_to_midi(f0_hz)) - middle) / 12.0)
    return [TrueNote(n.start_s, n.end_s, n.pitch + shift) for n in notes]
