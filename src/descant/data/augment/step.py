"""`Step`: one augmentation as a value, and `Chain`: several in a row.

A step is a frozen dataclass whose fields say how much, and a pure function of a clip and a NumPy generator: the same
clip, step and generator state give the same samples. All steps keep length, rate and channel count.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal

import numpy as np

from descant.audio.clip import Clip
from descant.errors import InvalidOption

Range = tuple[float, float]
"""Lowest and highest value of a uniform draw; equal ends are a fixed value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step(ABC):
    """One augmentation.

    Attributes:
        chance: Share of the clips that it is applied to, 0 to 1.

    Raises:
        InvalidOption: A field has an impossible value; the message names it.
    """

    chance: float = 1.0

    def __post_init__(self) -> None:
        if not 0.0 <= self.chance <= 1.0:
            raise InvalidOption(f"chance = {self.chance} is no probability.", "Give a number from 0 to 1.")
        self._check()

    def __call__(self, clip: Clip, rng: np.random.Generator) -> Clip:
        """The clip, augmented or, by chance, as it is.

        Args:
            clip: Any clip.
            rng: Where its chance and its values come from.
        """
        return self.apply(clip, rng) if rng.random() < self.chance else clip

    @abstractmethod
    def apply(self, clip: Clip, rng: np.random.Generator) -> Clip:
        """The augmented clip, whatever `chance` says."""

    def _check(self) -> None:  # noqa: B027 - a step without fields of its own has nothing to check
        """Raise `InvalidOption` for impossible fields."""


@dataclass(frozen=True, slots=True)
class Chain:
    """Steps in the order in which they are applied."""

    steps: tuple[Step, ...] = ()

    def __call__(self, clip: Clip, rng: np.random.Generator) -> Clip:
        """The clip after all steps."""
        for step in self.steps:
            clip = step(clip, rng)
        return clip


EMPTY = Chain()
"""No step at all."""


def draw(rng: np.random.Generator, values: Range, *, scale: Literal["linear", "log"] = "linear") -> float:
    """A uniform value of a range; on a log scale, equal ratios are equally likely."""
    low, high = values
    if scale == "log":
        return float(np.exp(rng.uniform(math.log(low), math.log(high))))
    return float(rng.uniform(low, high))


def check_range(field: str, values: Range, lowest: float = -math.inf, highest: float = math.inf) -> None:
    """Make sure that a field is a pair in order, inside of limits.

    Raises:
        InvalidOption: It is not.
    """
    if len(values) != 2 or not lowest <= values[0] <= values[1] <= highest or not all(map(math.isfinite, values)):
        limits = f"within {lowest:g} to {highest:g}" if lowest > -math.inf else "finite"
        raise InvalidOption(f"{field} = {values} is no range.", f"Give two numbers in order, {limits}.")
