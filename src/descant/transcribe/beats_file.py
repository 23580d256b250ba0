"""Beats from a file: what `descant analyze` writes, or one time per line."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from descant.errors import ScoreReadError
from descant.files import input_error
from descant.score.tempo import BeatGrid
from descant.text.tables import finite, label_table

_LARGEST_BYTES = 64 << 20
_HINT = "Use analysis.json, or one time in seconds per line, rising from 0."


def read_beats(path: Path) -> BeatGrid:
    """Beats of a recording.

    Args:
        path: `analysis.json`, or text with a beat time in seconds first on each line and, if known, the beat's place
            in its bar last ("1" for a downbeat), separated by spaces, tabs or commas; Audacity labels are such text.
            Bars of four are assumed where no place is given; a heading is skipped.

    Raises:
        InputNotFound: The file is not there.
        ScoreReadError: It holds fewer than two beats, or a time that is below 0 s or does not rise; the message names
            the line.
    """
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise ScoreReadError(f"{path} is too large for a beats file.", "Check that it is the right file.")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise input_error(error, path) from error
    except UnicodeDecodeError as error:
        raise ScoreReadError(f"{path} is not a beats file.", "Use analysis.json, or one time per line.") from error
    grid, places = _from_json(text, path) if text.lstrip().startswith("{") else _from_lines(text, path)
    if len(grid.times_s) < 2:
        raise ScoreReadError(f"{path} holds fewer than two beats.", _HINT)
    last = -math.inf
    for place, time in zip(places, grid.times_s, strict=True):
        if not 0.0 <= time < math.inf:
            raise ScoreReadError(f"{path}, {place}: the time, {time:g} s, lies before 0 s or is none.", _HINT)
        if time <= last:
            raise ScoreReadError(f"{path}, {place}: the time, {time:g} s, is not after the one before it.", _HINT)
        last = time
    return grid


def _from_json(text: str, path: Path) -> tuple[BeatGrid, list[str]]:
    """Beats, and where in the file each stands."""
    try:
        beats: Any = json.loads(text)["beats"]
        times = tuple(float(beat["time_s"]) for beat in beats)
        places = [f"beat {number}" for number in range(1, len(times) + 1)]
        return BeatGrid(times, tuple(int(beat["position"]) for beat in beats)), places
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise ScoreReadError(f"{path} is not an analysis.", "Use what `descant analyze` wrote.") from error


def _from_lines(text: str, path: Path) -> tuple[BeatGrid, list[str]]:
    """Beats, and where in the file each stands."""
    times, positions, places = [], [], []
    for row in label_table(text).rows:
        time = finite(row.cells[0])
        if time is None:
            raise ScoreReadError(f"{path}, line {row.number}: the time is no number.", _HINT)
        times.append(time)
        place = row.cells[-1].rpartition(".")[2] if len(row.cells) > 1 else ""
        positions.append(int(place) if place.isdecimal() and 1 <= int(place) <= 32 else 0)
        places.append(f"line {row.number}")
    if not any(positions) or 0 in positions:
        positions = [index % 4 + 1 for index in range(len(times))]
    return BeatGrid(tuple(times), tuple(positions)), places
