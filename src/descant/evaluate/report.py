"""`Report`: measured tables that print as Markdown and save as JSON, with intervals and plots where there are any."""

from __future__ import annotations

import json
import math
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from descant.errors import InvalidOption, OutputError
from descant.evaluate.statistics import Interval
from descant.files import atomic_output, output_error

Cell = str | float | int | Interval | None

_SUFFIXES = (".md", ".json", ".png")


@dataclass(frozen=True, slots=True)
class Table:
    """One table of results.

    Attributes:
        title: What was measured, on what.
        columns: Headings; the first names the rows.
        rows: One tuple of cells per row; floats are printed with three decimals, intervals with their ends in
            brackets, None and NaN as a dash.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def to_markdown(self) -> str:
        """The table in Markdown, under its title."""
        lines = [
            f"**{self.title}**",
            "",
            "| " + " | ".join(map(_text, self.columns)) + " |",
            "|---" * len(self.columns) + "|",
        ]
        lines += ["| " + " | ".join(_format(cell) for cell in row) + " |" for row in self.rows]
        return "\n".join(lines) + "\n"

    def to_html(self) -> str:
        """The table in HTML, its title as the caption."""
        head = "".join(f"<th>{escape(column)}</th>" for column in self.columns)
        rows = "".join(
            "<tr>" + "".join(f"<td>{escape(_format(cell))}</td>" for cell in row) + "</tr>" for row in self.rows
        )
        caption = f"<caption>{escape(self.title)}</caption>"
        return f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


@dataclass(frozen=True, slots=True)
class Picture:
    """A plot beside a report.

    Attributes:
        title: What it shows.
        file: Its name in the report's folder.
    """

    title: str
    file: str


@dataclass(frozen=True, slots=True)
class Report:
    """All tables of one evaluation.

    Attributes:
        name: The verb that was measured.
        command: The command line that measures it again.
        tables: The results.
        notes: Conditions a reader must know (data, split, seed, what falls short).
        pictures: Plots that lie beside the page.
    """

    name: str
    command: str
    tables: tuple[Table, ...]
    notes: tuple[str, ...] = field(default=())
    pictures: tuple[Picture, ...] = field(default=())

    def to_markdown(self) -> str:
        """The whole report as a Markdown page."""
        parts = [f"# {self.name}, measured", "", f"Measured with `{self.command}`.", ""]
        parts += [table.to_markdown() for table in self.tables]
        parts += [f"![{_text(picture.title)}]({picture.file})\n" for picture in self.pictures]
        parts += [f"- {note}" for note in self.notes]
        return "\n".join(parts).rstrip() + "\n"

    def to_json(self) -> str:
        """Everything as JSON that any reader accepts: NaN is null, infinities are the words "inf" and "-inf"."""
        return json.dumps(_plain(asdict(self)), indent=1, ensure_ascii=False, allow_nan=False) + "\n"

    def save(self, folder: Path) -> None:
        """Write `<name>.md` and `<name>.json` into a folder, each whole or not at all.

        Raises:
            OutputError, PermissionRefused: The folder cannot be made or written.
        """
        make_folder(folder)
        for suffix, text in ((".md", self.to_markdown()), (".json", self.to_json())):
            with atomic_output(folder / f"{self.name}{suffix}") as temporary:
                temporary.write_text(text, encoding="utf-8", errors="replace")


def make_folder(folder: Path) -> None:
    """Make a folder for results.

    Raises:
        OutputError, PermissionRefused: It cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise _file_in_the_way(folder) from error
    except OSError as error:
        raise output_error(error, folder) from error


def require_place(folder: Path, name: str) -> None:
    """Refuse a place that a report cannot be written to, before hours of measuring and not after them.

    Each file of the report is begun and taken back, with the folders made for it: nothing is left, and nothing that is
    there is touched.

    Args:
        folder: Where the report will go.
        name: Of the report.

    Raises:
        OutputError, PermissionRefused: The folder or one of the files cannot be made or written.
    """
    if folder.is_file():
        raise _file_in_the_way(folder)
    for suffix in _SUFFIXES:
        with suppress(_TakenBack), atomic_output(folder / f"{name}{suffix}"):
            raise _TakenBack


def require_counts(**counts: int) -> None:
    """Refuse to measure on nothing: each count by the name of its option.

    Raises:
        InvalidOption: One is less than 1.
    """
    for name, count in counts.items():
        if count < 1:
            raise InvalidOption(f"--{name} {count} leaves nothing to measure on.", "Give 1 or more.")


class _TakenBack(Exception):
    """Ends an attempt that went well."""


def _file_in_the_way(folder: Path) -> OutputError:
    return OutputError(f"{folder} is a file, not a folder.", "Choose another folder for the report.")


def _format(cell: Cell) -> str:
    if cell is None:
        return "–"
    if isinstance(cell, Interval):
        ends = "" if cell.low is None or cell.high is None else f" [{cell.low:.3f}, {cell.high:.3f}]"
        return f"{cell.value:.3f}{ends}"
    if isinstance(cell, float):
        return "–" if math.isnan(cell) else f"{cell:.3f}"
    return _text(str(cell))


def _text(text: str) -> str:
    """Text that stays in its cell, whatever a file's name holds."""
    safe = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return safe.replace("|", "\\|")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    return value
