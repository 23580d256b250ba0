"""Rainbowgrams: the transform against librosa's, and what the colours mean."""

from __future__ import annotations

import librosa
import numpy as np
import pytest

from descant.dsp.rainbowgram import RainbowOptions, constant_q, rainbowgram
from descant.errors import InvalidAudio, InvalidOption

PUBLISHED = RainbowOptions()


def _sine(hz: float, rate: int = 16_000, seconds: float = 4.0) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def _spread(turns: np.ndarray) -> float:
    """How far angles in half turns are from being one: 0 for all the same, 1 for any."""
    return 1.0 - abs(np.exp(1j * np.pi * turns.astype(float)).mean())


def test_the_published_picture_has_240_bins_from_c2_every_256_samples() -> None:
    picture = rainbowgram(_sine(440.0), 16_000)
    assert picture.magnitude.shape == picture.deviation.shape == (240, 251)
    assert picture.hz[[0, 40, 239]] == pytest.approx([65.406, 130.813, 4114.1], abs=0.05)
    assert picture.times_s[100] == pytest.approx(1.6)
    assert PUBLISHED.octaves * PUBLISHED.per_octave == 240


def test_the_transform_is_librosas() -> None:
    time_s = np.arange(64_000) / 16_000
    noise = np.random.default_rng(0).standard_normal(64_000)
    mono = (_sine(440.0) * np.exp(-time_s) + 0.2 * _sine(3000.0) + 0.01 * noise).astype(np.float32)
    ratio = 2.0 ** (1 / 20)
    width = (ratio - 1) / (ratio + 1) / 0.8
    hz = PUBLISHED.bins_hz
    found = constant_q(mono, 16_000, hz, hop=256, width=width)
    oracle = librosa.cqt(
        mono, sr=16_000, hop_length=256, fmin=hz[0], n_bins=240, bins_per_octave=40, filter_scale=0.8, scale=False
    )
    oracle = 2.0 * oracle / (16_000 / (width * hz))[:, np.newaxis]  # librosa sums, a sine of amplitude 1 is 1 here
    loud = np.abs(oracle) > 0.02
    assert loud.sum() > 1000
    ratios = found[loud] / oracle[loud]
    assert np.abs(20 * np.log10(np.abs(ratios))).max() < 0.5
    assert np.abs(np.angle(ratios)).max() < 0.05


@pytest.mark.parametrize(("rate", "hop"), [(16_000, 256), (48_000, 768)])
def test_a_sine_on_a_bin_reads_its_amplitude_and_phase(rate: int, hop: int) -> None:
    hz = np.array([220.0, 440.0, 880.0])
    found = constant_q(_sine(440.0, rate), rate, hz, hop=hop, width=0.02)
    assert abs(found[1, 120]) == pytest.approx(0.5, abs=1e-6)
    assert abs(found[0, 120]) < 1e-4
    true_angle = 2 * np.pi * 440.0 * 120 * hop / rate - np.pi / 2
    assert np.exp(1j * np.angle(found[1, 120])) == pytest.approx(np.exp(1j * true_angle), abs=1e-5)


@pytest.mark.parametrize("hz", [110.0, 261.63, 1000.0, 2637.0])
@pytest.mark.parametrize("rate", [16_000, 48_000])
def test_a_steady_partial_has_one_colour_in_all_its_bins(hz: float, rate: int) -> None:
    picture = rainbowgram(_sine(hz, rate), rate)
    inside = picture.deviation[:, 60:190]
    bright = picture.magnitude[:, 60:190] > 0.5
    assert bright.any()
    assert _spread(inside[bright]) < 1e-3
    expected = 2.0 * (hz / 62.5 - round(hz / 62.5))
    assert abs(np.exp(1j * np.pi * inside[bright].mean()) - np.exp(1j * np.pi * expected)) < 0.02


def test_demodulated_what_is_in_tune_has_the_middle_colour_and_what_is_sharp_more() -> None:
    options = RainbowOptions(demodulated=True)
    row = int(np.argmin(np.abs(options.bins_hz - 440.0)))
    assert rainbowgram(_sine(440.0), 16_000, options).deviation[row, 60:190] == pytest.approx(0.0, abs=1e-3)
    sharp = rainbowgram(_sine(443.0), 16_000, options).deviation[row, 60:190]
    assert sharp == pytest.approx(2.0 * 3.0 / 62.5, abs=2e-3)


def test_vibrato_makes_waves_and_noise_speckles() -> None:
    time_s = np.arange(64_000) / 16_000
    vibrato = 0.5 * np.sin(2 * np.pi * 880 * time_s + (30.0 / 5.5) * np.sin(2 * np.pi * 5.5 * time_s))
    picture = rainbowgram(vibrato.astype(np.float32), 16_000)
    row = int(picture.magnitude[:, 60:190].mean(axis=1).argmax())
    turns = np.unwrap(np.pi * picture.deviation[row, 60:190]) / np.pi
    spectrum = np.abs(np.fft.rfft((turns - turns.mean()) * np.hanning(130), 1300))
    assert np.argmax(spectrum) * 62.5 / 1300 == pytest.approx(5.5, abs=0.3)
    noise = rainbowgram(0.1 * np.random.default_rng(0).standard_normal(64_000).astype(np.float32), 16_000)
    assert _spread(noise.deviation[200, 60:190]) > 0.5


def test_levels_run_from_the_floor_to_the_loudest_point() -> None:
    two = rainbowgram(_sine(440.0) + np.float32(10 ** (-35 / 20)) * _sine(1760.0), 16_000)
    rows = [int(np.argmin(np.abs(two.hz - hz))) for hz in (440.0, 1760.0, 3500.0)]
    assert two.magnitude[rows, 120] == pytest.approx([1.0, 0.5, 0.0], abs=0.02)
    silent = rainbowgram(np.zeros(64_000, np.float32), 16_000)
    assert not silent.magnitude.any()
    assert np.isfinite(silent.deviation).all()


def test_what_cannot_be_pictured_is_said() -> None:
    with pytest.raises(InvalidAudio):
        rainbowgram(np.zeros(0, np.float32), 16_000)
    with pytest.raises(InvalidOption, match="beyond half of 16000"):
        rainbowgram(_sine(440.0), 16_000, RainbowOptions(octaves=8))
    with pytest.raises(InvalidOption, match="44100"):
        rainbowgram(_sine(440.0, 44_100), 44_100)
    with pytest.raises(InvalidOption):
        RainbowOptions(octaves=0)
    assert rainbowgram(np.ones(1, np.float32), 16_000).magnitude.shape == (240, 1)
