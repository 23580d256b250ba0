"""Levels of keys: as recorded, even between the recorded ones, never over full scale."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor

from descant.errors import CheckpointError
from descant.instrument.neural import WEIGHTS, NeuralInstruments
from descant.instrument.neural_note import Event, pressed, render, seed_of, wavered
from descant.nets.neural_instrument import Levels, NeuralInstrument
from neural_instruments import tiny_instruments, written

PIANO = 0
RECORDED_DB = {48: (-50.0, -40.0, -30.0), 60: (-44.0, -38.0, -24.0), 67: (-46.0, -41.0, -31.0)}
"""Of keys, struck with 25, 75 and 127."""


def spiky() -> NeuralInstrument:
    """A net whose curve over frequency goes up and down by 26 dB from point to point, as between learned partials."""
    net = tiny_instruments().net
    points = net.config.points
    net.head.bias[:points] = torch.tensor([-2.0, -5.0]).repeat(points // 2)
    for key, levels in RECORDED_DB.items():
        cast("Tensor", net.recorded)[PIANO, key] = torch.tensor(levels) * math.log(10.0) / 10.0
    return net


def played_db(net: NeuralInstrument, pitch: float, velocity: float = 127.0) -> float:
    sound: NDArray[np.float32] = render(net, [Event(PIANO, pitch, velocity, 3.0, length_s=3.0)])[0]
    return 10.0 * math.log10(float(np.square(sound, dtype=np.float64).mean()))


@pytest.mark.parametrize("key", [48, 60, 67])
def test_recorded_keys_are_as_loud_as_recorded(key: int) -> None:
    found = [played_db(spiky(), key, velocity) for velocity in (25, 75, 127)]
    assert found == pytest.approx(RECORDED_DB[key], abs=0.5)


def test_levels_go_straight_between_keys_and_velocities_and_stay_beyond() -> None:
    net = spiky()
    assert played_db(net, 54) == pytest.approx(-27.0, abs=0.5)
    assert played_db(net, 63.5) == pytest.approx(-27.5, abs=0.5)
    assert played_db(net, 42) == pytest.approx(-30.0, abs=0.5)
    assert played_db(net, 73) == pytest.approx(-31.0, abs=0.5)
    assert played_db(net, 60, math.sqrt(25 * 75)) == pytest.approx(-41.0, abs=0.5)


def test_neighbouring_keys_do_not_jump() -> None:
    net = spiky()
    levels = [played_db(net, key) for key in range(46, 68, 2)]
    assert max(abs(a - b) for a, b in pairwise(levels)) < 2.5  # 14 dB in an octave are in the recordings


def test_partials_between_keys_lie_between() -> None:
    net, time = spiky(), torch.tensor([[0.1]])

    def first_partials(pitch: float) -> Tensor:
        notes = pressed([Event(PIANO, pitch, 127, 1.0)])
        return net.levels_at(net.prepare_to_play(notes), time, time - 10.0).partials[0, 0, :8]

    low, middle, high = (first_partials(pitch) for pitch in (48, 54, 60))
    assert (low - high).abs().max() > 0.5
    assert (middle - (low + high) / 2).abs().max() < 0.1


def test_no_note_is_over_full_scale_and_soft_ones_are_left_alone() -> None:
    net = spiky()
    table = cast("Tensor", net.recorded)
    before = render(net, [Event(PIANO, 60, 127, 0.5)])[0]
    table[PIANO, 60] += math.log(10.0) * 3.0  # 30 dB: RMS 2
    loud = render(net, [Event(PIANO, 60, 127, 0.5)])[0]
    assert 0.1 < np.abs(before).max() < 0.8
    assert 0.9 < np.abs(loud).max() <= 1.0
    soft = render(net, [Event(PIANO, 60, 25, 0.5)])[0]
    assert np.abs(soft).max() < 0.8


def test_weights_without_levels_are_refused_in_plain_words(tmp_path: Path) -> None:
    path = written(tmp_path) / WEIGHTS
    save_file({name: value for name, value in load_file(path).items() if name != "recorded"}, path)
    with pytest.raises(CheckpointError, match="older Descant") as caught:
        NeuralInstruments.from_folder(tmp_path)
    assert "instrument train" in str(caught.value.hint)


@pytest.mark.parametrize(("name", "keys"), [("tuba", range(55, 61)), ("solo-vox", range(46, 51))])
def test_shipped_instruments_that_were_uneven(name: str, keys: range) -> None:
    player = NeuralInstruments.load().player(name)
    sounds = [player.note(key, 127, 0.5, 0.5) for key in keys]
    levels = [10.0 * math.log10(float(np.square(s[:, 4800:]).mean())) for s in sounds]
    assert max(abs(a - b) for a, b in pairwise(levels)) < 6.0
    assert max(float(np.abs(s).max()) for s in sounds) <= 1.0


def test_flutter_wavers_each_partial_and_keeps_the_power() -> None:
    net = tiny_instruments().net
    cast("Tensor", net.flutter)[PIANO] = 0.5
    event = Event(PIANO, 60, 90, 1.0)
    partials = net.config.partials
    flat = Levels(*(torch.zeros(1, 2064, size) for size in (partials, partials, partials, 48, 48)))
    frames = torch.arange(2064).unsqueeze(0)
    found = wavered(net, pressed([event]), flat, torch.tensor([seed_of(event)]), frames).partials[0]
    assert float(found.std()) == pytest.approx(0.5, rel=0.1)
    assert float((2.0 * found).exp().mean()) == pytest.approx(1.0, rel=0.1)
    assert abs(float(torch.corrcoef(found[:, :2].T)[0, 1])) < 0.3


def test_keys_have_seeds_of_their_own() -> None:
    seeds = {seed_of(Event(row, pitch, 90, 1.0)) for row in (0, 1) for pitch in (60, 60.5, 61)}
    assert len(seeds) == 6


def test_noise_is_rendered() -> None:
    net = tiny_instruments().net
    points, partials = net.config.points, net.config.partials
    net.head.bias[:points] = -20.0
    net.head.weight.zero_()
    net.head.bias[points + partials : points + partials + 48] = math.log(0.1)
    sound = render(net, [Event(PIANO, 60, 90, 1.0, length_s=1.0)])[0]
    assert float(sound[0].std()) == pytest.approx(0.1, rel=0.05)
    assert np.abs(sound[0] - sound[1]).max() < 1e-4  # all of it is in the mid
