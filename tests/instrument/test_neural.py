"""Folders of neural instruments: what is damaged is refused before it is heard."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from descant.errors import CheckpointError
from descant.instrument.neural import ROSTER, WEIGHTS, NeuralInstruments
from neural_instruments import PLAYERS, written


def _bytes(text: str) -> torch.Tensor:
    return torch.tensor(list(text.encode()), dtype=torch.uint8)


def _roster(**said: Any) -> torch.Tensor:
    first, *others = (asdict(player) for player in PLAYERS)
    return _bytes(json.dumps([{**first, **said}, *others]))


def _refused(folder: Path, **tensors: torch.Tensor) -> None:
    path = written(folder) / WEIGHTS
    save_file({**load_file(path), **tensors}, path)
    with pytest.raises(CheckpointError) as caught:
        NeuralInstruments.from_folder(folder)
    assert caught.value.hint


def test_what_is_whole_is_read(tmp_path: Path) -> None:
    found = NeuralInstruments.from_folder(written(tmp_path))
    assert found.roster.players == PLAYERS


@pytest.mark.parametrize(
    "said",
    [
        {"name": ""}, {"name": 5}, {"name": "\x1b[31mred"}, {"family": None}, {"family": ["a"]}, {"made_from": 5},
        {"program": "0"}, {"program": None}, {"program": [1]}, {"program": 0.5}, {"program": math.nan},
        {"program": 128}, {"program": -2}, {"lowest": 20.5}, {"lowest": True}, {"lowest": -1}, {"lowest": 109},
        {"highest": math.nan}, {"highest": 128}, {"another": 1},
    ],
)  # fmt: skip
def test_a_roster_of_wrong_facts(said: dict[str, Any], tmp_path: Path) -> None:
    _refused(tmp_path, **{ROSTER: _roster(**said)})


@pytest.mark.parametrize(
    "roster",
    [
        _bytes("hello"), _bytes(""), _bytes("[]"), _bytes("{}"), _bytes("5"), _bytes("null"), _bytes('["a"]'),
        _bytes("[" * 100_000), _bytes('[{"program":' + "1" * 5000 + "}]"), _roster().long(), _roster().float(),
        _roster().reshape(1, -1), torch.tensor([255, 254], dtype=torch.uint8),
    ],
)  # fmt: skip
def test_a_roster_that_is_none(roster: torch.Tensor, tmp_path: Path) -> None:
    _refused(tmp_path, **{ROSTER: roster})


@pytest.mark.parametrize("players", [4097, 200_000])
def test_a_roster_of_a_crowd_is_refused_at_once(players: int, tmp_path: Path) -> None:
    _refused(tmp_path, **{ROSTER: _bytes(json.dumps([{**asdict(PLAYERS[0]), "family": ""}] * players))})


@pytest.mark.parametrize("name", ["head.weight", "codes.weight", "vibrato", "flutter", "extra_place"])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_weights_that_are_no_numbers(name: str, value: float, tmp_path: Path) -> None:
    tensor = load_file(written(tmp_path / "whole") / WEIGHTS)[name]
    tensor.view(-1)[-1] = value
    _refused(tmp_path, **{name: tensor})


@pytest.mark.parametrize("name", ["vibrato", "flutter", "stiffness", "extra_place", "extra_there"])
def test_places_that_cannot_be(name: str, tmp_path: Path) -> None:
    tensor = load_file(written(tmp_path / "whole") / WEIGHTS)[name]
    _refused(tmp_path, **{name: torch.full_like(tensor, 1e30)})


@pytest.mark.parametrize("kind", [torch.int64, torch.bool, torch.complex64])
def test_weights_of_another_kind(kind: torch.dtype, tmp_path: Path) -> None:
    tensor = load_file(written(tmp_path / "whole") / WEIGHTS)["head.weight"]
    _refused(tmp_path, **{"head.weight": tensor.to(kind)})
