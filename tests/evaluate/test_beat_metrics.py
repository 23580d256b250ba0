from __future__ import annotations

import mir_eval
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from descant.dsp.beat_agreement import beat_f, matches
from descant.errors import ScoreReadError
from descant.evaluate.beat_metrics import METRICS, Continuity, continuity, evaluate, tempo_accuracy_1, tempo_accuracy_2
from descant.score.tempo import BeatGrid

times = st.lists(st.floats(0.0, 60.0), min_size=1, max_size=60).map(lambda x: np.unique(np.round(x, 3)))


@given(times, times)
def test_beat_f_equals_mir_eval(reference: np.ndarray, estimated: np.ndarray) -> None:
    trimmed = [mir_eval.beat.trim_beats(t) for t in (reference, estimated)]
    expected = mir_eval.util.match_events(*trimmed, 0.07)
    total = len(trimmed[0]) + len(trimmed[1])
    one_side_empty = not len(trimmed[0]) or not len(trimmed[1])
    assert beat_f(reference, estimated) == pytest.approx(0.0 if one_side_empty else 2 * len(expected) / total)


def test_beats_near_the_edge_of_the_window() -> None:
    reference = np.arange(6.0, 20.0, 0.5)
    assert beat_f(reference, reference + 0.069) == 1.0
    assert beat_f(reference, reference + 0.071) == 0.0
    assert beat_f(reference, reference[::2]) == pytest.approx(2 / 3)
    assert beat_f([], [1.0]) == 0.0


def test_beats_before_five_seconds_do_not_count() -> None:
    later = np.arange(5.0, 20.0, 0.5)
    early = np.array([0.7, 1.9, 3.3, 4.99])
    assert beat_f(later, np.concatenate([early, later])) == 1.0
    assert beat_f(np.concatenate([early, later]), later) == 1.0
    assert beat_f(later, later[1:]) == pytest.approx(58 / 59)
    assert continuity(later, np.concatenate([early, later])) == Continuity(1.0, 1.0, 1.0, 1.0)


def test_one_estimate_serves_one_reference() -> None:
    assert matches([1.0, 1.05], [1.02], 0.07) == 1


def test_tempo_accuracies() -> None:
    assert tempo_accuracy_1(120, 129) == 1.0
    assert tempo_accuracy_1(120, 130) == 0.0
    assert tempo_accuracy_1(120, 60) == 0.0
    assert tempo_accuracy_2(120, 60) == 1.0
    assert tempo_accuracy_2(120, 360) == 1.0
    assert tempo_accuracy_1(0, 120) == 0.0


def _expected(reference: np.ndarray, estimated: np.ndarray) -> tuple[float, ...]:
    return mir_eval.beat.continuity(*(mir_eval.beat.trim_beats(t) for t in (reference, estimated)))


@given(st.floats(0.3, 1.0), st.integers(8, 60), st.integers(0, 10_000), st.sampled_from([0.5, 1.0, 2.0]))
def test_continuity_of_nearly_right_beats_equals_mir_eval(period: float, count: int, seed: int, level: float) -> None:
    rng = np.random.default_rng(seed)
    reference = 5.0 + np.cumsum(period * (1 + rng.normal(0, 0.03, count)))
    estimated = np.interp(np.arange(0, count - 1, 1 / level), np.arange(count), reference)
    estimated = np.unique(estimated + rng.normal(0, 0.04, len(estimated)))
    estimated = estimated[rng.random(len(estimated)) > 0.1]
    if len(mir_eval.beat.trim_beats(estimated)) < 2:
        return
    found = continuity(reference, estimated)
    assert (found.cml_c, found.cml_t, found.aml_c, found.aml_t) == pytest.approx(_expected(reference, estimated))


def test_continuity_by_hand() -> None:
    reference = np.arange(6.0, 16.0, 0.5)  # 20 beats
    assert continuity(reference, reference) == Continuity(1.0, 1.0, 1.0, 1.0)
    half = continuity(reference, reference[::2])
    assert (half.cml_t, half.aml_t) == (0.0, 1.0)
    offbeat = continuity(reference, reference + 0.25)
    assert offbeat.cml_t == 0.0
    assert offbeat.aml_t > 0.9
    broken = np.delete(reference, 10)
    assert continuity(reference, broken).cml_c == pytest.approx(10 / 20)
    assert continuity(reference, [6.0]) == Continuity(0.0, 0.0, 0.0, 0.0)


def _grid(times: np.ndarray) -> BeatGrid:
    return BeatGrid(tuple(times.tolist()), tuple(i % 4 + 1 for i in range(len(times))))


def test_all_measures_of_a_song() -> None:
    grid = _grid(np.arange(0.0, 30.0, 0.5))
    scores = evaluate(grid, grid)
    assert list(scores) == [metric.name for metric in METRICS]
    assert set(scores.values()) == {1.0}
    nothing = evaluate(grid, _grid(np.zeros(0)))
    assert set(nothing.values()) == {0.0}
    assert set(evaluate(_grid(np.arange(0.0, 4.0, 0.5)), grid).values()) == {None}  # no beat after 5 s
    doubled = evaluate(grid, _grid(np.arange(0.0, 30.0, 0.25)))
    assert (doubled["tempo 1"], doubled["tempo 2"]) == (0.0, 1.0)


@pytest.mark.parametrize("times", [[6.0, 6.0], [6.0, float("nan")]])
def test_what_is_no_beat_is_named(times: list[float]) -> None:
    good = _grid(np.arange(5.0, 9.0))
    with pytest.raises(ScoreReadError, match="Beat 2"):
        evaluate(good, _grid(np.asarray(times)))
