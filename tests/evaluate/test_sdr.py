"""Separation measures against values computed by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from descant.audio.clip import Clip
from descant.errors import InvalidAudio
from descant.evaluate.sdr import (
    METRICS,
    evaluate,
    leakage_db,
    median_sdr,
    sdr_windows,
    si_sdr,
    sum_error_db,
    validate,
)

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


def test_windows_equal_museval_4() -> None:
    """Golden values of museval 0.4.1: `bss_eval(..., window=2000, hop=2000, bsseval_sources_version=False)`."""
    random = np.random.default_rng(7)
    truth = random.standard_normal((3, 10_000, 2)) * np.array([0.3, 0.1, 0.2])[:, None, None]
    truth[1, 4_000:6_000] = 0
    guess = truth + 0.05 * random.standard_normal(truth.shape) + 0.2 * truth[::-1]
    guess[2, 8_000:] = 0
    names = ("a", "b", "c")
    stems, found = (
        {name: Clip(part.T.astype(np.float32), 2_000) for name, part in zip(names, side, strict=True)}
        for side in (truth, guess)
    )
    windows = sdr_windows(stems, found)
    nan = math.nan
    golden = [
        [13.2048273493, 13.2487444525, nan, 13.2886714255, nan],
        [5.3472844278, 5.4112346854, nan, 5.5985846822, nan],
        [8.3578319379, 8.2600665501, nan, 8.2295301075, nan],
    ]
    np.testing.assert_allclose([windows[name] for name in names], golden, rtol=1e-6)


def test_all_measures_of_silence_are_none_and_of_copies_finite() -> None:
    silence, sound = Clip.silence(3 * RATE, RATE, 2), _clip(0.5, 0.5, 0.5)
    scores = evaluate({"a": silence, "b": sound}, {"a": silence, "b": sound})
    assert scores["a"] == {"SDR": None, "SI-SDR": None, "RMS where silent": -120.0}
    assert scores["b"] == {"SDR": None, "SI-SDR": 120.0, "RMS where silent": None}
    assert list(scores["a"]) == [metric.name for metric in METRICS]


@pytest.mark.parametrize(
    ("estimate", "field"),
    [
        (Clip(_clip(0.5).samples, 2 * RATE), "sample rate differs, 1000 Hz against 2000 Hz"),
        (_clip(0.5).to_mono(), "channel count differs, 2 against 1"),
        (_clip(0.5, 0.5), "length differs, 1000 frames against 2000 frames"),
    ],
)
def test_stems_that_cannot_be_compared_name_the_field(estimate: Clip, field: str) -> None:
    with pytest.raises(InvalidAudio, match=f"vocals: the {field}"):
        validate({"vocals": _clip(0.5)}, {"vocals": estimate})
    with pytest.raises(InvalidAudio, match="'vocals' has no estimate"):
        validate({"vocals": _clip(0.5)}, {"voice": estimate})


def test_a_stem_that_is_only_codec_noise_has_no_ratio() -> None:
    noise = Clip(1e-4 * np.random.default_rng(0).standard_normal((2, 3 * RATE)), RATE)
    song = {"bass": noise, "rest": _clip(0.5, 0.5, 0.5)}
    scores = evaluate(song, {"bass": song["rest"], "rest": song["rest"].gain(-6.0)})
    assert scores["bass"]["SDR"] is None
    assert scores["bass"]["SI-SDR"] is None
    assert scores["bass"]["RMS where silent"] == pytest.approx(20 * math.log10(0.5), abs=1e-3)
    assert scores["rest"]["SDR"] == pytest.approx(6.04, abs=0.01)  # the other stem's windows still count


@pytest.mark.parametrize(("level_db", "has_ratio"), [(-59.0, True), (-61.0, False)])
def test_silence_begins_at_minus_60_db(level_db: float, has_ratio: bool) -> None:
    square = np.where(np.arange(3 * RATE) % 8 < 4, 1.0, -1.0) * 10 ** (level_db / 20)  # its RMS is its height
    song = {"bass": Clip(np.stack([square, square]), RATE), "rest": _clip(0.5, 0.5, 0.5)}
    scores = evaluate(song, {"bass": song["bass"].gain(-1.0), "rest": song["rest"]})
    assert (scores["bass"]["SDR"] is not None) == has_ratio
    assert (scores["bass"]["RMS where silent"] is None) == has_ratio


def test_silence_in_place_of_a_stem_is_the_worst_there_is() -> None:
    truth = Clip(np.random.default_rng(0).standard_normal((2, 4_000)) * 0.1, 8_000)
    assert si_sdr(truth, Clip.silence(4_000, 8_000, 2)) == -math.inf
