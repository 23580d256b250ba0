from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from descant.errors import ScoreReadError
from descant.score.tempo import BeatGrid, TempoMap, TimeSignature

steps = st.lists(st.tuples(st.floats(0.05, 4.0), st.floats(0.05, 4.0)), min_size=2, max_size=20)


@given(steps, st.floats(-20, 200))
def test_seconds_and_quarters_are_inverse(increments: list[tuple[float, float]], quarter: float) -> None:
    anchors = np.cumsum(np.array([(0.0, 0.0), *increments]), axis=0)
    tempo = TempoMap(tuple((float(q), float(s)) for q, s in anchors))
    assert tempo.quarter(tempo.seconds(quarter)) == pytest.approx(quarter, abs=1e-6)


def test_constant_tempo() -> None:
    tempo = TempoMap.constant(120)
    assert tempo.seconds(3) == pytest.approx(1.5)
    assert tempo.bpm_at(100) == pytest.approx(120)


def test_from_tempi_accumulates_seconds_over_changes() -> None:
    tempo = TempoMap.from_tempi([(0.0, 60.0), (4.0, 120.0), (8.0, 30.0)])
    assert tempo.seconds_at([0, 4, 8, 10]).tolist() == pytest.approx([0, 4, 6, 10])
    assert [tempo.bpm_at(q) for q in (0, 3.9, 4, 9)] == pytest.approx([60, 60, 120, 30])


@pytest.mark.parametrize("anchors", [((0, 0),), ((0, 0), (1, 0)), ((0, 0), (1, float("nan"))), ((1, 1), (0, 2))])
def test_impossible_maps_are_refused(anchors: tuple[tuple[float, float], ...]) -> None:
    with pytest.raises(ScoreReadError):
        TempoMap(anchors)


@pytest.mark.parametrize("bpm", [0.0, -1.0, float("nan"), 1e9])
def test_impossible_tempi_are_refused(bpm: float) -> None:
    with pytest.raises(ScoreReadError):
        TempoMap.constant(bpm)


def test_bar_length_of_compound_metre() -> None:
    assert TimeSignature(0, 6, 8).bar_quarters == 3.0


@given(
    start=st.floats(0.0, 6.0),
    periods=st.lists(st.floats(0.3, 1.2), min_size=4, max_size=40),
    bar=st.sampled_from([3, 4]),
    phase=st.integers(0, 3),
)
def test_beats_keep_their_times_and_downbeats_start_bars(
    start: float, periods: list[float], bar: int, phase: int
) -> None:
    times = start + np.concatenate([[0.0], np.cumsum(periods)])
    positions = tuple((i + phase) % bar + 1 for i in range(len(times)))
    grid = BeatGrid(tuple(times.tolist()), positions)
    tempo = grid.tempo_map()
    assert tempo.anchors[0] == (0.0, 0.0)
    quarters = tempo.quarters_at(times[1:])  # the first beat may be pulled to second 0
    np.testing.assert_allclose(quarters, np.round(quarters), atol=1e-6)
    np.testing.assert_allclose(np.diff(quarters), 1.0, atol=1e-6)
    for quarter, position in zip(quarters, positions[1:], strict=True):
        assert (round(quarter) - (position - 1)) % grid.beats_per_bar == 0 or bar != grid.beats_per_bar


def test_grid_facts() -> None:
    grid = BeatGrid((0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5), (3, 1, 2, 3, 1, 2, 3))
    assert grid.bpm == pytest.approx(120)
    assert grid.beats_per_bar == 3
    assert grid.downbeats_s == (1.0, 2.5)
    with pytest.raises(ScoreReadError):
        BeatGrid((1.0,), (1,)).tempo_map()
    with pytest.raises(ScoreReadError):
        BeatGrid((1.0, 2.0), (1,))


def test_tempi_may_come_in_any_order() -> None:
    assert TempoMap.from_tempi([(4.0, 120.0), (0.0, 60.0)]).seconds(8) == pytest.approx(6.0)


def test_one_long_bar_or_beat_changes_neither_metre_nor_tempo() -> None:
    times = (0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 6.0)
    grid = BeatGrid(times, (1, 2, 1, 2, 1, 2, 3, 1))
    assert grid.beats_per_bar == 2
    assert grid.bpm == pytest.approx(120)


@pytest.mark.parametrize(
    ("first_s", "position", "quarter"),
    [(0.1, 1, 0), (0.3, 1, 4), (1.9, 1, 4), (1.6, 2, 5), (0.5, 4, 3)],
)
def test_the_lead_in_is_the_nearest_whole_number_of_beats(first_s: float, position: int, quarter: int) -> None:
    times = tuple(first_s + 0.5 * i for i in range(12))
    tempo = BeatGrid(times, tuple((position - 1 + i) % 4 + 1 for i in range(12))).tempo_map()
    assert tempo.quarter(times[1]) == pytest.approx(quarter + 1)


def test_a_first_beat_in_mid_bar_at_second_0_keeps_the_bars() -> None:
    tempo = BeatGrid(tuple(0.5 * i for i in range(8)), (3, 4, 1, 2, 3, 4, 1, 2)).tempo_map()
    assert tempo.seconds(2) == pytest.approx(0.002)
    assert tempo.seconds(4) == pytest.approx(1.0)
