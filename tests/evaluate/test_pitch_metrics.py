"""Melody measures against mir_eval on random tracks, and by hand."""

from __future__ import annotations

import mir_eval
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from descant.dsp.pitch import PitchTrack
from descant.errors import InvalidAudio
from descant.evaluate.pitch_metrics import METRICS, evaluate, raw_pitch_accuracy, voicing_scores


def _track(hz: np.ndarray, voiced: np.ndarray | None = None, hop_s: float = 0.01) -> PitchTrack:
    hz = np.asarray(hz, float)
    on = hz > 0 if voiced is None else np.asarray(voiced, bool)
    return PitchTrack(np.arange(len(hz)) * hop_s, hz, np.ones(len(hz)), on)


@given(st.integers(0, 10_000), st.floats(0.05, 3.0))
def test_scores_equal_mir_eval_on_the_same_frames(seed: int, semitones: float) -> None:
    rng = np.random.default_rng(seed)
    count = 300
    times = np.arange(count) * 0.01
    true_hz = 220 * 2 ** (np.sin(times) / 4)
    true_voiced = rng.random(count) < 0.7
    found_hz = true_hz * 2 ** ((rng.normal(0, semitones, count) + 12 * rng.integers(-1, 2, count)) / 12)
    found_hz[rng.random(count) < 0.1] = 0.0  # frames without any guess
    found_voiced = (rng.random(count) < 0.8) & (found_hz > 0)
    found = PitchTrack(times, found_hz, np.ones(count), found_voiced)
    scores = evaluate(PitchTrack(times, true_hz, np.ones(count), true_voiced), found)
    oracle = mir_eval.melody.evaluate(
        times, np.where(true_voiced, true_hz, 0.0), times, found_hz, est_voicing=found_voiced.astype(float)
    )
    assert list(scores) == [metric.name for metric in METRICS]
    assert scores["RPA"] == pytest.approx(oracle["Raw Pitch Accuracy"])
    assert scores["RCA"] == pytest.approx(oracle["Raw Chroma Accuracy"])
    assert scores["voicing recall"] == pytest.approx(oracle["Voicing Recall"])
    assert scores["voicing false alarm"] == pytest.approx(oracle["Voicing False Alarm"])
    assert scores["overall accuracy"] == pytest.approx(oracle["Overall Accuracy"])


def test_other_frame_times_are_read_in_between() -> None:
    times = np.arange(0, 4, 0.016)
    found = PitchTrack(times, 220 * 2 ** (times / 12), np.ones(len(times)), np.ones(len(times), bool))
    at = np.arange(0, 3.9, 0.01)
    true = PitchTrack(at, 220 * 2 ** (at / 12), np.ones(len(at)), np.ones(len(at), bool))
    scores = evaluate(true, found)
    assert scores["RPA"] == 1.0
    assert scores["cents off"] == pytest.approx(0.0, abs=1e-6)


def _at_times(times: list[float], hz: list[float], voiced: list[bool]) -> PitchTrack:
    return PitchTrack(np.array(times), np.array(hz), np.ones(len(hz)), np.array(voiced))


@pytest.mark.parametrize(("time_s", "voiced"), [(0.04, True), (0.049, True), (0.051, False), (0.06, False)])
def test_between_a_voiced_and_a_silent_frame_the_nearer_one_holds(time_s: float, voiced: bool) -> None:
    found = _at_times([0.0, 0.1, 0.2], [220.0, 0.0, 0.0], [True, False, False])
    scores = evaluate(_at_times([time_s, 0.2], [220.0, 0.0], [True, False]), found)
    assert (scores["voicing recall"], scores["RPA"]) == (float(voiced), float(voiced))


def test_an_estimate_that_starts_late_is_not_held_back() -> None:
    true = _track(np.full(100, 220.0))
    late = PitchTrack(np.arange(50, 100) * 0.01, np.full(50, 220.0), np.ones(50), np.ones(50, bool))
    assert evaluate(true, late)["RPA"] == pytest.approx(0.51)  # one frame before the start is within a hop


def test_medians_are_of_the_frames_voiced_in_both() -> None:
    true = _at_times([0.0, 0.1, 0.2, 0.3], [220.0, 220.0, 220.0, 0.0], [True, True, True, False])
    sharps = [220.0 * 2 ** (s / 12) for s in (0.1, 0.2, 6.0, 0.0)]
    scores = evaluate(true, _at_times([0.0, 0.1, 0.2, 0.3], sharps, [True] * 4))
    assert (scores["shift"], scores["cents off"]) == (pytest.approx(0.2), pytest.approx(20.0))
    assert scores["overall accuracy"] == pytest.approx(2 / 4)  # the third is wrong in pitch, the last in voicing


def test_an_estimate_that_ends_early_is_not_held() -> None:
    true = _track(np.full(100, 220.0))
    scores = evaluate(true, _track(np.full(50, 220.0)))
    assert scores["RPA"] == pytest.approx(0.51)  # one frame beyond the end is within a hop
    assert scores["voicing recall"] == pytest.approx(0.51)


def test_a_transposed_voice_keeps_its_correlation() -> None:
    melody = 200 * 2 ** (np.sin(np.linspace(0, 20, 500)) * 5 / 12)
    scores = evaluate(_track(melody), _track(melody * 2 ** (3 / 12)))
    assert scores["f0 correlation"] == pytest.approx(1.0)
    assert scores["shift"] == pytest.approx(3.0)
    assert scores["cents off"] == pytest.approx(300.0)
    assert scores["RPA"] == 0.0
    backwards = evaluate(_track(melody), _track(200.0**2 / melody))
    assert backwards["f0 correlation"] == pytest.approx(-1.0)


def test_silence_asks_nothing_and_is_never_nan() -> None:
    silent, sung = _track(np.zeros(20)), _track(np.full(20, 100.0))
    scores = evaluate(silent, silent)
    assert scores["RPA"] is None
    assert scores["voicing recall"] is None
    assert scores["overall accuracy"] == 1.0
    assert evaluate(sung, sung)["f0 correlation"] is None  # a constant does not correlate
    assert raw_pitch_accuracy(silent, sung) == 0.0
    assert voicing_scores(silent, sung) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("track", "field"),
    [
        (_track(np.zeros(0)), "no frames"),
        (_track(np.array([100.0, np.nan])), "Frame 2: its frequency"),
        (PitchTrack(np.array([0.0, 0.0]), np.ones(2), np.ones(2), np.ones(2, bool)), "Frame 2 is not later"),
    ],
)
def test_impossible_tracks_name_the_frame(track: PitchTrack, field: str) -> None:
    with pytest.raises(InvalidAudio, match=field):
        evaluate(_track(np.full(3, 100.0)), track)
