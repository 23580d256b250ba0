"""Nets from cards: those that Descant's own lesson trains, and Spleeter's under the names of our own U-Net."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from descant.errors import CheckpointError, InvalidOption
from descant.hub.card import Card
from descant.hub.checkpoint import check_shapes, load_tensors
from descant.nets.u_net import UNet
from descant.separate.config import SeparationConfig
from descant.separate.factored import multiply_out

SPLEETER = "spleeter-u-net"
OWN = "u-net"
CONFIG = "config.json"
_WEIGHTS_FILE = "weights.safetensors"
_LEVELS = 6
_CHANNELS = 2
_WIDTHS = range(1, 257)


def load_nets(card: Card, folder: Path) -> tuple[tuple[UNet, ...], SeparationConfig]:
    """One net per stem of the card, in the card's order, ready to run, and the spectrogram they were trained on.

    Args:
        card: A card of the architecture "u-net" or "spleeter-u-net".
        folder: Where its files lie.

    Raises:
        CheckpointError: The card is for another architecture, or its weights or configuration do not fit this one.
    """
    if card.architecture not in (SPLEETER, OWN):
        raise CheckpointError(
            f"{card.name} is a {card.architecture} model, which cannot separate.", "Choose a card of the task separate."
        )
    if len({*card.stems}) < 2 or len({*card.stems}) != len(card.stems):  # masks are shares: one net's would be all
        raise CheckpointError(
            f"{card.name} has the stems {list(card.stems)}: a separator needs two or more of different names.",
            "Correct the card's line stems.",
        )
    channels, path = card.channels or _CHANNELS, folder / _WEIGHTS_FILE
    if channels != _CHANNELS:
        raise CheckpointError(f"{card.name} has {channels} channels; separators hear two.", "Correct the card.")
    if card.architecture == SPLEETER:
        nets = [_load_net(UNet, path, rename(load_tensors(path, prefix=f"{s}.")), s, channels) for s in card.stems]
        return tuple(nets), SeparationConfig()
    width, config = read_config(folder / CONFIG)
    make = partial(UNet, width=width)
    nets = [_load_net(make, path, load_tensors(path, prefix=f"{stem}."), stem, channels) for stem in card.stems]
    return tuple(nets), config


def read_config(path: Path) -> tuple[int, SeparationConfig]:
    """Width of the nets and sizes of the spectrogram, as the lesson's export writes them.

    Raises:
        CheckpointError: They are missing or mean nothing.
    """
    try:
        stated = json.loads(path.read_text(encoding="utf-8"))
        config = SeparationConfig(**stated["separation"])
        width = stated["width"]
    except (OSError, ValueError, LookupError, TypeError, RecursionError, InvalidOption) as error:
        raise CheckpointError(f"{path} cannot be used: {error}.", "Export the model again.") from error
    if type(width) is not int or width not in _WIDTHS:
        raise CheckpointError(f"{path}: a width of {width!r} is impossible.", "Export the model again.")
    return width, config


def _load_net(make: Callable[[int], UNet], path: Path, tensors: dict[str, Tensor], stem: str, channels: int) -> UNet:
    with torch.device("meta"):  # no time spent on random numbers that are overwritten
        net = make(channels)
    counters = {name: torch.zeros((), dtype=torch.int64) for name in net.state_dict() if name.endswith("_tracked")}
    tensors = {name: tensor.float() for name, tensor in tensors.items() if name not in counters}
    shapes = {name: tuple(value.shape) for name, value in net.state_dict().items() if name not in counters}
    tensors = multiply_out(tensors, shapes)
    check_shapes(tensors, shapes, where=f"{path} ({stem})")  # before room is made for what the card states
    net.to_empty(device="cpu")
    if not all(bool(tensor.isfinite().all()) for tensor in tensors.values()):
        raise CheckpointError(f"{path} ({stem}) holds NaN or infinite weights.", "Get them again, or export again.")
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
