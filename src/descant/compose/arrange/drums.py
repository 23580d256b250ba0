"""Drums from distilled human grooves: one pattern for a section, fills where it ends, crashes where one begins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from descant.compose.arrange.form import BarPlan
from descant.compose.arrange.styles import Style
from descant.compose.grid import TICKS, Bar
from descant.score.notes import Note

KICK, SNARE, STICK, HAT, OPEN_HAT, CRASH, RIDE = 36, 38, 37, 42, 46, 49, 51
_CUT_FROM_LOW = frozenset({CRASH, OPEN_HAT})
_HIT_QUARTERS = 0.2

Hit = tuple[int, int, int, float]
"""Tick in the bar, drum key, velocity, lateness in ticks."""

WALTZ: tuple[Hit, ...] = ((0, KICK, 96, 0.0), (0, HAT, 70, 0.0), (12, HAT, 60, 0.0), (12, SNARE, 62, 0.0),
                          (24, HAT, 60, 0.0), (24, SNARE, 70, 0.0))  # fmt: skip
BACKBEAT: tuple[Hit, ...] = (*((t, HAT, 74 if t % 12 == 0 else 56, 0.0) for t in range(0, 48, 6)),
                             (0, KICK, 104, 0.0), (30, KICK, 92, 0.0), (12, SNARE, 104, 0.0),
                             (36, SNARE, 106, 0.0))  # fmt: skip
FOUR: tuple[Hit, ...] = (*((t, KICK, 110, 0.0) for t in range(0, 48, 12)), (12, SNARE, 88, 0.0), (36, SNARE, 90, 0.0),
                         *((t, OPEN_HAT, 78, 0.0) for t in range(6, 48, 12)),
                         *((t, HAT, 52, 0.0) for t in range(3, 48, 6)))  # fmt: skip


@dataclass(frozen=True, slots=True)
class DrumBar:
    """What the kit plays in a bar, in ticks: the bass locks to `kicks`."""

    hits: tuple[Hit, ...] = ()

    @property
    def kicks(self) -> tuple[int, ...]:
        """Ticks of the bass drum."""
        return tuple(sorted({tick for tick, key, _, _ in self.hits if key == KICK}))


class Grooves:
    """Patterns of real drummers by metre and style, as `train.groove` distils them."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        self._table = table

    def patterns(self, quarters: float, names: Sequence[str], kind: str) -> list[tuple[Hit, ...]]:
        """Grooves or fills of the first of the named styles that have some, sparsest first."""
        of_metre = self._table.get(f"{quarters:g}", {})
        for name in names:
            found = of_metre.get(name, {}).get(kind, [])
            if found:
                return [tuple((int(t), int(k), int(v), float(late)) for t, k, v, late in p["hits"]) for p in found]
        return []


def drum_bars(
    bars: Sequence[Bar], plans: Sequence[BarPlan], style: Style, grooves: Grooves, generator: np.random.Generator
) -> list[DrumBar]:
    """What the kit plays in each bar."""
    chosen: dict[tuple[str, float], tuple[Hit, ...]] = {}
    result = []
    for bar, asked in zip(bars, plans, strict=True):
        quarters = bar.span.quarters
        place = (asked.label, quarters)
        if place not in chosen:
            chosen[place] = _groove(quarters, asked.intensity, style, grooves, generator)
        hits = _cut(chosen[place], quarters) if asked.intensity >= style.drums_from else ()
        if asked.is_final:
            hits = ((0, KICK, 100, 0.0), (0, CRASH, 96, 0.0)) if asked.intensity >= style.drums_from - 0.2 else ()
        elif hits and asked.closes:
            hits = _with_fill(hits, quarters, style, grooves, generator)
        elif hits and asked.opens and asked.intensity > 0.55:
            hits = (*(h for h in hits if not (h[0] == 0 and h[1] in (HAT, RIDE))), (0, CRASH, 98, 0.0))
        if hits and asked.intensity < style.drums_from + 0.15:
            hits = _softened(hits)
        result.append(DrumBar(tuple(sorted(hits))))
    return result


def _groove(
    quarters: float, intensity: float, style: Style, grooves: Grooves, generator: np.random.Generator
) -> tuple[Hit, ...]:
    if quarters == 3:
        return WALTZ
    found = grooves.patterns(4, style.drums, "grooves")
    on_the_one = [p for p in found if any(t == 0 and k == KICK for t, k, _, _ in p)] or found
    if style.name == "electronic" or not on_the_one:
        return FOUR if style.name == "electronic" else BACKBEAT
    # Busier patterns for stronger sections, with some freedom for the take.
    place = intensity * (len(on_the_one) - 1) + generator.normal(0.0, 0.8)
    return on_the_one[int(np.clip(round(place), 0, len(on_the_one) - 1))]


def _cut(hits: tuple[Hit, ...], quarters: float) -> tuple[Hit, ...]:
    return tuple(h for h in hits if h[0] < quarters * TICKS)


def _with_fill(
    hits: tuple[Hit, ...], quarters: float, style: Style, grooves: Grooves, generator: np.random.Generator
) -> tuple[Hit, ...]:
    """The second half of a fill in place of the groove's."""
    fills = grooves.patterns(4, (*style.drums, *(d.split("-")[0] for d in style.drums), "rock"), "fills")
    if quarters != 4 or not fills:
        last = round(quarters * TICKS) - TICKS
        roll = tuple((last + t, key, 70 + 5 * t, 0.0) for t, key in ((0, SNARE), (3, SNARE), (6, 48), (9, 45)))
        return (*(h for h in hits if h[0] < last), *roll)
    fill = fills[int(generator.integers(len(fills)))]
    half = round(quarters * TICKS / 2)
    return (*(h for h in hits if h[0] < half), *(h for h in fill if h[0] >= half))


def _softened(hits: tuple[Hit, ...]) -> tuple[Hit, ...]:
    """A side stick for the snare, no open hat or crash, ghost notes left out."""
    soft = []
    for tick, key, velocity, late in hits:
        if key == SNARE and velocity < 60:
            continue
        if key not in _CUT_FROM_LOW:
            soft.append((tick, STICK if key == SNARE else key, round(velocity * 0.75), late))
    return tuple(soft)


def drum_notes(
    bars: Sequence[Bar], plans: Sequence[BarPlan], played: Sequence[DrumBar], style: Style
) -> tuple[Note, ...]:
    """The kit's notes, with the drummers' own lateness as far as the style keeps it."""
    notes = []
    for bar, asked, drums in zip(bars, plans, played, strict=True):
        level = 0.72 + 0.34 * asked.intensity
        for tick, key, velocity, late in drums.hits:
            start = max(0.0, bar.span.start + (tick + style.steady * late * 0.5) / TICKS)
            notes.append(Note(start, _HIT_QUARTERS, key, int(np.clip(round(velocity * level), 1, 127))))
    return tuple(notes)
