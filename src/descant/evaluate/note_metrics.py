"""Note precision, recall and F as MIREX and `mir_eval.transcription` define them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from descant.transcribe.note_list import ListedNote

ONSET_S = 0.05
PITCH_SEMITONES = 0.5
OFFSET_SHARE = 0.2
OFFSET_S = 0.05
_DECIMALS = 4


@dataclass(frozen=True, slots=True)
class NoteScores:
    """Precision, recall and their harmonic mean F, each 0..1."""

    precision: float
    recall: float
    f: float


def note_scores(
    reference: Sequence[ListedNote], estimated: Sequence[ListedNote], *, with_offsets: bool = False
) -> NoteScores:
    """How well notes agree.

    A note is right when a reference note starts within 50 ms and lies within 50 cents of it; with offsets it must
    also end within 50 ms or 20 % of the reference's length, whichever is more. Each note counts once (the largest
    possible one-to-one matching).

    Args:
        reference: The truth.
        estimated: What was transcribed.
        with_offsets: Whether ends count.

    Returns:
        All zero when either side has no notes.
    """
    if not len(reference) or not len(estimated):
        return NoteScores(0.0, 0.0, 0.0)
    fits = _fits(_table(reference), _table(estimated), with_offsets=with_offsets)
    matched = int((maximum_bipartite_matching(csr_array(fits), perm_type="column") >= 0).sum())
    precision, recall = matched / len(estimated), matched / len(reference)
    return NoteScores(precision, recall, 2 * precision * recall / (precision + recall) if matched else 0.0)


def mean_scores(scores: Sequence[NoteScores]) -> NoteScores:
    """The mean over pieces; all zero for none."""
    if not scores:
        return NoteScores(0.0, 0.0, 0.0)
    table = np.asarray([(s.precision, s.recall, s.f) for s in scores])
    return NoteScores(*map(float, table.mean(axis=0)))


def _table(notes: Sequence[ListedNote]) -> NDArray[np.float64]:
    return np.asarray([(n.start_s, n.end_s, n.pitch) for n in notes], float)


def _fits(reference: NDArray[np.float64], estimated: NDArray[np.float64], *, with_offsets: bool) -> NDArray[np.bool_]:
    starts, ends, pitches = (
        np.abs(np.subtract.outer(reference[:, i], estimated[:, i])).round(_DECIMALS) for i in range(3)
    )
    fits: NDArray[np.bool_] = (starts <= ONSET_S) & (pitches <= PITCH_SEMITONES)
    if with_offsets:
        lengths = reference[:, 1] - reference[:, 0]
        allowed = np.maximum(OFFSET_SHARE * lengths, OFFSET_S)[:, np.newaxis]
        fits &= ends <= allowed
    return fits
