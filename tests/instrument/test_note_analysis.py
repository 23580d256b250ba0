"""A note taken apart and put together again is the note; what instruments have in common is found."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from descant.instrument.note_analysis import (
    Heard,
    analyse,
    hear,
    partial_hz,
    series_of,
    straightened,
    vibrato_of,
    wandering,
)
from descant.nets.neural_instrument import Levels, controls_of
from descant.nets.partial_synth import HOP, SAMPLE_RATE, synthesize
from descant.nets.sing import log_spectral_distance

SECONDS = 2.0
TIME = np.arange(round(SECONDS * SAMPLE_RATE)) / SAMPLE_RATE


def _note(hz: float, *, cents: float = 0.0, noise: float = 0.0, width: float = 0.0) -> np.ndarray:
    """Ten harmonics that decay, with a vibrato of 5.5 Hz; noise in the middle; the right channel turned in phase."""
    turns = np.cumsum(hz * 2 ** (cents * np.sin(2 * np.pi * 5.5 * TIME) / 1200)) / SAMPLE_RATE
    rng = np.random.default_rng(0)
    sides = []
    for turn in (0.0, width):
        parts = [0.2 / n * np.exp(-n * TIME / 3) * np.cos(2 * np.pi * n * turns + n + turn) for n in range(1, 11)]
        sides.append(np.sum(parts, axis=0))
    hiss = noise * rng.normal(size=len(TIME))
    return np.stack([side + hiss for side in sides]).astype(np.float32)


def _again(stereo: np.ndarray, pitch: float) -> tuple[np.ndarray, Levels]:
    found = hear(stereo, pitch)
    hz = partial_hz(found, series_of([pitch], [found], 4), 40)
    levels = analyse(stereo, hz)

    def column(values: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(values.astype(np.float32)).unsqueeze(0)

    tables = Levels(*map(column, (levels.partials, levels.pan, levels.width, levels.noise_mid, levels.noise_side)))
    speed = torch.exp2(torch.from_numpy(levels.wander)).unsqueeze(0)
    torch.manual_seed(0)
    made = synthesize(controls_of(tables, torch.from_numpy(hz).unsqueeze(0), speed), torch.rand(1, len(hz)))
    return made[0].numpy(), tables


@pytest.mark.parametrize(("cents", "noise", "width"), [(0, 0, 0), (40, 0, 0), (0, 0.01, 0), (0, 0, 1.2)])
def test_a_note_comes_back(cents: float, noise: float, width: float) -> None:
    stereo = _note(330.0, cents=cents, noise=noise, width=width)
    made, _ = _again(stereo, 64.1)
    length = min(made.shape[1], stereo.shape[1]) // HOP * HOP
    for one, other in ((stereo, made), (stereo[:1] - stereo[1:], made[:1] - made[1:])):
        true, found = (torch.from_numpy(x[:, :length].mean(axis=0, keepdims=True)) for x in (one, other))
        distance = float(log_spectral_distance(true, found))
        silence = float(log_spectral_distance(true, torch.zeros_like(true)))
        assert distance < max(0.12 * silence, 0.002) + (0.3 * silence if noise else 0)
    assert made.std() == pytest.approx(stereo[:, :length].std(), rel=0.05)


def test_noise_is_measured_at_its_level() -> None:
    _, levels = _again(_note(330.0, noise=0.01), 64.0)
    noise = float(levels.noise_mid[:, 20:-20, 20:45].exp().mean())
    assert noise == pytest.approx(0.01, rel=0.3)  # partials take some of it
    assert float(levels.noise_side.max().exp()) < 1e-3


def test_vibrato_is_found_and_straightened() -> None:
    stereo = _note(440.0, cents=30)
    hz = np.arange(1, 11, dtype=np.float32) * 440
    wander = wandering(stereo.mean(axis=0), hz)
    inside = wander[20:-20] * 1200
    assert inside.max() == pytest.approx(30, abs=4)
    assert inside.min() == pytest.approx(-30, abs=4)
    straight = straightened(stereo, wander)
    assert np.abs(wandering(straight.mean(axis=0), hz)[20:-20]).max() * 1200 < 8


def test_the_vibrato_of_most_notes_is_the_instruments() -> None:
    frames = np.arange(620) * HOP / SAMPLE_RATE
    swinging = (25 / 1200 * np.sin(2 * np.pi * 6.0 * frames)).astype(np.float32)
    still = np.zeros_like(swinging)
    rate, depth, _ = vibrato_of([swinging, swinging, still])
    assert rate == pytest.approx(6.0, abs=0.2)
    assert depth * 1200 == pytest.approx(25, rel=0.15)
    assert vibrato_of([swinging, still, still]) == (0.0, 0.0, 0.0)
    assert vibrato_of([]) == (0.0, 0.0, 0.0)


def test_extra_partials_are_those_of_many_notes() -> None:
    def note(ratio: float, *more: float) -> Heard:
        return Heard(440.0, 2e-4, np.array([[np.log2(r), -10.0] for r in (ratio, *more)]))

    found = series_of([60, 62, 64, 66], [note(2.76, 5.4), note(2.77), note(2.75, 7.7), note(3.6)], 3)
    assert found.there.tolist() == [1, 0, 0]
    assert np.exp2(found.place[0]) == pytest.approx(2.76, rel=5e-3)
    assert np.exp(found.stiffness[0]) == pytest.approx(2e-4, rel=1e-3)
    gentle = series_of([60], [Heard(440.0, 0.0, np.zeros((0, 2)))], 3)
    assert gentle.stiffness == (0.0, 0.0)
    assert not gentle.there.any()


def test_silence_is_nothing() -> None:
    silence = np.zeros((2, 48_000), np.float32)
    found = hear(silence, 60.0)
    levels = analyse(silence, partial_hz(found, series_of([60], [found], 2), 20))
    assert float(levels.partials.max()) < np.log(1.1e-4)
    assert float(levels.noise_mid.max()) < np.log(1.1e-5)
    assert np.isfinite(levels.wander).all()
