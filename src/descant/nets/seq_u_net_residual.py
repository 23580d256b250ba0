"""Residual Seq-U-Net for raw audio (section 4 of arXiv 1911.06393's sheet) and its cached generation.

One width everywhere, gated residual layers, and on the way up an identity path that follows the skip: the layers
after a transposed convolution run on the skip and read the upsampled features beside it. See `seq_u_net` for the
causality rule. A transposed layer keeps one output more at the front than the plain network's: for an odd kernel the
first odd output already has all its neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from descant.errors import InvalidOption
from descant.nets.causal import keep_last
from descant.nets.seq_u_net import Span


@dataclass(frozen=True, slots=True)
class SeqUNetResidualConfig:
    """Shape of the network; the published one is 180 wide, 11 levels, 2 deep."""

    inputs: int = 256
    """Channels read."""
    outputs: int = 256
    """Channels written."""
    width: int = 180
    """Channels of all layers."""
    levels: int = 11
    """Rates at which the network works."""
    depth: int = 2
    """Residual layers of a block."""
    kernel: int = 5
    """Odd length of all convolutions."""

    def __post_init__(self) -> None:
        if self.kernel < 3 or self.kernel % 2 == 0 or self.levels < 2 or self.depth < 1:
            raise InvalidOption("A residual Seq-U-Net needs two levels or more and an odd kernel of 3 or more.")

    @property
    def period(self) -> int:
        """Steps after which the slowest level computes again."""
        return int(2 ** (self.levels - 1))

    def fit_length(self, wanted: int) -> Span:
        """The shortest pass that gives `wanted` outputs or more, as `seq_u_net.fit_length` explains."""
        bottleneck = 1
        while (outputs := self._upwards(bottleneck)) < wanted:
            bottleneck += 1
        taken = self.depth * (self.kernel - 1)
        length = bottleneck + taken
        for _ in range(self.levels - 1):
            length = 2 * length - 2 + self.kernel + taken
        return Span(length + self.kernel - 1, outputs)

    def _upwards(self, length: int) -> int:
        for step in range(self.levels - 1):
            length = 2 * length - self.kernel + 1 - self.depth * (self.kernel - 1)
            if length < 2 ** (step + 1):
                return 0
        return length

    @property
    def receptive_field(self) -> int:
        """Samples that the output with the longest memory depends on."""
        longest = 0
        for phase in range(self.period):
            longest = max(longest, phase - self._earliest(phase, 0) + 1)
        return longest + self.kernel - 1

    def _earliest(self, time: int, level: int) -> int:
        """The earliest of a level's inputs, in its own samples, that its output at `time` depends on."""
        taken = self.depth * (self.kernel - 1)
        if level == self.levels - 1:
            return time - taken
        skipped = time - 2 * taken  # the layers after and before the level below
        first = time - taken
        coarse = -((self.kernel - 1 - first) // 2)  # the first m with first - 2 m < kernel
        below = self._earliest(coarse, level + 1)
        return min(skipped, 2 * below - (self.kernel - 1) - taken)


class ResidualLayer(nn.Module):
    """tanh times sigmoid of two convolutions, added to the input.

    Args:
        width: Channels of the input and the output.
        kernel: Length of the convolutions.
        stride: 1, or 2 to halve the rate.
        conditions: Channels of a further input that the convolutions read and the identity does not.
    """

    def __init__(self, width: int, kernel: int, stride: int = 1, conditions: int = 0) -> None:
        super().__init__()
        self.kernel = kernel
        self.stride = stride
        self.filter = nn.Conv1d(width + conditions, width, kernel, stride=stride)
        self.gate = nn.Conv1d(width + conditions, width, kernel, stride=stride)

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """[batch, width, time] to [batch, width, (time - kernel) / stride + 1]; all aligned at the end."""
        joined = x if condition is None else torch.cat([x, condition], dim=1)
        inside = torch.tanh(self.filter(joined)) * torch.sigmoid(self.gate(joined))
        identity = x[..., (x.shape[-1] - 1) % self.stride :: self.stride]
        return keep_last(identity, inside.shape[-1]) + inside


class TransposedLayer(nn.Module):
    """A residual layer that doubles the rate; its identity says each sample twice."""

    def __init__(self, width: int, kernel: int) -> None:
        super().__init__()
        self.kernel = kernel
        self.filter = nn.ConvTranspose1d(width, width, kernel, stride=2)
        self.gate = nn.ConvTranspose1d(width, width, kernel, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """[batch, width, time] to [batch, width, 2 time - kernel + 1]; the last output is the last input's own."""
        grown = torch.tanh(self.filter(x)) * torch.sigmoid(self.gate(x))
        kept = grown[..., self.kernel - 2 : grown.shape[-1] - self.kernel + 1]
        identity = x.repeat_interleave(2, dim=-1)[..., :-1]
        return keep_last(identity, kept.shape[-1]) + kept


class SeqUNetResidual(nn.Module):
    """The network."""

    def __init__(self, config: SeqUNetResidualConfig) -> None:
        super().__init__()
        self.config = config
        c, k, steps = config.width, config.kernel, range(config.levels - 1)

        def block(conditions: int = 0) -> nn.ModuleList:
            return nn.ModuleList(ResidualLayer(c, k, conditions=conditions) for _ in range(config.depth))

        self.input = nn.Conv1d(config.inputs, c, k)
        self.before = nn.ModuleList(block() for _ in steps)
        self.down = nn.ModuleList(ResidualLayer(c, k, stride=2) for _ in steps)
        self.bottleneck = block()
        self.up = nn.ModuleList(TransposedLayer(c, k) for _ in steps)
        self.after = nn.ModuleList(block(c) for _ in steps)
        self.output = nn.Conv1d(c, config.outputs, 1)

    def inputs_for(self, outputs: int) -> int:
        """Samples to read for `outputs` outputs or more."""
        return self.config.fit_length(outputs).inputs

    def forward(self, x: Tensor) -> Tensor:
        """[batch, inputs, span.inputs] to [batch, outputs, span.outputs], aligned at the end."""
        x = self.input(x)
        skips = []
        for before, down in zip(self.before, self.down, strict=True):
            for layer in cast("nn.ModuleList", before):
                x = layer(x)
            skips.append(x)
            x = down(keep_last(x, x.shape[-1] - 1 + x.shape[-1] % 2))
        for layer in self.bottleneck:
            x = layer(x)
        for skip, up, after in zip(reversed(skips), reversed(self.up), reversed(self.after), strict=True):
            condition = up(x)
            x = keep_last(skip, condition.shape[-1])
            for layer in cast("nn.ModuleList", after):
                x = layer(x, keep_last(condition, x.shape[-1]))
        return cast("Tensor", self.output(F.relu(x)))

    def whole(self, x: Tensor) -> Tensor:
        """[batch, inputs, time] to [batch, outputs, time], as if zeros had come before."""
        time = x.shape[-1]
        return keep_last(self(F.pad(x, (self.inputs_for(time) - time, 0))), time)
