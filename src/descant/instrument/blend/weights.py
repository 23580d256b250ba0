"""How much of each sound: a share between two, or a point in the square of four.

The four corners are north-west, north-east, south-west and south-east, in the order in which the sounds are given; x
runs from west to east, y from north to south. Weights are bilinear, so that an edge holds nothing of the other two
sounds and a corner is one sound alone. (Open NSynth Super takes 1 - distance to each corner and mirrors the lower row.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from descant.errors import InvalidOption

_SUM_OFF = 0.01
_GRID = (2, 33)


@dataclass(frozen=True, slots=True)
class Point:
    """A place in a grid.

    Attributes:
        x: From west (0) to east (1); between two sounds from the first to the second.
        y: From north (0) to south (1); 0 between two sounds.
        weights: Of the sounds; they sum to 1.
    """

    x: float
    y: float
    weights: tuple[float, ...]


def weights_at(sounds: int, at: Sequence[float] | None = None) -> tuple[float, ...]:
    """Weights of sounds.

    Args:
        sounds: 2 to 4.
        at: For two sounds how far towards the second, 0..1; for four the point (x, y); for any number the weights
            themselves. None is the middle.

    Returns:
        As many as sounds; none negative, sum 1.

    Raises:
        InvalidOption: There are too few or too many sounds, or `at` means nothing for so many.
    """
    if not 2 <= sounds <= 4:
        raise InvalidOption(f"{sounds} sounds cannot be blended.", "Give two, three or four.")
    if at is None:
        return (1.0 / sounds,) * sounds
    values = tuple(float(value) for value in at)
    if not all(0.0 <= value <= 1.0 for value in values):  # NaN is refused, too
        raise InvalidOption(f"--at {_said(values)} is out of range.", "Every number lies between 0 and 1.")
    if sounds == 2 and len(values) == 1:
        return (1.0 - values[0], values[0])
    if sounds == 4 and len(values) == 2:
        return _bilinear(*values)
    if len(values) != sounds:
        hint = {2: "0.3 or 0.7,0.3", 3: "0.5,0.25,0.25", 4: "0.3,0.7 or 0.25,0.25,0.25,0.25"}[sounds]
        raise InvalidOption(f"--at {_said(values)} does not fit {sounds} sounds.", f"Write {hint}.")
    total = sum(values)
    if abs(total - 1.0) > _SUM_OFF:
        raise InvalidOption(f"The weights {_said(values)} sum to {total:g}.", "Weights sum to 1.")
    return tuple(value / total for value in values)


def grid_points(sounds: int, size: int) -> tuple[Point, ...]:
    """The points of a grid, row by row from north-west; a line between two sounds.

    Raises:
        InvalidOption: Three sounds have no grid, or the size is out of range.
    """
    if sounds not in (2, 4):
        raise InvalidOption(f"A grid lies between two or four sounds, not {sounds}.", "Give two or four.")
    if not _GRID[0] <= size <= _GRID[1]:
        raise InvalidOption(f"A grid of {size} is out of range.", f"It may be {_GRID[0]} to {_GRID[1]}.")
    steps = np.linspace(0.0, 1.0, size).tolist()
    if sounds == 2:
        return tuple(Point(x, 0.0, (1.0 - x, x)) for x in steps)
    return tuple(Point(x, y, _bilinear(x, y)) for y in steps for x in steps)


def _bilinear(x: float, y: float) -> tuple[float, ...]:
    return ((1.0 - x) * (1.0 - y), x * (1.0 - y), (1.0 - x) * y, x * y)


def _said(values: Sequence[float]) -> str:
    return ",".join(f"{value:g}" for value in values)
