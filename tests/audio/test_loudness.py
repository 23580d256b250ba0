"""Loudness against the published values, pyloudnorm, and the EBU's test signals."""

from __future__ import annotations

import math

import numpy as np
import pyloudnorm
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from descant.audio.clip import Clip
from descant.audio.loudness import (
    LoudnessMeter,
    integrated_lufs,
    k_weighting,
    loudness_range_lu,
    momentary_lufs,
    short_term_lufs,
    true_peak_db,
)
from descant.errors import InvalidOption

RATES = (8_000, 11_025, 22_050, 32_000, 44_100, 48_000, 96_000, 192_000)


def _sine(hz: float, seconds: float, rate: int = 48_000, level_db: float = 0.0, phase: float = 0.0) -> np.ndarray:
    time = np.arange(round(seconds * rate)) / rate
    return 10 ** (level_db / 20) * np.sin(2 * np.pi * hz * time + phase)


def _stereo(mono: np.ndarray, rate: int = 48_000) -> Clip:
    return Clip(np.stack([mono, mono]), rate)


def _program(seed: int, rate: int, seconds: int = 8) -> np.ndarray:
    """Noise whose level changes by up to 40 dB from second to second, so that both gates work."""
    random = np.random.default_rng(seed)
    levels = 10 ** (random.uniform(-50, -10, seconds) / 20)
    return random.standard_normal((2, seconds * rate)) * np.repeat(levels, rate) * 0.5


def test_filters_at_48_khz_are_the_published_ones() -> None:
    shelf, high_pass = k_weighting(48_000)
    expected = (1.53512485958697, -2.69169618940638, 1.19839281085285, 1, -1.69065929318241, 0.73248077421585)
    np.testing.assert_allclose(shelf, expected, atol=1e-12)
    np.testing.assert_allclose(high_pass, (1, -2, 1, 1, -1.99004745483398, 0.99007225036621), atol=1e-12)


@pytest.mark.parametrize("rate", RATES)
def test_full_scale_sine_reads_as_the_standard_says(rate: int) -> None:
    sine = _sine(997, 3, rate)
    tolerance = 0.005 if rate == 48_000 else 0.05
    assert integrated_lufs(Clip(sine, rate)) == pytest.approx(-3.01, abs=tolerance)
    assert integrated_lufs(_stereo(sine, rate)) == pytest.approx(0.0, abs=tolerance)
    one_channel = Clip(np.stack([0.1 * sine, np.zeros_like(sine)]), rate)
    assert integrated_lufs(one_channel) == pytest.approx(-23.01, abs=tolerance)


@pytest.mark.parametrize("rate", [22_050, 44_100, 48_000, 96_000])
@settings(max_examples=6)
@given(seed=st.integers(0, 2**31))
def test_integrated_loudness_equals_pyloudnorm(rate: int, seed: int) -> None:
    samples = _program(seed, rate, 4).astype(np.float32)
    oracle = pyloudnorm.Meter(rate, filter_class="DeMan")  # its other class rounds the filters' parameters
    assert integrated_lufs(Clip(samples, rate)) == pytest.approx(
        oracle.integrated_loudness(samples.T.astype(float)), abs=0.01
    )


def test_surround_channels_weigh_more_and_the_low_frequency_channel_nothing() -> None:
    sine = _sine(997, 2)
    for channel, gain in enumerate((1, 1, 1, 0, 1.41, 1.41)):
        samples = np.zeros((6, len(sine)))
        samples[channel] = sine
        expected = -3.01 + 10 * math.log10(gain) if gain else -math.inf
        assert integrated_lufs(Clip(samples, 48_000)) == pytest.approx(expected, abs=0.01)
    five = np.random.default_rng(0).uniform(-0.1, 0.1, (5, 96_000))
    oracle = pyloudnorm.Meter(48_000, filter_class="DeMan").integrated_loudness(five.T)
    assert integrated_lufs(Clip(five, 48_000)) == pytest.approx(oracle, abs=0.01)


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        (((-36, 10), (-23, 60), (-36, 10)), -23.0),  # EBU Tech 3341, case 3
        (((-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)), -23.0),  # case 4
        (((-26, 20), (-20, 20.1), (-26, 20)), -23.0),  # case 5
    ],
)
def test_gates_of_ebu_3341(levels: tuple[tuple[float, float], ...], expected: float) -> None:
    program = np.concatenate([_sine(1_000, seconds, level_db=level) for level, seconds in levels])
    assert integrated_lufs(_stereo(program)) == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize(
    ("levels", "expected"),
    [((-20, -30), 10), ((-20, -15), 5), ((-40, -20), 20), ((-50, -35, -20, -35, -50), 15)],
)
def test_range_of_ebu_3342(levels: tuple[float, ...], expected: float) -> None:
    program = np.concatenate([_sine(1_000, 20, level_db=level) for level in levels])
    assert loudness_range_lu(_stereo(program)) == pytest.approx(expected, abs=1.0)


