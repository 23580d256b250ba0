"""How far two sequences of beats agree: the F-measure of Dixon (2007), 70 ms wide, the first 5 s left out."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

WINDOW_S = 0.07
USUAL_SKIP_S = 5.0


def matches(reference: ArrayLike, estimated: ArrayLike, window: float) -> int:
    """Size of the largest one-to-one matching of two rising sequences whose pairs lie within `window`.

    For points on a line the greedy matching from the left is the largest.
    """
    left, right = np.asarray(reference, float), np.asarray(estimated, float)
    count = i = j = 0
    while i < len(left) and j < len(right):
        distance = right[j] - left[i]
        if abs(distance) <= window:
            count, i, j = count + 1, i + 1, j + 1
        elif distance < 0:
            j += 1
        else:
            i += 1
    return count


def f_measure(hits: int, references: int, estimates: int) -> float:
    """Harmonic mean of precision and recall; 0 when either side is empty."""
    return 2.0 * hits / (references + estimates) if references and estimates else 0.0


def beat_f(
    reference_s: ArrayLike, estimated_s: ArrayLike, *, window_s: float = WINDOW_S, skip_s: float = USUAL_SKIP_S
) -> float:
    """Beat F-measure (Dixon 2007): a beat counts when it lies within 70 ms of a true one.

    Args:
        reference_s: True times, rising.
        estimated_s: Found times, rising.
        window_s: Tolerance.
        skip_s: What happens before this time does not count, as is usual.
    """
    reference = beats_from(reference_s, skip_s)
    estimated = beats_from(estimated_s, skip_s)
    return f_measure(matches(reference, estimated, window_s), len(reference), len(estimated))


def beats_from(times_s: ArrayLike, first_s: float) -> NDArray[np.float64]:
    """The times from a first one on."""
    times = np.asarray(times_s, float)
    return times[times >= first_s]
