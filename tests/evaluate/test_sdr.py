"""Separation measures against values computed by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from descant.audio.clip import Clip
from descant.evaluate.sdr import leakage_db, median_sdr, sdr_windows, si_sdr, sum_error_db

RATE = 1_000


def _clip(*levels: float) -> Clip:
    """One second per level, a square wave of that amplitude on two channels."""
    wave = np.tile([1.0, -1.0], RATE // 2)
    samples = np.concatenate([level * wave for level in levels])
    return Clip(np.stack([samples, samples]).astype(np.float32), RATE)


def test_sdr_is_the_ratio_of_energies_per_second() -> None:
    truth = {"vocals": _clip(1.0, 1.0, 0.5), "rest": _clip(1.0, 1.0, 1.0)}
    guess = {"vocals": _clip(0.9, 0.5, 0.25), "rest": _clip(1.1, 2.0, 1.0)}
    windows = sdr_windows(truth, guess)
    # errors 0.1, 0.5, 0.25: 20 log10 of 10, 2, 2
    np.testing.assert_allclose(windows["vocals"], [20.0, 6.0206, 6.0206], atol=1e-3)
    np.testing.assert_allclose(windows["rest"][:2], [20.0, 0.0], atol=1e-3)
    assert math.isnan(windows["rest"][2])  # perfect: infinite, stored as NaN
    assert median_sdr(windows["vocals"]) == pytest.approx(6.0206, abs=1e-3)
    assert median_sdr(windows["rest"]) == pytest.approx(10.0, abs=1e-3)


def test_a_window_with_any_silent_stem_scores_nobody() -> None:
    truth = {"vocals": _clip(1.0, 0.0, 1.0), "rest": _clip(1.0, 1.0, 1.0)}
    guess = {"vocals": _clip(0.5, 0.1, 0.5), "rest": _clip(0.5, 0.5, 0.0)}
    windows = sdr_windows(truth, guess)
    assert [bool(x) for x in np.isnan(windows["vocals"])] == [False, True, True]
    assert [bool(x) for x in np.isnan(windows["rest"])] == [False, True, True]


def test_the_rest_after_the_last_whole_second_is_ignored() -> None:
    long = Clip(_clip(1.0, 1.0).samples[:, :-1], RATE)
    assert sdr_windows({"a": long}, {"a": long.gain(-6.0206)})["a"].shape == (1,)


def test_nothing_scored_is_nan() -> None:
    silence = Clip.silence(RATE, RATE)
    assert math.isnan(median_sdr(sdr_windows({"a": silence}, {"a": silence})["a"]))
    assert math.isnan(si_sdr(silence, silence))


def test_sdr_of_the_mix_as_estimate_is_the_stems_ratio() -> None:
    random = np.random.default_rng(0)
    vocals, rest = (Clip(random.standard_normal((2, 8_000)).astype(np.float32) * level, 8_000) for level in (0.3, 0.1))
    mix = Clip(vocals.samples + rest.samples, 8_000)
    windows = sdr_windows({"vocals": vocals, "rest": rest}, {"vocals": mix, "rest": mix})
    assert windows["vocals"][0] == pytest.approx(20 * math.log10(3), abs=0.3)
    assert windows["rest"][0] == pytest.approx(-windows["vocals"][0], abs=1e-3)


def test_si_sdr_forgives_gain_and_nothing_else() -> None:
    truth = _clip(0.5, 0.5)
    orthogonal = Clip(np.tile(np.float32([1.0, 1.0, -1.0, -1.0]), (2, RATE // 2)) * np.float32(0.05), RATE)
    estimate = Clip(truth.samples + orthogonal.samples, RATE)
    assert si_sdr(truth, estimate) == pytest.approx(20.0, abs=1e-3)
    assert si_sdr(truth, estimate.gain(-30.0)) == pytest.approx(20.0, abs=1e-3)
    assert si_sdr(truth, orthogonal) < -100.0


def test_leakage_is_heard_only_where_the_truth_is_silent() -> None:
    assert leakage_db(_clip(1.0, 0.0, 0.0005), _clip(1.0, 0.1, 0.1)) == pytest.approx(-20.0, abs=1e-3)
    assert leakage_db(_clip(1.0, 0.0), _clip(1.0, 0.0)) == -math.inf
    assert math.isnan(leakage_db(_clip(1.0), _clip(1.0)))


def test_sum_error() -> None:
    mix = _clip(1.0)
    assert sum_error_db(mix, {"a": _clip(0.5), "b": _clip(0.49)}) == pytest.approx(-40.0, abs=1e-2)
    assert sum_error_db(mix, {"a": _clip(0.5), "b": _clip(0.5)}) == -math.inf
