"""Rows of label files: any separator, with and without a heading, comments and blank lines between."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from descant.text.tables import finite, label_table

numbers = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=5)


@given(st.lists(numbers, max_size=6), st.sampled_from([",", ";", "\t", " ", ", ", " ;"]), st.booleans())
def test_rows_are_read_back(rows: list[list[float]], separator: str, has_heading: bool) -> None:
    lines = ["# by hand", *(["Time_s" + separator + "x"] if has_heading else []), ""]
    lines += [separator.join(map(repr, row)) for row in rows]
    table = label_table("\n".join(lines))
    assert table.heading == (("time_s", "x") if has_heading else ())
    assert [[finite(cell) for cell in row.cells] for row in table.rows] == rows
    assert [row.number for row in table.rows] == list(range(len(lines) - len(rows) + 1, len(lines) + 1))


def test_empty_cells_keep_their_place() -> None:
    (row,) = label_table("1,,3,,\n").rows
    assert row.cells == ("1", "", "3")


def test_columns_are_found_by_their_first_known_name() -> None:
    table = label_table("Onset,pitch,pitch_exact\n")
    assert (table.column("pitch_exact", "pitch"), table.column("onset"), table.column("hz")) == (2, 0, None)
    assert table.rows == ()


@pytest.mark.parametrize(("text", "value"), [("1.5", 1.5), ("nan", None), ("inf", None), ("1,5", None), ("", None)])
def test_only_finite_numbers_count(text: str, value: float | None) -> None:
    assert finite(text) == value


def test_a_time_that_is_none_is_no_heading() -> None:
    assert label_table("nan 1\n2 3\n").heading == ()


def test_a_row_of_spaces_is_read_in_linear_time() -> None:
    begun = time.process_time()
    label_table(" " * 200_000 + "a")
    assert time.process_time() - begun < 4.0
