"""The critics can learn what they are for: recordings from renderings, and one voice from another."""

from __future__ import annotations

import torch
from torch import Tensor

from descant.nets.spectrum_critic import CriticConfig, SpectrumCritics

SMALL = CriticConfig(speaker=4, resolutions=2, widths=(4, 8))


def spectrograms(batch: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    rng = torch.Generator().manual_seed(seed)
    return torch.rand(batch, 65, 32, generator=rng), torch.rand(batch, 33, 64, generator=rng)


def test_each_place_of_each_resolution_is_scored() -> None:
    critics = SpectrumCritics(SMALL)
    heard = critics(spectrograms(3), torch.ones(3))
    scores = critics.scores(heard, torch.eye(4)[:3])
    assert [tuple(score.shape) for score in scores] == [(3, 17, 8), (3, 9, 16)]
    assert [tuple(layer.shape[:2]) for layer in heard[0].layers] == [(3, 4), (3, 8)]


def test_nothing_above_the_top_is_shown() -> None:
    critics = SpectrumCritics(SMALL)
    one, other = spectrograms(2), spectrograms(2)
    for shown in other:
        shown[:, int(0.6 * shown.shape[1]) :] += 1.0
    half = torch.full((2,), 0.5)
    for a, b in zip(critics(one, half), critics(other, half), strict=True):
        torch.testing.assert_close(a.plain, b.plain)
    whole = torch.ones(2)
    assert not torch.allclose(critics(one, whole)[0].plain, critics(other, whole)[0].plain)


def test_they_learn_whose_voice_belongs_to_whom() -> None:
    torch.manual_seed(0)
    critics = SpectrumCritics(SMALL)
    high = torch.zeros(2, 65, 32)
    high[0, 40:], high[1, :20] = 1.0, 1.0  # one speaker is bright, the other dark
    shown = (high, high[:, ::2].repeat_interleave(2, dim=2))
    speakers = torch.eye(4)[:2]
    optimiser = torch.optim.Adam(critics.parameters(), 1e-2)
    for _ in range(60):
        heard = critics(shown, torch.ones(2))
        right, wrong = critics.scores(heard, speakers), critics.scores(heard, speakers.roll(1, 0))
        loss = sum((r - 1).square().mean() + w.square().mean() for r, w in zip(right, wrong, strict=True))
        optimiser.zero_grad()
        torch.as_tensor(loss).backward()
        optimiser.step()
    heard = critics(shown, torch.ones(2))
    for right, wrong in zip(critics.scores(heard, speakers), critics.scores(heard, speakers.roll(1, 0)), strict=True):
        assert (right.mean(dim=(1, 2)) > wrong.mean(dim=(1, 2)) + 0.3).all()
