"""Frozen dataclasses as JSON and back, without loss: floats keep every bit, arrays their type.

For what one step of a graph hands to another. Files for people have formats of their own (`score.midi`,
`analyze.export`).
"""

from __future__ import annotations

import json
import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np

from descant.errors import CheckpointError

Value = TypeVar("Value")


def plain(value: Any) -> Any:
    """A value as JSON has it: dataclasses become objects, tuples and arrays become lists."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        return value.item()
    assert value is None or isinstance(value, (str, int, float, bool)), type(value)
    return value


def write_record(path: Path, value: Any) -> None:
    """Write a dataclass; the same value gives the same bytes."""
    path.write_text(json.dumps(plain(value), ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")


def read_record(path: Path, kind: type[Value]) -> Value:
    """The dataclass in a file that `write_record` wrote.

    Raises:
        CheckpointError: The file is damaged, or holds something else.
    """
    try:
        return _restored(json.loads(path.read_text(encoding="utf-8")), kind)  # type: ignore[no-any-return]
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise CheckpointError(f"{path} cannot be used: {error}.", "Remove its folder and run again.") from error


@cache
def _types(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _restored(data: Any, kind: Any) -> Any:
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        if data is None:
            return None
        return _restored(data, next(one for one in inner if one is not type(None)))
    if origin is np.ndarray:
        return np.asarray(data, dtype=get_args(inner[1])[0])
    if origin is tuple:
        if len(inner) == 2 and inner[1] is ...:
            return tuple(_restored(item, inner[0]) for item in data)
        return tuple(_restored(item, one) for item, one in zip(data, inner, strict=True))
    if origin in (dict, Mapping) or (isinstance(origin, type) and issubclass(origin, Mapping)):
        return {key: _restored(item, inner[1]) for key, item in data.items()}
    if is_dataclass(kind):
        made: Any = kind
        hints = _types(made)
        return made(**{name: _restored(item, hints[name]) for name, item in data.items()})
    if origin is Literal:
        return data
    return float(data) if kind is float else data
