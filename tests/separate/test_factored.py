"""Kernels as products: against the best possible approximation, and with what strangers might put into a card."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from test_own_nets import CONFIG, card

from descant.errors import CheckpointError
from descant.hub.checkpoint import load_tensors, save_tensors
from descant.nets.u_net import UNets
from descant.separate.factored import factor, multiply_out
from descant.separate.weights import load_nets

STEMS = ("voice", "rest")


def kernel(rank: int, seed: int = 0) -> torch.Tensor:
    chance = torch.Generator().manual_seed(seed)
    left, right = torch.randn(32, rank, generator=chance), torch.randn(rank, 16 * 25, generator=chance)
    return (left @ right).reshape(32, 16, 5, 5)


def test_a_kernel_of_low_rank_comes_back_and_takes_less_room() -> None:
    tensors = {"conv.weight": kernel(3), "conv.bias": torch.arange(32.0), "small.weight": torch.ones(2, 2, 5, 5)}
    factored = factor(tensors, 3)
    assert set(factored) == {"conv.weight.left", "conv.weight.right", "conv.bias", "small.weight"}
    assert sum(t.numel() for t in factored.values()) < sum(t.numel() for t in tensors.values()) / 8
    back = multiply_out(factored, {name: tuple(t.shape) for name, t in tensors.items()})
    assert set(back) == set(tensors)
    torch.testing.assert_close(back["conv.weight"], tensors["conv.weight"], rtol=1e-4, atol=1e-4)


def test_what_is_dropped_is_the_least_there_is() -> None:
    whole = kernel(20)
    factored = factor({"w": whole}, 5)
    kept = multiply_out(factored, {"w": tuple(whole.shape)})["w"]
    smallest = torch.linalg.svdvals(whole.reshape(32, -1))[5:].square().sum().sqrt()  # Eckart and Young
    torch.testing.assert_close((whole - kept).norm(), smallest, rtol=1e-4, atol=1e-4)


def test_a_card_of_products_runs_the_net_that_was_trained(tmp_path: Path) -> None:
    torch.manual_seed(0)
    nets = UNets(STEMS, 2, 2)
    for parameter in nets.parameters():
        parameter.data.mul_(3.0)
    plain = nets.state_dict()
    rank = 64  # as many as the largest kernel has rows, so that nothing is lost
    stored = {}
    for stem in STEMS:
        own = {name.removeprefix(f"{stem}."): t for name, t in plain.items() if name.startswith(f"{stem}.")}
        stored |= {f"{stem}.{name}": t for name, t in factor(own, rank).items()}
    few = {f"{stem}.{n}": t for stem in STEMS for n, t in factor({"decoders.0.conv.weight": plain[
        f"{stem}.decoders.0.conv.weight"]}, 4).items()}  # fmt: skip
    stored = {n: t for n, t in stored.items() if "decoders.0.conv.weight" not in n} | few
    assert any(name.endswith(".left") for name in stored)
    save_tensors(tmp_path / "weights.safetensors", stored)
    (tmp_path / "config.json").write_text(json.dumps({"width": 2, "separation": asdict(CONFIG)}))
    loaded, _ = load_nets(card(), tmp_path)
    for stem, net in zip(STEMS, loaded, strict=True):
        left, right = few[f"{stem}.decoders.0.conv.weight.left"], few[f"{stem}.decoders.0.conv.weight.right"]
        found = net.state_dict()["decoders.0.conv.weight"]
        torch.testing.assert_close(found, (left @ right).reshape(found.shape))
        torch.testing.assert_close(net.state_dict()["encoders.1.conv.weight"], plain[f"{stem}.encoders.1.conv.weight"])


@pytest.mark.parametrize(
    "changes",
    [
        {"left": torch.zeros(64, 5)},
        {"right": torch.zeros(4, 3)},
        {"left": torch.zeros(64)},
        {"left": torch.zeros(0, 4)},
        {"right": None},
    ],
)
def test_factors_that_do_not_fit_are_refused(tmp_path: Path, changes: dict[str, torch.Tensor | None]) -> None:
    save_tensors(tmp_path / "weights.safetensors", UNets(STEMS, 2, 1).state_dict())
    (tmp_path / "config.json").write_text(json.dumps({"width": 1, "separation": asdict(CONFIG)}))
    tensors = load_tensors(tmp_path / "weights.safetensors")
    name = "voice.encoders.5.conv.weight"
    shape = tensors.pop(name).shape
    factors = {"left": torch.zeros(shape[0], 4), "right": torch.zeros(4, shape[1:].numel())} | changes
    tensors |= {f"{name}.{side}": tensor for side, tensor in factors.items() if tensor is not None}
    save_tensors(tmp_path / "weights.safetensors", tensors)
    with pytest.raises(CheckpointError, match=r"missing: encoders\.5\.conv\.weight"):
        load_nets(card(), tmp_path)
