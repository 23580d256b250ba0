"""The plan of the screen: which rows stand where and when, count-ins, breaks; values without pixels.

A screen has a few slots, one above the other. The rows of a page take them from top to bottom; as soon as the page's
last row is being sung, the rows above it make way for the next page's, so that the next line is always there to be
read before it comes. A row leaves only when it has been sung, also where singers overlap.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from descant.errors import InvalidOption
from descant.pipelines.karaoke.rows import Row

_PAUSE_S = 3.0  # one that ends a page
_LINGER_S = 0.25  # how long a row stays after it was sung, where its slot is not needed at once
_SHORTEST_TITLE_S = 1.5
_READING_S = 3.0  # what is left to read the first rows after the title
_TICKS = 4
_FEWEST_TICKS = 2
_TICK_S = 1.0
_SLOWEST_BEAT_S = 1.2
_UPBEAT = 0.3  # in beats: a beat this near before an entry is the entry


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """How a screen is planned.

    Attributes:
        slots: Rows on the screen at once, 1 to 6; more only where more singers overlap.
        preview_s: How long before singing starts, or goes on after a break, its first rows are shown.
        break_s: A pause this long is a break: the screen clears, and shows how long it will take.
        rest_s: A row after a rest this long gets a count-in.
        hold_s: How long the last rows before a break stay.
        title_s: How long the title is shown, where there is time.
    """

    slots: int = 4
    preview_s: float = 5.0
    break_s: float = 8.0
    rest_s: float = 3.0
    hold_s: float = 1.0
    title_s: float = 6.0

    def __post_init__(self) -> None:
        if not 1 <= self.slots <= 6:
            raise InvalidOption(f"A screen of {self.slots} rows is not possible.", "Choose 1 to 6.")
        if not 0 < self.hold_s + self.preview_s <= self.break_s:
            raise InvalidOption(
                f"A break of {self.break_s:g} s has no room for the preview ({self.preview_s:g} s).",
                "Make the preview shorter, or let breaks be longer.",
            )


@dataclass(frozen=True, slots=True)
class PlacedRow:
    """A row on the screen.

    Attributes:
        row: What is written.
        slot: Where, 0 is the top.
        shows_s: When it appears.
        hides_s: When it disappears; not before it is sung.
    """

    row: Row
    slot: int
    shows_s: float
    hides_s: float


@dataclass(frozen=True, slots=True)
class CountIn:
    """The count before an entry.

    Attributes:
        index: Of the row that enters.
        ticks_s: When each of the counts is; at each one a dot goes out.
        ends_s: The entry.
    """

    index: int
    ticks_s: tuple[float, ...]
    ends_s: float


@dataclass(frozen=True, slots=True)
class Break:
    """A stretch without singing.

    Attributes:
        starts_s: When the bar appears.
        ends_s: When singing goes on.
    """

    starts_s: float
    ends_s: float


@dataclass(frozen=True, slots=True)
class ScreenPlan:
    """What the screen shows over a song.

    Attributes:
        rows: In order of singing.
        slots: How many slots they take.
        count_ins: In order.
        breaks: In order; the intro is one too where it is long.
        title_until_s: When the title goes; 0 without one.
        duration_s: Length of the song.
    """

    rows: tuple[PlacedRow, ...]
    slots: int
    count_ins: tuple[CountIn, ...]
    breaks: tuple[Break, ...]
    title_until_s: float
    duration_s: float


def plan_screen(
    rows: Sequence[Row],
    duration_s: float,
    options: PlanOptions | None = None,
    *,
    beats_s: Sequence[float] = (),
    has_title: bool = False,
) -> ScreenPlan:
    """Plan the screen of a song.

    Args:
        rows: At least one, sorted by start.
        duration_s: Length of the song in seconds.
        options: Times and rows.
        beats_s: Beats, for the count-ins; these count seconds where none are known.
        has_title: Whether there is a title to show.
    """
    options = options or PlanOptions()
    blocks = _blocks(rows, options.break_s)
    pages = [_pages(rows, block, options.slots) for block in blocks]
    title = _title_end(rows[0].start_s, options) if has_title else 0.0
    slots = _Slots(rows, options)
    clear_s = title
    for block in pages:
        slots.place(block, earliest_s=clear_s)
        clear_s = max(rows[index].end_s for page in block for index in page) + options.hold_s
    placed = slots.placed(duration_s)
    return ScreenPlan(
        rows=placed,
        slots=slots.count,
        count_ins=tuple(_count_ins(placed, options.rest_s, beats_s)),
        breaks=tuple(_breaks(rows, blocks, options, title)),
        title_until_s=title,
        duration_s=duration_s,
    )


def _blocks(rows: Sequence[Row], break_s: float) -> list[range]:
    """Stretches of rows without a long pause."""
    cuts, latest = [0], rows[0].end_s
    for index, row in enumerate(rows):
        if row.start_s - latest >= break_s:
            cuts.append(index)
        latest = max(latest, row.end_s)
    return [range(a, b) for a, b in pairwise([*cuts, len(rows)])]


def _pages(rows: Sequence[Row], block: range, slots: int) -> list[range]:
    """The pages of a block: paragraphs, divided evenly where they are too long."""
    cuts = [block.start]
    cuts += [
        i for i in block[1:] if rows[i].starts_paragraph or rows[i].start_s - rows[i - 1].end_s >= _PAUSE_S
    ]  # fmt: skip
    pages = []
    for first, stop in pairwise([*cuts, block.stop]):
        count = math.ceil((stop - first) / slots)
        edges = [first + round((stop - first) * part / count) for part in range(count + 1)]
        pages += [range(a, b) for a, b in pairwise(edges)]
    return pages


class _Slots:
    """Rows on their way into slots."""

    def __init__(self, rows: Sequence[Row], options: PlanOptions) -> None:
        self._rows = rows
        self._options = options
        self._held: list[int | None] = [None] * options.slots  # the last row of each slot
        self._slot = [0] * len(rows)
        self._shows = [0.0] * len(rows)
        self._hides = [math.inf] * len(rows)

    @property
    def count(self) -> int:
        """How many slots there are by now."""
        return len(self._held)

    def place(self, pages: Sequence[range], *, earliest_s: float) -> None:
        """Place the pages of a block, which shows nothing before a time."""
        rows, options = self._rows, self._options
        first = rows[pages[0].start].start_s
        appears = max(earliest_s, first - options.preview_s, 0.0)
        for page in pages:
            offset = max(0, (options.slots - len(page)) // 2)
            done = max(rows[index].end_s for index in page)
            for index in page:
                self._hides[index] = done + options.hold_s
            for place, index in enumerate(page):
                slot = self._free_slot(min(place + offset, options.slots - 1), rows[index].start_s)
                before = self._held[slot]
                free = 0.0 if before is None else rows[before].end_s + _LINGER_S
                self._shows[index] = min(max(appears, free), rows[index].start_s)
                if before is not None:
                    self._hides[before] = min(self._hides[before], self._shows[index])
                self._slot[index], self._held[slot] = slot, index
            appears = rows[page[-1]].start_s

    def _free_slot(self, wanted: int, at_s: float) -> int:
        """The slot nearest to the wanted one whose row is sung by then; a new one where none is."""
        for slot in sorted(range(self.count), key=lambda slot: abs(slot - wanted)):
            held = self._held[slot]
            if held is None or self._rows[held].end_s <= at_s:
                return slot
        self._held.append(None)
        return self.count - 1

    def placed(self, duration_s: float) -> tuple[PlacedRow, ...]:
        """All rows; each at least for as long as it is sung."""
        return tuple(
            PlacedRow(row, slot, shows, max(row.end_s, min(hides, duration_s)))
            for row, slot, shows, hides in zip(self._rows, self._slot, self._shows, self._hides, strict=True)
        )


def _title_end(first_s: float, options: PlanOptions) -> float:
    """When the title makes way for the words; 0 where there is no time for it."""
    end = min(options.title_s, first_s - _READING_S)
    return end if end >= _SHORTEST_TITLE_S else 0.0


def _breaks(rows: Sequence[Row], blocks: Sequence[range], options: PlanOptions, title_s: float) -> Iterator[Break]:
    if rows[0].start_s - title_s >= options.break_s:
        yield Break(title_s, rows[0].start_s)
    for block, after in pairwise(blocks):
        ends = max(rows[index].end_s for index in block) + options.hold_s
        yield Break(ends, rows[after.start].start_s)


def _count_ins(placed: Sequence[PlacedRow], rest_s: float, beats_s: Sequence[float]) -> Iterator[CountIn]:
    silent_since = 0.0
    for index, each in enumerate(placed):
        start = each.row.start_s
        if start - silent_since >= rest_s:
            ticks = tuple(
                tick for tick in _ticks(start, beats_s) if tick >= max(silent_since, each.shows_s) and tick < start
            )
            if len(ticks) >= _FEWEST_TICKS:
                yield CountIn(index, ticks, start)
        silent_since = max(silent_since, each.row.end_s)


def _ticks(entry_s: float, beats_s: Sequence[float]) -> list[float]:
    """When to count: on the beats before an entry, on seconds where they are not known or too slow to follow."""
    stop = bisect_left(beats_s, entry_s)
    nearby = beats_s[max(0, stop - _TICKS - 1) : stop]
    if len(nearby) == _TICKS + 1:
        beat = float(np.median(np.diff(nearby)))
        ticks = [time for time in nearby if time <= entry_s - _UPBEAT * beat][-_TICKS:]
        if beat <= _SLOWEST_BEAT_S and entry_s - ticks[-1] <= 2.0 * beat:
            return ticks
    return [entry_s - _TICK_S * count for count in range(_TICKS - 1, 0, -1)]
