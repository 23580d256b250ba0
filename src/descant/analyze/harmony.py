"""Chords on beats, and the key, from frame-wise evidence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from descant.nets.listener import NO_CHORD_INDEX, chord_from_index
from descant.score.harmony import Chord, ChordSpan, Key
from descant.score.tempo import BeatGrid, TempoMap

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ChordOptions:
    """How chords are decoded.

    Attributes:
        frames_that_count: How many independent frames a beat's evidence is worth at most.
        change_on_downbeat: Log cost of a change on the first beat of a bar.
        change_on_half_bar: The same on the third beat of four.
        change_elsewhere: The same on other beats.
        out_of_key: Log cost of a chord with tones outside the key, per tone and beat.
        bass_confidence: How probable a bass note other than the root must be for a slash chord.
    """

    frames_that_count: float = 3.0
    change_on_downbeat: float = -1.0
    change_on_half_bar: float = -2.0
    change_elsewhere: float = -3.5
    out_of_key: float = -0.15
    bass_confidence: float = 0.6


def beat_means(frames: Floats, frames_per_s: float, times_s: Floats) -> Floats:
    """Means of frames between neighbouring times, shape [len(times_s) - 1, ...]."""
    edges = np.clip(np.round(times_s * frames_per_s).astype(int), 0, len(frames))
    total = np.concatenate([np.zeros((1, *frames.shape[1:])), np.cumsum(frames, axis=0)])
    counts = np.maximum(edges[1:] - edges[:-1], 1).reshape(-1, *([1] * (frames.ndim - 1)))
    means: Floats = (total[edges[1:]] - total[edges[:-1]]) / counts
    return means


def change_odds(chord: Floats, frames_per_s: float, times_s: Floats) -> Floats:
    """Log odds, per beat, that a bar starts there because the harmony changes (half a unit up or down)."""
    if len(times_s) < 3:
        return np.zeros(len(times_s))
    ends = np.append(times_s, 2 * times_s[-1] - times_s[-2])
    means = np.exp(beat_means(chord, frames_per_s, ends))
    turn = np.zeros(len(times_s))
    turn[1:] = 1.0 - np.sqrt(means[1:] * means[:-1]).sum(axis=1) / np.sqrt(
        means[1:].sum(axis=1) * means[:-1].sum(axis=1) + 1e-12
    )
    spread = float(turn.std())
    return np.clip((turn - turn.mean()) / spread, -1.0, 2.0) * 0.5 if spread > 0.02 else np.zeros(len(turn))


def key_from_evidence(log_key: Floats) -> tuple[Key | None, float]:
    """The most probable key and its probability; None when all are equally probable."""
    best = int(log_key.argmax())
    confidence = float(np.exp(log_key[best]))
    if confidence < 1.02 / 24:
        return None, 0.0
    return Key(best % 12, "major" if best < 12 else "minor"), confidence


def chords_on_beats(
    chord: Floats,
    bass: Floats | None,
    frames_per_s: float,
    grid: BeatGrid,
    tempo: TempoMap,
    duration_s: float,
    key: Key | None,
    options: ChordOptions | None = None,
) -> tuple[ChordSpan, ...]:
    """The most probable sequence of chords that change on beats.

    Args:
        chord: Log-probabilities, shape [frames, 97].
        bass: Log-probabilities of the bass, shape [frames, 12], or None.
        frames_per_s: Frame rate of both.
        grid: Beats and bar positions, at least two.
        tempo: `grid.tempo_map()`.
        duration_s: Length of the recording; the last chord ends there or a beat after the last one.
        key: Favours chords inside it, a little.
        options: Costs.

    Returns:
        Spans in quarters of `tempo`, without gaps between the first and the last beat; "none" where no chord sounds.
    """
    options = options or ChordOptions()
    times = np.asarray(grid.times_s)
    ends = np.append(times, min(max(duration_s, times[-1] + 0.1), 2 * times[-1] - times[-2]))
    evidence = beat_means(chord, frames_per_s, ends) * options.frames_that_count
    evidence += options.out_of_key * _tones_outside(key)
    costs = np.asarray([_change_cost(p, grid.beats_per_bar, options) for p in grid.bar_positions])
    path = _viterbi(evidence, costs)
    bass_means = None if bass is None else np.exp(beat_means(bass, frames_per_s, ends))
    quarters = np.round(tempo.quarters_at(ends), 6)
    spans: list[ChordSpan] = []
    first = 0
    for i in range(1, len(path) + 1):
        if i == len(path) or path[i] != path[first]:
            found = _with_bass(chord_from_index(int(path[first])), bass_means, first, i, options)
            spans.append(ChordSpan(float(quarters[first]), float(quarters[i]), found))
            first = i
    return tuple(spans)


def _change_cost(position: int, beats_per_bar: int, options: ChordOptions) -> float:
    if position == 1:
        return options.change_on_downbeat
    if beats_per_bar == 4 and position == 3:
        return options.change_on_half_bar
    return options.change_elsewhere


def _tones_outside(key: Key | None) -> Floats:
    outside = np.zeros(NO_CHORD_INDEX + 1)
    if key is None:
        return outside
    scale = set(key.scale) | ({(key.tonic + 11) % 12} if key.mode == "minor" else set())
    for index in range(NO_CHORD_INDEX):
        outside[index] = len(chord_from_index(index).pitch_classes - scale)
    return outside


def _viterbi(evidence: Floats, change_costs: Floats) -> NDArray[np.int64]:
    """Best path where staying is free and any change costs the same."""
    back = np.zeros(evidence.shape, np.int64)
    score = evidence[0].copy()
    for i in range(1, len(evidence)):
        best = int(score.argmax())
        jump = score[best] + change_costs[i]
        changed = jump > score
        back[i] = np.where(changed, best, np.arange(evidence.shape[1]))
        score = np.where(changed, jump, score) + evidence[i]
    path = np.zeros(len(evidence), np.int64)
    path[-1] = int(score.argmax())
    for i in range(len(evidence) - 1, 0, -1):
        path[i - 1] = back[i, path[i]]
    return path


def _with_bass(chord: Chord, bass: Floats | None, first: int, end: int, options: ChordOptions) -> Chord:
    if bass is None or chord.root is None:
        return chord
    mean = bass[first:end].mean(axis=0)
    lowest = int(mean.argmax())
    if lowest == chord.root or lowest not in chord.pitch_classes or mean[lowest] < options.bass_confidence:
        return chord
    return Chord(chord.root, chord.quality, lowest)
