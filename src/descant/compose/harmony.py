"""The harmoniser: chords for a melody alone, by a hidden Markov model counted from songs.

The hidden states are chords relative to the home key; half a bar is one step. What a step hears are the melody's
pitch classes, notes on the beat counting more. Chords follow each other with one probability across a bar line and
another inside a bar, and phrases end on their own chords. All twelve keys and both modes are tried and the one that
explains the melody best is taken, so the key need not be known, nor the melody be free of wrong notes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from descant.compose.grid import TICKS, Bar, GridNote, chord_at
from descant.score.harmony import NO_CHORD, Chord, ChordSpan, Key

STEP_BEATS = 2
"""Beats in a step of a bar of four; other bars are one step."""
_ON_BEAT = 1.6
_ON_DOWNBEAT = 2.0
_REST_BEATS = 1.5
_LONG_BEATS = 2
_ENDING_TRUST = 0.6
_FINAL_TRUST = 4.0
_KEY_TRUST = 4.0
_STEP_NOTES = 1.6

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class HarmonyTables:
    """What was counted; all but `roots` and `qualities` are natural logarithms. K states, 2 modes (major, minor).

    Attributes:
        roots: [K] semitones above the home of the white keys (C, also in A minor).
        qualities: K names of chord qualities.
        first: [2, K] the first chord of a song.
        across: [2, K, K] the next step's chord, over a bar line.
        inside: [2, K, K] the same inside a bar.
        closing: [2, K] chord under a phrase's end, relative to its usual probability.
        emission: [2, K, 12] pitch class of the melody relative to home.
        endings: [2, 12] pitch class of the last note of a phrase.
        modes: [2] how usual each mode is.
    """

    roots: NDArray[np.int64]
    qualities: tuple[str, ...]
    first: Array
    across: Array
    inside: Array
    closing: Array
    emission: Array
    endings: Array
    modes: Array


@dataclass(frozen=True, slots=True)
class Step:
    """What the harmoniser hears at once.

    Attributes:
        bar: Index of its bar.
        tick: Where in the bar it starts.
        heard: [12] weight of each pitch class, in notes.
        opens_bar: Whether it begins a bar.
        ends_phrase: Whether the melody's phrase ends in it.
    """

    bar: int
    tick: int
    heard: Array
    opens_bar: bool
    ends_phrase: bool


@dataclass(frozen=True, slots=True)
class Harmonisation:
    """Chords for a melody.

    Attributes:
        chords: For each bar (tick, chord) pairs, the first at 0.
        key: The key that explains melody and chords best.
        fit: Log-likelihood a step; higher is better.
    """

    chords: tuple[tuple[tuple[int, Chord], ...], ...]
    key: Key
    fit: float


def steps_of(bars: Sequence[Bar]) -> list[Step]:
    """The bars' melody as the harmoniser hears it; a note that is held over counts where it sounds."""
    edges = [round(bar.span.start * TICKS) for bar in bars]
    notes = [(edges[i] + n.position, n) for i, bar in enumerate(bars) for n in bar.melody]
    ends = [onset for onset, _ in phrase_ends(bars)]
    steps = []
    first = 0
    for index, bar in enumerate(bars):
        length = round(bar.span.quarters * TICKS)
        ticks = range(0, length, STEP_BEATS * TICKS) if bar.span.beats == 4 else range(1)
        width = STEP_BEATS * TICKS if bar.span.beats == 4 else length
        for tick in ticks:
            start, end = edges[index] + tick, edges[index] + tick + width
            while first < len(notes) and notes[first][0] + notes[first][1].duration <= start - 8 * TICKS:
                first += 1
            heard = np.zeros(12)
            for onset, note in notes[first:]:
                if onset >= end:
                    break
                overlap = min(end, onset + note.duration) - max(start, onset)
                if overlap > 0:
                    heard[note.pitch % 12] += _weight(overlap, onset - start, tick == 0)
            steps.append(Step(index, tick, heard, tick == 0, any(start <= e < end for e in ends)))
    return steps


def _weight(overlap: int, place: int, opens_bar: bool) -> float:
    accent = 1.0
    if place >= 0 and place % TICKS == 0:
        accent = _ON_DOWNBEAT if place == 0 and opens_bar else _ON_BEAT
    return accent * min(overlap / TICKS, 2.0)


def phrase_ends(bars: Sequence[Bar]) -> list[tuple[int, GridNote]]:
    """The notes that a rest follows or that are held long, with their starts in ticks; the last closes the song."""
    notes = [(round(bar.span.start * TICKS) + note.position, note) for bar in bars for note in bar.melody]
    ends = []
    for index, (onset, note) in enumerate(notes):
        stop = onset + note.duration
        following = notes[index + 1][0] if index + 1 < len(notes) else stop + 16 * TICKS
        if following - stop >= _REST_BEATS * TICKS or following - onset >= _LONG_BEATS * TICKS:
            ends.append((onset, note))
    return ends


