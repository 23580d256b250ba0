"""Seq-U-Net: a causal one-dimensional U-Net for sequences (Stoller, Tian, Ewert, Dixon, IJCAI 2020, arXiv 1911.06393).

Dilated networks compute every feature at every time step. Seq-U-Net computes slow features slowly: each level down
halves the rate, each level up doubles it again and adds what was known at that rate ("skip"). Here are the plain
network for text and piano rolls and the length rule; `seq_u_net_residual` has the one for raw audio.

**Causality.** All sequences are aligned at their end. A strided convolution reads an odd number of samples, so that
the last one is on its grid; a transposed convolution drops the k - 1 outputs at the back that would need samples to
come, and the k - 1 at the front that lack a neighbour; skips are cropped at the front. Output t then sees inputs up
to t and nothing later.

**Phase.** The grids of the slow levels are anchored at the sequence's end, so the function from past to output
repeats every 2 ** (levels - 1) steps: train on lengths that cover whole periods.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from descant.errors import InvalidOption
from descant.nets.causal import keep_last

_SLOPE = 0.01


@dataclass(frozen=True, slots=True)
class SeqUNetConfig:
    """Shape of the network."""

    inputs: int
    """Channels read."""
    outputs: int
    """Channels written."""
    channels: tuple[int, ...]
    """Width of each level, from the fastest to the slowest."""
    kernel: int = 3
    """Odd length of all convolutions."""
    dropout: float = 0.0
    """After every convolution but the last, in training."""

    def __post_init__(self) -> None:
        if self.kernel < 3 or self.kernel % 2 == 0 or len(self.channels) < 2:
            raise InvalidOption("A Seq-U-Net needs two levels or more and an odd kernel of 3 or more.")

    @property
    def levels(self) -> int:
        """Rates at which the network works."""
        return len(self.channels)


@dataclass(frozen=True, slots=True)
class Span:
    """How many samples go in and how many come out of a pass without padding."""

    inputs: int
    outputs: int

    @property
    def context(self) -> int:
        """Samples that are read and get no output."""
        return self.inputs - self.outputs


def fit_length(wanted: int, *, levels: int, kernel: int) -> Span:
    """The shortest pass of a plain Seq-U-Net that gives `wanted` outputs or more.

    From the bottleneck's length b upwards, a transposed convolution gives 2 b - k and the convolution after it
    takes k - 1. Downwards, a convolution adds k - 1, and a strided one that gives n needs 2 n - 2 + k, an odd number.
    """
    bottleneck = 1
    while (outputs := _upwards(bottleneck, levels, kernel)) < wanted:
        bottleneck += 1
    length = bottleneck + kernel - 1
    for _ in range(levels - 1):
        length = 2 * length - 2 + kernel + kernel - 1
    return Span(length, outputs)


def _upwards(length: int, levels: int, kernel: int) -> int:
    """Outputs for a bottleneck's length; 0 where a step would lack one of its phases."""
    for step in range(levels - 1):
        length = 2 * length - 2 * kernel + 1
        if length < 2 ** (step + 1):
            return 0
    return length


class SeqUNet(nn.Module):
    """The plain network: no normalisation, no residuals."""

    def __init__(self, config: SeqUNetConfig) -> None:
        super().__init__()
        self.config = config
        c, k = config.channels, config.kernel
        above = (config.inputs, *c[:-2])
        self.before = nn.ModuleList(nn.Conv1d(a, b, k) for a, b in zip(above, c[:-1], strict=True))
        self.down = nn.ModuleList(nn.Conv1d(b, b, k, stride=2) for b in c[:-1])
        self.bottleneck = nn.Conv1d(c[-2], c[-1], k)
        self.up = nn.ModuleList(nn.ConvTranspose1d(b, b, k, stride=2) for b in c[1:])
        self.after = nn.ModuleList(nn.Conv1d(a + b, a, k) for a, b in pairwise(c))
        self.output = nn.Conv1d(c[0], config.outputs, 1)
        self.dropout = nn.Dropout(config.dropout)

    def span(self, wanted: int) -> Span:
        """The shortest pass that gives `wanted` outputs or more."""
        return fit_length(wanted, levels=self.config.levels, kernel=self.config.kernel)

    def forward(self, x: Tensor) -> Tensor:
        """[batch, inputs, span.inputs] to [batch, outputs, span.outputs], aligned at the end."""
        skips = []
        for before, down in zip(self.before, self.down, strict=True):
            x = self._act(before(x))
            skips.append(x)
            x = self._act(down(_odd(x)))
        x = self._act(self.bottleneck(x))
        for skip, up, after in zip(reversed(skips), reversed(self.up), reversed(self.after), strict=True):
            x = self._act(_without_ends(up(x), self.config.kernel))
            x = self._act(after(torch.cat([x, keep_last(skip, x.shape[-1])], dim=1)))
        return cast("Tensor", self.output(x))

    def whole(self, x: Tensor) -> Tensor:
        """[batch, inputs, time] to [batch, outputs, time], as if zeros had come before."""
        time = x.shape[-1]
        return keep_last(self(F.pad(x, (self.span(time).inputs - time, 0))), time)

    def _act(self, x: Tensor) -> Tensor:
        return cast("Tensor", self.dropout(F.leaky_relu(x, _SLOPE)))


def _odd(x: Tensor) -> Tensor:
    """A strided convolution must read the last sample, which it does only of an odd number."""
    return keep_last(x, x.shape[-1] - 1 + x.shape[-1] % 2)


def _without_ends(x: Tensor, kernel: int) -> Tensor:
    """Drop what lacks samples of the past, at the front, and what needs samples to come, at the back."""
    return x[..., kernel - 1 : x.shape[-1] - kernel + 1]
