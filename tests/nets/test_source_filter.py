"""The source-filter voice: exact pulses, filters that do what they say, gradients."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from descant.nets.source_filter import FPS, HOP, SAMPLE_RATE, BandFilter, moved, pulses, upsample


def train_of(f0_hz: float, frames: int = 100) -> np.ndarray:
    return pulses(torch.full((1, frames), f0_hz), torch.ones(1, frames))[0][0].numpy()


@given(st.floats(60.0, 1200.0))
@settings(max_examples=25, deadline=None)
def test_pulses_have_one_power_whatever_the_pitch_and_repeat_at_it(f0_hz: float) -> None:
    train = train_of(f0_hz)
    # All of n harmonics below the Nyquist frequency, n = rate / 2 / f0 rounded down.
    harmonics = math.floor(SAMPLE_RATE / 2 / f0_hz)
    assert float(np.mean(train**2)) == pytest.approx(harmonics * f0_hz / SAMPLE_RATE, rel=0.05)
    spectrum = np.abs(np.fft.rfft(train * np.hanning(len(train))))
    strongest = np.argsort(spectrum)[-5:] * SAMPLE_RATE / len(train)
    off = np.abs(strongest / f0_hz - np.round(strongest / f0_hz)) * f0_hz
    assert off.max() < 2 * SAMPLE_RATE / len(train)


def test_no_alias_and_nothing_between_harmonics() -> None:
    train = train_of(441.0)  # 100 samples a period: bins fall on harmonics
    spectrum = np.abs(np.fft.rfft(train[:44_100] * np.hanning(44_101)[:-1]))
    on = spectrum[441::441].copy()
    for near in range(-3, 4):  # the pitch is 441 Hz to seven digits
        spectrum[441 + near :: 441] = 0.0
    assert np.ptp(20 * np.log10(on[:49])) < 0.1
    assert spectrum.max() < 2e-3 * on[0]


def test_the_phase_goes_on_where_the_last_block_ended() -> None:
    rng = np.random.default_rng(0)
    f0 = torch.from_numpy(200.0 * np.exp(np.cumsum(rng.normal(0, 0.01, 60))).astype(np.float32))[None]
    voiced = torch.ones(1, 60)
    whole, _ = pulses(f0, voiced)
    # The last frame of a block has no next one to glide to: blocks are divided where the pitch stands.
    f0[0, 30] = f0[0, 29]
    whole, end = pulses(f0, voiced)
    first, phase = pulses(f0[:, :30], voiced[:, :30])
    second, last = pulses(f0[:, 30:], voiced[:, 30:], phase)
    torch.testing.assert_close(torch.cat((first, second), dim=1), whole, atol=2e-3, rtol=0)
    torch.testing.assert_close(last, end)


def test_where_nothing_is_voiced_there_are_no_pulses() -> None:
    voiced = torch.tensor([[0.0, 0.0, 1.0, 1.0]])
    train, _ = pulses(torch.full((1, 4), 100.0), voiced)
    assert not train[0, :HOP].any()
    assert train[0, 2 * HOP :].any()


def test_upsampled_frames_lie_where_they_belong() -> None:
    frames = torch.tensor([[0.0, 1.0, 3.0]])
    samples = upsample(frames)
    assert samples.shape == (1, 3 * HOP)
    assert samples[0, ::HOP].tolist() == [0.0, 1.0, 3.0]
    assert float(samples[0, HOP + HOP // 2]) == pytest.approx(2.0, abs=0.01)
    assert samples[0, -1] == 3.0


@pytest.mark.parametrize("least_phase", [True, False])
def test_a_filter_of_gain_one_changes_nothing_and_length_is_kept(least_phase: bool) -> None:
    sound = torch.randn(2, 40 * HOP, generator=torch.Generator().manual_seed(0))
    out = BandFilter(64, least_phase=least_phase)(sound, torch.zeros(2, 40, 64))
    assert out.shape == sound.shape
    torch.testing.assert_close(out, sound, atol=1e-4, rtol=0)


@pytest.mark.parametrize("least_phase", [True, False])
def test_bands_are_heard_at_their_frequencies(least_phase: bool) -> None:
    bands = 64
    gains = torch.full((1, 200, bands), math.log(1e-3))
    gains[..., 20:24] = 0.0
    noise = torch.randn(1, 200 * HOP, generator=torch.Generator().manual_seed(1))
    out = BandFilter(bands, least_phase=least_phase)(noise, gains)[0].numpy()
    power = np.abs(np.fft.rfft(out)) ** 2
    hz = np.fft.rfftfreq(len(out), 1 / SAMPLE_RATE)
    top = math.log1p(SAMPLE_RATE / 2 / 700)
    low, high = (700 * math.expm1((band + 0.5) / bands * top) for band in (19, 24))
    inside = (hz > low) & (hz < high)
    assert power[inside].sum() > 0.95 * power.sum()


def test_least_phase_answers_after_the_click_and_no_phase_on_both_sides() -> None:
    click = torch.zeros(1, 20 * HOP)
    click[0, 10 * HOP] = 1.0
    gains = torch.zeros(1, 20, 32)
    gains[..., 8:12] = 3.0
    causal, centred = (BandFilter(32, least_phase=kind)(click, gains)[0] for kind in (True, False))
    before = slice(0, 10 * HOP - 1)
    assert float(causal[before].square().sum()) < 1e-3 * float(causal.square().sum())
    assert float(centred[before].square().sum()) > 0.1 * float(centred.square().sum())


def test_moved_gains_peak_at_the_moved_frequency() -> None:
    bands, top = 128, math.log1p(SAMPLE_RATE / 2 / 700)
    hz = 700 * np.expm1((np.arange(bands) + 0.5) / bands * top)
    gains = torch.from_numpy(np.exp(-0.5 * ((np.log2(hz / 1000)) / 0.1) ** 2)).float()
    peak = hz[int(moved(gains[None, None], 1.25)[0, 0].argmax())]
    assert abs(math.log2(peak / 1250)) < 0.06
    torch.testing.assert_close(moved(gains[None, None], 1.0)[0, 0], gains, atol=1e-5, rtol=0)


def test_gradients_reach_the_gains() -> None:
    gains = torch.zeros(1, 10, 32, requires_grad=True)
    sound = torch.randn(1, 10 * HOP)
    BandFilter(32, least_phase=True)(sound, gains).square().sum().backward()
    assert gains.grad is not None
    assert torch.isfinite(gains.grad).all()
    assert gains.grad.abs().sum() > 0


def test_rates() -> None:
    assert FPS * HOP == SAMPLE_RATE
