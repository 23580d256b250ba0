"""Equaliser: measured responses are the ones asked for."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import scipy.signal

from descant.audio.clip import Clip
from descant.audio.effects import high_pass, high_shelf, low_pass, low_shelf, peak
from descant.errors import InvalidOption

RATE = 48_000


def _response_db(effect: Callable[[Clip], Clip], hz: float) -> float:
    impulse = np.zeros((1, RATE), np.float32)
    impulse[0, 0] = 1.0
    spectrum = np.fft.rfft(effect(Clip(impulse, RATE)).samples[0].astype(float))
    return float(20 * np.log10(np.abs(spectrum[round(hz)]) + 1e-12))


@pytest.mark.parametrize(
    ("effect", "levels"),
    [
        (lambda c: low_shelf(c, 300, 6.0), {20: 6.0, 300: 3.0, 6_000: 0.0}),
        (lambda c: low_shelf(c, 300, -9.0), {20: -9.0, 300: -4.5, 6_000: 0.0}),
        (lambda c: high_shelf(c, 3_000, 4.0), {100: 0.0, 3_000: 2.0, 20_000: 4.0}),
        (lambda c: high_shelf(c, 3_000, -4.0), {100: 0.0, 3_000: -2.0, 20_000: -4.0}),
        (lambda c: peak(c, 1_000, 5.0), {20: 0.0, 1_000: 5.0, 20_000: 0.0}),
        (lambda c: peak(c, 1_000, -5.0, q=4.0), {500: -0.2, 1_000: -5.0, 2_000: -0.2}),
        (lambda c: high_pass(c, 100), {25: -24.1, 100: -3.0, 5_000: 0.0}),
        (lambda c: low_pass(c, 1_000), {50: 0.0, 1_000: -3.0, 4_000: -24.3}),
    ],
)
def test_response(effect: Callable[[Clip], Clip], levels: dict[int, float]) -> None:
    for hz, expected in levels.items():
        assert _response_db(effect, hz) == pytest.approx(expected, abs=0.3), hz


def test_passes_are_butterworth() -> None:
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (2, 5_000)).astype(np.float32)
    for effect, kind in ((low_pass, "low"), (high_pass, "high")):
        oracle = scipy.signal.sosfilt(scipy.signal.butter(2, 700, kind, fs=RATE, output="sos"), noise.astype(float))
        np.testing.assert_allclose(effect(Clip(noise, RATE), 700).samples, oracle, atol=1e-6)


@pytest.mark.parametrize("hz", [0, -5, 24_000, 30_000])
def test_impossible_frequency(hz: float) -> None:
    with pytest.raises(InvalidOption, match="impossible at a sample rate of 48000"):
        low_pass(Clip.silence(10, RATE), hz)


def test_impossible_q() -> None:
    with pytest.raises(InvalidOption, match="Q of 0"):
        peak(Clip.silence(10, RATE), 100, 3, q=0)
