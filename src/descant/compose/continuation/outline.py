"""`outline`: what is asked of each bar to come, taken from how the song has gone so far.

Without it a model that reads its own output drifts: one sparse bar makes the next one sparser. So the periods of the
song (eight bars, in step with where it stopped) are dealt out in random order, each as often as the others, and each
new bar is asked for as many notes, as loud, by the same players as the bar at that place in the period dealt; not for
any of its notes. Where that bar is silent, the last one before it that is not counts in its place: a break in the song
is no reason to fall silent.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from descant.compose.continuation.sheet import SheetBar
from descant.compose.continuation.tokens import DENSITY_EDGES, PERIOD, Head, loudness, said_of
from descant.compose.grid import BarSpan

_EMPTY_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of a bar.

    Attributes:
        span: Where it will lie.
        turn: Its number, counted on from the song's bars.
        head: Density, loudness and players.
        notes: How many notes, of all parts.
        velocity: How loud they are on average; 0 where there are none.
        after: Number of the song's bar that it takes this from.
    """

    span: BarSpan
    turn: int
    head: Head
    notes: int
    velocity: float
    after: int


def outline(bars: Sequence[SheetBar], spans: Sequence[BarSpan], generator: np.random.Generator) -> tuple[Asked, ...]:
    """Ask for the bars at `spans`, which follow on `bars`.

    Args:
        bars: The song so far; at least one has notes.
        spans: The bars to come.
        generator: Deals the periods.
    """
    asked = []
    for number, (span, after) in enumerate(zip(spans, _dealt(bars, generator), strict=False)):
        after = next((n for n in range(after, -1, -1) if bars[n].count), after)
        before = bars[after]
        said = said_of(before)
        density = before.count / before.span.quarters
        head = Head(span.beats, bisect_right(DENSITY_EDGES, density), said.level, said.cast)
        asked.append(Asked(span, len(bars) + number, head, round(density * span.quarters), loudness(before), after))
    return tuple(asked)


def _dealt(bars: Sequence[SheetBar], generator: np.random.Generator) -> Iterator[int]:
    """Numbers of bars, period after period without end."""
    first = next(number for number, bar in enumerate(bars) if bar.count)
    length = min(PERIOD, len(bars) - first)
    starts = [s for s in range(first, len(bars) - length + 1) if (len(bars) - s) % length == 0]
    full = [s for s in starts if sum(not bar.count for bar in bars[s : s + length]) <= _EMPTY_SHARE * length]
    starts = full or [max(range(first, len(bars) - length + 1), key=lambda s: sum(b.count for b in bars[s:][:length]))]
    while True:
        for start in generator.permutation(starts):
            yield from range(int(start), int(start) + length)
