"""Resampling: exact lengths, onsets in place, streams equal wholes, spectra kept."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.signal
from hypothesis import given
from hypothesis import strategies as st

from descant.audio.clip import Clip
from descant.audio.resample import Resampler, resample
from descant.errors import InvalidOption

RATES = (8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 48_000, 88_200, 96_000, 192_000)


def _noise(frames: int, rate: int, channels: int = 2) -> Clip:
    samples = np.random.default_rng(frames).uniform(-0.5, 0.5, (channels, frames))
    return Clip(samples.astype(np.float32), rate)


@given(
    frames=st.integers(0, 3_000),
    rates=st.tuples(st.sampled_from(RATES), st.sampled_from(RATES)),
    channels=st.sampled_from([1, 2, 6]),
)
def test_length_is_exact(frames: int, rates: tuple[int, int], channels: int) -> None:
    clip = resample(_noise(frames, rates[0], channels), rates[1])
    assert (clip.frames, clip.sample_rate, clip.channels) == (round(frames * rates[1] / rates[0]), rates[1], channels)


@given(
    frames=st.integers(1, 5_000),
    block=st.integers(1, 1_500),
    rates=st.tuples(st.sampled_from(RATES), st.sampled_from(RATES)),
)
def test_stream_equals_whole_bit_for_bit(frames: int, block: int, rates: tuple[int, int]) -> None:
    clip = _noise(frames, rates[0])
    stream = Resampler(*rates, 2)
    parts = [
        stream.push(Clip(clip.samples[:, start : start + block], rates[0]), last=start + block >= frames)
        for start in range(0, frames, block)
    ]
    joined = np.concatenate([part.samples for part in parts], axis=1)
    np.testing.assert_array_equal(joined, resample(clip, rates[1]).samples)


@pytest.mark.parametrize("between", [48_000, 96_000, 192_000, 22_050])
@pytest.mark.parametrize("at", [5_000, 22_050, 44_098])
def test_there_and_back_keeps_the_onset(between: int, at: int) -> None:
    samples = np.zeros((2, 44_100), np.float32)
    samples[:, at] = 0.9
    back = resample(resample(Clip(samples, 44_100), between), 44_100)
    assert back.frames == 44_100
    assert np.abs(back.samples[1]).argmax() == at


@pytest.mark.parametrize("rate", [22_050, 48_000, 96_000])
def test_tone_keeps_its_level_and_what_would_alias_is_gone(rate: int) -> None:
    time = np.arange(44_100) / 44_100
    kept = resample(Clip(0.5 * np.sin(2 * np.pi * 1_000 * time), 44_100), rate)
    expected = 0.5 * np.sin(2 * np.pi * 1_000 * np.arange(kept.frames) / rate)
    middle = slice(rate // 10, -rate // 10)
    assert np.abs(kept.samples[0] - expected)[middle].max() < 1e-4
    if rate < 44_100:
        gone = resample(Clip(0.5 * np.sin(2 * np.pi * 15_000 * time), 44_100), rate)
        assert np.abs(gone.samples[0])[middle].max() < 1e-4


def test_agrees_with_an_independent_resampler() -> None:
    low = scipy.signal.butter(8, 6_000, fs=44_100, output="sos")
    clip = Clip(scipy.signal.sosfiltfilt(low, _noise(20_000, 44_100).samples), 44_100)
    oracle = scipy.signal.resample_poly(clip.samples.astype(float), 160, 147, axis=1, window=("kaiser", 12.0))
    ours = resample(clip, 48_000).samples
    assert np.abs(ours - oracle[:, : ours.shape[1]])[:, 1_000:-1_000].max() < 2e-3


def test_same_rate_is_the_same_clip() -> None:
    clip = _noise(10, 44_100)
    assert resample(clip, 44_100) is clip


def test_impossible_rates_and_foreign_blocks_are_refused() -> None:
    with pytest.raises(InvalidOption, match="0 Hz is impossible"):
        resample(_noise(10, 44_100), 0)
    with pytest.raises(InvalidOption, match="the stream 44100 Hz"):
        Resampler(44_100, 48_000, 2).push(_noise(10, 22_050))
