"""Windows of speech and singing as an encoder hears them, with what is said in them: what phone readers learn from.

A folder holds `states.f16` (float16, all windows end to end, one row a frame) and `windows.json`. The index is written
last: a folder without one is half built.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from descant.data.sets.layout import read_json
from descant.errors import InputNotFound, TextReadError
from descant.files import atomic_output

FPS = 50
"""Frames a second, as of Whisper's encoder."""

Part = Literal["train", "texts", "voices", "songs"]
"""`texts`: of texts that no training hears; `voices`: of voices that it does not hear; `songs`: of both kinds, sung."""

_FORMAT = 1
_STATES, _INDEX = "states.f16", "windows.json"
_AGAIN = "Build it again with recipes/phones/build.py."


@dataclass(frozen=True, slots=True)
class Said:
    """A text, and between which seconds of a window it is said or sung."""

    text: str
    start_s: float
    end_s: float

    def frames(self, most: int) -> slice:
        """Its frames, of `most` that there are."""
        return slice(min(most, round(self.start_s * FPS)), min(most, round(self.end_s * FPS)))


@dataclass(frozen=True, slots=True, eq=False)
class PhoneWindow:
    """At most 30 s.

    Attributes:
        states: Outputs of some of the encoder's layers side by side, float16, [frames, width].
        said: In order, without overlaps; nowhere else is anything said.
        language: Code of all texts.
        voice: Who is heard; empty where nobody is.
        part: Which part it belongs to.
        is_sung: Whether speech was turned into singing.
        has_band: Whether a band plays along.
    """

    states: NDArray[np.float16]
    said: tuple[Said, ...]
    language: str
    voice: str
    part: Part
    is_sung: bool = False
    has_band: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class WindowSet:
    """What a folder holds.

    Attributes:
        layers: Whose outputs the states are, counted from 0.
        windows: All; their states are mapped, not read.
    """

    layers: tuple[int, ...]
    windows: tuple[PhoneWindow, ...]


def write_windows(windows: Iterable[PhoneWindow], layers: tuple[int, ...], root: Path) -> int:
    """Write windows to a folder, one after the other, so that only one is in memory.

    Args:
        windows: At least one; states of one width.
        layers: See `WindowSet`.
        root: The folder; made where it is missing.

    Returns:
        How many there were.

    Raises:
        InputNotFound: There was none.
        OutputError, PermissionRefused: The folder cannot be written.
    """
    rows: list[dict[str, Any]] = []
    width = start = 0
    (root / _INDEX).unlink(missing_ok=True)
    with atomic_output(root / _STATES) as temporary, temporary.open("wb") as file:
        for window in windows:
            frames, width = window.states.shape
            file.write(np.ascontiguousarray(window.states, np.float16).tobytes())
            rows.append(_row(window, start))
            start += frames
        if not rows:
            raise InputNotFound(
                "There is nothing to learn phones from.", "recipes/phones/README.md says what is needed."
            )
    told = {"format": _FORMAT, "layers": layers, "width": width, "windows": rows}
    with atomic_output(root / _INDEX) as temporary:
        temporary.write_text(json.dumps(told, ensure_ascii=False), encoding="utf-8")
    return len(rows)


def _row(window: PhoneWindow, start: int) -> dict[str, Any]:
    named = {name: getattr(window, name) for name in ("language", "voice", "part", "is_sung", "has_band")}
    said = [[one.text, round(one.start_s, 4), round(one.end_s, 4)] for one in window.said]
    return {**named, "start": start, "frames": len(window.states), "said": said}


def load_windows(root: Path) -> WindowSet:
    """The windows of a folder that `write_windows` filled.

    Raises:
        InputNotFound: There are none.
        TextReadError: They are damaged.
    """
    index, states = root / _INDEX, root / _STATES
    if not index.is_file() or not states.is_file():
        raise InputNotFound(f"{root} holds no windows of speech.", f"It needs {_INDEX} and {_STATES}. {_AGAIN}")
    told = read_json(index)
    try:
        if told["format"] != _FORMAT:
            raise ValueError("another format")
        rows = np.memmap(states, np.float16, "r").reshape(-1, int(told["width"]))
        windows = tuple(_window(row, rows) for row in told["windows"])
        return WindowSet(tuple(int(layer) for layer in told["layers"]), windows)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TextReadError(f"{root} is damaged: {error}.", _AGAIN) from error


def _window(row: dict[str, Any], states: NDArray[np.float16]) -> PhoneWindow:
    start, frames = int(row["start"]), int(row["frames"])
    if not 0 <= start <= start + frames <= len(states) or not frames or row["part"] not in get_args(Part):
        raise ValueError("the index and the states do not belong together")
    said = tuple(Said(str(text), float(first), float(last)) for text, first, last in row["said"])
    if any(not 0 <= one.start_s <= one.end_s for one in said):
        raise ValueError("a text ends before it begins")
    return PhoneWindow(
        np.asarray(states[start : start + frames]),
        said,
        str(row["language"]),
        str(row["voice"]),
        row["part"],
        bool(row["is_sung"]),
        bool(row["has_band"]),
    )