def harmonise(
    bars: Sequence[Bar],
    tables: HarmonyTables,
    *,
    key: Key | None = None,
    heard: Sequence[ChordSpan] = (),
    trust: float = 3.0,
) -> Harmonisation:
    """The most likely chords for the bars' melody.

    Args:
        bars: Their melody is read.
        tables: The model.
        key: What the key is believed to be; it is preferred, not obeyed.
        heard: Chords that were heard in the recording, perhaps wrongly; they are combined with the melody's.
        trust: Nats by which a heard chord is preferred to one that shares none of its tones; 0 ignores them.
    """
    steps = steps_of(bars)
    given = [chord_at(tuple(heard), bars[s.bar].span.start + s.tick / TICKS + 0.01) for s in steps]
    endings = [note.pitch for _, note in phrase_ends(bars)]
    best: tuple[float, int, int, NDArray[np.int64]] | None = None
    for mode in (0, 1):
        for home in range(12):
            bonus = _heard_bonus(given, tables, home, trust)
            score, path = _viterbi(steps, tables, mode, home, bonus)
            score += _key_bonus(key, home, mode) + _ending_bonus(endings, tables, mode, home)
            if best is None or score > best[0]:
                best = (score, mode, home, path)
    assert best is not None
    score, mode, home, path = best
    chords: list[list[tuple[int, Chord]]] = [[] for _ in bars]
    for step, state in zip(steps, path, strict=True):
        chord = Chord(int(tables.roots[state] + home) % 12, tables.qualities[state])
        if not chords[step.bar] or chords[step.bar][-1][1] != chord:
            chords[step.bar].append((step.tick, chord))
    found = Key(home, "major") if mode == 0 else Key((home + 9) % 12, "minor")
    return Harmonisation(tuple(tuple(c) for c in chords), found, score / max(1, len(steps)))


def _viterbi(
    steps: Sequence[Step], tables: HarmonyTables, mode: int, home: int, bonus: Array
) -> tuple[float, NDArray[np.int64]]:
    heard = np.roll(np.array([step.heard for step in steps]), -home, axis=1)
    # Notes of one step support each other less than independent observations would.
    tempered = heard / np.maximum(1.0, heard.sum(1, keepdims=True) / _STEP_NOTES)
    local = tempered @ tables.emission[mode].T + bonus
    local += np.array([step.ends_phrase for step in steps])[:, None] * tables.closing[mode]
    count = len(steps)
    back = np.zeros((count, len(tables.roots)), np.int64)
    score = tables.first[mode] + local[0]
    for t in range(1, count):
        moves = score[:, None] + (tables.across if steps[t].opens_bar else tables.inside)[mode]
        back[t] = moves.argmax(0)
        score = moves.max(0) + local[t]
    path = np.zeros(count, np.int64)
    path[-1] = score.argmax()
    for t in range(count - 1, 0, -1):
        path[t - 1] = back[t, path[t]]
    return float(score.max()), path


def _heard_bonus(given: Sequence[Chord], tables: HarmonyTables, home: int, trust: float) -> Array:
    bonus = np.zeros((len(given), len(tables.roots)))
    if trust == 0 or all(chord.is_none for chord in given):
        return bonus
    states = [
        Chord(int(root + home) % 12, quality) for root, quality in zip(tables.roots, tables.qualities, strict=True)
    ]
    cache: dict[Chord, Array] = {NO_CHORD: np.zeros(len(states))}
    for t, chord in enumerate(given):
        if chord not in cache:
            tones = chord.pitch_classes
            shared = [len(tones & s.pitch_classes) / len(tones | s.pitch_classes) for s in states]
            same_root = [0.3 * (s.root == chord.root) for s in states]
            cache[chord] = trust * (np.array(shared) + np.array(same_root))
        bonus[t] = cache[chord]
    return bonus


def _ending_bonus(endings: Sequence[int], tables: HarmonyTables, mode: int, home: int) -> float:
    """Phrases end on notes that tell the key, and the last note of all tells most."""
    by_class = tables.endings[mode]
    told = [float(by_class[(pitch - home) % 12]) for pitch in endings]
    final = _FINAL_TRUST * told[-1] if told else 0.0
    return float(tables.modes[mode]) + _ENDING_TRUST * sum(told) + final


def _key_bonus(key: Key | None, home: int, mode: int) -> float:
    if key is None:
        return 0.0
    expected = key.tonic if key.mode == "major" else (key.tonic + 3) % 12
    if expected != home:
        return 0.0
    return _KEY_TRUST * (1.25 if (key.mode == "minor") == (mode == 1) else 1.0)
