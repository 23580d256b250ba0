"""A net of three instruments with random weights, audible and soon made: what sounds is beside the point in tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

import torch
from safetensors.torch import save_file
from torch import Tensor

from descant.instrument.neural import CONFIG, ROSTER, WEIGHTS, NeuralInstruments
from descant.instrument.roster import Player, Roster
from descant.nets.neural_instrument import InstrumentConfig, NeuralInstrument

PLAYERS = (
    Player("grand-piano", "keyboard", 0, 21, 108),
    Player("violin", "string", 40, 55, 100),
    Player("nylon-guitar", "guitar", 24, 40, 84),
)
VIBRATO = (5.0, 0.02, 0.1)
"""Of the violin: rate in Hz, depth as log2 of the frequency, beginning in seconds."""
SIZES = {"harmonics": 24, "extras": 2, "code": 4, "width": 16, "layers": 1, "points": 12, "side_points": 4}


def tiny_instruments() -> NeuralInstruments:
    """Three instruments: first partials at -20 dB, noise at -100 dB, keys that fall silent within half a second."""
    torch.manual_seed(3)
    net = NeuralInstrument(InstrumentConfig(len(PLAYERS), **SIZES))
    with torch.no_grad():
        points = SIZES["points"]
        net.head.weight *= 0.2
        net.head.bias[:points] = torch.linspace(-2.5, -7.0, points)
        net.head.bias[points + 26 : points + 26 + 2 * 48] = -11.5
        net.fall.bias += 2.0
        cast("Tensor", net.vibrato)[1] = torch.tensor(VIBRATO)
    return NeuralInstruments(net, Roster(PLAYERS))


def written(folder: Path) -> Path:
    """The same in a folder, as `descant export` writes it."""
    instruments = tiny_instruments()
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: value.contiguous() for name, value in instruments.net.state_dict().items()}
    save_file({**tensors, ROSTER: instruments.roster.packed()}, folder / WEIGHTS)
    (folder / CONFIG).write_text(json.dumps(SIZES))
    return folder
