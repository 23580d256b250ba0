"""A melody with words, sung: syllables laid out in time, a pitch curve, and the vocoder; every time is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy.ndimage
from numpy.typing import NDArray

from descant.data.band.singers import Singer
from descant.data.band.units import Asked, Unit
from descant.data.band.vocoder import BINS, FFT, FLOOR, HOP_S, SAMPLE_RATE, Envelopes, Floats, synthesise
from descant.data.band.words import Placed
from descant.data.resinging import TrueNote, pitch_curve
from descant.dsp.pitch import midi_to_hz
from descant.progress import CancelToken
from descant.score.harmony import Chord

_LONGEST_CONSONANT = round(0.16 / HOP_S)
_SHORTEST_VOWEL = round(0.05 / HOP_S)
_AUDIBLE = 4.0
_FADE = round(0.03 / HOP_S)


@dataclass(frozen=True, slots=True)
class SungSyllable:
    """A syllable as it was sung, in seconds: `vowel_s` is where its vowel starts, the consonant before it."""

    text: str
    word: int
    index: int
    line: int
    start_s: float
    vowel_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Manner:
    """How someone sings.

    Attributes:
        breath: Noise in the voice, 0 to 1.
        stretch: Formants moved by this factor.
        out_of_tune: Standard deviation of a note's pitch in semitones.
        lateness_s: Standard deviation of a note's start.
        tuning: Semitones added to everything: the band's concert pitch.
    """

    breath: float
    stretch: float
    out_of_tune: float
    lateness_s: float
    tuning: float

    @classmethod
    def draw(cls, rng: np.random.Generator, tuning: float) -> Manner:
        """Somebody's manner."""
        return cls(
            breath=float(rng.uniform(0.0, 0.6)),
            stretch=float(np.exp(rng.uniform(-0.06, 0.06))),
            out_of_tune=float(rng.uniform(0.02, 0.14)),
            lateness_s=float(rng.uniform(0.0, 0.012)),
            tuning=tuning,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Sung:
    """A voice alone with its truth.

    Attributes:
        samples: Mono at 44.1 kHz.
        f0_hz: Fundamental of each vocoder frame (every `HOP_S` seconds), 0 where nothing periodic sounds.
        syllables: In order.
        notes: As they were sung: start of the vowel, end, pitch.
    """

    samples: Floats
    f0_hz: NDArray[np.float64]
    syllables: tuple[SungSyllable, ...]
    notes: tuple[TrueNote, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Slot:
    """Where a unit goes, in vocoder frames."""

    unit: Unit
    placed: Placed
    start: int
    vowel: int
    end: int
    level: float


def sing(
    notes: Sequence[TrueNote],
    placed: Sequence[Placed],
    singer: Singer,
    words: Sequence[str],
    language: str,
    manner: Manner,
    duration_s: float,
    rng: np.random.Generator,
    cancel: CancelToken | None = None,
) -> Sung:
    """Sing a line.

    Args:
        notes: Sorted, not overlapping, pitches as played.
        placed: Syllables on the notes.
        singer: Who sings.
        words: The words in full, by the numbers in `placed`.
        language: Its code.
        manner: How.
        duration_s: Length of the result.
        rng: Source of habits and accidents.
        cancel: Stops the work.
    """
    count = round(duration_s / HOP_S) + 1
    sung = _as_sung(notes, manner, rng)
    slots = _layout(sung, placed, singer, words, language, count, rng, cancel)
    at: NDArray[np.float64] = np.arange(count, dtype=np.float64) * HOP_S
    starts = {p.notes[0] for p in placed}
    slurred = [i not in starts for i in range(len(sung))]
    pitch = pitch_curve(sung, slurred, at, rng) if sung else np.full(count, 60.0)
    f0 = midi_to_hz(np.clip(pitch, 30.0, 100.0))
    envelopes = _stretched(_painted(slots, count, rng), manner.stretch)
    samples = synthesise(envelopes, f0, rng, breath=manner.breath, cancel=cancel)
    samples = _fitted(samples, round(duration_s * SAMPLE_RATE))
    level = np.log(np.exp(envelopes.power).mean(axis=1) + 1e-12)
    heard = (envelopes.voiced > 0.5) & (level > level.max(initial=-20.0) - _AUDIBLE * np.log(10.0))
    notes_sung = tuple(_as_heard(n, at, pitch) for n in sung)
    return Sung(samples, np.where(heard, f0, 0.0), tuple(map(_sung_syllable, slots)), notes_sung)


def harmony_line(
    notes: Sequence[TrueNote], chords: Sequence[tuple[float, float, Chord]], *, above: bool
) -> tuple[TrueNote, ...]:
    """A second voice: for each note the nearest tone of its chord at least a third away.

    Args:
        notes: The lead.
        chords: Start and end in seconds, chord; sorted.
        above: Whether the voice lies above the lead, else below.
    """
    line = []
    for note in notes:
        chord = next((c for start, end, c in chords if start - 0.02 <= note.start_s < end), None)
        tones = chord.pitch_classes if chord is not None and not chord.is_none else frozenset()
        steps = range(3, 10) if above else range(-3, -10, -1)
        step = next((s for s in steps if round(note.pitch + s) % 12 in tones), 4 if above else -3)
        line.append(TrueNote(note.start_s, note.end_s, note.pitch + step))
    return tuple(line)


def _as_sung(notes: Sequence[TrueNote], manner: Manner, rng: np.random.Generator) -> list[TrueNote]:
    sung: list[TrueNote] = []
    for note in notes:
        start = max(note.start_s + rng.normal(0.0, manner.lateness_s), sung[-1].start_s + 0.06 if sung else 0.15)
        if sung and start < sung[-1].end_s + 0.02:
            sung[-1] = replace(sung[-1], end_s=start)
        end = max(note.end_s - rng.uniform(0.0, 0.04), start + 0.06)
        sung.append(TrueNote(start, end, note.pitch + manner.tuning + rng.normal(0.0, manner.out_of_tune)))
    return sung


def _layout(
    notes: Sequence[TrueNote],
    placed: Sequence[Placed],
    singer: Singer,
    words: Sequence[str],
    language: str,
    count: int,
    rng: np.random.Generator,
    cancel: CancelToken | None,
) -> list[_Slot]:
    slots: list[_Slot] = []
    swell = 0.0
    for one in placed:
        if cancel is not None:
            cancel.check()  # the recording of a syllable may have to be read and analysed
        unit = singer.unit(Asked(one.text, words[one.word], one.index, language), rng)
        first, last = notes[one.notes[0]], notes[one.notes[-1]]
        vowel = round(first.start_s / HOP_S)
        end = min(max(round(last.end_s / HOP_S), vowel + _SHORTEST_VOWEL), count)
        # A consonant may shorten the note before it, but not swallow it.
        free = vowel - (slots[-1].vowel + max(_SHORTEST_VOWEL, (slots[-1].end - slots[-1].vowel) * 6 // 10)
                        if slots else 0)  # fmt: skip
        start = vowel - max(0, min(unit.vowel, _LONGEST_CONSONANT, free))
        if slots and slots[-1].end > start:
            slots[-1] = replace(slots[-1], end=max(start, slots[-1].vowel + 2))
        swell = 0.7 * swell + rng.normal(0.0, 0.25)
        slots.append(_Slot(unit, one, start, vowel, end, swell))
    return slots


def _painted(slots: Sequence[_Slot], count: int, rng: np.random.Generator) -> Envelopes:
    power = np.full((count, BINS), FLOOR, np.float32)
    voiced = np.zeros(count, np.float32)
    for slot in slots:
        found = slot.unit.envelopes.at(_positions(slot))
        length = found.frames
        since = np.arange(length)
        fade = np.minimum(np.minimum((since + 1) / 3.0, (length - since) / _FADE), 1.0)
        gain = slot.level - 0.5 * since / max(length, 200) + 2.0 * np.log(np.maximum(fade, 1e-3))
        part = slice(slot.start, slot.start + length)
        power[part] = np.maximum(found.power + gain[:, None].astype(np.float32), np.float32(FLOOR))
        voiced[part] = found.voiced
    power = scipy.ndimage.uniform_filter1d(power, 3, axis=0)
    _add_breaths(power, voiced, slots, rng)
    return Envelopes(power, scipy.ndimage.uniform_filter1d(voiced, 3))


def _positions(slot: _Slot) -> NDArray[np.float64]:
    """Which frame of the unit sounds in each frame of the slot: consonant and coda as spoken, the vowel stretched."""
    unit = slot.unit
    before = slot.vowel - slot.start
    consonant = unit.vowel - np.arange(before, 0, -1) * (min(1.0, unit.vowel / before) if before else 1.0)
    held = slot.end - slot.vowel
    coda = min(unit.envelopes.frames - unit.coda, held // 3)
    edge = min(12, (held - coda) // 3, (unit.coda - unit.vowel) // 3)
    knees = [0, edge, held - coda - edge, held - coda, held]
    values = [unit.vowel, unit.vowel + edge, unit.coda - edge, unit.coda, unit.coda + coda]
    return np.concatenate([consonant, np.interp(np.arange(held), knees, values)])


def _add_breaths(power: Floats, voiced: Floats, slots: Sequence[_Slot], rng: np.random.Generator) -> None:
    """Take breath before some phrases, in place: noise shaped like an open mouth, over before the consonant."""
    hz = np.arange(BINS) * SAMPLE_RATE / FFT
    shape = -0.5 * (np.log2(np.maximum(hz, 100.0) / 2_200.0) / 1.1) ** 2
    for before, slot in zip([0, *(s.end for s in slots)], slots, strict=False):
        gap = slot.start - before
        length = round(rng.uniform(0.18, 0.4) / HOP_S)
        loudness = rng.uniform(-8.0, -4.5)
        if gap < length + 20 or rng.random() > 0.6:
            continue
        swell = np.log(np.maximum(np.sin(np.linspace(0.05, 0.95, length) * np.pi), 1e-3))
        part = slice(slot.start - length - 8, slot.start - 8)
        power[part] = np.maximum(power[part], (shape[None] + swell[:, None] + loudness).astype(np.float32))
        voiced[part] = 0.0


def _stretched(envelopes: Envelopes, factor: float) -> Envelopes:
    """Formants moved: what stood at a frequency stands at `factor` times it."""
    source = np.arange(BINS) / factor
    low = np.minimum(source.astype(int), BINS - 2)
    share = np.clip(source - low, 0.0, 1.0).astype(np.float32)
    power = envelopes.power[:, low] * (1.0 - share) + envelopes.power[:, low + 1] * share
    return Envelopes(power, envelopes.voiced)


def _fitted(samples: Floats, frames: int) -> Floats:
    return np.pad(samples, (0, max(0, frames - len(samples))))[:frames]


def _as_heard(note: TrueNote, at: NDArray[np.float64], pitch: NDArray[np.float64]) -> TrueNote:
    inside = (at >= note.start_s) & (at < note.end_s)
    return replace(note, pitch=float(np.median(pitch[inside])) if inside.any() else note.pitch)


def _sung_syllable(slot: _Slot) -> SungSyllable:
    placed = slot.placed
    start_s, vowel_s, end_s = (round(frame * HOP_S, 4) for frame in (slot.start, slot.vowel, slot.end))
    return SungSyllable(placed.text, placed.word, placed.index, placed.line, start_s, vowel_s, end_s)
