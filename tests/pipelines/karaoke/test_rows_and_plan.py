"""Rows and the plan of the screen: what must hold for all songs, and a song worked out by hand."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from descant.errors import InvalidOption, TextReadError, UnsupportedFormat
from descant.pipelines.karaoke.plan import PlanOptions, ScreenPlan, plan_screen
from descant.pipelines.karaoke.rows import Piece, Row, rows_of
from descant.pipelines.karaoke.words import unsung_lines
from descant.text.lyrics import Line, Lyrics, Syllable, Unsung, Word


def _row(start: float, end: float, *, paragraph: bool = False) -> Row:
    return Row((Piece("la ", start, end),), starts_paragraph=paragraph)


@st.composite
def _songs(draw: st.DrawFn) -> list[Row]:
    """Rows with gaps, breaks and singers who overlap."""
    rows, time = [], 0.0
    for _ in range(draw(st.integers(1, 24))):
        time = max(0.0, time + draw(st.floats(-3.0, 15.0)))
        length = draw(st.floats(0.05, 9.0))
        rows.append(_row(time, time + length, paragraph=draw(st.booleans())))
        time += length
    return sorted(rows, key=lambda row: row.start_s)


def _plan(rows: list[Row], slots: int = 4, **more: object) -> ScreenPlan:
    return plan_screen(rows, rows[-1].end_s + 5.0, PlanOptions(slots=slots), **more)  # type: ignore[arg-type]


@settings(deadline=None, max_examples=150)
@given(_songs(), st.integers(1, 6), st.booleans())
def test_every_row_is_there_while_it_is_sung_and_none_lies_over_another(
    rows: list[Row], slots: int, has_title: bool
) -> None:
    plan = _plan(rows, slots, has_title=has_title)
    assert [placed.row for placed in plan.rows] == rows
    for placed in plan.rows:
        assert 0 <= placed.slot < plan.slots
        assert placed.shows_s <= placed.row.start_s
        assert placed.hides_s >= placed.row.end_s
        assert placed.shows_s >= plan.title_until_s
    for slot in range(plan.slots):
        stays = [(p.shows_s, p.hides_s) for p in plan.rows if p.slot == slot]
        assert all(before[1] <= after[0] for before, after in pairwise(stays))
    overlap = max(sum(r.start_s <= row.start_s < r.end_s for r in rows) for row in rows)
    assert plan.slots <= max(slots, overlap)


@settings(deadline=None, max_examples=150)
@given(_songs())
def test_what_comes_after_a_pause_is_shown_before_it_is_sung_and_is_counted_in(rows: list[Row]) -> None:
    plan = _plan(rows)
    counted = {count.index: count for count in plan.count_ins}
    silent_since = 0.0
    for index, placed in enumerate(plan.rows):
        start, rest = placed.row.start_s, placed.row.start_s - silent_since
        if rest >= 1.0:
            assert placed.shows_s <= start - min(rest, 5.0) + 0.5 + 0.51  # it lingers, and a break is cleared first
        assert (index in counted) == (rest >= 3.0)
        if index in counted:
            ticks = counted[index].ticks_s
            assert placed.shows_s <= ticks[0]
            assert list(ticks) == sorted(ticks)
            assert ticks[-1] < start == counted[index].ends_s
        silent_since = max(silent_since, placed.row.end_s)
    for pause in plan.breaks:
        assert not any(r.start_s < pause.ends_s and r.end_s > pause.starts_s for r in rows)


def test_a_song_by_hand() -> None:
    rows = [_row(10.0 + 3.0 * i, 12.5 + 3.0 * i) for i in range(5)] + [_row(40.0, 42.0)]
    plan = plan_screen(rows, 50.0, PlanOptions(slots=4), has_title=True)
    assert plan.title_until_s == 6.0
    # Five rows are two pages, of two and of three, in the middle of four slots.
    assert [p.slot for p in plan.rows] == [1, 2, 0, 1, 2, 1]
    assert [p.shows_s for p in plan.rows] == [6.0, 6.0, 13.0, 13.0, 15.75, 35.0]
    assert [p.hides_s for p in plan.rows] == [13.0, 15.75, 25.5, 25.5, 25.5, 43.0]
    assert [(c.index, c.ticks_s) for c in plan.count_ins] == [(0, (7.0, 8.0, 9.0)), (5, (37.0, 38.0, 39.0))]
    assert [(b.starts_s, b.ends_s) for b in plan.breaks] == [(25.5, 40.0)]


def test_the_count_follows_the_beats_up_to_an_upbeat() -> None:
    beats = [0.6 * i for i in range(40)]
    on_the_beat = _plan([_row(6.0, 8.0)], beats_s=beats)
    assert on_the_beat.count_ins[0].ticks_s == pytest.approx((3.6, 4.2, 4.8, 5.4))
    upbeat = _plan([_row(5.7, 8.0)], beats_s=beats)
    assert upbeat.count_ins[0].ticks_s == pytest.approx((3.6, 4.2, 4.8, 5.4))
    a_little_late = _plan([_row(6.05, 8.0)], beats_s=beats)
    assert a_little_late.count_ins[0].ticks_s == pytest.approx((3.6, 4.2, 4.8, 5.4))


def test_singers_at_once_get_slots_of_their_own() -> None:
    plan = _plan([_row(5.0, 20.0), _row(6.0, 20.0), _row(7.0, 20.0)], slots=2)
    assert plan.slots == 3
    assert sorted(p.slot for p in plan.rows) == [0, 1, 2]


def test_long_lines_are_divided_between_words_evenly() -> None:
    texts = ["one", "two", "three", "four", "five", "six"]
    words = tuple(Word(text, float(i), i + 1.0) for i, text in enumerate(texts))
    rows = rows_of(Lyrics((Line(words),)), lambda text: len(text) <= 14)
    assert [row.text for row in rows] == ["one two three", "four five six"]
    assert [(row.start_s, row.end_s) for row in rows] == [(0.0, 3.0), (3.0, 6.0)]
    monster = Lyrics((Line((Word("Donaudampfschifffahrtsgesellschaft", 1.0, 2.0),)),))
    assert len(rows_of(monster, lambda text: len(text) <= 14)) == 1


@given(st.lists(st.text("abc", min_size=1, max_size=9), min_size=1, max_size=12), st.integers(9, 30))
def test_dividing_loses_nothing(texts: list[str], most: int) -> None:
    words = tuple(Word(text, float(i), i + 0.5) for i, text in enumerate(texts))
    rows = rows_of(Lyrics((Line(words),)), lambda text: len(text) <= most)
    assert " ".join(row.text for row in rows) == " ".join(texts)
    assert all(len(row.text) <= most for row in rows)


def test_syllables_keep_their_times_and_the_words_letters() -> None:
    word = Word("Hal-lo!", 1.0, 3.0, None, (Syllable("Hal", 1.0, 1.5), Syllable("lo", 2.0)))
    (row,) = rows_of(Lyrics((Line((word,)),)))
    assert row.text == "Hal-lo!"
    assert [(p.start_s, p.end_s) for p in row.pieces] == [(1.0, 1.5), (2.0, 3.0)]
    assert row.sung_at(0.5) == (0, 0.0)
    assert row.sung_at(1.25) == (0, 0.5)
    assert row.sung_at(1.7) == (1, 0.0)
    assert row.sung_at(2.75) == (1, 0.75)
    assert row.sung_at(3.0) == (2, 0.0)


def test_ends_that_nobody_told() -> None:
    lyrics = Lyrics((Line((Word("a", 1.0), Word("b", 1.4), Word("c", 5.0))), Line((Word("d", 5.5),))))
    rows = rows_of(lyrics)
    assert [(p.start_s, p.end_s) for row in rows for p in row.pieces] == [
        (1.0, 1.4),
        (1.4, 2.9),
        (5.0, 5.5),
        (5.5, 7.0),
    ]


def test_lines_with_times_alone_are_shared_out_by_letters() -> None:
    (row,) = rows_of(Lyrics((Line((Word("aaa"), Word("a")), 10.0, 13.0),)))
    assert [(p.start_s, p.end_s) for p in row.pieces] == [(10.0, 12.0), (12.0, 13.0)]


def test_words_in_brackets_are_backing_vocals() -> None:
    words = tuple(Word(text, float(i), i + 1.0) for i, text in enumerate(["stay", "(stay", "with", "me)", "now"]))
    (row,) = rows_of(Lyrics((Line(words),)))
    assert [piece.is_backing for piece in row.pieces] == [False, True, True, True, False]


@given(st.lists(st.tuples(st.floats(0, 9), st.floats(0, 5)), min_size=1, max_size=8))
def test_a_wipe_never_goes_back(times: list[tuple[float, float]]) -> None:
    (row,) = rows_of(Lyrics((Line(tuple(Word("la", a, a + b) for a, b in times)),)))
    places = [sum(row.sung_at(0.05 * step)) for step in range(400)]
    assert all(math.isfinite(place) for place in places)
    assert places == sorted(places)
    assert places[-1] == len(times)


@pytest.mark.parametrize(
    ("lyrics", "error"),
    [
        (Lyrics(()), TextReadError),
        (Lyrics.from_text("no times here"), TextReadError),
        (Lyrics((Line((Word("שלום", 1.0, 2.0),)),)), UnsupportedFormat),
    ],
)
def test_words_that_cannot_be_shown(lyrics: Lyrics, error: type[Exception]) -> None:
    with pytest.raises(error):
        rows_of(lyrics)


@pytest.mark.parametrize("options", [{"slots": 0}, {"slots": 7}, {"preview_s": 9.0}, {"break_s": float("nan")}])
def test_options_that_make_no_screen(options: dict[str, float]) -> None:
    with pytest.raises(InvalidOption):
        PlanOptions(**options)  # type: ignore[arg-type]


def test_words_that_are_not_sung_are_not_drawn_and_part_no_strophe() -> None:
    lyrics = Lyrics(
        (
            Line((), unsung=(Unsung("Title"),)),
            Line(()),
            Line((Word("all", 1.0, 1.5), Word("here", 2.0, 2.5)), unsung=(Unsung("(ooh)", 1),)),
            Line((), unsung=(Unsung("(never)"),)),
            Line((Word("now", 3.0, 3.5),)),
        )
    )
    rows = rows_of(lyrics)
    assert [row.text for row in rows] == ["all here", "now"]
    assert [row.starts_paragraph for row in rows] == [True, False]
    (said,) = unsung_lines(lyrics)
    assert "3 lines were not heard and are not shown, the first 'Title'" in said
    assert unsung_lines(Lyrics.from_text("all here")) == []


def test_a_stray_bracket_marks_nothing_behind_it() -> None:
    words = tuple(Word(text, float(n), n + 0.5) for n, text in enumerate(("one)", "two", "(three)", "four")))
    (row,) = rows_of(Lyrics((Line(words),)))
    assert [piece.is_backing for piece in row.pieces] == [False, False, True, False]


def test_the_wipe_leaves_a_syllable_when_it_reaches_the_next() -> None:
    words = (Word("long", 1.0, 3.0), Word("over", 2.0, 2.5), Word("late", 2.2, 4.0))
    (row,) = rows_of(Lyrics((Line(words),)))
    for piece, after in pairwise(row.pieces):
        assert piece.start_s <= piece.end_s <= after.start_s
