"""The limiter never exceeds its ceiling, and does no more than that."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.signal
from hypothesis import given
from hypothesis import strategies as st

from descant.audio.clip import Clip
from descant.audio.limiter import limit
from descant.audio.loudness import true_peak_db
from descant.audio.oversample import interval_peaks
from descant.errors import InvalidOption


def _oversampled_peak(samples: np.ndarray) -> float:
    """A fourfold oversampling of our own making that shares nothing with the package."""
    padded = np.pad(samples.astype(float), ((0, 0), (64, 64)))
    return float(np.abs(scipy.signal.resample_poly(padded, 4, 1, axis=1, window=("kaiser", 7.0))).max())


@given(
    seed=st.integers(0, 2**31),
    gain_db=st.floats(0, 30),
    ceiling_db=st.floats(-12, 0),
    rate=st.sampled_from([11_025, 44_100, 96_000]),
    kind=st.sampled_from(["noise", "clicks", "music", "square"]),
)
def test_ceiling_holds(seed: int, gain_db: float, ceiling_db: float, rate: int, kind: str) -> None:
    random = np.random.default_rng(seed)
    noise = random.standard_normal((2, 20_000)) * 0.3
    samples = {
        "noise": noise,
        "clicks": np.where(random.random((2, 20_000)) > 0.999, 1.0, 0.0) * noise,
        "music": np.cumsum(noise, axis=1) * 0.02 * (1 + np.sin(np.arange(20_000) / 3_000)),
        "square": np.sign(np.sin(np.arange(20_000) * random.uniform(0.01, 1.5))) * np.ones((2, 1)),
    }[kind]
    clip = Clip(samples.astype(np.float32), rate).gain(gain_db)
    result = limit(clip, ceiling_db)
    assert true_peak_db(result) <= ceiling_db + 1e-9
    assert result.frames == clip.frames


def test_another_oversampler_agrees_on_music() -> None:
    random = np.random.default_rng(0)
    low = scipy.signal.butter(4, 16_000, fs=44_100, output="sos")
    noise = scipy.signal.sosfilt(low, random.standard_normal((2, 40_000)), axis=1)
    result = limit(Clip(noise.astype(np.float32), 44_100), -3.0)
    assert 20 * np.log10(_oversampled_peak(result.samples)) <= -3.0 + 0.05


def test_what_lies_under_the_ceiling_is_not_touched() -> None:
    soft = Clip(np.random.default_rng(0).uniform(-0.2, 0.2, (2, 30_000)).astype(np.float32), 44_100)
    assert limit(soft, -1.0) is soft
    samples = soft.samples.copy()
    samples[:, 15_000] = 3.0
    result = limit(Clip(samples, 44_100), -1.0)
    # Half the look-ahead before the click at the earliest; the recovery from 10.5 dB takes some 140 ms.
    np.testing.assert_array_equal(result.samples[:, : 15_000 - 500], samples[:, : 15_000 - 500])
    np.testing.assert_allclose(result.samples[:, 15_000 + 8_000 :], samples[:, 15_000 + 8_000 :], rtol=1e-6)
    assert np.abs(result.samples[:, 15_000]).max() > 0.8


def test_channels_share_one_gain() -> None:
    samples = np.stack([np.full(20_000, 0.4), 0.1 * np.ones(20_000)])
    samples[0, 9_000:9_100] = 2.0
    result = limit(Clip(samples.astype(np.float32), 44_100), -1.0)
    np.testing.assert_allclose(
        result.samples[1, 8_000:10_000] / 0.1, result.samples[0, 8_000:10_000] / samples[0, 8_000:10_000], rtol=1e-5
    )


def test_gain_has_no_corner() -> None:
    samples = np.full((1, 40_000), 0.5, np.float32)
    samples[0, 20_000] = 4.0
    gain = limit(Clip(samples, 44_100), -1.0).samples[0] / samples[0]
    assert np.abs(np.diff(gain)).max() < 0.02
    assert gain.min() == pytest.approx(10 ** (-1 / 20) / 4.0, rel=0.2)


def test_impossible_times_are_refused() -> None:
    with pytest.raises(InvalidOption):
        limit(Clip.silence(10, 44_100), look_ahead_ms=0)
    with pytest.raises(InvalidOption):
        limit(Clip.silence(10, 44_100), release_ms=-1)


@pytest.mark.parametrize("frames", [0, 1, 2, 47, 4_049, 4_050, 300_000])
def test_interval_peaks_at_any_length(frames: int) -> None:
    samples = np.random.default_rng(frames).uniform(-1, 1, (2, frames)).astype(np.float32)
    peaks = interval_peaks(samples)
    assert peaks.shape == samples.shape
    assert (peaks >= np.abs(samples)).all()
    if frames > 100:
        # Directly, at one interval: the sinc sum that the blocks must agree with.
        at = frames // 2
        reference = _oversampled_peak(samples[:, at - 40 : at + 40])
        assert peaks[:, at - 1 : at + 1].max() <= reference * 1.05
