"""How a continuation behaves: key, metre, density and loudness against what it goes on from, repetition, copies.

The measures are taken in windows of eight bars, so that a slow drift shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from itertools import groupby, pairwise

import numpy as np
from numpy.typing import NDArray

from descant.compose.continuation.sheet import ROLES, SheetBar, sheet_of
from descant.compose.continuation.tokens import PERIOD
from descant.compose.grid import BAR_BEATS, TICKS, GridNote
from descant.evaluate.key_metrics import key_score
from descant.score.harmony import Key
from descant.score.notes import Note, Score
from descant.score.tonality import key_of_notes

COLUMNS = (
    "key, MIREX", "in scale", "metre", "density drift", "level drift", "repetition", "copied", "longest loop",
    "empty bars",
)  # fmt: skip
HIGHER_IS_BETTER = {"key, MIREX": True, "in scale": True, "metre": True, "density drift": False, "level drift": False}
_GRAM = 4
_LAG_QUARTERS = 16.0
_COPY_BARS = 4


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One continuation, in the order of `COLUMNS`.

    Attributes:
        key: MIREX score of the key its notes suggest against the song's.
        in_scale: Share of its notes in the scale of the song's key.
        metre: Overlap (0 to 1) of the histogram of onsets in the bar with the primer's, mean over windows.
        density_drift: How far notes per bar are from the primer's, as a share of them, mean over windows.
        level_drift: How far the mean velocity is from the primer's, mean over windows.
        repetition: Share of its top line's 4-grams of (interval, inter-onset time) heard 16 quarters before or earlier.
        copied: Share of its bars in passages of four bars or more that stand in the primer.
        loop: Most equal bars in a row.
        empty: Share of bars without a note.
    """

    key: float
    in_scale: float
    metre: float
    density_drift: float
    level_drift: float
    repetition: float
    copied: float
    loop: float
    empty: float

    def cells(self) -> tuple[float, ...]:
        """In the order of `COLUMNS`."""
        return astuple(self)


@dataclass(frozen=True, slots=True)
class Curve:
    """Each window of eight bars against the primer.

    Attributes:
        density: Notes per bar as a share of those in the primer's bars that sound.
        level: Mean velocity less the primer's; NaN where nothing sounds.
    """

    density: tuple[float, ...]
    level: tuple[float, ...]


def behaviour(score: Score, primer_bars: int, bars: int, key: Key) -> tuple[Behaviour, Curve]:
    """Measure bars `primer_bars` to `primer_bars` + `bars` of a score against those before.

    Args:
        score: Primer and continuation on one time line; drums do not count.
        primer_bars: Bars of the grid that are the primer.
        bars: Bars that follow.
        key: The song's.
    """
    sheet = sheet_of(score)
    before = sheet.bars[:primer_bars]
    after = sheet.bars[primer_bars : primer_bars + bars]
    missing = bars - len(after)  # bars after the last note
    windows = [_notes(after[i : i + PERIOD]) for i in range(0, bars, PERIOD)]
    found = [_as_note(note) for note in _notes(after)]
    primer_places, scale = _places(before), set(key.scale)
    curve = _curve(before, windows, bars)
    overlaps = [float(np.minimum(_places(after[i : i + PERIOD]), primer_places).sum()) for i in range(0, bars, PERIOD)]
    measured = Behaviour(
        key=key_score(key, key_of_notes(found)),
        in_scale=sum(n.pitch % 12 in scale for n in found) / max(1, len(found)),
        metre=float(np.mean(overlaps)),
        density_drift=float(np.mean([abs(share - 1.0) for share in curve.density])),
        level_drift=float(np.nanmean(np.abs(curve.level))) if found else float("nan"),
        repetition=_repetition(sheet.bars[: primer_bars + bars], primer_bars),
        copied=_copied(before, after) / bars,
        loop=float(max((len(list(run)) for figure, run in groupby(b.figure for b in after) if figure), default=0)),
        empty=(sum(not bar.count for bar in after) + missing) / bars,
    )
    return measured, curve


def _notes(bars: Sequence[SheetBar]) -> list[GridNote]:
    return [note for bar in bars for part in bar.parts for note in part]


def _as_note(note: GridNote) -> Note:
    return Note(0.0, note.duration / TICKS, note.pitch, note.velocity)


def _places(bars: Sequence[SheetBar]) -> NDArray[np.float64]:
    """[ticks of a bar] shares of onsets; all zero where there are none."""
    counts = np.bincount([note.position for note in _notes(bars)], minlength=BAR_BEATS * TICKS + 1).astype(float)
    shares: NDArray[np.float64] = counts / max(1.0, float(counts.sum()))
    return shares


def _curve(primer: Sequence[SheetBar], windows: Sequence[Sequence[GridNote]], bars: int) -> Curve:
    usual = len(_notes(primer)) / sum(bool(bar.count) for bar in primer)
    level = float(np.mean([note.velocity for note in _notes(primer)]))
    lengths = [min(PERIOD, bars - PERIOD * i) for i in range(len(windows))]
    return Curve(
        tuple(len(window) / length / usual for window, length in zip(windows, lengths, strict=True)),
        tuple(float(np.mean([n.velocity for n in w])) - level if w else float("nan") for w in windows),
    )


def _repetition(bars: Sequence[SheetBar], first: int) -> float:
    """See `Behaviour.repetition`; the top line is the melody, or the highest notes where nobody leads."""
    lead = ROLES.index("melody")
    tops: dict[float, int] = {}
    for bar in bars:
        for note in bar.parts[lead] or [n for part in bar.parts for n in part]:
            at = bar.span.start + note.position / TICKS
            tops[at] = max(note.pitch, tops.get(at, 0))
    line = sorted(tops.items())
    steps = [(b[1] - a[1], round(TICKS * (b[0] - a[0]))) for a, b in pairwise(line)]
    begin = bars[first].span.start if first < len(bars) else float("inf")
    earliest: dict[tuple[tuple[int, int], ...], float] = {}
    heard = total = 0
    for index in range(len(steps) - _GRAM + 1):
        gram, at = tuple(steps[index : index + _GRAM]), line[index][0]
        if at >= begin:
            total += 1
            heard += gram in earliest and at - earliest[gram] >= _LAG_QUARTERS
        earliest.setdefault(gram, at)
    return heard / total if total else 0.0


def _copied(before: Sequence[SheetBar], after: Sequence[SheetBar]) -> int:
    """Bars of passages that stand in the primer."""
    old, new = [bar.figure for bar in before], [bar.figure for bar in after]
    passages = {tuple(old[i : i + _COPY_BARS]) for i in range(len(old) - _COPY_BARS + 1)}
    copied = {
        i + step
        for i in range(len(new) - _COPY_BARS + 1)
        if any(new[i : i + _COPY_BARS]) and tuple(new[i : i + _COPY_BARS]) in passages
        for step in range(_COPY_BARS)
    }
    return len(copied)
