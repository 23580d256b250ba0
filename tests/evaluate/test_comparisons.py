"""Rows of paired tests say who is better, whichever way a measure points."""

from __future__ import annotations

import pytest

from descant.evaluate.comparisons import COLUMNS, paired_row, paired_table
from descant.evaluate.statistics import Interval

FIRST, SECOND = (1.0, 2.0, 3.0, None), (0.5, 1.0, 4.0, 9.0)  # -0.5, -1, +1: the fourth has no pair


@pytest.mark.parametrize(("higher_is_better", "counts"), [(True, (1, 2)), (False, (2, 1)), (None, (None, None))])
def test_better_and_worse_follow_the_measure(higher_is_better: bool | None, counts: tuple[object, object]) -> None:
    row = paired_row("AAE", FIRST, SECOND, higher_is_better=higher_is_better)
    assert row is not None
    assert len(row) == len(COLUMNS)
    assert isinstance(row[1], Interval)
    assert (row[1].value, row[1].songs) == (pytest.approx(-1 / 6), 3)  # second minus first, whoever is better
    assert row[2:4] == counts
    assert paired_row("AAE", (None,), (1.0,)) is None


def test_a_table_has_ours_against_each_other_system() -> None:
    systems = {"a": [(1.0, 2.0), (5.0, 5.0)], "ours": [(2.0, 4.0), (4.0, 3.0)], "b": [(3.0, 3.0), (None, None)]}
    table = paired_table("Title", ("x", "y"), systems, ours="ours")
    found = {str(row[0]): row for row in table.rows}
    assert list(found) == ["x, against a", "x, against b", "y, against a"]  # nobody can compare y with b
    assert [cell.value for row in table.rows if isinstance(cell := row[1], Interval)] == [1.5, 0.0, -1.5]
    assert [row[2:4] for row in table.rows] == [(2, 0), (1, 1), (0, 2)]
