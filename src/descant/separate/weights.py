"""Spleeter's published weights under the names of our own U-Net."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from descant.errors import CheckpointError
from descant.hub.card import Card
from descant.hub.checkpoint import check_shapes, load_tensors
from descant.nets.u_net import UNet

ARCHITECTURE = "spleeter-u-net"
_WEIGHTS_FILE = "weights.safetensors"
_LEVELS = 6


def load_nets(card: Card, folder: Path) -> tuple[UNet, ...]:
    """One net per stem of the card, in the card's order, ready to run.

    Args:
        card: A card of the architecture "spleeter-u-net".
        folder: Where its files lie.

    Raises:
        CheckpointError: The card is for another architecture, or its weights do not fit this one.
    """
    if card.architecture != ARCHITECTURE:
        raise CheckpointError(
            f"{card.name} is a {card.architecture} model, which cannot separate.", "Choose a card of the task separate."
        )
    return tuple(_load_net(folder / _WEIGHTS_FILE, stem, card.channels or 2) for stem in card.stems)


def _load_net(path: Path, stem: str, channels: int) -> UNet:
    with torch.device("meta"):  # no time spent on random numbers that are overwritten
        net = UNet(channels)
    net.to_empty(device="cpu")
    counters = {name: torch.zeros((), dtype=torch.int64) for name in net.state_dict() if name.endswith("_tracked")}
    tensors = rename(load_tensors(path, prefix=f"{stem}."))
    shapes = {name: tuple(value.shape) for name, value in net.state_dict().items() if name not in counters}
    check_shapes(tensors, shapes, where=f"{path} ({stem})")
    net.load_state_dict({**tensors, **counters})
    net.eval().requires_grad_(requires_grad=False)
    return net


def rename(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """From the checkpoint's names to those of `UNet`; names that are in neither are kept and so refused later."""
    modules = {"up7.0": "mask"}
    for level in range(_LEVELS):
        modules[f"down{level + 1}_conv.1"] = f"encoders.{level}.conv"
        modules[f"down{level + 1}_act.0"] = f"encoders.{level}.norm"
        modules[f"up{level + 1}.0"] = f"decoders.{level}.conv"
        modules[f"up{level + 1}.3"] = f"decoders.{level}.norm"
    renamed = {}
    for name, tensor in tensors.items():
        module, _, leaf = name.rpartition(".")
        renamed[f"{modules.get(module, module)}.{leaf}"] = tensor
    return renamed
