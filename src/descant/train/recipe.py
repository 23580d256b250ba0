"""Recipes: TOML files that say what is learned and how long; every field of the dataclasses behind them is a key."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from descant.errors import InputNotFound, InvalidOption
from descant.train.loop import LoopConfig

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Recipe:
    """A recipe file as read.

    Attributes:
        lesson: What is learned ("accompaniment").
        loop: Budget and optimiser.
        options: The table of the lesson's own name, still unchecked.
    """

    lesson: str
    loop: LoopConfig
    options: Mapping[str, Any]


def read_recipe(path: Path) -> Recipe:
    """Read a recipe.

    Raises:
        InputNotFound: No such file.
        InvalidOption: It is not TOML, or has keys that mean nothing.
    """
    if not path.is_file():
        raise InputNotFound(f"There is no recipe {path}.", "Recipes are the TOML files below recipes/.")
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidOption(f"{path} is not a recipe: {error}.") from error
    lesson = table.get("lesson")
    unknown = set(table) - {"lesson", "loop", str(lesson)}
    if not isinstance(lesson, str) or unknown:
        raise InvalidOption(f"{path} is not a recipe.", 'It needs lesson = "..." and tables [loop] and [<lesson>].')
    return Recipe(lesson, build(LoopConfig, table.get("loop", {}), path), table.get(lesson, {}))


def build(kind: type[T], options: Mapping[str, Any], path: Path) -> T:
    """A configuration dataclass from a table.

    Raises:
        InvalidOption: A key or its type is wrong.
    """
    known = {f.name: f for f in fields(kind)}  # type: ignore[arg-type]
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise InvalidOption(f"{path} has unknown keys: {', '.join(unknown)}.", f"Known: {', '.join(known)}.")
    for name, value in options.items():
        if not isinstance(value, (int, float, str, bool, list)):
            raise InvalidOption(f"{name} in {path} is not a plain value.")
    return kind(**options)
