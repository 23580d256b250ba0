"""Perth's nets against golden values of the package resemble-perth 1.0.1, run with the same weights and input."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from descant.hub.checkpoint import load_into
from descant.hub.store import fetch
from descant.nets.perth import PerthDecoder, PerthEncoder, levels_of, samples_of, spectra_of

Net = TypeVar("Net", bound=nn.Module)


def filled(net: Net) -> Net:
    """With weights that need no random numbers."""
    with torch.no_grad():
        for number, (_, tensor) in enumerate(sorted(net.named_parameters())):
            inputs = tensor[0].numel() if tensor.ndim > 1 else 16
            values = np.sin(np.arange(tensor.numel()) * 0.37 + number) * (2.0 / inputs) ** 0.5
            tensor.copy_(torch.from_numpy(values.astype(np.float32)).reshape(tensor.shape))
    return net.eval()


def levels(frames: int) -> Tensor:
    """Three frames in the middle are quiet."""
    bins, time = np.arange(1025)[:, np.newaxis], np.arange(frames)[np.newaxis]
    values = 0.5 + 0.3 * np.sin(0.05 * bins + 0.4 * time) + 0.15 * np.cos(0.013 * bins * time)
    values[:, frames // 2 : frames // 2 + 3] = 0.001
    return torch.from_numpy(values.astype(np.float32))[None]


@pytest.mark.parametrize(("frames", "expected"), [(7, -1.7984471), (41, -1.7895092)])
def test_the_detector_is_the_packages(frames: int, expected: float) -> None:
    with torch.inference_mode():
        assert float(filled(PerthDecoder())(levels(frames))[0]) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(
    ("frames", "expected"), [(7, (-2.4723554, -0.0251637, 2.5227110)), (41, (-2.0027866, 0.2122843, 2.1313369))]
)
def test_the_embedder_is_the_packages(frames: int, expected: tuple[float, ...]) -> None:
    with torch.inference_mode():
        raised = filled(PerthEncoder())(levels(frames))
    assert raised.shape == (1, 128, frames)
    np.testing.assert_allclose(raised[0, [0, 50, 127], 2].numpy(), expected, atol=1e-4)
    assert not raised[0, :, frames // 2].any()  # quiet


def test_levels_are_decibels_from_minus_180_to_15() -> None:
    spectra = torch.tensor([0.0, 1e-9, 1.0, 10.0 ** (15 / 20)], dtype=torch.complex64).reshape(1, 4, 1)
    np.testing.assert_allclose(levels_of(spectra).flatten().numpy(), [0.0, 0.0, 180 / 195, 1.0], atol=1e-6)


def test_nothing_raised_changes_nothing_and_more_is_louder_below_2_khz_alone() -> None:
    rng = np.random.default_rng(1)
    samples = torch.from_numpy(rng.normal(0.0, 0.1, (2, 9_999)).astype(np.float32))
    spectra = spectra_of(samples)
    assert spectra.shape == (2, 1025, 32)
    nothing = torch.zeros(2, 128, 32)
    torch.testing.assert_close(samples_of(spectra, nothing, 9_999), samples, atol=1e-4, rtol=0.0)
    louder = samples_of(spectra, nothing + 6.0 / 195.0, 9_999)
    before, after = (torch.fft.rfft(x[0]).abs().square() for x in (samples, louder))
    edge = round(2_000 / 32_000 * 9_999)
    low, high = (10.0 * torch.log10(after[part].sum() / before[part].sum()) for part in
                 (slice(20, edge - 20), slice(edge + 20, None)))  # fmt: skip
    assert float(low) == pytest.approx(6.0, abs=0.3)
    assert float(high) == pytest.approx(0.0, abs=0.1)


@pytest.mark.slow
def test_the_published_weights_hear_what_the_package_hears() -> None:
    encoder, decoder = PerthEncoder().eval(), PerthDecoder().eval()
    path = fetch("perth-implicit") / "weights.safetensors"
    load_into(encoder, path, prefix="encoder.")
    load_into(decoder, path, prefix="decoder.")
    noise = torch.from_numpy((np.random.default_rng(0).standard_normal(64_000) * 0.05).astype(np.float32))[None]
    with torch.inference_mode():
        spectra = spectra_of(noise)
        copy = samples_of(spectra, encoder(levels_of(spectra)), 64_000)
        scores = [float(decoder(levels_of(spectra_of(x)))[0]) for x in (noise, copy)]
        assert float(decoder(levels(41))[0]) == pytest.approx(0.1954, abs=1e-3)
    assert scores == pytest.approx([-0.0001, 1.0003], abs=1e-3)
    np.testing.assert_allclose(copy[0, 20_000:20_003].numpy(), [0.01544078, 0.05539135, 0.00598217], atol=1e-5)
