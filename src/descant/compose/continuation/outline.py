"""`outline`: what is asked of each bar to come, taken from how the song has gone so far.

Without it a model that reads its own output drifts: one sparse bar makes the next one sparser. So the periods of the
song (eight bars, in step with where it stopped) are dealt out in random order, each as often as the others, and each
new bar is asked for as many notes, as loud, by the same players as the bar at that place in the period dealt; not for
any of its notes. Where that bar is silent, the last one before it that is not counts in its place: a break in the song
is no reason to fall silent.

A model of a few million parameters hardly brings anything back by itself. So a period may be asked to return: its first
half repeats the new bars of the period before the last, its second half is written anew.
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
_RETURN_AFTER = 2


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
        again: Number of the new bar that it repeats; None where it is written anew.
    """

    span: BarSpan
    turn: int
    head: Head
    notes: int
    velocity: float
    after: int
    again: int | None = None


def outline(
    bars: Sequence[SheetBar], spans: Sequence[BarSpan], generator: np.random.Generator, *, returns: float = 0.0
) -> tuple[Asked, ...]:
    """Ask for the bars at `spans`, which follow on `bars`.

    Args:
        bars: The song so far; at least one has notes.
        spans: The bars to come.
        generator: Deals the periods.
        returns: Probability that a period returns to the one before the last.
    """
    asked: list[Asked] = []
    for period, origin in _periods(bars, len(spans), generator, returns):
        for place, after in enumerate(period[: len(spans) - len(asked)]):
            number = len(asked)
            span = spans[number]
            after = next((n for n in range(after, -1, -1) if bars[n].count), after)
            before = bars[after]
            said = said_of(before)
            density = before.count / before.span.quarters
            head = Head(span.beats, bisect_right(DENSITY_EDGES, density), said.level, said.cast)
            again = origin + place if origin is not None and 2 * place < len(period) else None
            if again is not None and spans[again].quarters != span.quarters:
                again = None
            wanted = round(density * span.quarters)
            asked.append(Asked(span, len(bars) + number, head, wanted, loudness(before), after, again))
    return tuple(asked)


def _periods(
    bars: Sequence[SheetBar], wanted: int, generator: np.random.Generator, returns: float
) -> Iterator[tuple[list[int], int | None]]:
    """Periods as numbers of the song's bars, and the new bar that each returns to, until there are enough."""
    dealt = _dealt(bars, generator)
    written: list[tuple[list[int], int]] = []
    count = 0
    while count < wanted:
        is_return = len(written) >= _RETURN_AFTER and generator.random() < returns
        period, origin = written[-_RETURN_AFTER] if is_return else (next(dealt), None)
        yield period, origin
        written.append((period, count))
        count += len(period)


def _dealt(bars: Sequence[SheetBar], generator: np.random.Generator) -> Iterator[list[int]]:
    """Periods of the song without end, each as often as the others."""
    first = next(number for number, bar in enumerate(bars) if bar.count)
    length = min(PERIOD, len(bars) - first)
    starts = [s for s in range(first, len(bars) - length + 1) if (len(bars) - s) % length == 0]
    full = [s for s in starts if sum(not bar.count for bar in bars[s : s + length]) <= _EMPTY_SHARE * length]
    starts = full or [max(range(first, len(bars) - length + 1), key=lambda s: sum(b.count for b in bars[s:][:length]))]
    while True:
        for start in generator.permutation(starts):
            yield list(range(int(start), int(start) + length))
