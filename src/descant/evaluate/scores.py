"""What every metrics module has in common: scores by name, and what a reader must know of each.

A metrics module has four parts, in this order (after the example of mir_eval, Raffel et al. 2014): its docstring with
the *conventions* of the input, `validate`, the metrics as pure functions, and `evaluate`, which gives all of them by
the names in `METRICS`. A score that the input does not define (the voice is never silent, nothing is voiced) is None
and is left out of means: never NaN, never a made-up 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from descant.evaluate.statistics import Summary

Scores = dict[str, float | None]
"""Metric name to value; None where the question does not arise."""

MOST_DB = 120.0
"""Levels and ratios are held within this: a perfect copy has no finite ratio, and one infinity would rule any mean."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One measure.

    Attributes:
        name: Heading of its column.
        meaning: One sentence for readers of a report.
        higher_is_better: False for errors and distances; None for quantities that are neither good nor bad.
        summary: What songs are summarised by.
    """

    name: str
    meaning: str
    higher_is_better: bool | None = True
    summary: Summary = "mean"


def defined(value: float) -> float | None:
    """The value, or None if it is NaN."""
    return None if math.isnan(value) else value


def held_db(value: float) -> float | None:
    """Decibels within +-120, None if NaN."""
    return None if math.isnan(value) else min(MOST_DB, max(-MOST_DB, value))
