"""Converters: from the files that a source yields to the files that a card promises. Nothing here runs foreign code."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from descant.errors import CheckpointError
from descant.hub.checkpoint import save_tensors
from descant.hub.pickles import NUMERIC_CODES, read_pickle
from descant.progress import Monitor

_MOST_SHARED, _ALWAYS_SHARED = 4, 64 << 20
"""Times that the numbers of a checkpoint may be used, as tied weights are; bytes for which nobody asks."""


def as_tensor(value: object) -> torch.Tensor | None:
    """A tensor with memory of its own, or None where the value is neither tensor nor numeric array."""
    if isinstance(value, torch.Tensor) and value.layout == torch.strided:
        return value.detach().clone().contiguous()
    if isinstance(value, np.ndarray) and value.dtype.str[1:] in NUMERIC_CODES:
        return torch.from_numpy(np.array(value, dtype=value.dtype.newbyteorder("="), order="C"))
    return None


def require_backed(values: Mapping[Any, object], where: str) -> None:
    """Refuse tensors that would need far more memory than was read: one number can claim to be a terabyte of them.

    Raises:
        CheckpointError: They are such.
    """
    tensors = [value for value in values.values() if isinstance(value, torch.Tensor) and value.layout == torch.strided]
    stored = {value.untyped_storage().data_ptr(): value.untyped_storage().nbytes() for value in tensors}
    claimed = sum(value.numel() * value.element_size() for value in tensors)
    if claimed > _MOST_SHARED * sum(stored.values()) + _ALWAYS_SHARED:
        raise CheckpointError(
            f"{where} claims {claimed / 1e9:,.1f} GB of tensors and holds {sum(stored.values()) / 1e9:,.3f}.",
            "Get the file again from its author.",
        )


def state_dict(
    checkpoint: object, *, part: str = "", usual: Sequence[str] = (), where: str = "The checkpoint"
) -> dict[str, torch.Tensor]:
    """The tensors of a checkpoint that may wrap them in a dict of its own.

    Args:
        checkpoint: What `read_pickle` returned.
        part: Dotted path to the state dict inside it; empty finds it, where only one comes into question.
        usual: Keys that usually hold the weights, against others (optimizer, ema) that may be there too.
        where: How to name the checkpoint in messages.

    Returns:
        Name -> tensor; plain values beside the tensors are left out.

    Raises:
        CheckpointError: There is no such part, or it is not clear which one is meant.
    """
    if part:
        for key in part.split("."):
            checkpoint = checkpoint.get(key) if isinstance(checkpoint, Mapping) else None
    if not isinstance(checkpoint, Mapping):
        fault = f"has no part '{part}'" if part else "is no state dict"
        raise CheckpointError(f"{where} {fault}.", "Name the part that holds the weights: --part.")
    inner = {str(name): value for name, value in checkpoint.items() if isinstance(value, Mapping) and value}
    chosen = [name for name in usual if name in inner]
    if not chosen:
        require_backed(checkpoint, where)
        converted = {str(name): as_tensor(value) for name, value in checkpoint.items()}
        tensors = {name: tensor for name, tensor in converted.items() if tensor is not None}
        if tensors:
            return tensors
        chosen = list(inner)
    if len(chosen) != 1:
        found = f"several parts ({', '.join(chosen)})" if chosen else "no tensors"
        raise CheckpointError(f"{where} holds {found}.", "Name the part that holds the weights: --part.")
    return state_dict(inner[chosen[0]], usual=usual, where=f"{where}: {chosen[0]}")


def spleeter_pickles(source: Path, target: Path, monitor: Monitor) -> None:
    """`vocals.ckpt` and `accompaniment.ckpt` (pickled dicts of NumPy arrays) to one `weights.safetensors`.

    The pickles' own names are kept under `vocals.` and `accompaniment.`; all tensors are float32. Per stem:

        down{1..6}_conv.1.weight (out, in, 5, 5) .bias (out)            in, out: 2-16-32-64-128-256-512
        down{1..6}_act.0.{weight, bias, running_mean, running_var} (out)
        up{1..6}.0.weight (in, out, 5, 5), transposed .bias (out)       in -> out: 512-256, 512-128, 256-64,
        up{1..6}.3.{weight, bias, running_mean, running_var} (out)                 128-32, 64-16, 32-1
        up7.0.weight (2, 1, 4, 4) .bias (2)

    The order of the layers: down is pad (1 left, 2 right; 1 above, 2 below), convolution with stride 2, then
    batch norm (epsilon 1e-3) and LeakyReLU(0.2) on the way down, while the skip takes the convolution's output
    before both; up is transposed convolution with stride 2 without padding, cut by (1, 2, 1, 2), ReLU, batch norm
    (epsilon 1e-3); up7 is a convolution with dilation 2 and padding 3, then a sigmoid: the mask. down6_act is
    never used.
    """
    tensors: dict[str, torch.Tensor] = {}
    stems = ("vocals", "accompaniment")
    for n, stem in enumerate(stems):
        monitor.report(n / len(stems))
        state = read_pickle(source / f"{stem}.ckpt")
        monitor.report((n + 0.5) / len(stems))
        if not isinstance(state, Mapping):
            raise CheckpointError(f"{stem}.ckpt holds no state dict.", "Get the file again.")
        for name, value in state.items():
            tensor = as_tensor(value)
            if tensor is None:
                raise CheckpointError(f"{stem}.ckpt: '{name}' is no tensor.", "Get the file again.")
            tensors[f"{stem}.{name}"] = tensor
    monitor.report(1.0)
    save_tensors(target / "weights.safetensors", tensors)


def torch_state(source: Path, target: Path, monitor: Monitor) -> None:
    """`model.pt`, a checkpoint with one state dict in it, to `weights.safetensors` under the same names."""
    monitor.report(0.0)
    tensors = state_dict(
        read_pickle(source / "model.pt"), usual=("model_state", "state_dict", "model"), where="model.pt"
    )
    save_tensors(target / "weights.safetensors", tensors)
    monitor.report(1.0)


CONVERTERS: Mapping[str, Callable[[Path, Path, Monitor], None]] = {
    "spleeter-pickles": spleeter_pickles,
    "torch-state": torch_state,
}
"""Name on the card -> converter(folder of what the source yielded, folder for the card's files, progress)."""
