"""`Report`: a measured table that prints as Markdown and saves as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

Cell = str | float | int | None


@dataclass(frozen=True, slots=True)
class Table:
    """One table of results.

    Attributes:
        title: What was measured, on what.
        columns: Headings; the first names the rows.
        rows: One tuple of cells per row; floats are printed with three decimals, None as a dash.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def to_markdown(self) -> str:
        """The table in Markdown, under its title."""
        lines = [
            f"**{self.title}**",
            "",
            "| " + " | ".join(self.columns) + " |",
            "|---" * len(self.columns) + "|",
        ]
        lines += ["| " + " | ".join(_format(cell) for cell in row) + " |" for row in self.rows]
        return "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True)
class Report:
    """All tables of one evaluation.

    Attributes:
        name: The verb that was measured.
        command: The command line that measures it again.
        tables: The results.
        notes: Conditions a reader must know (data, split, seed, what falls short).
    """

    name: str
    command: str
    tables: tuple[Table, ...]
    notes: tuple[str, ...] = field(default=())

    def to_markdown(self) -> str:
        """The whole report as a Markdown page."""
        parts = [f"# {self.name}, measured", "", f"Measured with `{self.command}`.", ""]
        parts += [table.to_markdown() for table in self.tables]
        parts += [f"- {note}" for note in self.notes]
        return "\n".join(parts).rstrip() + "\n"

    def save(self, folder: Path) -> None:
        """Write `<name>.md` and `<name>.json` into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{self.name}.md").write_text(self.to_markdown(), encoding="utf-8")
        text = json.dumps(asdict(self), indent=1, ensure_ascii=False)
        (folder / f"{self.name}.json").write_text(text + "\n", encoding="utf-8")


def _format(cell: Cell) -> str:
    if cell is None:
        return "–"
    return f"{cell:.3f}" if isinstance(cell, float) else str(cell)
