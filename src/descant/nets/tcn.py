"""Temporal convolutional network (Bai, Kolter, Koltun, arXiv 1803.01271): the dilated baseline for symbols.

Residual blocks of two weight-normalised convolutions whose dilation doubles from block to block; each layer pads
zeros at the front, so every feature is computed at every time step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from descant.nets.causal import Queue


@dataclass(frozen=True, slots=True)
class TcnConfig:
    """Shape of the network."""

    inputs: int
    """Channels read."""
    outputs: int | None
    """Channels written by a last convolution of length 1; None leaves the last block's."""
    channels: tuple[int, ...]
    """Width of each block."""
    kernel: int = 3
    """Length of the convolutions."""
    dropout: float = 0.0
    """After every convolution of a block, in training."""

    @property
    def receptive_field(self) -> int:
        """Samples that an output depends on."""
        return 1 + 2 * (self.kernel - 1) * ((1 << len(self.channels)) - 1)


class TcnBlock(nn.Module):
    """Two dilated convolutions and what passes them by."""

    def __init__(self, inputs: int, width: int, kernel: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.dilation = dilation
        self.reach = (kernel - 1) * dilation
        self.first = weight_norm(nn.Conv1d(inputs, width, kernel, dilation=dilation))
        self.second = weight_norm(nn.Conv1d(width, width, kernel, dilation=dilation))
        self.shortcut = nn.Conv1d(inputs, width, 1) if inputs != width else nn.Identity()
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """[batch, inputs, time] to [batch, width, time]."""
        inside = self.dropout(F.relu(self.first(F.pad(x, (self.reach, 0)))))
        inside = self.dropout(F.relu(self.second(F.pad(inside, (self.reach, 0)))))
        return F.relu(inside + self.shortcut(x))


class Tcn(nn.Module):
    """The network."""

    def __init__(self, config: TcnConfig) -> None:
        super().__init__()
        self.config = config
        above = (config.inputs, *config.channels[:-1])
        self.blocks = nn.ModuleList(
            TcnBlock(a, b, config.kernel, 2**i, config.dropout)
            for i, (a, b) in enumerate(zip(above, config.channels, strict=True))
        )
        last = config.channels[-1]
        self.output = nn.Identity() if config.outputs is None else nn.Conv1d(last, config.outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        """[batch, inputs, time] to [batch, outputs, time]; zeros come before in every layer."""
        for block in self.blocks:
            x = block(x)
        return cast("Tensor", self.output(x))

    def whole(self, x: Tensor) -> Tensor:
        """The same as a call."""
        return cast("Tensor", self(x))


class _StreamedConv:
    """A dilated convolution that reads one sample at a time."""

    def __init__(self, conv: nn.Conv1d, batch: int) -> None:
        weight = conv.weight.detach()  # [out, in, kernel], normalised
        self._taps = [weight[:, :, i] for i in range(weight.shape[2])]
        self._bias = None if conv.bias is None else conv.bias.detach()
        zeros = weight.new_zeros(batch, weight.shape[1], conv.dilation[0])
        self._queues = [Queue(zeros) for _ in self._taps[1:]]

    def step(self, x: Tensor) -> Tensor:
        total = F.linear(x, self._taps[-1], self._bias)
        for tap, queue in zip(reversed(self._taps[:-1]), self._queues, strict=True):
            x = queue.push(x)
            total = total + F.linear(x, tap)
        return total


class TcnStream:
    """Cached generation with a `Tcn`: a queue per tap of each layer. Weights are copied when it is made."""

    def __init__(self, model: Tcn, batch: int = 1) -> None:
        self._model = model
        self._layers = [
            (_StreamedConv(b.first, batch), _StreamedConv(b.second, batch))
            for b in model.blocks
            if isinstance(b, TcnBlock)
        ]

    @torch.no_grad()
    def step(self, x: Tensor) -> Tensor:
        """The next sample [batch, inputs] to its outputs [batch, outputs]."""
        for (first, second), block in zip(self._layers, self._model.blocks, strict=True):
            inside = F.relu(second.step(F.relu(first.step(x))))
            x = F.relu(inside + cast("TcnBlock", block).shortcut(x[..., None])[..., 0])
        return cast("Tensor", self._model.output(x[..., None]))[..., 0]
