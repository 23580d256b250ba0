"""Sections of a song: borders where the bars before differ from those after, equal labels where bars come back."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import scipy.ndimage
from numpy.typing import NDArray

from descant.analyze.harmony import beat_means
from descant.score.notes import Section
from descant.score.tempo import BeatGrid, TempoMap

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SectionOptions:
    """How sections are found.

    Attributes:
        kernel_bars: Bars on each side of a border that are compared (Foote 2000).
        shortest_bars: Shortest section.
        threshold: How far above the mean novelty a border must stand, in standard deviations.
        same_similarity: Similarity along the diagonal, 0..1, from which two sections are called the same.
    """

    kernel_bars: int = 8
    shortest_bars: int = 4
    threshold: float = 0.6
    same_similarity: float = 0.75


def find_sections(
    tone: Floats,
    timbre: Floats,
    rates: tuple[float, float],
    grid: BeatGrid,
    tempo: TempoMap,
    options: SectionOptions | None = None,
) -> tuple[Section, ...]:
    """Sections on bars.

    Args:
        tone: Pitch-class weights, shape [frames, 12].
        timbre: Band levels, shape [other frames, bands].
        rates: Frame rates of both.
        grid: Beats and bar positions.
        tempo: `grid.tempo_map()`.
        options: Lengths and thresholds.

    Returns:
        Sections in quarters that cover all beats without gaps, labelled "A", "B", ... in order of appearance; empty
        without two downbeats. A pick-up belongs to the first section.
    """
    options = options or SectionOptions()
    downbeats = np.asarray(grid.downbeats_s)
    if len(downbeats) < 2:
        return ()
    similarity = bar_similarity(tone, timbre, rates, downbeats)
    borders = _borders(similarity, options)
    labels = _labels(similarity, borders, options)
    edges_s = [grid.times_s[0], *downbeats[borders[1:-1]], grid.times_s[-1] + _last_period(grid)]
    quarters = tempo.quarters_at(edges_s)
    return tuple(
        Section(round(float(a), 6), round(float(b), 6), label)
        for a, b, label in zip(quarters[:-1], quarters[1:], labels, strict=True)
    )


def _last_period(grid: BeatGrid) -> float:
    return grid.times_s[-1] - grid.times_s[-2]


def bar_similarity(tone: Floats, timbre: Floats, rates: tuple[float, float], downbeats_s: Floats) -> Floats:
    """Self-similarity of bars, 0..1, shape [bars, bars]: half harmony in four steps a bar, half timbre.

    The last bar ends as long after the last downbeat as the bar before it lasted.
    """
    ends = np.append(downbeats_s, 2 * downbeats_s[-1] - downbeats_s[-2])
    steps = np.interp(np.arange(4 * (len(ends) - 1) + 1) / 4.0, np.arange(len(ends)), ends)
    harmony = beat_means(tone, rates[0], steps).reshape(len(downbeats_s), -1)
    sound = beat_means(timbre, rates[1], ends)
    return 0.5 * _cosine(harmony - harmony.mean(axis=0)) + 0.5 * _cosine(sound - sound.mean(axis=0))


def _cosine(rows: Floats) -> Floats:
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    unit = rows / np.where(norms > 1e-9, norms, 1.0)
    return 0.5 + 0.5 * unit @ unit.T


def _borders(similarity: Floats, options: SectionOptions) -> list[int]:
    bars, width = len(similarity), options.kernel_bars
    if bars < 2 * options.shortest_bars:
        return [0, bars]
    offsets = np.arange(-width, width) + 0.5
    taper = np.exp(-0.5 * (offsets / (0.5 * width)) ** 2)
    kernel = np.sign(np.outer(offsets, offsets)) * np.outer(taper, taper)
    padded = np.pad(similarity, width, mode="edge")
    novelty = np.asarray([(padded[i : i + 2 * width, i : i + 2 * width] * kernel).sum() for i in range(bars)])
    peak = novelty == scipy.ndimage.maximum_filter1d(novelty, 2 * options.shortest_bars - 1)
    high = novelty > novelty.mean() + options.threshold * novelty.std()
    inner = [int(i) for i in np.flatnonzero(peak & high) if options.shortest_bars <= i <= bars - options.shortest_bars]
    return [0, *inner, bars]


def _labels(similarity: Floats, borders: list[int], options: SectionOptions) -> list[str]:
    level = float(np.median(similarity))
    groups: list[list[tuple[int, int]]] = []
    labels: list[str] = []
    for start, end in itertools.pairwise(borders):
        alike = [_alike(similarity, (start, end), group[0]) for group in groups]
        best = int(np.argmax(alike)) if alike else -1
        # "The same" must be alike in itself and clearly more so than any two bars of this song are.
        if best < 0 or alike[best] < max(options.same_similarity, level + 0.5 * (1.0 - level)):
            groups.append([])
            best = len(groups) - 1
        groups[best].append((start, end))
        labels.append(_letter(best))
    return labels


def _alike(similarity: Floats, one: tuple[int, int], other: tuple[int, int]) -> float:
    length = min(one[1] - one[0], other[1] - other[0])
    if length < 0.5 * max(one[1] - one[0], other[1] - other[0]):
        return 0.0
    steps = np.arange(length)
    return float(similarity[one[0] + steps, other[0] + steps].mean())


def _letter(index: int) -> str:
    return chr(ord("A") + index) if index < 26 else f"Z{index - 25}"
