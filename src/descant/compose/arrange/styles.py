"""`Style`: what a style asks of the band, read from `styles.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from descant.errors import InvalidOption


@dataclass(frozen=True, slots=True)
class Style:
    """One style; `styles.toml` explains the fields."""

    name: str
    comping: str
    bass: str
    drums: tuple[str, ...]
    programs: dict[str, int]
    density: tuple[int, int]
    dynamics: tuple[int, int]
    drums_from: float
    pad_from: float
    steady: float


@cache
def styles() -> dict[str, Style]:
    """All styles by name."""
    table: dict[str, dict[str, Any]] = tomllib.loads(
        files("descant.compose.arrange").joinpath("styles.toml").read_text(encoding="utf-8")
    )
    return {name: _style(name, row) for name, row in table.items()}


def _style(name: str, row: dict[str, Any]) -> Style:
    listed: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
    return Style(name=name, **listed)


def style_named(name: str) -> Style:
    """The style of that name.

    Raises:
        InvalidOption: There is none.
    """
    if name not in styles():
        raise InvalidOption(f"There is no style {name!r}.", f"Known styles: {', '.join(styles())}.")
    return styles()[name]
