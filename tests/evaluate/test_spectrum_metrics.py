"""Spectral distances against torch.stft, by hand, and levels against pyloudnorm."""

from __future__ import annotations

import math

import numpy as np
import pyloudnorm
import pytest
import torch

from descant.audio.clip import Clip
from descant.errors import InvalidAudio
from descant.evaluate.spectrum_metrics import METRICS, RESOLUTIONS, evaluate, multi_resolution_stft, sing_loss

RATE = 16_000


def _noise(seed: int, seconds: float = 4.0, channels: int = 1, level: float = 0.1) -> Clip:
    random = np.random.default_rng(seed)
    return Clip((level * random.standard_normal((channels, round(seconds * RATE)))).astype(np.float32), RATE)


def _power(clip: Clip, size: int, hop: int) -> torch.Tensor:
    samples, window = torch.from_numpy(clip.samples.astype(np.float64)), torch.hann_window(size, dtype=torch.double)
    spectrum = torch.stft(samples, size, hop, window=window, center=False, normalized=False, return_complex=True)
    return spectrum.abs().square()


@pytest.mark.parametrize("channels", [1, 2])
def test_sing_loss_equals_the_released_codes(channels: int) -> None:
    """SpectralLoss of facebookresearch/SING: log(1 + power), FFT 1024, hop 256, not centred, L1."""
    true, found = _noise(0, channels=channels), _noise(1, channels=channels, level=0.05)
    expected = (torch.log(1 + _power(found, 1024, 256)) - torch.log(1 + _power(true, 1024, 256))).abs().mean()
    assert sing_loss(true, found) == pytest.approx(float(expected), rel=1e-9)


def test_a_full_scale_sine_lies_48_db_above_sings_floor() -> None:
    """The sheet's arithmetic: a peak power of (0.5 * sum of the window)^2 = 256^2."""
    sine = Clip(np.sin(2 * np.pi * 1_000.0 * np.arange(RATE) / RATE).astype(np.float32), RATE)
    assert float(_power(sine, 1024, 256).max()) == pytest.approx(256**2, rel=1e-3)
    assert sing_loss(sine, sine) == 0.0
    silence = Clip.silence(RATE, RATE)
    expected = torch.log(1 + _power(sine, 1024, 256)).mean()
    assert sing_loss(sine, silence) == pytest.approx(float(expected), rel=1e-6)


def test_phase_is_free() -> None:
    true = _noise(2)
    assert sing_loss(true, Clip(-true.samples, RATE)) == pytest.approx(0.0, abs=1e-12)
    shifted = Clip(np.roll(true.samples, 256, axis=1), RATE)
    assert sing_loss(true, shifted) < sing_loss(true, _noise(3)) + 0.2


def test_multi_resolution_equals_torch() -> None:
    true, found = _noise(4), _noise(5, level=0.03)
    logs, convergences = [], []
    for size in RESOLUTIONS:
        a, b = (_power(clip, size, size // 4).sqrt().clamp(min=1e-7) for clip in (true, found))
        logs.append(float((a.log() - b.log()).abs().mean()))
        convergences.append(float(torch.linalg.norm(b - a) / torch.linalg.norm(a)))
    assert multi_resolution_stft(true, found) == pytest.approx((np.mean(logs), np.mean(convergences)), rel=1e-6)


def test_half_the_level_by_hand() -> None:
    true = _noise(6)
    distance, convergence = multi_resolution_stft(true, Clip(true.samples / 2, RATE))
    assert distance == pytest.approx(math.log(2), rel=1e-4)
    assert convergence == pytest.approx(0.5, rel=1e-6)


def test_silence_is_never_nan() -> None:
    silence = Clip.silence(4 * RATE, RATE)
    scores = evaluate(silence, silence)
    assert list(scores) == [metric.name for metric in METRICS]
    assert scores == {
        "SING": 0.0, "log STFT": 0.0, "convergence": None, "loudness difference": None, "true peak": -120.0,
    }  # fmt: skip
    short = Clip.silence(100, RATE)
    assert evaluate(short, short)["SING"] == 0.0


def test_levels_equal_pyloudnorm() -> None:
    true, found = _noise(7), _noise(7, level=0.2)
    meter = pyloudnorm.Meter(RATE)
    expected = meter.integrated_loudness(found.samples.T) - meter.integrated_loudness(true.samples.T)
    scores = evaluate(true, found)
    assert scores["loudness difference"] == pytest.approx(expected, abs=0.05)
    assert scores["true peak"] is not None
    assert scores["true peak"] >= 20 * math.log10(found.peak) - 1e-3


def test_what_cannot_be_compared_names_the_field() -> None:
    with pytest.raises(InvalidAudio, match="length differs"):
        evaluate(_noise(0, 1.0), _noise(0, 2.0))
