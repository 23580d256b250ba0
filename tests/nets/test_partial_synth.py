"""Partials by inverse transforms against sines by arithmetic; noise and stereo as they are asked for."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from descant.nets.partial_synth import HOP, NOISE_BINS, SAMPLE_RATE, Controls, frame_waves, mixed_frame, synthesize

FRAMES = 120


def _controls(
    hz: list[float], amplitudes: list[float], side: complex = 0j, speed: torch.Tensor | None = None
) -> Controls:
    mid = torch.tensor(amplitudes).expand(1, FRAMES, len(hz))
    silence = torch.zeros(1, FRAMES, NOISE_BINS)
    shares = torch.full(mid.shape, side, dtype=torch.complex64)
    return Controls(torch.tensor([hz]), mid, shares, silence, silence, speed)


def _sines(hz: list[float], amplitudes: list[float], phases: list[float], speed: float = 1.0) -> np.ndarray:
    time = np.arange((FRAMES - 1) * HOP) / SAMPLE_RATE
    parts = zip(hz, amplitudes, phases, strict=True)
    return np.sum([a * np.cos(2 * np.pi * (f * speed * time + p)) for f, a, p in parts], axis=0)


@pytest.mark.parametrize("speed", [None, 1.0, 1.5])
def test_sines_are_those_of_arithmetic(speed: float | None) -> None:
    hz, amplitudes, phases = [31.0, 440.3, 3000.0, 9000.7], [0.3, 0.5, 0.05, 0.2], [0.1, 0.25, 0.5, 0.7]
    moving = None if speed is None else torch.full((1, FRAMES), speed)
    made = synthesize(_controls(hz, amplitudes, speed=moving), torch.tensor([phases]))[0].numpy()
    wanted = _sines(hz, amplitudes, phases, speed or 1.0)
    assert made.shape == (2, (FRAMES - 1) * HOP)
    assert np.array_equal(made[0], made[1])
    error = np.sqrt(np.mean((made[0] - wanted) ** 2) / np.mean(wanted**2))
    assert 20 * math.log10(error) < -65


def test_nothing_sounds_above_half_the_rate() -> None:
    made = synthesize(_controls([23_990.0, 24_100.0, 50_000.0], [0.0, 1.0, 1.0]), torch.zeros(1, 3))
    assert float(made.abs().max()) == 0.0


def test_a_vibrato_moves_the_pitch_as_asked() -> None:
    time = torch.arange(FRAMES) * (HOP / SAMPLE_RATE)
    speed = torch.exp2(torch.sin(2 * math.pi * 5.0 * time) * 50 / 1200).unsqueeze(0)
    made = synthesize(_controls([1000.0], [0.5], speed=speed), torch.zeros(1, 1))[0, 0].numpy()
    analytic = np.fft.ifft(np.fft.fft(made) * (np.fft.fftfreq(len(made)) > 0) * 2)
    hz = np.diff(np.unwrap(np.angle(analytic))) * SAMPLE_RATE / (2 * np.pi)
    hz = np.convolve(hz, np.full(HOP, 1 / HOP), mode="same")  # within a frame the pitch stands still
    wanted = 1000 * np.interp(np.arange(len(hz)) / HOP, np.arange(FRAMES), speed[0].numpy())
    inside = slice(2000, -2000)
    assert np.abs(1200 * np.log2(hz[inside] / wanted[inside])).max() < 3.0
    assert np.abs(np.abs(analytic[inside]) - 0.5).max() < 0.02


def test_panorama_and_width() -> None:
    left, right = synthesize(_controls([500.0], [0.4], side=0.5 + 0j), torch.zeros(1, 1))[0].numpy()
    assert left.std() / right.std() == pytest.approx(3.0, rel=1e-3)
    wide = synthesize(_controls([500.0], [0.4], side=1j), torch.zeros(1, 1))[0].numpy()
    middle = synthesize(_controls([500.0], [0.4]), torch.zeros(1, 1))[0].numpy()
    assert np.allclose(wide.mean(axis=0), middle.mean(axis=0), atol=1e-5)  # the mono sum does not change
    assert np.corrcoef(wide)[0, 1] == pytest.approx(0.0, abs=0.02)


def test_noise_has_the_level_and_the_colour_that_are_asked_for() -> None:
    torch.manual_seed(1)
    level = torch.zeros(1, 2000, NOISE_BINS)
    level[..., : NOISE_BINS // 2] = 0.1
    nothing = torch.zeros(1, 2000, 1)
    controls = Controls(torch.tensor([[100.0]]), nothing, nothing.to(torch.complex64), level, torch.zeros_like(level))
    made = synthesize(controls, torch.zeros(1, 1))[0].numpy()
    assert np.array_equal(made[0], made[1])
    assert made.std() == pytest.approx(0.1 * math.sqrt(0.5), rel=0.03)  # half of the spectrum
    power = np.abs(np.fft.rfft(made[0])) ** 2
    hz = np.fft.rfftfreq(made.shape[1], 1 / SAMPLE_RATE)
    assert power[hz > 12_500].sum() < 1e-3 * power.sum()


def test_gradients_reach_what_is_learned() -> None:
    mid = torch.full((1, 8, 2), 0.1, requires_grad=True)
    noise = torch.full((1, 8, NOISE_BINS), 0.01, requires_grad=True)
    shares = torch.zeros(1, 8, 2, dtype=torch.complex64)
    controls = Controls(torch.tensor([[300.0, 600.0]]), mid, shares, noise, noise)
    synthesize(controls, torch.zeros(1, 2)).square().mean().backward()
    for gradient in (mid.grad, noise.grad):
        assert gradient is not None
        assert float(gradient.abs().min()) > 0


def test_a_mixed_frame_is_the_sum_of_frames() -> None:
    generator = torch.Generator().manual_seed(2)
    mid, turns = (torch.rand(2, 1, 3, generator=generator) for _ in range(2))
    side = torch.complex(*(torch.randn(2, 1, 3, generator=generator) for _ in range(2)))
    noises = (torch.rand(2, 1, NOISE_BINS, generator=generator) for _ in range(2))
    hz = torch.tensor([[200.0, 900.0, 5000.0], [310.0, 620.0, 930.0]])
    controls = Controls(hz, mid, side, *noises, torch.tensor([[1.0], [1.1]]))
    noise = torch.randn(2, 2, 1, NOISE_BINS, dtype=torch.complex64, generator=generator)
    wanted = frame_waves(controls, turns, noise).sum(dim=0)[:, 0]
    assert torch.allclose(mixed_frame(controls, turns, noise, 0.0), wanted, atol=1e-4)
