"""Frequencies and amplitudes of partials, found in sounds whose partials are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from descant.dsp.partials import amplitudes, long_spectrum, loud_peaks, stretched, tune, unexplained, window_for

RATE = 48_000


def _tone(hz: np.ndarray, levels: np.ndarray, seconds: float = 1.6) -> np.ndarray:
    time = np.arange(round(seconds * RATE)) / RATE
    phases = np.random.default_rng(0).uniform(0, 2 * np.pi, len(hz))
    return np.sum(
        [a * np.cos(2 * np.pi * f * time + p) for f, a, p in zip(hz, levels, phases, strict=True)], axis=0
    ).astype(np.float32)


@settings(max_examples=12, deadline=None)
@given(st.floats(30, 95), st.floats(-30, 30), st.sampled_from([0.0, 1e-4, 6e-4]))
def test_a_stretched_series_is_found(pitch: float, cents: float, stiffness: float) -> None:
    expected = 440 * 2 ** ((pitch - 69) / 12)
    true = stretched(expected * 2 ** (cents / 1200), stiffness, 20)
    tone = _tone(true, 1.0 / np.arange(1, 21))
    found = tune(long_spectrum(tone[np.newaxis], RATE), RATE, expected)
    assert abs(1200 * np.log2(found.hz / (expected * 2 ** (cents / 1200)))) < 2.0
    assert found.stiffness == pytest.approx(stiffness, abs=3e-5 + 0.05 * stiffness)


def test_noise_and_silence_have_no_series() -> None:
    noise = np.random.default_rng(1).normal(size=(1, 48_000)).astype(np.float32)
    for sound in (noise, np.zeros((1, 48_000), np.float32)):
        found = tune(long_spectrum(sound, RATE), RATE, 440.0)
        assert 400 < found.hz < 480
        assert found.found < 8


def test_partials_of_a_bell_are_told_from_the_series() -> None:
    tone = _tone(np.array([500.0, 1000.0, 1380.0, 2690.0]), np.array([1.0, 0.4, 0.5, 0.2]))
    spectrum = long_spectrum(tone[np.newaxis], RATE)
    found = tune(spectrum, RATE, 500.0)
    strange = unexplained(loud_peaks(spectrum, RATE), found)
    assert np.allclose(np.exp2(strange[:, 0]), [2.76, 5.38], rtol=2e-3)
    assert not len(unexplained(loud_peaks(np.zeros_like(spectrum), RATE), found))


def test_amplitudes_over_time_are_those_of_the_sound() -> None:
    hz = np.array([220.0, 440.0, 660.0])
    levels = np.array([0.5, 0.1, 0.02])
    tone = _tone(hz, levels, 0.8)
    decay = np.exp(-3.0 * np.arange(len(tone)) / RATE).astype(np.float32)
    found = np.abs(amplitudes((tone * decay)[np.newaxis], RATE, hz, window=window_for(220.0, RATE), hop=256))[0]
    time = np.arange(len(found)) * 256 / RATE
    wanted = levels * np.exp(-3.0 * time)[:, np.newaxis]
    inside = slice(10, -10)
    assert np.abs(20 * np.log10(found[inside] / wanted[inside])).max() < 0.6
    assert 20 * np.log10(found[0, 0] / 0.5) == pytest.approx(0.0, abs=1.0)  # the first frame is no ramp


def test_windows_tell_neighbours_apart() -> None:
    assert window_for(30.0, RATE) == 6144
    assert window_for(5000.0, RATE) == 1024
    assert window_for(100.0, RATE) % 2 == 0
