from __future__ import annotations

import numpy as np
import pytest

from descant.audio.clip import Clip
from descant.audio.stretch import retime, time_stretch
from descant.errors import InvalidOption

RATE = 22_050


def _tone_with_clicks(seconds: float, clicks_s: list[float]) -> Clip:
    t = np.arange(round(seconds * RATE)) / RATE
    x = 0.1 * np.sin(2 * np.pi * 440 * t)
    for click in clicks_s:
        n = round(click * RATE)
        x[n : n + 40] += 0.9 * np.hanning(40)
    return Clip(x.astype(np.float32), RATE)


def _frequency(x: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(x * np.hanning(len(x))))
    return float(spectrum.argmax() * RATE / len(x))


def _click_near(x: np.ndarray, time_s: float, within_s: float = 0.1) -> float:
    low = round((time_s - within_s) * RATE)
    part = np.abs(np.diff(x[low : round((time_s + within_s) * RATE)]))
    return (low + int(part.argmax())) / RATE


@pytest.mark.parametrize("ratio", [0.5, 0.9, 1.0, 1.25, 2.0, 4.0])
def test_stretch_keeps_pitch_and_reaches_the_length_to_the_sample(ratio: float) -> None:
    clip = _tone_with_clicks(2.0, [])
    made = time_stretch(clip, ratio)
    assert made.frames == round(clip.frames * ratio)
    middle = made.samples[0, made.frames // 4 : 3 * made.frames // 4]
    assert _frequency(middle) == pytest.approx(440, abs=3)
    assert np.sqrt(np.mean(middle**2)) == pytest.approx(0.1 / np.sqrt(2), rel=0.1)


@pytest.mark.parametrize(("ratio", "semitones"), [(0.25, 0.0), (1.9, 0.0), (2.0, 0.0), (2.5, 7.0), (4.0, -12.0)])
def test_the_same_stretch_gives_the_same_samples(ratio: float, semitones: float) -> None:
    clip = Clip(0.1 * np.random.default_rng(0).standard_normal(RATE), RATE)
    first, second = (time_stretch(clip, ratio, semitones=semitones) for _ in range(2))
    np.testing.assert_array_equal(first.samples, second.samples)


def test_retimed_clicks_land_where_they_were_sent() -> None:
    sung = [0.5, 1.1, 1.5, 2.2, 2.6]
    wanted = [0.5, 1.0, 1.5, 2.0, 2.5]
    made = retime(_tone_with_clicks(3.2, sung), sung, wanted)
    for time in wanted:
        assert _click_near(made.samples[0], time) == pytest.approx(time, abs=0.02)
    assert _frequency(made.samples[0, RATE // 2 : 2 * RATE]) == pytest.approx(440, abs=4)


def test_identity_map_changes_nothing() -> None:
    clip = _tone_with_clicks(1.5, [0.7])
    made = retime(clip, [0.2, 0.9], [0.2, 0.9])
    np.testing.assert_allclose(made.samples, clip.samples, atol=1e-6)


def test_input_is_left_alone_and_silence_stays_silent() -> None:
    silent = Clip.silence(RATE, RATE, 2)
    made = retime(silent, [0.0, 0.5, 1.0], [0.0, 0.7, 1.1])
    assert made.channels == 2
    assert made.frames == pytest.approx(1.1 * RATE, abs=1)
    assert made.peak == 0.0


@pytest.mark.parametrize(
    ("from_s", "to_s"), [([0.0], [0.0]), ([0.0, 0.0], [0.0, 1.0]), ([0.0, 1.0], [0.0, 9.0]), ([0, 1, 2], [0, 1])]
)
def test_impossible_maps_are_refused(from_s: list[float], to_s: list[float]) -> None:
    with pytest.raises(InvalidOption):
        retime(_tone_with_clicks(2.0, []), from_s, to_s)


def test_impossible_ratio_is_refused() -> None:
    with pytest.raises(InvalidOption, match="beyond"):
        time_stretch(_tone_with_clicks(0.5, []), 8.0)
