"""The start as a copy: what comes out is what went in, only softer and rougher; the published start passes nothing."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from descant.nets.sing import NoteDecoder, NoteEncoder, SingConfig, pad_note, returned_part
from descant.train.sing_start import start_as_copy

CONFIG = SingConfig(instruments=1, channels=512, hidden=8, layers=1)
_SAMPLES = 62 * 256  # whole frames


def heard(hz: float, level: float, *, is_copy: bool) -> torch.Tensor:
    torch.manual_seed(0)
    encoder, decoder = NoteEncoder(CONFIG), NoteDecoder(CONFIG)
    if is_copy:
        start_as_copy(encoder, decoder, CONFIG, 0)
    tone = level * torch.sin(2 * np.pi * hz * torch.arange(_SAMPLES) / 16_000)
    with torch.no_grad():
        made = decoder(encoder(pad_note(tone[None], CONFIG)))
        silent = decoder(encoder(pad_note(torch.zeros(1, _SAMPLES), CONFIG)))
    assert made.shape == returned_part(pad_note(tone[None], CONFIG), CONFIG).shape
    return (made - silent)[0, 2048:-2048]


@pytest.mark.parametrize("hz", [110.0, 440.0, 1500.0])
def test_a_tone_comes_back_at_its_pitch(hz: float) -> None:
    made = heard(hz, 0.1, is_copy=True)
    spectrum = torch.fft.rfft(made * torch.hann_window(len(made))).abs()
    loudest = int(spectrum[1:].argmax()) + 1
    assert loudest * 16_000 / len(made) == pytest.approx(hz, rel=0.03)
    assert 0.01 < float(made.square().mean().sqrt()) < 0.1


def test_it_follows_the_level_where_the_published_start_hardly_does() -> None:
    soft, loud = (float(heard(440.0, level, is_copy=True).square().mean()) for level in (0.01, 0.1))
    assert loud / soft == pytest.approx(100.0, rel=0.01)
    assert float(heard(440.0, 0.1, is_copy=False).square().mean()) < 1e-4 * loud


def test_a_seed_decides_all_and_small_nets_are_served() -> None:
    small = SingConfig(instruments=1, channels=32, code=64, hidden=8, layers=1)
    nets = []
    for seed in (0, 0, 1):
        encoder, decoder = NoteEncoder(small), NoteDecoder(small)
        start_as_copy(encoder, decoder, small, seed)
        nets.append(torch.cat([p.flatten() for p in (*encoder.parameters(), *decoder.parameters())]))
    assert torch.equal(nets[0], nets[1])
    assert not torch.equal(nets[0], nets[2])
    assert all(torch.isfinite(weights).all() for weights in nets)
