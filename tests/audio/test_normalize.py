"""Bringing clips to a loudness, and what is said about it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from descant.audio.clip import Clip
from descant.audio.loudness import integrated_lufs, true_peak_db
from descant.audio.normalize import normalize, normalize_loudness
from descant.errors import Cancelled
from descant.progress import CancelToken


def _program(seed: int, rate: int, seconds: int = 8) -> np.ndarray:
    """Noise whose level changes by up to 40 dB from second to second, so that both gates work."""
    random = np.random.default_rng(seed)
    levels = 10 ** (random.uniform(-50, -10, seconds) / 20)
    return random.standard_normal((2, seconds * rate)) * np.repeat(levels, rate) * 0.5


@pytest.mark.parametrize("target", [-30.0, -23.0, -14.0, -11.0])
@pytest.mark.parametrize("rate", [22_050, 44_100, 96_000])
def test_normalised_loudness_is_met_under_the_ceiling(target: float, rate: int) -> None:
    clip = Clip(_program(7, rate).astype(np.float32), rate)
    result = normalize_loudness(clip, target, true_peak_db=-1.0)
    assert integrated_lufs(result) == pytest.approx(target, abs=0.1)
    assert true_peak_db(result) <= -1.0
    assert result.frames == clip.frames


def test_normalising_without_ceiling_is_one_gain() -> None:
    clip = Clip(_program(1, 44_100).astype(np.float32), 44_100)
    result = normalize_loudness(clip, -5.0, None)
    assert integrated_lufs(result) == pytest.approx(-5.0, abs=0.001)
    ratio = result.samples[clip.samples != 0] / clip.samples[clip.samples != 0]
    assert np.ptp(ratio) < 1e-4


def test_click_in_silence_stays_under_the_ceiling_even_if_the_loudness_is_out_of_reach() -> None:
    samples = np.zeros((1, 96_000))
    samples[0, 50_000] = 0.1
    result = normalize_loudness(Clip(samples, 48_000), -10.0)
    assert true_peak_db(result) <= -1.0
    assert integrated_lufs(result) < -20


@pytest.mark.parametrize("lufs", [-40.0, -14.0, -9.0])
@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_what_is_said_is_what_a_meter_finds(lufs: float, rate: int) -> None:
    clip = Clip(_program(3, rate).astype(np.float32), rate)
    done = normalize(clip, lufs, -1.0)
    assert done.lufs == pytest.approx(integrated_lufs(done.clip), abs=0.005)
    assert done.true_peak_db == pytest.approx(true_peak_db(done.clip), abs=1e-4)
    loud = np.abs(clip.samples) > 0.05 * clip.peak
    ratio_db = 20 * np.log10(np.abs(done.clip.samples[loud]) / np.abs(clip.samples[loud]))
    assert done.gain_db == pytest.approx(ratio_db.max(), abs=0.01)
    assert done.reduction_db == pytest.approx(ratio_db.max() - ratio_db.min(), abs=0.05)
    assert (done.reduction_db > 0) == (true_peak_db(clip) + done.gain_db > -1.0)


@pytest.mark.parametrize("frames", [0, 1, 100, 48_000 * 4])
def test_silence_stays_as_it_is(frames: int) -> None:
    silence = Clip.silence(frames, 48_000, 2)
    done = normalize(silence, -14.0, -1.0)
    assert done.clip is silence
    assert (done.gain_db, done.reduction_db) == (0.0, 0.0)
    assert done.lufs == done.true_peak_db == -math.inf
    assert normalize_loudness(silence, -14.0, None) is silence


def test_what_is_too_soft_to_be_measured_keeps_its_level() -> None:
    soft = Clip(np.full((1, 48_000), 1e-6), 48_000)
    assert normalize(soft, -14.0, -1.0).clip is soft


def test_cancelled_work_stops() -> None:
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        normalize(Clip(_program(0, 44_100).astype(np.float32), 44_100), -14.0, -1.0, cancel=token)
