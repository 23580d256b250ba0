"""The log of renders: a JSON line for each conversion that was begun, so that a mark leads back to what was made."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from descant.convert.signing import append_line
from descant.files import input_error
from descant.hub.card import data_folder


@dataclass(frozen=True, slots=True)
class Render:
    """One conversion.

    Attributes:
        time: When it began, in UTC (ISO 8601).
        model: Card or folder of the weights.
        voice: Name of the voice.
        consent: Number of the consent record.
        mark: The mark in the sound, eight hexadecimal digits.
    """

    time: str
    model: str
    voice: str
    consent: str
    mark: str


def log_path() -> Path:
    """Where the log is: `renders.jsonl` in the data folder."""
    return data_folder() / "renders.jsonl"


def log(render: Render, path: Path) -> None:
    """Add a render.

    Raises:
        OutputError, PermissionRefused: The log cannot be written; then nothing must be rendered.
    """
    append_line(path, json.dumps(asdict(render)))


def renders_with(mark: str, path: Path) -> tuple[Render, ...]:
    """What was rendered here with a mark, the oldest first; lines that are no renders are passed over.

    Raises:
        PermissionRefused: The log may not be read.
    """
    return tuple(render for render in _read(path) if render.mark == mark)


def _read(path: Path) -> Iterator[Render]:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            for line in file:
                with suppress(ValueError, LookupError, TypeError, RecursionError):
                    stated = json.loads(line)
                    yield Render(**{field.name: str(stated[field.name]) for field in fields(Render)})
    except FileNotFoundError:
        return
    except OSError as error:
        raise input_error(error, path) from error
