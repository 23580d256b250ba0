"""Recipes: TOML files that say what is learned, how long, and what must come of it.

Every field of the dataclasses behind a recipe is a key; `[loop.machine]` and `[loop.watch]` are tables of their own.
"""

from __future__ import annotations

import difflib
import math
import tomllib
import types
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from descant.errors import InputNotFound, InvalidOption, TrainingFailed
from descant.files import input_error
from descant.train.config import LoopConfig

T = TypeVar("T")

_SIDES = {"_below": True, "_above": False}


@dataclass(frozen=True, slots=True)
class Floor:
    """What a training must reach, from a key such as `loss_below = 3.0` in `[expect]`.

    Attributes:
        measure: Name in the last validation, or "loss" (the last row's).
        bound: The number.
        is_upper: Whether the measure must be below it; else above.
    """

    measure: str
    bound: float
    is_upper: bool

    def holds(self, measured: Mapping[str, float]) -> bool:
        """Whether a training reached it; a measure that is missing or no number did not."""
        value = measured.get(self.measure)
        return value is not None and (value < self.bound if self.is_upper else value > self.bound)

    @property
    def key(self) -> str:
        """As in `[expect]`."""
        return self.measure + next(end for end, is_upper in _SIDES.items() if is_upper is self.is_upper)

    def __str__(self) -> str:
        return f"{self.measure} {'below' if self.is_upper else 'above'} {self.bound:g}"


@dataclass(frozen=True, slots=True)
class Recipe:
    """A recipe file as read.

    Attributes:
        lesson: What is learned ("accompaniment").
        loop: Budget and optimiser.
        options: The table of the lesson's own name, still unchecked.
        expect: What must come of it.
        path: The file.
    """

    lesson: str
    loop: LoopConfig
    options: Mapping[str, Any]
    expect: tuple[Floor, ...]
    path: Path

    def check_measures(self, known: Sequence[str]) -> None:
        """Refuse expected and watched measures that no validation of this lesson returns, before the work.

        Args:
            known: What the lesson's `validate` returns; "loss" is always there.

        Raises:
            InvalidOption: Names the file, the key and the nearest right name.
        """
        names = ("loss", *known)
        asked = {f"expect.{floor.key}": floor.measure for floor in self.expect}
        asked |= {"loop.watch.measure": self.loop.watch.measure} if self.loop.watch.measure else {}
        for key, measure in asked.items():
            if measure not in names:
                near = difflib.get_close_matches(measure, names, n=1)
                raise InvalidOption(
                    f"{self.path}: {key}: the validation of '{self.lesson}' returns no '{measure}'.",
                    (f"Did you mean '{near[0]}'? " if near else "") + f"Known: {', '.join(names)}.",
                )

    def check(self, measured: Mapping[str, float]) -> None:
        """Compare a finished training with what is expected.

        Raises:
            TrainingFailed: It fell short.
        """
        missed = [floor for floor in self.expect if not floor.holds(measured)]
        if missed:
            found = ", ".join(f"{f.measure} is {measured.get(f.measure, math.nan):.4g}" for f in missed)
            raise TrainingFailed(
                f"{self.path} expects {', '.join(map(str, missed))}; {found}.", "The run is kept; look at its log.csv."
            )


def read_recipe(path: Path, changes: tuple[str, ...] = ()) -> Recipe:
    """Read a recipe.

    Args:
        path: The TOML file.
        changes: "table.key=value" in TOML's own spelling, in place of what the file says.

    Raises:
        InputNotFound: No such file.
        InvalidOption: It is not TOML, has keys that mean nothing, or values of the wrong kind.
    """
    if not path.is_file():
        raise InputNotFound(f"There is no recipe {path}.", "Recipes are the TOML files below recipes/.")
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:  # not TOML, not UTF-8, a number or nesting beyond all bounds
        raise InvalidOption(f"{path} is not a recipe: {error}.", "It is a TOML file.") from error
    except OSError as error:
        raise input_error(error, path) from error
    for change in changes:
        _change(table, change)
    _prefer_steps(table, changes)
    lesson = table.get("lesson")
    if not isinstance(lesson, str):
        raise InvalidOption(f"{path} is not a recipe.", 'It needs lesson = "..." and tables [loop] and [<lesson>].')
    unknown = sorted(set(table) - {"lesson", "loop", "expect", lesson})
    if unknown:
        raise InvalidOption(f"{path}: unknown keys: {', '.join(unknown)}.", f"Known: lesson, loop, expect, {lesson}.")
    for name in ("loop", "expect", lesson):
        if not isinstance(table.get(name, {}), dict):
            raise InvalidOption(f"{path}: {name} is no table.", f"Write [{name}] and its keys below.")
    loop = build(LoopConfig, table.get("loop", {}), path, "loop")
    return Recipe(lesson, loop, table.get(lesson, {}), _floors(table.get("expect", {}), path), path)


