from __future__ import annotations

import numpy as np
import pytest

from descant.convert.alone import Aloneness, aloneness

RATE, SECONDS = 16_000, 4
TIMES = np.arange(RATE * SECONDS) / RATE
F0 = np.full(100 * SECONDS, 220.0, np.float32)
VOICED = np.ones(100 * SECONDS, np.bool_)


def tone(f0_hz: float, harmonics: int = 10) -> np.ndarray:
    return sum(np.sin(2 * np.pi * n * f0_hz * TIMES) / n for n in range(1, harmonics + 1)) * 0.2


def measured(sound: np.ndarray) -> Aloneness:
    return aloneness(sound.astype(np.float32), F0, VOICED)


def test_harmonics_of_the_melody_are_a_voice() -> None:
    found = measured(tone(220.0))
    assert found.harmonic > 0.99
    assert found.below < 1e-4
    assert found.is_alone


@pytest.mark.parametrize("gain", [0.3, 1.0, 3.0])
def test_shares_are_those_of_the_energies(gain: float) -> None:
    """A sine a fifth of an octave off the melody, and one below it: their energies are known."""
    off, low = gain * np.sin(2 * np.pi * 330.0 * TIMES), gain * np.sin(2 * np.pi * 82.5 * TIMES)
    melody = np.sin(2 * np.pi * 220.0 * TIMES)
    found = measured(melody + off + low)
    total = 1 + 2 * gain**2
    assert found.harmonic == pytest.approx(1 / total, abs=0.01)
    assert found.below == pytest.approx(gain**2 / total, abs=0.01)


def test_a_chord_over_a_bass_is_no_voice() -> None:
    assert not measured(tone(220.0) + tone(277.2) + tone(329.6) + 0.5 * tone(82.4)).is_alone


def test_noise_at_10_db_does_not_make_a_voice_a_band() -> None:
    voice = tone(220.0)
    noise = np.random.default_rng(0).normal(size=len(voice))
    noise *= np.sqrt(np.mean(voice**2) / np.mean(noise**2)) * 10 ** (-10 / 20)
    assert measured(voice + noise).is_alone


@pytest.mark.parametrize("samples", [0, 1, 100, 2047])
def test_what_is_too_short_to_be_measured(samples: int) -> None:
    frames = -(-samples // 160)
    assert aloneness(np.ones(samples, np.float32), F0[:frames], VOICED[:frames]).is_alone


def test_silence() -> None:
    assert measured(np.zeros(len(TIMES))).is_alone
