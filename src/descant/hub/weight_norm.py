"""Weight norm (Salimans and Kingma, 2016) folded away: a length and a direction become the weight that they mean."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from descant.errors import CheckpointError

_PAIRS = (("weight_g", "weight_v"), ("parametrizations.weight.original0", "parametrizations.weight.original1"))
"""How PyTorch names length and direction: before 2.0, and since."""


def folded_shapes(tensors: Mapping[str, torch.Tensor]) -> dict[str, tuple[int, ...]]:
    """The shapes that `fold` would give, without touching what the tensors hold."""
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    for base, (length, direction) in _normed(tensors).items():
        del shapes[length]
        shapes[f"{base}weight"] = shapes.pop(direction)
    return shapes


def fold(tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Fold every weight norm.

    Args:
        tensors: Name -> tensor, of any float type.

    Returns:
        Name -> tensor; `x.weight_g` and `x.weight_v` (or their later names) became `x.weight`, float32.

    Raises:
        CheckpointError: A length does not belong to its direction.
    """
    folded = dict(tensors)
    for base, (length, direction) in _normed(tensors).items():
        size, way = folded.pop(length).float(), folded.pop(direction).float()
        sides = zip(size.shape, way.shape, strict=False)
        if size.ndim != way.ndim or any(one not in (1, other) for one, other in sides):
            raise CheckpointError(f"The weight norm of '{base}weight' has impossible sizes.", "Get the file again.")
        across = [axis for axis, side in enumerate(size.shape) if side == 1]
        norm = torch.linalg.vector_norm(way, dim=across, keepdim=True) if across else way.abs()
        folded[f"{base}weight"] = way * (size / norm.clamp_min(torch.finfo(torch.float32).tiny))
    return folded


def _normed(tensors: Mapping[str, torch.Tensor]) -> dict[str, tuple[str, str]]:
    """What stands before "weight" -> the names of its length and direction."""
    found = {}
    for length, direction in _PAIRS:
        for name in tensors:
            base = name.removesuffix(length)
            if name.endswith(length) and f"{base}{direction}" in tensors:
                found[base] = (name, f"{base}{direction}")
    return found
