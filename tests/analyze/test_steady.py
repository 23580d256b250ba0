from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from descant.analyze.beats import BeatOptions, check_tempo
from descant.analyze.rhythm import step_log_probabilities
from descant.analyze.steady import MIN_NOTES, SteadyOptions, SungNotes, heard_notes, steady_beats
from descant.audio.clip import Clip
from descant.data.singer import SungNote, sing
from descant.dsp.beat_agreement import beat_f
from descant.errors import InvalidOption
from descant.score.tempo import BeatGrid

RATE = 22_050
# Starts in quarters: a tune in four with long notes at the ends of its lines, and one in three.
IN_FOUR = [0, 2, 2.5, 3, 4, 6, 6.5, 7, 8, 10, 10.5, 11, 12]
IN_THREE = [0, 2, 3, 5, 6, 7, 8, 9, 12, 14, 15, 17, 18, 19, 20, 21]


def melody(
    starts: list[float], length: float, bpm: float, *, times: int = 4, late_s: float = 0.0, drift: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Onsets in seconds and true beats of a tune sung several times; the tempo swings by `drift`."""
    quarters = np.concatenate([np.asarray(starts, float) + length * i for i in range(times)])
    grid = np.arange(0.0, length * times + 1)
    period = 60.0 / bpm * (1.0 + drift * np.sin(2 * np.pi * grid / 48))
    seconds = 0.7 + np.concatenate([[0.0], np.cumsum(period)])[:-1]
    onsets = np.interp(quarters, grid, seconds)
    onsets += np.random.default_rng(3).normal(0.0, late_s, len(onsets))
    return np.sort(onsets), seconds


def notes_at(starts: np.ndarray) -> SungNotes:
    """Notes of full weight on one pitch."""
    return SungNotes(starts, starts + 0.2, np.full(len(starts), 60.0), np.ones(len(starts)))


def beats_of(onsets: np.ndarray, options: SteadyOptions | None = None) -> tuple[BeatGrid, float]:
    flat = np.full(round((onsets[-1] + 2.0) * 50), 0.1)
    found = steady_beats(notes_at(onsets), flat, flat, 50.0, onsets[-1] + 2.0, options)
    assert found is not None
    return found


@pytest.mark.parametrize("bpm", [72.0, 96.0, 118.0])
def test_a_plain_tune_in_four(bpm: float) -> None:
    onsets, beats = melody(IN_FOUR, 16, bpm)
    grid, confidence = beats_of(onsets)
    assert grid.bpm == pytest.approx(bpm, rel=0.01)
    assert beat_f(beats, grid.times_s) > 0.95
    assert grid.beats_per_bar == 4
    assert beat_f(beats[::4], grid.downbeats_s) > 0.9
    assert confidence > 0.9


def test_a_tune_in_three_at_a_known_tempo() -> None:
    onsets, beats = melody(IN_THREE, 24, 100.0)
    grid, _ = beats_of(onsets, SteadyOptions().near(100.0))
    assert grid.beats_per_bar == 3
    assert beat_f(beats[::3], grid.downbeats_s) > 0.9


def test_the_grid_follows_a_slow_drift_but_not_each_late_note() -> None:
    onsets, beats = melody(IN_FOUR, 16, 96.0, late_s=0.02, drift=0.03)
    grid, _ = beats_of(onsets)
    assert beat_f(beats, grid.times_s) > 0.95
    periods = np.diff(grid.times_s)
    assert np.abs(np.diff(periods) / periods[1:]).max() < 0.03


def test_wrong_notes_are_passed_over() -> None:
    onsets, beats = melody(IN_FOUR, 16, 96.0)
    rng = np.random.default_rng(0)
    kept = onsets[rng.random(len(onsets)) > 0.08]
    spurious = rng.uniform(kept[0], kept[-1], 4)
    grid, _ = beats_of(np.sort(np.concatenate([kept, spurious])))
    assert beat_f(beats, grid.times_s) > 0.9


def test_a_hint_decides_between_levels() -> None:
    onsets, _ = melody(IN_FOUR, 16, 75.0)
    assert beats_of(onsets, SteadyOptions().near(75.0))[0].bpm == pytest.approx(75.0, rel=0.02)
    assert beats_of(onsets, SteadyOptions().near(150.0))[0].bpm == pytest.approx(150.0, rel=0.02)


def test_beats_go_from_the_start_to_the_end_of_the_recording() -> None:
    onsets, _ = melody(IN_FOUR, 16, 96.0)
    grid, _ = beats_of(onsets + 5.0)
    assert grid.times_s[0] < 60 / 96
    assert grid.times_s[-1] > onsets[-1] + 5.0 + 2.0 - 60 / 90


def test_a_long_silence_in_the_middle() -> None:
    onsets, _ = melody(IN_FOUR, 16, 96.0, times=2)
    grid, _ = beats_of(np.concatenate([onsets, onsets + 64 * 60 / 96 + 40]))
    assert grid.bpm == pytest.approx(96.0, rel=0.03)


def test_too_few_notes_give_nothing() -> None:
    flat = np.full(500, 0.1)
    assert steady_beats(notes_at(np.arange(7) * 0.5), flat, flat, 50.0, 10.0) is None
    assert steady_beats(notes_at(np.zeros(0)), flat, flat, 50.0, 10.0) is None


@settings(max_examples=15, deadline=None)
@given(st.lists(st.floats(0.06, 6.0), min_size=8, max_size=40))
def test_any_rhythm_gives_a_rising_grid_within_the_recording(gaps: list[float]) -> None:
    onsets = np.cumsum(gaps)
    flat = np.full(round((onsets[-1] + 2.0) * 50), 0.1)
    found = steady_beats(notes_at(onsets), flat, flat, 50.0, onsets[-1] + 2.0)
    if found is None:  # too few of the notes fit any pulse, which can only be so where there are few
        assert len(onsets) < 2 * MIN_NOTES
        return
    grid, confidence = found
    assert (np.diff(grid.times_s) > 0).all()
    assert grid.times_s[0] >= 0
    assert grid.times_s[-1] <= onsets[-1] + 2.0
    assert 0.0 <= confidence <= 1.0
    assert set(grid.bar_positions) <= {1, 2, 3, 4}


def test_onsets_of_a_sung_tune() -> None:
    rng = np.random.default_rng(5)
    starts = np.arange(16) * 0.5 + 0.3
    notes = [SungNote(s, s + 0.4, 60 + p) for s, p in zip(starts, [0, 2, 4, 5, 7, 7, 4, 0] * 2, strict=True)]
    voice, truth = sing(notes, 9.0, RATE, rng)
    onsets = heard_notes(truth, Clip(voice, RATE))
    assert np.median(np.abs(onsets.times_s - starts[:, np.newaxis]).min(axis=1)) < 0.04
    assert len(onsets.times_s) < 32
    assert ((onsets.weights >= 0) & (onsets.weights <= 1)).all()


@pytest.mark.parametrize("bar", [3, 4])
def test_steps_are_probabilities(bar: int) -> None:
    first, steps = step_log_probabilities(bar)
    assert np.exp(first).sum() == pytest.approx(1.0)
    assert first.argmax() == 0
    np.testing.assert_allclose(np.exp(steps).sum(axis=1), 1.0, atol=0.1)
    assert (steps[:, 0] < -6).all()


@pytest.mark.parametrize("bpm", [0.0, -3.0, 29.9, 301.0, float("nan"), float("inf")])
def test_impossible_tempi_are_refused(bpm: float) -> None:
    with pytest.raises(InvalidOption):
        check_tempo(bpm)


def test_hints_narrow_the_search() -> None:
    check_tempo(None)
    check_tempo(120.0)
    for options in (SteadyOptions().near(120.0), BeatOptions().near(120.0)):
        assert options.lowest_bpm == pytest.approx(120.0 / 1.06)
        assert options.highest_bpm == pytest.approx(120.0 * 1.06)


def test_accompany_refuses_an_impossible_tempo_before_any_work() -> None:
    from descant.pipelines.accompany import AccompanyOptions

    assert AccompanyOptions(sung_bpm=96.0).sung_bpm == 96.0
    with pytest.raises(InvalidOption):
        AccompanyOptions(sung_bpm=1000.0)
