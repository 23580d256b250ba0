"""Invented lead sheets: chords from progressions people use, and a melody that fits them, with true labels.

POP909 is one style with few sevenths and hardly a waltz; these fill the gaps.
"""

from __future__ import annotations

import numpy as np

from descant.score.harmony import QUALITIES, Chord, ChordSpan, Key, Mode
from descant.score.notes import Note, Score, Section, Track
from descant.score.tempo import TempoMap, TimeSignature

_MAJOR = (  # (scale step in semitones, quality), one chord a bar unless halved
    "0 maj,7 maj,9 min,5 maj", "9 min,5 maj,0 maj,7 maj", "0 maj,9 min,5 maj,7 maj", "0 maj,5 maj,7 maj,0 maj",
    "0 maj7,9 min7,2 min7,7 7", "2 min7,7 7,0 maj7,0 maj7", "0 maj,10 maj,5 maj,0 maj", "0 7,5 7,0 7,7 7",
    "0 maj,4 min,5 maj,7 maj", "5 maj,7 maj,4 min,9 min", "5 maj7,4 min7,2 min7,0 maj7", "0 maj,7 maj,5 maj,5 min",
    "0 maj,2 7,7 maj,0 maj", "0 maj,4 7,9 min,5 maj", "0 maj,0 7,5 maj,5 min", "0 maj,7 sus4,7 maj,0 maj",
    "0 7,0 7,0 7,0 7,5 7,5 7,0 7,0 7,7 7,5 7,0 7,7 7", "0 maj,11 hdim7,9 min,7 maj", "0 maj,0 maj,7 maj,0 maj",
)  # fmt: skip
_MINOR = (
    "0 min,8 maj,3 maj,10 maj", "0 min,10 maj,8 maj,7 maj", "0 min,5 min,7 7,0 min", "0 min,5 min,8 maj,7 maj",
    "0 min7,5 min7,10 7,3 maj7", "2 hdim7,7 7,0 min,0 min", "0 min,3 maj,10 maj,5 maj", "0 min,8 maj,10 maj,0 min",
    "0 min,0 min,5 min,0 min,7 7,0 min", "0 min7,5 7,0 min7,5 7", "0 min,11 dim,0 min,7 7", "8 maj7,7 7,0 min7,3 7",
)  # fmt: skip
_RHYTHMS_4 = ("1 1 1 1", ".5 .5 1 1 1", "1.5 .5 2", ".5 .5 .5 .5 1 1", "-.5 .5 .5 .5 1 1", "2 1 1", "-1 1 1 1",
              "1.5 1.5 1", ".75 .75 .5 1 1", ".5 1 .5 1 1", "3 -1", "1 .5 .5 1 .5 .5", ".25 .25 .5 1 .5 .5 1",
)  # fmt: skip
_RHYTHMS_3 = ("1 1 1", "2 1", "1.5 .5 1", ".5 .5 1 1", "1 .5 .5 1", "-1 1 1", "3", ".5 .5 .5 .5 1")


def invent_song(rng: np.random.Generator, *, bars: int = 32) -> Score:
    """A lead sheet: track "melody", chords, key, sections, 4/4 or 3/4, a constant tempo.

    Args:
        rng: Source of all choices.
        bars: About how many bars.

    Returns:
        The song; every chord change lies on a beat.
    """
    mode: Mode = "minor" if rng.random() < 0.4 else "major"
    key = Key(int(rng.integers(12)), mode)
    bar = 3 if rng.random() < 0.25 else 4
    table = _MINOR if mode == "minor" else _MAJOR
    parts = {name: _section(table[int(rng.integers(len(table)))], key, bar, rng) for name in "ABC"}
    chords: list[ChordSpan] = []
    notes: list[Note] = []
    sections: list[Section] = []
    for label in ("A", "A", "B", "A", "B", "C", "B", "A", "A", "B"):
        at = sections[-1].end if sections else 0.0
        if at >= bars * bar:
            break
        part_chords, part_notes, length = parts[label]
        chords += [ChordSpan(at + c.start, at + c.end, c.chord) for c in part_chords]
        notes += [Note(at + n.start, n.duration, n.pitch, int(rng.integers(60, 110))) for n in part_notes]
        sections.append(Section(at, at + length, label))
    tempo = TempoMap.constant(float(np.exp(rng.uniform(np.log(64.0), np.log(150.0)))))
    tracks = (Track("melody", tuple(notes)),)
    return Score(tracks, tempo, (TimeSignature(0.0, bar, 4),), key, tuple(chords), tuple(sections))


def _section(
    progression: str, key: Key, bar: int, rng: np.random.Generator
) -> tuple[list[ChordSpan], list[Note], float]:
    steps = [step.split() for step in progression.split(",")]
    halved = bar == 4 and rng.random() < 0.25
    length = 2.0 if halved else float(bar)
    plain = rng.random() < 0.5
    chords = []
    rounds = 2 if len(steps) * length <= 24 else 1
    for index, (step, quality) in enumerate(steps * rounds):
        if plain and quality in ("maj7", "min7"):
            quality = quality[:3]
        chord = Chord((key.tonic + int(step)) % 12, quality)
        if rng.random() < 0.12:
            chord = Chord(chord.root, quality, sorted(chord.pitch_classes)[rng.integers(3)])
        chords.append(ChordSpan(index * length, (index + 1) * length, chord))
    end = chords[-1].end
    end = bar * np.ceil(end / bar)
    chords[-1] = ChordSpan(chords[-1].start, float(end), chords[-1].chord)
    return chords, _melody(chords, key, bar, float(end), rng), float(end)


def _melody(chords: list[ChordSpan], key: Key, bar: int, end: float, rng: np.random.Generator) -> list[Note]:
    rhythms = _RHYTHMS_3 if bar == 3 else _RHYTHMS_4
    motif = [rhythms[rng.integers(len(rhythms))] for _ in range(2)]
    pitch = int(rng.integers(58, 72))
    low, high = pitch - 7, pitch + 9
    notes: list[Note] = []
    for index in range(int(end // bar)):
        at = float(index * bar)
        rhythm = motif[index % 2] if rng.random() < 0.75 else rhythms[rng.integers(len(rhythms))]
        for length in (float(x) for x in rhythm.split()):
            if length > 0:
                chord = next(c.chord for c in reversed(chords) if c.start <= at + 1e-6)
                on_beat = at == int(at)
                allowed = chord.pitch_classes if on_beat and rng.random() < 0.75 else set(key.scale)
                pitch = _near(pitch + int(rng.integers(-4, 5)), allowed, low, high)
                notes.append(Note(at, length * float(rng.choice([0.6, 0.9, 1.0])), pitch))
            at += abs(length)
    return notes


def _near(pitch: int, allowed: frozenset[int] | set[int], low: int, high: int) -> int:
    candidates = [p for p in range(low, high + 1) if p % 12 in allowed]
    return min(candidates, key=lambda p: (abs(p - pitch), p))


def chord_pitches(chord: Chord, low: int) -> list[int]:
    """A close voicing of a chord whose lowest note lies at `low` or just above."""
    if chord.root is None:
        return []
    return sorted(low + (chord.root + i - low) % 12 for i in QUALITIES[chord.quality])
