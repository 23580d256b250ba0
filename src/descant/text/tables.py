"""Label files as rows of cells: separated by semicolons, tabs, commas or spaces, with or without a heading."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

_SEPARATORS = (";", "\t", ",")
_FIRST_CELL = re.compile(r" *+[^\s,;]*+ *+([\t,;])")


@dataclass(frozen=True, slots=True)
class LabelRow:
    """One row.

    Attributes:
        number: Its line in the file, from 1.
        cells: What stands in it, without spaces and quotation marks around; empty cells at the end are left out.
    """

    number: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LabelTable:
    """All rows of a label file.

    Attributes:
        heading: Names of the columns in lower case; empty when the file has none.
        rows: What is below it.
    """

    heading: tuple[str, ...]
    rows: tuple[LabelRow, ...]

    def column(self, *names: str) -> int | None:
        """The column of the first of these names that the heading has; None when it has none of them."""
        return next((self.heading.index(name) for name in names if name in self.heading), None)


def label_table(text: str) -> LabelTable:
    """Rows of a label file; blank lines and those that start with # are left out.

    The first row is a heading when its first cell is no number ("nan" and "inf" are such, and wrong as times). Only one
    is forgiven.

    Args:
        text: Of the file.
    """
    rows = [
        LabelRow(number, cells)
        for number, row in enumerate(text.split("\n"), 1)
        if not row.lstrip().startswith("#") and (cells := _cells(row))
    ]
    if not rows or _is_number(rows[0].cells[0]):
        return LabelTable((), tuple(rows))
    return LabelTable(tuple(cell.lower() for cell in rows[0].cells), tuple(rows[1:]))


def finite(text: str) -> float | None:
    """The number a cell holds; None when it holds none, or one that is not finite."""
    return float(text) if _is_number(text) and math.isfinite(float(text)) else None


def _cells(row: str) -> tuple[str, ...]:
    cells = [cell.strip().strip('"') for cell in row.strip().split(_separator(row))]
    while cells and not cells[-1]:
        cells.pop()
    return tuple(cells)


def _separator(row: str) -> str | None:
    """What follows the first cell; None for spaces. A label may hold commas of its own: 0.0 1.5 C:maj(9,11)."""
    if match := _FIRST_CELL.match(row):
        return match.group(1)
    first, *_ = row.split() or [""]
    return None if _is_number(first) else next((each for each in _SEPARATORS if each in row), None)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
