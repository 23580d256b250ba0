"""Tables of paired tests: each system against one, song by song."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from descant.evaluate.report import Cell, Table
from descant.evaluate.statistics import paired_test

COLUMNS = ("", "difference", "songs better", "songs worse", "p (sign flips)", "p (Wilcoxon)")
NOTE = (
    "Difference: mean over songs with its 95 % bootstrap interval. Tests are two-sided and paired by song: sign flips "
    "of that mean, and Wilcoxon's signed ranks. They are not corrected for the number of measures."
)

Values = Sequence[float | None]
"""One value per song."""


def paired_row(
    name: str, first: Values, second: Values, *, higher_is_better: bool | None = True, seed: int = 0
) -> tuple[Cell, ...] | None:
    """A row that says what `second` changes against `first`; None when no song has both values."""
    test = paired_test(first, second, seed=seed)
    if test is None:
        return None
    counts: tuple[Cell, Cell] = (test.wins, test.losses)
    if higher_is_better is None:
        counts = (None, None)
    elif not higher_is_better:
        counts = (test.losses, test.wins)
    return (name, test.difference, *counts, test.p_sign_flip, test.p_wilcoxon)


def paired_table(
    title: str, measures: Sequence[str], systems: Mapping[str, Sequence[Values]], *, ours: str, seed: int = 0
) -> Table:
    """What one system changes against each other one.

    Args:
        title: Of the table.
        measures: Names; higher is better for all.
        systems: For each system a sequence of values per measure, all of the same songs in the same order.
        ours: Which system is tested against all others.
        seed: Of intervals and tests.
    """
    rows = [
        paired_row(f"{measure}, against {name}", values, systems[ours][index], seed=seed)
        for index, measure in enumerate(measures)
        for name, columns in systems.items()
        if name != ours
        for values in (columns[index],)
    ]
    return Table(title, COLUMNS, tuple(row for row in rows if row is not None))