def test_momentary_and_short_term_of_ebu_3341() -> None:
    program = np.concatenate([_sine(1_000, 1.34, level_db=-20), _sine(1_000, 1.66, level_db=-30)] * 5)
    _, short = short_term_lufs(_stereo(program))  # case 9
    assert np.ptp(short) < 0.2
    assert short.mean() == pytest.approx(-23.0, abs=0.1)
    times, momentary = momentary_lufs(_stereo(np.concatenate([np.zeros(48_000), _sine(1_000, 2, level_db=-23)])))
    assert momentary.max() == pytest.approx(-23.0, abs=0.1)
    assert momentary[times < 0.8].max() == -math.inf
    np.testing.assert_allclose(np.diff(times), 0.1)
    assert times[0] == pytest.approx(0.2)


@pytest.mark.parametrize(
    ("divisor", "degrees", "level"),
    [(4, 0, 0.5), (4, 45, 0.5), (6, 60, 0.5), (8, 67.5, 0.5), (4, 45, 1.41)],  # EBU Tech 3341, cases 15 to 19
)
@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_true_peak_of_ebu_3341(divisor: int, degrees: float, level: float, rate: int) -> None:
    sine = _sine(rate / divisor, 1, rate, phase=math.radians(degrees)) * level
    fade = np.minimum(1, np.arange(len(sine)) / 1_000)
    measured = true_peak_db(_stereo(sine * fade * fade[::-1], rate))
    assert 20 * math.log10(level) - 0.4 <= measured <= 20 * math.log10(level) + 0.2


def test_true_peak_is_never_below_the_samples() -> None:
    noise = np.random.default_rng(3).uniform(-1, 1, (2, 30_000))
    assert true_peak_db(Clip(noise, 44_100)) >= 20 * math.log10(np.abs(noise).max()) - 1e-5


@settings(max_examples=15)
@given(
    frames=st.integers(1, 60_000),
    blocks=st.integers(1, 60),
    seed=st.integers(0, 1_000),
    rate=st.sampled_from([11_025, 44_100]),
)
def test_meter_gives_the_same_in_blocks_as_at_once(frames: int, blocks: int, seed: int, rate: int) -> None:
    clip = Clip(_program(seed, rate, 6).astype(np.float32)[:, :frames], rate)
    block = -(-frames // blocks)
    meter = LoudnessMeter(rate, 2)
    for start in range(0, clip.frames, block):
        meter.push(Clip(clip.samples[:, start : start + block], rate))
    assert meter.integrated_lufs() == pytest.approx(integrated_lufs(clip), abs=1e-9)
    assert meter.true_peak_db() == pytest.approx(true_peak_db(clip), abs=1e-5)
    assert meter.loudness_range_lu() == pytest.approx(loudness_range_lu(clip), abs=1e-9)
    np.testing.assert_allclose(meter.momentary_lufs()[1], momentary_lufs(clip)[1], atol=1e-9)


def test_meter_needs_no_memory_for_what_has_passed() -> None:
    meter = LoudnessMeter(44_100, 2)
    block = Clip(_program(0, 44_100, 1).astype(np.float32), 44_100)
    for _ in range(30):
        meter.push(block)
    assert meter._held.nbytes < 1_000
    assert len(meter._energies) == 300


@pytest.mark.parametrize("frames", [0, 1, 100, 48_000 * 4])
def test_silence_has_no_loudness(frames: int) -> None:
    silence = Clip.silence(frames, 48_000, 2)
    assert integrated_lufs(silence) == -math.inf
    assert true_peak_db(silence) == -math.inf
    assert loudness_range_lu(silence) == 0.0
    assert (momentary_lufs(silence)[1] == -math.inf).all()


def test_clip_shorter_than_a_window_is_one_window() -> None:
    assert integrated_lufs(Clip(_sine(997, 0.2), 48_000)) == pytest.approx(-3.01, abs=0.1)
    assert len(momentary_lufs(Clip(_sine(997, 0.2), 48_000))[0]) == 1


def test_meter_refuses_other_shapes() -> None:
    with pytest.raises(InvalidOption, match="2 channels at 44100 Hz"):
        LoudnessMeter(44_100, 2).push(Clip.silence(10, 48_000, 2))


def test_a_meter_made_without_true_peak_says_so() -> None:
    with pytest.raises(InvalidOption, match="true peak"):
        LoudnessMeter(44_100, 2, with_true_peak=False).true_peak_db()
