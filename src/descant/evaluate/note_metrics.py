"""Note precision, recall and F as MIREX and `mir_eval.transcription` define them.

Conventions: notes are lists of `ListedNote`, start and end in seconds, pitch as a fractional MIDI number, in any order.
Drums are not notes. An empty list on one side scores 0; on both sides the question does not arise.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from descant.errors import ScoreReadError
from descant.evaluate.scores import Metric, Scores
from descant.transcribe.note_list import ListedNote

ONSET_S = 0.05
PITCH_SEMITONES = 0.5
OFFSET_SHARE = 0.2
OFFSET_S = 0.05
_DECIMALS = 4

METRICS = (
    Metric("note F", "onset within 50 ms and pitch within 50 cents"),
    Metric("precision", "share of the estimated notes that are right in this sense"),
    Metric("recall", "share of the true notes that were found"),
    Metric("note F with ends", "the end also within 50 ms or 20 % of the length"),
    Metric("onset F", "onset within 50 ms, whatever the pitch"),
)


@dataclass(frozen=True, slots=True)
class NoteScores:
    """Precision, recall and their harmonic mean F, each 0..1."""

    precision: float
    recall: float
    f: float


def validate(notes: Sequence[ListedNote]) -> None:
    """Refuse notes that are none.

    Raises:
        ScoreReadError: A time or pitch is not finite, or a note ends before it starts; the message names the note.
    """
    for number, note in enumerate(notes, 1):
        for field, value in (("start", note.start_s), ("end", note.end_s), ("pitch", note.pitch)):
            if not math.isfinite(value):
                raise ScoreReadError(f"Note {number}: its {field} is {value}.", "Write the notes again.")
        if note.end_s <= note.start_s:
            raise ScoreReadError(
                f"Note {number} ends at {note.end_s:g} s, not after its start at {note.start_s:g} s.",
                "Times are in seconds.",
            )


def note_scores(
    reference: Sequence[ListedNote],
    estimated: Sequence[ListedNote],
    *,
    with_offsets: bool = False,
    with_pitch: bool = True,
) -> NoteScores:
    """How well notes agree.

    A note is right when a reference note starts within 50 ms and lies within 50 cents of it; with offsets it must
    also end within 50 ms or 20 % of the reference's length, whichever is more. Each note counts once (the largest
    possible one-to-one matching).

    Args:
        reference: The truth.
        estimated: What was transcribed.
        with_offsets: Whether ends count.
        with_pitch: Whether the pitch counts.

    Returns:
        All zero when either side has no notes.
    """
    if not len(reference) or not len(estimated):
        return NoteScores(0.0, 0.0, 0.0)
    fits = _fits(_table(reference), _table(estimated), with_offsets=with_offsets, with_pitch=with_pitch)
    matched = int((maximum_bipartite_matching(csr_array(fits), perm_type="column") >= 0).sum())
    precision, recall = matched / len(estimated), matched / len(reference)
    return NoteScores(precision, recall, 2 * precision * recall / (precision + recall) if matched else 0.0)


def mean_scores(scores: Sequence[NoteScores]) -> NoteScores:
    """The mean over pieces; all zero for none."""
    if not scores:
        return NoteScores(0.0, 0.0, 0.0)
    table = np.asarray([(s.precision, s.recall, s.f) for s in scores])
    return NoteScores(*map(float, table.mean(axis=0)))


def evaluate(reference: Sequence[ListedNote], estimated: Sequence[ListedNote]) -> Scores:
    """All measures of one piece by the names in `METRICS`; all None when neither side has notes.

    Raises:
        ScoreReadError: A note is none (see `validate`).
    """
    validate(reference)
    validate(estimated)
    if not reference and not estimated:
        return {metric.name: None for metric in METRICS}
    plain = note_scores(reference, estimated)
    return {
        "note F": plain.f,
        "precision": plain.precision,
        "recall": plain.recall,
        "note F with ends": note_scores(reference, estimated, with_offsets=True).f,
        "onset F": note_scores(reference, estimated, with_pitch=False).f,
    }


def _table(notes: Sequence[ListedNote]) -> NDArray[np.float64]:
    return np.asarray([(n.start_s, n.end_s, n.pitch) for n in notes], float)


def _fits(
    reference: NDArray[np.float64], estimated: NDArray[np.float64], *, with_offsets: bool, with_pitch: bool
) -> NDArray[np.bool_]:
    starts, ends, pitches = (
        np.abs(np.subtract.outer(reference[:, i], estimated[:, i])).round(_DECIMALS) for i in range(3)
    )
    fits: NDArray[np.bool_] = starts <= ONSET_S
    if with_pitch:
        fits &= pitches <= PITCH_SEMITONES
    if with_offsets:
        lengths = reference[:, 1] - reference[:, 0]
        allowed = np.maximum(OFFSET_SHARE * lengths, OFFSET_S)[:, np.newaxis]
        fits &= ends <= allowed
    return fits
