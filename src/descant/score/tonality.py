"""The key of notes, by how much of the time each pitch class sounds (Krumhansl and Kessler, 1982)."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from descant.score.harmony import Key
from descant.score.notes import Note

Floats = NDArray[np.float64]

_MAJOR_PROFILE = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
_MINOR_PROFILE = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)


def profile_key(histogram: Floats) -> Floats:
    """Log-probabilities of 24 keys (majors first) by correlation with Krumhansl and Kessler's profiles (1982).

    Args:
        histogram: Weight of each pitch class, shape [12].
    """
    if not histogram.any() or np.ptp(histogram) == 0:
        return np.full(24, -np.log(24.0))
    profiles = [np.roll(p, tonic) for p in (_MAJOR_PROFILE, _MINOR_PROFILE) for tonic in range(12)]
    correlations = np.asarray([np.corrcoef(histogram, p)[0, 1] for p in profiles])
    logits = 12.0 * correlations
    shifted = logits - logits.max()
    result: Floats = shifted - np.log(np.exp(shifted).sum())
    return result


def pitch_class_histogram(notes: Iterable[Note]) -> Floats:
    """[12] quarters in which each pitch class sounds."""
    histogram = np.zeros(12)
    for note in notes:
        histogram[note.pitch % 12] += note.duration
    return histogram


def key_of_notes(notes: Iterable[Note]) -> Key | None:
    """The key that fits pitched notes best; None where there is none to tell (no notes, or all twelve alike)."""
    histogram = pitch_class_histogram(notes)
    if not histogram.any() or np.ptp(histogram) == 0:
        return None
    best = int(profile_key(histogram).argmax())
    return Key(best % 12, "major" if best < 12 else "minor")
