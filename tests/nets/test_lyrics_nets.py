"""The two published lyrics nets: sizes, lengths, and what a frame depends on."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from descant.nets.lyrics_contrastive import (
    FRAMES_PER_S,
    ContrastiveConfig,
    LyricsContrastive,
    contexts_of,
    similarity,
)
from descant.nets.lyrics_ctc import (
    INPUT_SAMPLES,
    MARGIN_SAMPLES,
    OUTPUT_SAMPLES,
    LyricsWaveUNet,
    ResidualCtc,
    ResidualCtcConfig,
    WaveUNetConfig,
)

SMALL = ContrastiveConfig(width=8, blocks=2, halvings=2)


def count(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


def test_the_contrastive_net_has_the_published_size() -> None:
    net = LyricsContrastive()
    # by hand: 19 convolutions of 64 to 64 and one of 1 to 64, 20 norms, the collapse in two groups, the text encoder
    convolutions = 19 * (64 * 64 * 9 + 64) + (64 * 9 + 64)
    norms = 19 * 128 + 2
    collapse = 64 * 32 * 257 + 64
    text = 28 * 64 + 3 * 64 * 64 + 64
    assert count(net) == convolutions + norms + collapse + text
    assert f"{count(net) / 1e6:.1f}" == "1.2"
    assert count(net) * 4 / 2**20 == pytest.approx(4.8, abs=0.1)  # published: 4.8 MB
    assert pytest.approx(43.07, abs=0.01) == FRAMES_PER_S


def test_an_embedding_hears_930_ms() -> None:
    net = LyricsContrastive(ContrastiveConfig(width=8, halvings=4))
    for block in net.audio.blocks:
        assert isinstance(block, nn.Module)
        for name in ("first_norm", "second_norm"):
            setattr(block, name, nn.Identity())
    spectra = torch.rand(1, 257, 61, requires_grad=True)
    net.audio(spectra)[0, 30].sum().backward()
    assert spectra.grad is not None
    reached = torch.nonzero(spectra.grad.abs().sum((0, 1))).flatten()
    assert (int(reached.min()), int(reached.max())) == (30 - net.reach, 30 + net.reach)
    assert 2 * net.reach / FRAMES_PER_S == pytest.approx(0.930, abs=0.002)


@pytest.mark.parametrize(("context", "languages"), [(0, 0), (1, 0), (1, 3)])
def test_embeddings_have_length_one_and_text_its_options(context: int, languages: int) -> None:
    config = ContrastiveConfig(width=8, blocks=2, halvings=2, context=context, languages=languages)
    net = LyricsContrastive(config)
    contexts = contexts_of(torch.tensor([1, 2, 1, 2, 3]), context, config.space)
    assert contexts.shape == (5, 2 * context + 1)
    told = torch.zeros(5, dtype=torch.int64) if languages else None
    read = net.read(contexts, told)
    heard = net.hear(torch.rand(2, 257, 9))
    assert heard.shape == (2, 9, 64)
    for vectors in (read, heard):
        torch.testing.assert_close(vectors.norm(dim=-1), torch.ones(vectors.shape[:-1]))
    # the same symbol is the same alone, and another between other neighbours
    assert torch.equal(read[0], read[2]) == (context == 0)
    if languages:
        assert not torch.equal(read, net.read(contexts, torch.ones(5, dtype=torch.int64)))
    scores = similarity(heard[0], read).detach()
    assert scores.shape == (9, 5)
    assert 0.0 <= float(scores.min()) <= float(scores.max()) <= 1.0


def test_contexts_have_space_around_a_text() -> None:
    assert contexts_of(torch.tensor([4, 5]), 1, 27).tolist() == [[27, 4, 5], [4, 5, 27]]


def test_the_wave_u_net_has_the_published_lengths() -> None:
    config = WaveUNetConfig()
    assert (INPUT_SAMPLES, OUTPUT_SAMPLES, MARGIN_SAMPLES) == (352_243, 225_501, 63_371)
    assert config.step == 1024
    assert config.frames(INPUT_SAMPLES) == 221 == -(-OUTPUT_SAMPLES // config.step)
    assert config.frames(INPUT_SAMPLES - 1) == 217  # no sample is wasted
    assert pytest.approx(15.97, abs=0.01) == INPUT_SAMPLES / 22_050
    assert pytest.approx(10.23, abs=0.01) == OUTPUT_SAMPLES / 22_050


def test_the_wave_u_net_gives_as_many_frames_as_it_says() -> None:
    net = LyricsWaveUNet(WaveUNetConfig(growth=1)).eval()
    assert len(net.down) == 12
    assert len(net.up) == 2
    with torch.no_grad():
        told = net(torch.randn(1, INPUT_SAMPLES))
        assert told.shape == (1, 221, 29)
        torch.testing.assert_close(told.exp().sum(-1), torch.ones(1, 221))
        # a window one step later tells the same, one frame earlier
        sound = torch.randn(1, INPUT_SAMPLES + 4096)
        first, later = net(sound[:, :INPUT_SAMPLES]), net(sound[:, 4096:])
        torch.testing.assert_close(first[:, 4:], later[:, :-4], rtol=1e-4, atol=1e-5)


def test_every_level_is_of_use() -> None:
    net = LyricsWaveUNet(WaveUNetConfig(growth=2))
    net(torch.randn(1, INPUT_SAMPLES))[0, 100, 3].backward()
    for name, parameter in net.named_parameters():
        assert parameter.grad is not None, name
        assert float(parameter.grad.abs().sum()) > 0, name


def test_the_residual_ctc_net_tells_every_frame() -> None:
    net = ResidualCtc(ResidualCtcConfig(width=8, blocks=2, halvings=2))
    told: Tensor = net(torch.from_numpy(np.random.default_rng(0).random((2, 257, 11), np.float32)))
    assert told.shape == (2, 11, 29)
    torch.testing.assert_close(told.exp().sum(-1), torch.ones(2, 11))
    assert net.reach == 4
