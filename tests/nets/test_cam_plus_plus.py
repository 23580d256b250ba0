"""CAM++: its input against Kaldi's definition worked out frame by frame, its size, and voices told apart."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from descant.audio.clip import Clip
from descant.evaluate.second_speaker import embed
from descant.nets.cam_plus_plus import CamPlusPlus, fbank
from descant.train.hums import babble


def kaldi_frame(frame: np.ndarray) -> np.ndarray:
    """80 log energies of 400 samples, straight from the definitions of Kaldi's feature-window and mel-computations."""
    frame = frame - frame.mean()
    emphasised = frame.copy()
    emphasised[1:] -= 0.97 * frame[:-1]
    emphasised[0] -= 0.97 * frame[0]
    window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 399)) ** 0.85
    power = np.abs(np.fft.rfft(emphasised * window, 512)) ** 2

    def mel(hz: float) -> float:
        return float(1127.0 * np.log(1.0 + hz / 700.0))

    low, high = mel(20.0), mel(8000.0)
    step = (high - low) / 81
    energies = np.zeros(80)
    for band in range(80):
        left, centre, right = low + band * step, low + (band + 1) * step, low + (band + 2) * step
        for index in range(256):
            at = mel(index * 16_000 / 512)
            if left < at < right:
                weight = (at - left) / (centre - left) if at <= centre else (right - at) / (right - centre)
                energies[band] += weight * power[index]
    return np.log(np.maximum(energies, 1.1920929e-07))


def test_filter_banks_are_kaldis() -> None:
    sound = np.random.default_rng(0).standard_normal(400 + 3 * 160) * 0.1
    expected = np.stack([kaldi_frame(sound[start : start + 400]) for start in range(0, 481, 160)], axis=1)
    expected -= expected.mean(axis=1, keepdims=True)
    found = fbank(torch.from_numpy(sound.astype(np.float32))[None])[0].numpy()
    assert found.shape == (80, 4)
    np.testing.assert_allclose(found, expected, atol=2e-3)


def test_it_is_as_large_as_published_and_takes_any_length() -> None:
    net = CamPlusPlus().eval()
    assert abs(sum(p.numel() for p in net.parameters()) / 1e6 - 6.9) < 0.1
    with torch.inference_mode():
        for frames in (40, 199, 301):
            assert net(torch.randn(2, 80, frames)).shape == (2, 192)


@pytest.mark.slow
def test_one_voice_is_nearer_to_itself() -> None:
    def voice(number: int, seed: int) -> Clip:
        rng = np.random.default_rng([number, seed])
        return babble(rng, (120.0, 210.0)[number], (0.9, 1.25)[number], 5.0)

    rows = {(n, s): embed(voice(n, s)) for n in range(2) for s in range(2)}
    for n in range(2):
        assert rows[n, 0] @ rows[n, 1] > rows[n, 0] @ rows[1 - n, 1] + 0.1
