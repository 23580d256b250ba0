"""SING against the published figures, and its parts against plain formulas."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from descant.nets.sing import (
    NoteDecoder,
    NoteEncoder,
    SequenceGenerator,
    Sing,
    SingConfig,
    log_spectral_distance,
    pad_note,
    returned_part,
    symbols_of,
)

SMALL = SingConfig(instruments=3, hidden=8, layers=2, code=6, channels=10, rewrites=1)


def count(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def test_it_has_as_many_parameters_as_published() -> None:
    with torch.device("meta"):
        whole, encoder = Sing(SingConfig()), NoteEncoder(SingConfig())
    assert count(whole.generator.lstm) == 21_118_976
    assert count(whole.generator.linear) == 131_200
    assert count(whole.decoder) == 42_479_617
    assert count(encoder) == 38_285_440
    assert count(whole) * 4 / 2**20 == pytest.approx(243.2, abs=0.05)  # the size of the published file


def test_lengths_are_those_of_the_paper() -> None:
    config = SingConfig()
    assert (config.strip, config.padding) == (1792, 2304)
    padded = pad_note(torch.zeros(1, 64_000), config)
    assert padded.shape == (1, 68_608)
    assert NoteEncoder(SMALL)(padded).shape == (1, 6, 265)
    assert returned_part(padded, config).shape == (1, 65_024)
    net = Sing(SMALL)
    symbols = torch.tensor([[4, 2, 60]])
    assert net(symbols).shape == (1, 65_024)
    assert net.notes(symbols).shape == (1, 64_000)


def test_frames_fit_without_seams() -> None:
    """Equal frames make a periodic sound: the squared Hann windows add up to 1.5 everywhere."""
    decoder = NoteDecoder(SMALL)
    with torch.no_grad():
        decoder.outer.weight.fill_(1.0)
        decoder.outer.bias.zero_()
        decoder.inner = torch.nn.Identity()
        frames = torch.ones(1, SMALL.channels, 40)
        sound = decoder(frames)[0]
    inner = sound[1024:-1024]
    np.testing.assert_allclose(inner.numpy(), 1.5 * SMALL.channels, rtol=1e-5)


def test_a_sequence_in_parts_is_the_sequence() -> None:
    torch.manual_seed(0)
    net = SequenceGenerator(SMALL).eval()
    symbols = torch.tensor([[0, 1, 60], [5, 2, 72]])
    with torch.no_grad():
        whole, _ = net(symbols)
        parts, hidden = [], None
        for start in range(0, 265, 32):
            frames, hidden = net(symbols, start, min(265, start + 32), hidden)
            parts.append(frames)
    torch.testing.assert_close(torch.cat(parts, dim=2), whole)


def test_without_a_time_table_only_the_state_tells_the_time() -> None:
    net = SequenceGenerator(SingConfig(instruments=3, hidden=8, layers=1, time_dim=0))
    assert net.lstm.input_size == 26
    symbols = torch.tensor([[0, 1, 60]])
    torch.testing.assert_close(net(symbols, 0, 5)[0], net(symbols, 100, 105)[0])


def test_every_symbol_is_heard() -> None:
    torch.manual_seed(0)
    net = Sing(SMALL)
    sounds = net(torch.tensor([[0, 0, 60], [1, 0, 60], [0, 1, 60], [0, 0, 61]]))
    for other in sounds[1:]:
        assert not torch.allclose(sounds[0], other)


def test_velocities_take_the_published_rows() -> None:
    assert [symbols_of(v, 7, 60) for v in (25, 50, 75, 100, 127)] == [(row, 7, 60) for row in (0, 1, 2, 4, 5)]
    assert [symbols_of(v, 0, 0)[0] for v in (1, 60, 90, 120)] == [0, 1, 4, 5]


def test_the_loss_is_the_papers() -> None:
    """Against NumPy, written from the formula."""
    rng = np.random.default_rng(0)
    one, other = rng.uniform(-1, 1, (2, 2, 3000)).astype(np.float32)

    def logs(signal: np.ndarray) -> np.ndarray:
        window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(1024) / 1024)
        frames = np.stack([signal[:, start : start + 1024] * window for start in range(0, 3000 - 1023, 256)], 1)
        return np.log(1.0 + np.abs(np.fft.rfft(frames)) ** 2)

    expected = np.abs(logs(one.astype(float)) - logs(other.astype(float))).mean(axis=(1, 2))
    found = log_spectral_distance(torch.from_numpy(one), torch.from_numpy(other))
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-4)


def test_the_loss_does_not_hear_phase_but_hears_pitch() -> None:
    time_s = torch.arange(64_000) / 16_000
    sines = [torch.sin(2 * np.pi * hz * time_s + phase)[None] * 0.5 for hz, phase in ((220, 0), (220, 2), (233, 0))]
    same, other = (float(log_spectral_distance(sines[0], sine)) for sine in sines[1:])
    assert same < 0.1 * other
    assert float(log_spectral_distance(sines[0], sines[0])) == 0.0


def test_silence_and_a_faint_hiss_are_nearly_the_same() -> None:
    hiss = 1e-5 * torch.randn(1, 16_000, generator=torch.Generator().manual_seed(0))
    assert float(log_spectral_distance(torch.zeros(1, 16_000), hiss)) < 1e-6
