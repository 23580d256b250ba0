"""A moving average of the weights: steadier than the last step's (Polyak and Juditsky, SIAM J. Control Optim. 1992)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from descant.train.machine import laid_out_like


class Average:
    """Averaged parameters of a model; its buffers are taken as they are.

    Early steps weigh less of the past, (1 + n) / (10 + n), so that the first random weights are soon forgotten.

    Args:
        model: Whose parameters to follow, on their device and in their shards.
        decay: Share of the past in each update, below 1.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self._model = model
        self._decay = decay
        self._shadow = {name: p.detach().clone() for name, p in model.named_parameters()}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the model's weights after a step, counted from 1."""
        decay = min(self._decay, (1 + step) / (10 + step))
        for name, parameter in self._model.named_parameters():
            self._shadow[name].lerp_(parameter.detach(), 1.0 - decay)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """The model with averaged weights, and its own again afterwards."""
        own = {name: p.detach().clone() for name, p in self._model.named_parameters()}
        self._put(self._shadow)
        try:
            yield
        finally:
            self._put(own)

    def state(self) -> dict[str, Tensor]:
        """The model's state dict with averaged parameters."""
        return {**self._model.state_dict(), **self._shadow}

    def load(self, tensors: Mapping[str, Tensor]) -> None:
        """Continue from whole tensors of a checkpoint."""
        for name, shadow in self._shadow.items():
            shadow.copy_(laid_out_like(tensors[name], shadow))

    @torch.no_grad()
    def _put(self, values: Mapping[str, Tensor]) -> None:
        for name, parameter in self._model.named_parameters():
            parameter.copy_(values[name])
