"""Beats from a file: what `descant analyze` writes, or one time per line."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from descant.errors import ScoreReadError
from descant.files import input_error
from descant.score.tempo import BeatGrid

_LARGEST_BYTES = 64 << 20


def read_beats(path: Path) -> BeatGrid:
    """Beats of a recording.

    Args:
        path: `analysis.json`, or text with a beat time in seconds first on each line and, if known, the beat's place
            in its bar last ("1" for a downbeat), separated by spaces, tabs or commas; Audacity labels are such text.
            Bars of four are assumed where no place is given.

    Raises:
        InputNotFound: The file is not there.
        ScoreReadError: It holds fewer than two beats, or times that do not rise.
    """
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise ScoreReadError(f"{path} is too large for a beats file.", "Check that it is the right file.")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise input_error(error, path) from error
    except UnicodeDecodeError as error:
        raise ScoreReadError(f"{path} is not a beats file.", "Use analysis.json, or one time per line.") from error
    grid = _from_json(text, path) if text.lstrip().startswith("{") else _from_lines(text)
    if len(grid.times_s) < 2 or (np.diff(grid.times_s) <= 0).any():
        raise ScoreReadError(
            f"{path} holds no beats that rise in time.", "Use analysis.json, or one time in seconds per line."
        )
    return grid


def _from_json(text: str, path: Path) -> BeatGrid:
    try:
        beats: Any = json.loads(text)["beats"]
        times = tuple(float(beat["time_s"]) for beat in beats)
        return BeatGrid(times, tuple(int(beat["position"]) for beat in beats))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ScoreReadError(f"{path} is not an analysis.", "Use what `descant analyze` wrote.") from error


def _from_lines(text: str) -> BeatGrid:
    rows = [row.replace(",", " ").split() for row in text.splitlines() if row.strip()]
    if rows and not _is_number(rows[0][0]):
        rows = rows[1:]  # a heading
    times, positions = [], []
    for row in rows:
        if not _is_number(row[0]):
            return BeatGrid((), ())
        times.append(float(row[0]))
        place = row[-1].rpartition(".")[2] if len(row) > 1 else ""
        positions.append(int(place) if place.isdigit() and 1 <= int(place) <= 32 else 0)
    if not any(positions) or 0 in positions:
        positions = [index % 4 + 1 for index in range(len(times))]
    return BeatGrid(tuple(times), tuple(positions))


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
