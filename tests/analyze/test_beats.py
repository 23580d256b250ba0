from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from descant.analyze.beats import BeatOptions, beat_contrast, count_bars, follow_beats
from descant.dsp.beat_agreement import beat_f

FPS = 50.0


def activation(times_s: np.ndarray, duration_s: float, *, height: float = 0.8, noise: float = 0.0) -> np.ndarray:
    rng = np.random.default_rng(0)
    at = np.arange(int(duration_s * FPS) + 1) / FPS
    peaks = height * np.exp(-0.5 * ((at[:, None] - times_s) / 0.015) ** 2).max(axis=1)
    return np.clip(peaks + noise * rng.random(len(at)), 0.0, 1.0)


@settings(max_examples=12)
@given(st.floats(60.0, 190.0), st.floats(0.0, 0.9))
def test_a_steady_pulse_of_any_tempo(bpm: float, offset: float) -> None:
    true = np.arange(offset, 20.0, 60.0 / bpm)
    found = follow_beats(activation(true, 20.0, noise=0.1), FPS)
    assert beat_f(true, found, skip_s=1.0) > 0.95
    assert np.abs(60.0 / np.median(np.diff(found)) - bpm) < 0.02 * bpm


def test_a_free_tempo_is_followed() -> None:
    periods = 0.55 * np.exp(0.22 * np.sin(np.arange(60) / 6.0))
    true = np.cumsum(periods)
    found = follow_beats(activation(true, true[-1] + 0.5, noise=0.15), FPS)
    assert beat_f(true, found, skip_s=0.0) > 0.95


def test_missing_beats_are_filled_in() -> None:
    true = np.arange(0.3, 30.0, 0.5)
    heard = true[np.random.default_rng(1).random(len(true)) < 0.85]
    assert beat_f(true, follow_beats(activation(heard, 30.0), FPS)) > 0.95


def test_times_lie_between_frames() -> None:
    true = np.arange(0.313, 30.0, 0.5087)
    found = follow_beats(activation(true, 30.0), FPS)
    near = true[np.abs(true[:, None] - found).argmin(axis=0)]
    assert np.abs(found - near).mean() < 0.006


@pytest.mark.parametrize("frames", [0, 1, 5, 20])
def test_too_short_for_a_pulse(frames: int) -> None:
    assert len(follow_beats(np.zeros(frames), FPS)) == 0


def test_contrast_tells_a_pulse_from_none() -> None:
    true = np.arange(0.3, 30.0, 0.5)
    pulse = activation(true, 30.0, noise=0.2)
    noise = np.random.default_rng(2).random(1500) * 0.3
    assert beat_contrast(pulse, FPS, follow_beats(pulse, FPS)) > 0.4
    assert beat_contrast(noise, FPS, follow_beats(noise, FPS)) < 0.12
    assert beat_contrast(noise, FPS, np.array([1.0])) == 0.0


@pytest.mark.parametrize("bar", [3, 4])
@pytest.mark.parametrize("first", [0, 1, 2])
def test_bars_are_counted(bar: int, first: int) -> None:
    times = np.arange(0.2, 40.0, 0.5)
    downbeat = activation(times[first::bar], 40.0, height=0.6, noise=0.2)
    grid = count_bars(downbeat, FPS, times)
    assert grid.beats_per_bar == bar
    assert grid.downbeats_s == tuple(times[first::bar].tolist())


def test_a_cut_bar_does_not_shift_the_rest() -> None:
    times = np.arange(0.2, 40.0, 0.5)
    true = np.concatenate([times[:41:4], times[42::4]])
    grid = count_bars(activation(true, 40.0, height=0.7), FPS, times)
    assert grid.downbeats_s == tuple(true.tolist())


def test_no_beats_no_bars() -> None:
    assert count_bars(np.zeros(10), FPS, np.zeros(0)).times_s == ()


def test_options_limit_the_tempo() -> None:
    true = np.arange(0.3, 20.0, 0.25)
    found = follow_beats(activation(true, 20.0), FPS, BeatOptions(highest_bpm=150.0))
    assert 60.0 / np.median(np.diff(found)) == pytest.approx(120.0, rel=0.02)
