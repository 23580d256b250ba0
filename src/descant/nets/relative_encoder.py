"""The prior's encoder of VITS: a transformer that hears distances up to a few frames (Shaw et al., 2018).

After Kim et al., "Conditional Variational Autoencoder with Adversarial Learning for End-to-End Text-to-Speech" (2021).
Parameters are named as in the checkpoints of the programs that publish such voices.
"""

from __future__ import annotations

import math
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class _ChannelNorm(nn.Module):
    """Layer norm over the channels of [batch, channels, frames]."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(channels))
        self.beta = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        return F.layer_norm(x.transpose(1, 2), self.gamma.shape, self.gamma, self.beta).transpose(1, 2)


class RelativeAttention(nn.Module):
    """Attention whose keys and values have an addend for each distance within the window; farther ones have none.

    Args:
        channels: In and out.
        heads: Among which they are divided.
        window: The largest distance that is heard, in frames.
    """

    def __init__(self, channels: int, heads: int, window: int) -> None:
        super().__init__()
        self.heads, self.window, self.size = heads, window, channels // heads
        self.conv_q, self.conv_k, self.conv_v, self.conv_o = (nn.Conv1d(channels, channels, 1) for _ in range(4))
        self.emb_rel_k = nn.Parameter(torch.zeros(1, 2 * window + 1, self.size))
        self.emb_rel_v = nn.Parameter(torch.zeros(1, 2 * window + 1, self.size))

    def forward(self, x: Tensor) -> Tensor:
        """[batch, channels, frames] to the same."""
        batch, channels, frames = x.shape
        query, key, value = (
            conv(x).view(batch, self.heads, self.size, frames).transpose(2, 3)
            for conv in (self.conv_q, self.conv_k, self.conv_v)
        )
        query = query / math.sqrt(self.size)
        scores = query @ key.transpose(2, 3)
        # A band of the square holds the distances that are heard: its rows are cut out, changed, and put back.
        columns = torch.arange(frames, device=x.device)[:, None] + torch.arange(-self.window, self.window + 1)
        inside = (columns >= 0) & (columns < frames)
        at = columns.clamp(0, frames - 1).expand(batch, self.heads, -1, -1)
        near = (query @ self.emb_rel_k[0].T) * inside
        weights = scores.scatter_add(3, at, near).softmax(dim=3)
        heard = weights @ value + (weights.gather(3, at) * inside) @ self.emb_rel_v[0]
        return cast("Tensor", self.conv_o(heard.transpose(2, 3).reshape(batch, channels, frames)))


class _FeedForward(nn.Module):
    def __init__(self, channels: int, inner: int, kernel: int) -> None:
        super().__init__()
        self.kernel = kernel
        self.conv_1 = nn.Conv1d(channels, inner, kernel)
        self.conv_2 = nn.Conv1d(inner, channels, kernel)

    def forward(self, x: Tensor) -> Tensor:
        sides = ((self.kernel - 1) // 2, self.kernel // 2)
        return cast("Tensor", self.conv_2(F.pad(torch.relu(self.conv_1(F.pad(x, sides))), sides)))


class RelativeEncoder(nn.Module):
    """Layers of attention and convolutions, each added to what it read, then normed.

    Args:
        channels: In and out.
        inner: Channels between the two convolutions of a layer.
        heads: Of the attention.
        layers: How many.
        kernel: Of the convolutions, in frames.
        window: See `RelativeAttention`.
    """

    def __init__(self, channels: int, inner: int, heads: int, layers: int, kernel: int, window: int) -> None:
        super().__init__()
        self.attn_layers = nn.ModuleList(RelativeAttention(channels, heads, window) for _ in range(layers))
        self.norm_layers_1 = nn.ModuleList(_ChannelNorm(channels) for _ in range(layers))
        self.ffn_layers = nn.ModuleList(_FeedForward(channels, inner, kernel) for _ in range(layers))
        self.norm_layers_2 = nn.ModuleList(_ChannelNorm(channels) for _ in range(layers))

    def forward(self, x: Tensor) -> Tensor:
        """[batch, channels, frames] to the same."""
        layers = zip(self.attn_layers, self.norm_layers_1, self.ffn_layers, self.norm_layers_2, strict=True)
        for attend, norm, think, norm_again in layers:
            x = norm(x + attend(x))
            x = norm_again(x + think(x))
        return x
