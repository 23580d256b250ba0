"""Large kernels as products of two thin matrices: what a small card holds in their place.

The deepest convolutions of a U-Net have most of its weights and little to say: of `descant-lead`'s kernels, 256 filters
of 3,200 taps, a few dozen directions carry what is heard. A kernel [out, in, height, width] is kept as `<name>.left`
[out, rank] and `<name>.right` [rank, in * height * width], by a truncated singular value decomposition (Eckart and
Young, 1936), and multiplied out when it is loaded, so that the net that runs is the one that was trained.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from descant.hub.checkpoint import Shapes

LEFT, RIGHT = ".left", ".right"


def factor(tensors: Mapping[str, Tensor], rank: int) -> dict[str, Tensor]:
    """Kernels as products wherever that takes less room; everything else as it is.

    Args:
        tensors: Name -> tensor.
        rank: How many directions of a kernel are kept.
    """
    assert rank > 0
    found: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        rows, columns = (tensor.shape[0], tensor[0].numel()) if tensor.ndim > 1 else (tensor.numel(), 1)
        if tensor.ndim < 3 or rank * (rows + columns) >= tensor.numel():
            found[name] = tensor
            continue
        left, weights, right = torch.linalg.svd(tensor.reshape(rows, columns).double(), full_matrices=False)
        root = weights[:rank].sqrt()  # half of the size on each side, so that neither leaves the range of fp16
        found[name + LEFT] = (left[:, :rank] * root).to(tensor.dtype)
        found[name + RIGHT] = (root.unsqueeze(1) * right[:rank]).to(tensor.dtype)
    return found


def multiply_out(tensors: Mapping[str, Tensor], shapes: Shapes) -> dict[str, Tensor]:
    """The inverse of `factor`, up to what it dropped.

    Factors that do not fit the wanted shape stay as they are, for whoever checks the names to refuse.

    Args:
        tensors: Name -> tensor, kernels as such or as products.
        shapes: Name -> shape of what is wanted.
    """
    found = dict(tensors)
    for name, shape in shapes.items():
        left, right = found.get(name + LEFT), found.get(name + RIGHT)
        if name in found or left is None or right is None or left.ndim != 2 or right.ndim != 2:
            continue
        if left.shape[1] == right.shape[0] and (len(left), right.shape[1]) == (shape[0], math.prod(shape[1:])):
            found[name] = (left.float() @ right.float()).reshape(shape)
            del found[name + LEFT], found[name + RIGHT]
    return found
