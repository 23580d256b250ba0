"""Medians with their spread over seeds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Spread:
    """The middle and the ends of a few measurements; three seeds carry no finer statistics."""

    median: float
    low: float
    high: float
    count: int

    def __str__(self) -> str:
        if self.count == 1:
            return f"{self.median:.4g}"
        return f"{self.median:.4g} ({self.low:.4g} to {self.high:.4g})"


def spread(values: Iterable[float]) -> Spread | None:
    """None of no values."""
    numbers = np.asarray(list(values), float)
    if not len(numbers):
        return None
    return Spread(float(np.median(numbers)), float(numbers.min()), float(numbers.max()), len(numbers))
