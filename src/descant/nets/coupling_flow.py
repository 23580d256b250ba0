"""The flow of VITS: an invertible map between what is said and how a speaker sounds (Kim et al., 2021).

Each step shifts one half of the channels by what a small WaveNet makes of the other half and of the speaker, then the
channels are turned around (the additive coupling of Dinh et al., "NICE", 2015). Names as in published checkpoints.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

KERNEL = 5
"""Frames that a convolution of the small WaveNet spans, in every published voice."""


class _WaveNet(nn.Module):
    """Gated convolutions with skips (van den Oord et al., 2016); the speaker is heard in each gate."""

    def __init__(self, channels: int, layers: int, speaker: int) -> None:
        super().__init__()
        self.channels = channels
        self.cond_layer = nn.Conv1d(speaker, 2 * channels * layers, 1)
        self.in_layers = nn.ModuleList(
            nn.Conv1d(channels, 2 * channels, KERNEL, padding=KERNEL // 2) for _ in range(layers)
        )
        self.res_skip_layers = nn.ModuleList(
            nn.Conv1d(channels, 2 * channels if layer < layers - 1 else channels, 1) for layer in range(layers)
        )

    def forward(self, x: Tensor, speaker: Tensor) -> Tensor:
        total = torch.zeros_like(x)
        shares = self.cond_layer(speaker).split(2 * self.channels, dim=1)
        for widen, split, share in zip(self.in_layers, self.res_skip_layers, shares, strict=True):
            signal, gate = (widen(x) + share).chunk(2, dim=1)
            out = split(torch.tanh(signal) * torch.sigmoid(gate))
            if out.shape[1] > self.channels:
                x = x + out[:, : self.channels]
                out = out[:, self.channels :]
            total = total + out
        return total


class _Coupling(nn.Module):
    def __init__(self, channels: int, hidden: int, layers: int, speaker: int) -> None:
        super().__init__()
        self.pre = nn.Conv1d(channels // 2, hidden, 1)
        self.enc = _WaveNet(hidden, layers, speaker)
        self.post = nn.Conv1d(hidden, channels // 2, 1)

    def shift(self, kept: Tensor, speaker: Tensor) -> Tensor:
        """What is added to the other half."""
        return cast("Tensor", self.post(self.enc(self.pre(kept), speaker)))


class CouplingFlow(nn.Module):
    """See the module.

    Args:
        channels: In and out; an even number.
        hidden: Of the small WaveNets.
        layers: Of each.
        flows: How many steps.
        speaker: Dimensions of the speaker's embedding.
    """

    def __init__(self, channels: int, hidden: int, layers: int, flows: int, speaker: int) -> None:
        super().__init__()
        # In published checkpoints every second place is the turning around, which has no parameters.
        self.flows = nn.ModuleList(
            _Coupling(channels, hidden, layers, speaker) if place % 2 == 0 else nn.Identity()
            for place in range(2 * flows)
        )

    def forward(self, x: Tensor, speaker: Tensor, *, reverse: bool = False) -> Tensor:
        """From sound to prior, or back.

        Args:
            x: [batch, channels, frames].
            speaker: [batch, speaker, 1].
            reverse: From prior to sound.
        """
        couplings = [step for step in self.flows if isinstance(step, _Coupling)]
        for step in reversed(couplings) if reverse else couplings:
            kept, moved = (x.flip(1) if reverse else x).chunk(2, dim=1)
            shift = step.shift(kept, speaker)
            x = torch.cat((kept, moved - shift if reverse else moved + shift), dim=1)
            x = x if reverse else x.flip(1)
        return x
