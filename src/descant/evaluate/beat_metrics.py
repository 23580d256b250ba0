"""How well beats and tempo are found: the beat F-measure and Accuracy 1, as mir_eval and MIREX define them."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

WINDOW_S = 0.07
TEMPO_TOLERANCE = 0.08


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


def beat_f(reference_s: ArrayLike, estimated_s: ArrayLike, *, window_s: float = WINDOW_S, skip_s: float = 5.0) -> float:
    """Beat F-measure (Dixon 2007): a beat counts when it lies within 70 ms of a true one.

    Args:
        reference_s: True times, rising.
        estimated_s: Found times, rising.
        window_s: Tolerance.
        skip_s: What happens before this time does not count, as is usual.
    """
    reference = _from(reference_s, skip_s)
    estimated = _from(estimated_s, skip_s)
    return f_measure(matches(reference, estimated, window_s), len(reference), len(estimated))


def tempo_accuracy_1(reference_bpm: float, estimated_bpm: float) -> float:
    """1 when the tempo is within 8 % of the true one, else 0 (half and double do not count)."""
    if reference_bpm <= 0:
        return 0.0
    return float(abs(estimated_bpm / reference_bpm - 1.0) <= TEMPO_TOLERANCE)


def tempo_accuracy_2(reference_bpm: float, estimated_bpm: float) -> float:
    """As Accuracy 1, where the half, the double, the third and the triple count too."""
    return max(tempo_accuracy_1(factor * reference_bpm, estimated_bpm) for factor in (1.0, 0.5, 2.0, 1 / 3, 3.0))


def _from(times_s: ArrayLike, first_s: float) -> NDArray[np.float64]:
    times = np.asarray(times_s, float)
    return times[times >= first_s]
