from __future__ import annotations

import pytest
import torch

from descant.nets.listener import NO_CHORD_INDEX, QUALITIES, Listener, chord_from_index, chord_index
from descant.score.harmony import QUALITIES as ALL_QUALITIES
from descant.score.harmony import Chord


@pytest.fixture(scope="module")
def net() -> Listener:
    torch.manual_seed(0)
    return Listener(pulse_channels=8, pulse_layers=3, harmony_channels=8, harmony_layers=2).eval()


def test_one_logit_a_frame(net: Listener) -> None:
    pulse = net.pulse(torch.zeros(2, 70, 80))
    assert {tuple(x.shape) for x in pulse} == {(2, 70)}
    harmony = net.harmony(torch.zeros(2, 15, 252))
    assert harmony.chord.shape == (2, 15, 97)
    assert harmony.bass.shape == (2, 15, 12)
    assert harmony.key.shape == (2, 15, 24)


def test_one_frame_is_enough(net: Listener) -> None:
    assert net.pulse(torch.zeros(1, 1, 80)).beat.shape == (1, 1)
    assert net.harmony(torch.zeros(1, 1, 252)).chord.shape == (1, 1, 97)


def test_every_index_is_a_chord_and_back() -> None:
    for index in range(NO_CHORD_INDEX + 1):
        assert chord_index(chord_from_index(index)) == index


@pytest.mark.parametrize("quality", sorted(ALL_QUALITIES))
def test_every_quality_has_a_place_with_the_same_root(quality: str) -> None:
    found = chord_from_index(chord_index(Chord(5, quality)))
    assert found.root == 5
    assert found.quality in QUALITIES
    if quality not in ("dim", "hdim7", "dim7", "sus4", "sus2"):
        assert found.majmin == Chord(5, quality).majmin


def test_gradients_reach_everything(net: Listener) -> None:
    outputs = [*net.pulse(torch.rand(1, 40, 80)), *net.harmony(torch.rand(1, 10, 252))]
    torch.stack([x.sum() for x in outputs]).sum().backward()
    assert all(p.grad is not None for p in net.parameters())
