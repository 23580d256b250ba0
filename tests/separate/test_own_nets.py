"""Cards of the architecture "u-net" from strangers: damaged or hostile ones end in an error that says which field."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch

from descant.errors import CheckpointError
from descant.hub.card import Card, Source
from descant.hub.checkpoint import load_tensors, save_tensors
from descant.nets.u_net import UNets
from descant.separate.config import SeparationConfig
from descant.separate.weights import load_nets, read_config

CONFIG = SeparationConfig(22_050, 512, 128, 256, block_frames=64, overlap_frames=8, edge_frames=1, top_bins=64)


def written(folder: Path, text: str) -> Path:
    path = folder / "config.json"
    path.write_text(text)
    return path


def card(**changes: object) -> Card:
    plain = Card(
        name="mine",
        title="Mine",
        task="separate",
        summary="A net.",
        architecture="u-net",
        licence="CC0-1.0",
        credit="",
        sources=(Source("import", sha256=64 * "0", obtain="here"),),
        files=(),
        sample_rate=22_050,
        channels=2,
        stems=("voice", "rest"),
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    save_tensors(tmp_path / "weights.safetensors", UNets(("voice", "rest"), 2, 1).state_dict())
    written(tmp_path, json.dumps({"width": 1, "separation": asdict(CONFIG)}))
    return tmp_path


def test_what_is_written_is_read(folder: Path) -> None:
    nets, config = load_nets(card(), folder)
    assert config == CONFIG
    assert len(nets) == 2
    assert not any(value.isnan().any() for net in nets for value in net.state_dict().values())


@pytest.mark.parametrize("value", [float("nan"), float("inf"), True, "4", [], {}, 4096.5, -1, 2**40, 10**400])
@pytest.mark.parametrize(
    "field",
    ["sample_rate", "fft_size", "hop_samples", "net_bins", "block_frames", "overlap_frames", "edge_frames", "top_bins"],
)
def test_sizes_that_are_none_are_refused(tmp_path: Path, field: str, value: object) -> None:
    path = written(tmp_path, json.dumps({"width": 1, "separation": asdict(CONFIG) | {field: value}}))
    with pytest.raises(CheckpointError, match=rf"config\.json.*{field}"):
        read_config(path)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("level_db", float("nan")),
        ("level_db", float("-inf")),
        ("level_db", "-11"),
        ("level_db", True),
        ("level_db", 10**400),
        ("quietest_db", None),
        ("quietest_db", float("nan")),
        ("is_full_band", 1),
        ("is_full_band", "no"),
    ],
)
def test_levels_and_switches_that_are_none_are_refused(tmp_path: Path, field: str, value: object) -> None:
    path = written(tmp_path, json.dumps({"width": 1, "separation": asdict(CONFIG) | {field: value}}))
    with pytest.raises(CheckpointError, match=rf"config\.json.*{field}"):
        read_config(path)


@pytest.mark.parametrize("width", [0, -1, 257, 10**400, 1.0, True, "1", None])
def test_impossible_widths_are_refused(tmp_path: Path, width: object) -> None:
    with pytest.raises(CheckpointError, match="width"):
        read_config(written(tmp_path, json.dumps({"width": width, "separation": asdict(CONFIG)})))


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", 100_000 * "[", '{"width": 1, "separation": []}', '{"width": 1, "separation": {"x": 1}}']
)
def test_files_that_are_no_configuration_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(CheckpointError, match=r"config\.json"):
        read_config(written(tmp_path, text))


def test_weights_of_another_width_are_refused_before_memory_is_taken(folder: Path) -> None:
    """A net of width 256 would need 10 GB."""
    written(folder, json.dumps({"width": 256, "separation": asdict(CONFIG)}))
    with pytest.raises(CheckpointError, match="does not fit the architecture"):
        load_nets(card(), folder)


@pytest.mark.parametrize("stems", [(), ("voice",), ("voice", "voice")])
def test_stems_that_cannot_be_shares_are_refused(folder: Path, stems: tuple[str, ...]) -> None:
    with pytest.raises(CheckpointError, match="stems"):
        load_nets(card(stems=stems), folder)


def test_nets_of_other_channels_are_refused(folder: Path) -> None:
    save_tensors(folder / "weights.safetensors", UNets(("voice", "rest"), 1, 1).state_dict())
    with pytest.raises(CheckpointError, match="1 channels"):
        load_nets(card(channels=1), folder)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_refused(folder: Path, value: float) -> None:
    tensors = load_tensors(folder / "weights.safetensors")
    tensors["rest.mask.bias"][0] = value
    save_tensors(folder / "weights.safetensors", tensors)
    with pytest.raises(CheckpointError, match=r"\(rest\) holds NaN"):
        load_nets(card(), folder)
