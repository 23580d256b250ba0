"""What is noise and what is music."""

from __future__ import annotations

import numpy as np
import pytest

from descant.analyze.tonality import is_noise
from descant.audio.clip import Clip

RATE = 44_100
SECONDS = 6


def hiss(level: float, seed: int = 0) -> np.ndarray:
    return level * np.random.default_rng(seed).standard_normal(SECONDS * RATE)


def pink(level: float) -> np.ndarray:
    spectrum = np.fft.rfft(hiss(1.0))
    shaped = np.fft.irfft(spectrum / np.sqrt(np.maximum(np.arange(len(spectrum)), 1)), SECONDS * RATE)
    return level * shaped / shaped.std()


def chord(level: float) -> np.ndarray:
    at = np.arange(SECONDS * RATE) / RATE
    return level * sum(np.sin(2 * np.pi * hz * at) for hz in (220.0, 277.2, 329.6))


def drums(level: float) -> np.ndarray:
    at = np.arange(SECONDS * RATE) / RATE
    return hiss(level) * np.exp(-25 * (at % 0.5))


@pytest.mark.parametrize("sound", [hiss(0.01), hiss(0.3), pink(0.05)])
def test_hiss_is_noise(sound: np.ndarray) -> None:
    assert is_noise(Clip(sound, RATE))


@pytest.mark.parametrize("sound", [chord(0.1), drums(0.5), chord(0.1) + hiss(0.01), drums(0.5) + hiss(0.01)])
def test_chords_and_drums_are_none(sound: np.ndarray) -> None:
    assert not is_noise(Clip(sound, RATE))


def test_what_is_too_short_to_tell_is_none() -> None:
    assert not is_noise(Clip(hiss(0.1)[:500], RATE))
