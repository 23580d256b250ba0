"""What a training step of each net costs, by length and depth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from descant.data.note_audio import CLASSES
from descant.data.piano_rolls import KEYS
from descant.nets.seq_u_net_residual import SeqUNetResidual
from descant.nets.wavenet import WaveNet
from descant.reproduce.costs import step_cost
from descant.reproduce.seq_u_net.lessons import sample_loss
from descant.reproduce.seq_u_net.pairs import NetConfig, depth_pair, make_net
from descant.reproduce.seq_u_net.scale import CostScale
from descant.train.next_frame import roll_loss

_DENSITY = 0.045  # of a piano roll: four of 88 keys

Measured = tuple[nn.Module, Callable[[], Tensor]]


def _rolls(config: NetConfig, frames: int) -> Measured:
    """A net of piano rolls and its loss on a roll of a length."""
    model = make_net(config)
    return model, partial(roll_loss, model, (torch.rand(1, KEYS, frames) < _DENSITY).float())


def _audio(config: NetConfig, outputs: int) -> Measured:
    """A net of audio and its loss on an excerpt with so many scored samples."""
    model = make_net(config)
    assert isinstance(model, (WaveNet, SeqUNetResidual))
    classes = torch.randint(0, CLASSES, (1, model.inputs_for(outputs) + 1))
    return model, partial(sample_loss, model, classes, outputs)


def roll_costs(config: NetConfig, scale: CostScale, threads: int) -> dict[str, Any]:
    """By length of a piece."""
    return _costs("frames", scale.lengths, partial(_rolls, config), scale, threads)


def audio_costs(config: NetConfig, scale: CostScale, threads: int) -> dict[str, Any]:
    """By scored samples."""
    return _costs("samples", scale.audio_lengths, partial(_audio, config), scale, threads)


def depth_costs(name: str, scale: CostScale, threads: int) -> dict[str, Any]:
    """By levels, at one length."""
    pairs = [depth_pair(levels, scale.depth_width) for levels in scale.depths]

    def make(levels: int) -> Measured:
        return _rolls(pairs[scale.depths.index(levels)].configs[name], scale.depth_length)

    costs = _costs("levels", scale.depths, make, scale, threads)
    return {**costs, "parameters": [pair.parameters[name] for pair in pairs]}


def _costs(
    axis: str, values: Sequence[int], make: Callable[[int], Measured], scale: CostScale, threads: int
) -> dict[str, Any]:
    torch.manual_seed(0)
    found = [step_cost(*make(value), repeats=scale.repeats, threads=threads) for value in values]
    return {
        axis: list(values),
        "milliseconds": [1e3 * f.seconds for f in found],
        "peak_mib": [f.peak_bytes / 2**20 for f in found],
    }
