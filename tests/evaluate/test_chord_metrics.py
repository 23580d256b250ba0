"""Chord overlaps against mir_eval on random sequences, and by hand."""

from __future__ import annotations

import math

import mir_eval
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from descant.errors import ScoreReadError
from descant.evaluate.chord_metrics import METRICS, TimedChord, evaluate, majmin_overlap, segmentation, validate
from descant.score.harmony import Chord

QUALITIES = ["maj", "min", "7", "maj7", "min7", "dim", "hdim7", "aug", "sus4", "maj6", "min6", "dim7", "minmaj7"]
chords = st.builds(Chord, st.integers(0, 11), st.sampled_from(QUALITIES)) | st.just(Chord(None))
sequences = st.lists(chords, min_size=1, max_size=12)


def _timed(true: list[Chord], found: list[Chord]) -> tuple[list[TimedChord], list[TimedChord]]:
    edges = np.linspace(0.0, len(true) * 2.0, len(found) + 1).tolist()
    return (
        [(2.0 * i, 2.0 * i + 2.0, c) for i, c in enumerate(true)],
        list(zip(edges[:-1], edges[1:], found, strict=True)),
    )


def _oracle(reference: list[TimedChord], estimated: list[TimedChord]) -> dict[str, float | None]:
    sides = [
        (np.asarray([span[:2] for span in each]), [span[2].label() for span in each]) for each in (reference, estimated)
    ]
    intervals, labels, found_labels = mir_eval.util.merge_labeled_intervals(*sides[0], *sides[1])
    durations = mir_eval.util.intervals_to_durations(intervals)
    scores: dict[str, float | None] = {}
    for name, compare in (
        ("root", mir_eval.chord.root), ("majmin", mir_eval.chord.majmin), ("triads", mir_eval.chord.triads),
        ("sevenths", mir_eval.chord.sevenths), ("MIREX", mir_eval.chord.mirex),
    ):  # fmt: skip
        comparisons = compare(labels, found_labels)
        counted = comparisons >= 0
        weight = durations[counted].sum()
        scores[name] = float((durations[counted] * comparisons[counted]).sum() / weight) if weight else None
    merged = [mir_eval.chord.merge_chord_intervals(*side) for side in sides]
    scores["segmentation"] = mir_eval.chord.seg(*merged)
    return scores


@given(sequences, sequences)
def test_every_measure_equals_mir_eval(true: list[Chord], found: list[Chord]) -> None:
    reference, estimated = _timed(true, found)
    scores, expected = evaluate(reference, estimated), _oracle(reference, estimated)
    assert list(scores) == [metric.name for metric in METRICS]
    assert scores == pytest.approx(expected, abs=1e-9)


def test_nothing_found_is_wrong() -> None:
    assert majmin_overlap([(0.0, 4.0, Chord(0))], []) == 0.0
    assert majmin_overlap([(0.0, 4.0, Chord(None))], []) == 0.0
    assert majmin_overlap([(0.0, 4.0, Chord(0))], [(1.0, 2.0, Chord(0, "7"))]) == pytest.approx(0.25)


def test_what_the_vocabulary_cannot_say_is_left_out() -> None:
    reference = [(0.0, 1.0, Chord(0, "dim")), (1.0, 2.0, Chord(0, "maj"))]
    scores = evaluate(reference, [(0.0, 2.0, Chord(0, "maj"))])
    assert scores["majmin"] == 1.0
    assert scores["triads"] == pytest.approx(0.5)
    assert evaluate(reference[:1], reference[:1])["majmin"] is None


def test_segmentation_by_hand() -> None:
    reference = [(0.0, 2.0, Chord(0)), (2.0, 4.0, Chord(7))]
    assert segmentation(reference, reference) == 1.0
    assert segmentation(reference, [(0.0, 4.0, Chord(0))]) == pytest.approx(0.5)  # both halves under one segment
    assert segmentation(reference, []) == pytest.approx(0.5)
    assert segmentation([], reference) is None


@pytest.mark.parametrize(
    "spans",
    [
        [(0.0, 1.0, Chord(0)), (0.5, 2.0, Chord(7))],
        [(1.0, 1.0, Chord(0))],
        [(0.0, math.nan, Chord(0))],
    ],
)
def test_impossible_sequences_name_the_chord(spans: list[TimedChord]) -> None:
    with pytest.raises(ScoreReadError, match=r"Chord \d"):
        validate(spans)
