"""The plan of a song: which bars belong together, how strongly each is played, where fills and endings go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from descant.compose.grid import TICKS, Bar
from descant.score.notes import Section

_PHRASE_BARS = 4
_ALIKE = 0.62


@dataclass(frozen=True, slots=True)
class BarPlan:
    """What is asked of the band in one bar.

    Attributes:
        label: Section it belongs to; sections of the same label sound alike.
        intensity: 0 (almost nothing) to 1 (everybody).
        opens: Whether a section begins with it.
        closes: Whether a section ends with it and another follows: the place of a fill.
        is_sung: Whether the melody sounds in it or pauses only briefly.
        is_final: Whether it is the last bar: the final chord.
    """

    label: str
    intensity: float
    opens: bool = False
    closes: bool = False
    is_sung: bool = True
    is_final: bool = False


def plan(bars: Sequence[Bar], sections: Sequence[Section] = ()) -> tuple[BarPlan, ...]:
    """Plan every bar.

    Args:
        bars: With melody and chords.
        sections: The song's form, if two sections or more are known; otherwise it is read from the melody, phrases
            of four bars that resemble each other forming sections.
    """
    labels, starts = _given(bars, sections) if len(sections) > 1 else _derived(bars)
    energy = _energy(bars)
    sung = [i for i, bar in enumerate(bars) if bar.melody]
    first, last = (sung[0], sung[-1]) if sung else (0, len(bars) - 1)
    levels = _levels(labels, energy, first, last)
    plans = []
    for index in range(len(bars)):
        is_sung = any(bars[i].melody for i in range(max(0, index - 1), min(len(bars), index + 2)))
        level = levels[labels[index]] if first <= index <= last else 0.25
        # A song grows: the same section is played a little stronger each time.
        growth = 0.12 * (index - first) / max(1, last - first)
        plans.append(
            BarPlan(
                label=labels[index],
                intensity=float(np.clip(level + growth - (0.1 if not is_sung else 0.0), 0.05, 1.0)),
                opens=index in starts,
                closes=index + 1 in starts and first <= index < last,
                is_sung=is_sung,
                is_final=index == len(bars) - 1,
            )
        )
    return tuple(plans)


def _given(bars: Sequence[Bar], sections: Sequence[Section]) -> tuple[list[str], set[int]]:
    labels: list[str] = []
    starts: set[int] = set()
    before: Section | None = None
    for index, bar in enumerate(bars):
        middle = bar.span.start + bar.span.quarters / 2
        section = next((s for s in sections if s.start <= middle < s.end), None)
        labels.append(section.label if section else "")
        if section is not before:
            starts.add(index)
        before = section
    return labels, starts


def _derived(bars: Sequence[Bar]) -> tuple[list[str], set[int]]:
    """Phrases of four bars from the first sung bar on; like phrases share a label, and unlike ones open a section."""
    sung = [i for i, bar in enumerate(bars) if bar.melody]
    first = sung[0] if sung else 0
    # A melody that starts in the second half of a bar starts with a pickup.
    if sung and bars[first].melody[0].position >= bars[first].span.quarters * TICKS / 2 and first + 1 < len(bars):
        first += 1
    labels = ["intro"] * first
    starts = {0, first} if first else {0}
    shapes: list[tuple[str, np.ndarray]] = []
    before = ""
    length = 0
    for start in range(first, len(bars), _PHRASE_BARS):
        phrase = bars[start : start + _PHRASE_BARS]
        shape = _shape(phrase)
        label = next((name for name, other in shapes if _likeness(shape, other) > _ALIKE), "")
        if not label:
            label = chr(ord("A") + min(len(shapes), 25))
            shapes.append((label, shape))
        length += 1
        if label != before or length >= 2:
            starts.add(start)
            length = 0
        before = label
        labels += [label] * len(phrase)
    return labels, starts


def _shape(phrase: Sequence[Bar]) -> np.ndarray:
    """[4 bars x 8 eighths, 13]: the melody's pitch classes and whether a note starts."""
    shape = np.zeros((_PHRASE_BARS, 8, 13))
    for index, bar in enumerate(phrase):
        for note in bar.melody:
            place = min(7, note.position // (TICKS // 2))
            shape[index, place, note.pitch % 12] = 1.0
            shape[index, place, 12] = 1.0
    return shape.reshape(-1)


def _likeness(a: np.ndarray, b: np.ndarray) -> float:
    norm = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / norm if norm else float(not a.any() and not b.any())


def _energy(bars: Sequence[Bar]) -> np.ndarray:
    """How strongly each bar is sung: height, number and loudness of its notes, each relative to the song."""
    rows = []
    for bar in bars:
        if bar.melody:
            weights = [n.duration for n in bar.melody]
            rows.append(
                (
                    float(np.average([n.pitch for n in bar.melody], weights=weights)),
                    len(bar.melody) / bar.span.quarters,
                    float(np.average([n.velocity for n in bar.melody], weights=weights)),
                )
            )
        else:
            rows.append((np.nan, 0.0, np.nan))
    table = np.array(rows, float)
    ranks = np.zeros(len(bars))
    for column, weight in zip(table.T, (0.5, 0.2, 0.3), strict=True):
        heard = np.isfinite(column)
        if heard.any():
            spread = float(np.std(column[heard])) or 1.0
            ranks += weight * np.where(heard, (column - np.mean(column[heard])) / spread, -1.0)
    return ranks


def _levels(labels: Sequence[str], energy: np.ndarray, first: int, last: int) -> dict[str, float]:
    """Intensity of each label: 0.4 for the quietest section to 0.85 for the strongest, repeated ones more."""
    inside = [i for i in range(len(labels)) if first <= i <= last]
    means = {label: float(np.mean([energy[i] for i in inside if labels[i] == label])) for label in
             dict.fromkeys(labels[i] for i in inside)}  # fmt: skip
    for label in means:
        repeats = sum(1 for i in inside if labels[i] == label) / max(1, len(inside))
        means[label] += 0.5 * repeats
    low, high = min(means.values(), default=0.0), max(means.values(), default=0.0)
    levels = {name: 0.4 + 0.45 * ((value - low) / (high - low) if high > low else 0.6) for name, value in means.items()}
    named = {"intro": 0.25, "verse": 0.45, "chorus": 0.8, "bridge": 0.6, "outro": 0.35}
    return {label: named.get(label.lower(), levels.get(label, 0.3)) for label in dict.fromkeys(labels)}


def at_density(plans: Sequence[BarPlan], density: float) -> tuple[BarPlan, ...]:
    """The plan with all intensities moved by a density of 0 (sparse) to 1 (full); 0.5 leaves them."""
    return tuple(replace(p, intensity=float(np.clip(p.intensity + 0.8 * (density - 0.5), 0.05, 1.0))) for p in plans)
