"""Drum patterns distilled from human drummers: for each style typical bars with their dynamics and micro-timing.

Of each performance the most typical bar is kept (the one that shares most hits with the others), with the mean
velocity and the mean lateness of every hit over all bars that have it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from descant.compose.grid import TICKS, snap_starts
from descant.score.notes import Note, Score

KEYS = {35: 36, 40: 38, 44: 42, 53: 51, 59: 51, 55: 49, 57: 49, 52: 49, 50: 48, 47: 45, 41: 43, 54: 42}
"""Drum keys that are one voice of the kit here."""
_KEPT_KEYS = frozenset({36, 37, 38, 42, 43, 45, 46, 48, 49, 51})
_QUIETEST = 18
_MOST_PATTERNS = 10
_LEAST_HITS = 4

Hit = tuple[int, int]


def typical_bar(score: Score, bar_quarters: float) -> dict[str, Any] | None:
    """The most typical bar of a performance as hits [tick, key, velocity, lateness in ticks]; None if it has none."""
    notes = [n for n in score.tracks[0].notes if n.velocity >= _QUIETEST]
    bars: dict[int, dict[Hit, tuple[int, float]]] = defaultdict(dict)
    ticks = snap_starts(np.array([n.start for n in notes], float))
    width = round(bar_quarters * TICKS)
    for note, tick in zip(notes, ticks, strict=True):
        hit, late = _hit(note, int(tick), width)
        if hit is not None:
            bars[int(tick) // width][hit] = (note.velocity, late)
    whole = [bar for bar in bars.values() if len(bar) >= _LEAST_HITS]
    if not whole:
        return None
    shares = Counter(hit for bar in whole for hit in bar)
    best = max(whole, key=lambda bar: _typicality(set(bar), shares, len(whole)))
    hits = []
    for tick, key in sorted(best):
        found = [bar[tick, key] for bar in whole if (tick, key) in bar]
        velocity, late = np.mean(found, axis=0)
        hits.append([tick, key, round(float(velocity)), round(float(late), 2)])
    return {"hits": hits}


def _hit(note: Note, tick: int, width: int) -> tuple[Hit | None, float]:
    key = KEYS.get(note.pitch, note.pitch)
    late = float(np.clip(note.start * TICKS - tick, -1.0, 1.0))
    return ((tick % width, key) if key in _KEPT_KEYS else None), late


def _typicality(bar: set[Hit], shares: Counter[Hit], bars: int) -> float:
    expected = sum(shares.values()) / bars
    shared = sum(shares[hit] for hit in bar) / bars
    return shared / max(expected, float(len(bar)))


def spread(patterns: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """At most ten different patterns, from the sparsest to the busiest."""
    different: dict[frozenset[Hit], dict[str, Any]] = {}
    for pattern in patterns:
        different.setdefault(frozenset((h[0], h[1]) for h in pattern["hits"]), pattern)
    ordered = sorted(different.values(), key=_busyness)
    picks = np.linspace(0, len(ordered) - 1, _MOST_PATTERNS).round().astype(int)
    return [ordered[i] for i in np.unique(picks)]


def _busyness(pattern: dict[str, Any]) -> float:
    return float(sum(hit[2] for hit in pattern["hits"]))


def distil(performances: Sequence[tuple[str, str, bool, float, Score]]) -> dict[str, Any]:
    """Patterns by style.

    Args:
        performances: (name, style, is_fill, quarters in a bar, score).

    Returns:
        {"3" or "4" (quarters in a bar): {style: {"grooves": [...], "fills": [...]}}}; each pattern names its
        performance, and its hits are [tick, drum key, velocity, lateness in ticks].
    """
    found: dict[tuple[str, str, str], list[dict[str, Any]]] = defaultdict(list)
    for name, style, is_fill, quarters, score in performances:
        pattern = typical_bar(score, quarters)
        if pattern is not None:
            family = style.split("/")[0]
            for label in {family, style.replace("/", "-")}:
                found[f"{quarters:g}", label, "fills" if is_fill else "grooves"].append({"from": name, **pattern})
    result: dict[str, Any] = {}
    for (metre, style, kind), patterns in sorted(found.items()):
        result.setdefault(metre, {}).setdefault(style, {})[kind] = spread(patterns)
    return result