def _change(table: dict[str, Any], change: str) -> None:
    key, _, value = change.partition("=")
    try:
        found: object = tomllib.loads(f"value = {value}")["value"]
    except (ValueError, RecursionError):
        found = value.strip()
    *above, last = key.strip().split(".")
    place: object = table
    for name in above:
        place = place.setdefault(name, {}) if isinstance(place, dict) else None
    if not value or not above or not isinstance(place, dict):
        raise InvalidOption(f"{change!r} changes nothing.", "Write table.key=value, such as loop.steps=500.")
    place[last] = found


def _prefer_steps(table: dict[str, Any], changes: Sequence[str]) -> None:
    """A budget of steps that somebody asks for takes the place of the file's minutes, which would win otherwise."""
    asked = {change.partition("=")[0].strip() for change in changes}
    loop = table.get("loop")
    if "loop.steps" in asked and "loop.minutes" not in asked and isinstance(loop, dict):
        loop.pop("minutes", None)


def _floors(table: Mapping[str, Any], path: Path) -> tuple[Floor, ...]:
    floors = []
    for key, value in table.items():
        side = next((side for side in _SIDES if key.endswith(side) and key != side), None)
        if side is None or isinstance(value, bool) or not isinstance(value, int | float) or value != value:
            raise InvalidOption(
                f"{path}: expect.{key} = {value!r} says nothing.",
                "Write <measure>_below = a number, or _above.",
            )
        floors.append(Floor(key.removesuffix(side), float(value), _SIDES[side]))
    return tuple(floors)


def build(kind: type[T], options: Mapping[str, Any], path: Path, table: str = "") -> T:
    """A configuration dataclass from a table; every value is of its field's type.

    Args:
        kind: A dataclass of plain values, tuples and further such dataclasses.
        options: The table.
        path: The file, for messages.
        table: The table's name, for messages.

    Raises:
        InvalidOption: A key is unknown or missing, its type is wrong, or the dataclass refuses a value; names file and
            key.
    """
    hints = get_type_hints(kind)
    known = [f.name for f in fields(kind) if f.init]  # type: ignore[arg-type]
    where = f"{table}." if table else ""
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise InvalidOption(
            f"{path}: unknown keys: {', '.join(where + name for name in unknown)}.", f"Known: {', '.join(known)}."
        )
    needed = [f.name for f in fields(kind) if f.init and f.default is MISSING and f.default_factory is MISSING]  # type: ignore[arg-type]
    missing = sorted(set(needed) - set(options))
    if missing:
        raise InvalidOption(f"{path}: keys are missing: {', '.join(where + name for name in missing)}.", "Add them.")
    values = {name: _value(value, hints[name], path, where + name) for name, value in options.items()}
    try:
        return kind(**values)
    except InvalidOption as error:
        where = f"{path}, [{table}]" if table else str(path)
        raise InvalidOption(f"{where}: {error.message}", error.hint or f"Change {path}.") from error


def _value(value: object, hint: Any, path: Path, key: str) -> Any:
    if is_dataclass(hint) and isinstance(hint, type) and isinstance(value, dict):
        return build(hint, value, path, key)
    if value is None and types.NoneType in get_args(hint):  # JSON's null; TOML leaves the key out
        return None
    for choice in get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,):
        fitting = _fitting(value, choice)
        if fitting is not None:
            return fitting
    raise InvalidOption(f"{path}: {key} = {value!r} should be {_spelled(hint)}.", "docs/train.md explains each key.")


def _fitting(value: object, hint: Any) -> Any:
    """The value as this type, or None if it is none."""
    if get_origin(hint) is Literal:
        return value if value in get_args(hint) else None
    if get_origin(hint) is dict:  # a table that the lesson reads itself
        return dict(value) if isinstance(value, dict) else None
    if get_origin(hint) in (tuple, list):
        return _sequence(value, hint)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if hint is Path and isinstance(value, str):
        return Path(value)
    is_plain = hint in (int, float, str, bool) and type(value) is hint
    return value if is_plain else None


def _sequence(value: object, hint: Any) -> Any:
    if not isinstance(value, list):
        return None
    kinds = get_args(hint)
    if (len(kinds) == 2 and kinds[1] is Ellipsis) or get_origin(hint) is list:
        kinds = (kinds[0],) * len(value)
    found = [_fitting(item, kind) for item, kind in zip(value, kinds, strict=False)]
    if len(value) != len(kinds) or any(item is None for item in found):
        return None
    return tuple(found) if get_origin(hint) is tuple else found


def _spelled(hint: Any) -> str:
    if get_origin(hint) is Literal:
        return "one of " + ", ".join(map(repr, get_args(hint)))
    return hint.__name__ if isinstance(hint, type) and get_origin(hint) is None else str(hint)
