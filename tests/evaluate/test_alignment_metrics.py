"""Alignment measures against mir_eval, the published predictions for a real song, and cases done by hand."""

from __future__ import annotations

import csv
from pathlib import Path

import mir_eval.alignment
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from descant.evaluate.alignment_metrics import (
    METRICS,
    WINDOWS_S,
    evaluate,
    perceptual_score,
    share_in_segments,
    share_of_overlap,
    share_within,
    within_name,
)

EMBERS = Path(__file__).with_name("fixtures") / "embers.csv"
DELAY_S = 0.18
SONG_S = 242.6

starts = st.lists(st.integers(0, 400), min_size=2, max_size=40).map(lambda steps: np.cumsum(steps) * 0.0137)


@given(starts, st.integers(0, 1_000), st.floats(0.01, 30.0))
def test_every_measure_equals_mir_eval(true: np.ndarray, seed: int, silence_s: float) -> None:
    found = np.sort(np.abs(true + np.random.default_rng(seed).normal(0, 0.4, len(true))))
    duration_s = float(max(true[-1], found[-1]) + silence_s)
    scores = evaluate(true, found, duration_s=duration_s)
    assert list(scores) == [metric.name for metric in METRICS]
    median, mean = mir_eval.alignment.absolute_error(true, found)
    assert (scores["AAE"], scores["median AE"]) == (pytest.approx(mean), pytest.approx(median))
    for window in WINDOWS_S:
        theirs = mir_eval.alignment.percentage_correct(true, found, window=window)
        assert scores[within_name(window)] == pytest.approx(theirs)
    if true[-1] > true[0]:
        assert scores["in segments"] == pytest.approx(mir_eval.alignment.percentage_correct_segments(true, found))
    else:
        assert scores["in segments"] is None
    whole = mir_eval.alignment.percentage_correct_segments(true, found, duration=duration_s)
    assert scores["in segments, 2019"] == pytest.approx(whole)
    assert scores["perceptual"] == pytest.approx(mir_eval.alignment.karaoke_perceptual_metric(true, found))


@pytest.mark.parametrize(
    ("system", "sheet", "golden"),
    [
        # The sheet's numbers (AAE, MedAE, PCO) differ by one word of 189; both are counted here.
        ("s19_plain", (2.03, 0.183, 0.577), (2.023, 0.183, 0.582, 0.217, 0.651, 0.393, 0.450, 0.437, 0.063)),
        ("s19_separated", (1.17, 0.138, 0.677), (1.172, 0.138, 0.683, 0.381, 0.767, 0.717, 0.651, 0.560, 0.030)),
    ],
)
def test_published_predictions_for_a_real_song(
    system: str, sheet: tuple[float, ...], golden: tuple[float, ...]
) -> None:
    with EMBERS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 189
    true = np.array([float(row["reference"]) for row in rows])
    found = np.array([float(row[system]) for row in rows]) + DELAY_S
    scores = evaluate(true, found, duration_s=SONG_S)
    names = (
        "AAE", "median AE", "within 0.3 s", "within 0.1 s", "within 1 s", "in segments", "in segments, 2019",
        "perceptual", "bias",
    )  # fmt: skip
    assert [scores[name] for name in names] == pytest.approx(golden, abs=5e-4)
    assert [scores[name] for name in names[:3]] == pytest.approx(sheet, abs=0.01)
    assert scores["within 0.3 s"] == pytest.approx(float((np.abs(found - true) < 0.3).mean()))  # no word at the edge


def test_a_tolerance_counts_errors_of_just_that_size() -> None:
    assert share_within([1.0, 2.0], [1.5, 2.75], window_s=0.5) == 0.5


def test_the_two_forms_of_segments_by_hand() -> None:
    true, found = [2.0, 4.0], [3.0, 4.0]
    assert share_in_segments(true, found) == pytest.approx(0.5)  # 3..4 of 2..4
    assert share_in_segments(true, found, duration_s=10.0) == pytest.approx(0.9)  # 0..2, 3..4, 4..10 of 0..10
    # A word that is placed long before the first true one costs nothing in the form of 2020.
    assert share_in_segments(true, [0.0, 4.0]) == pytest.approx(1.0)
    assert share_in_segments(true, [0.0, 4.0], duration_s=10.0) == pytest.approx(0.8)
    assert share_in_segments(true, [3.0, 11.0], duration_s=10.0) is None  # a word after the song's end


def test_words_that_come_early_are_judged_better_than_late_ones() -> None:
    true = np.arange(1.0, 6.0)
    early, exact, late = (perceptual_score(true, true + shift) for shift in (-0.1, 0.0, 0.25))
    assert early > exact > late
    assert exact < 1.0


def test_ends_and_overlap_by_hand() -> None:
    true, found = [0.0, 2.0], [0.5, 2.0]
    ends = ([1.0, 3.0], [1.5, 2.5])
    assert share_of_overlap(true, found, *ends) == pytest.approx(0.5)  # 0.5..1 and 2..2.5 of two seconds
    scores = evaluate(true, found, ends_s=ends)
    assert scores["ends AAE"] == pytest.approx(0.5)
    assert scores["ends within 0.3 s"] == 0.0
    assert scores["overlap"] == pytest.approx(0.5)
    assert share_of_overlap([1.0], [1.0], [1.0], [2.0]) is None
    assert evaluate(true, found)["overlap"] is None


@given(starts)
def test_a_perfect_alignment(true: np.ndarray) -> None:
    scores = evaluate(true, true, ends_s=(true + 0.1, true + 0.1), duration_s=float(true[-1]) + 1.0)
    assert scores["AAE"] == scores["bias"] == scores["ends AAE"] == 0.0
    assert [scores[name] for name in ("within 0.1 s", "in segments, 2019", "overlap")] == pytest.approx([1.0] * 3)
