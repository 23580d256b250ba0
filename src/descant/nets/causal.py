"""What causal networks over time share: sequences are aligned at their end, and generation remembers.

A causal network's output at time t depends on inputs up to t only. Without padding every convolution shortens its
input at the front, so that two sequences belong together sample by sample when their *ends* are aligned.
"""

from __future__ import annotations

from typing import Protocol, cast

import torch
from torch import Tensor, nn


class CausalNet(Protocol):
    """A network from [batch, channels, time] to [batch, outputs, time]."""

    def whole(self, x: Tensor) -> Tensor:
        """All of x, as if silence had come before it: [batch, channels, time] to [batch, outputs, time]."""


class Stream(Protocol):
    """Cached generation: each new sample costs one step, not a pass over the past."""

    def step(self, x: Tensor) -> Tensor:
        """The next sample [batch, channels] to its outputs [batch, outputs]."""


def keep_last(x: Tensor, length: int) -> Tensor:
    """The last `length` samples of [..., time]."""
    return x[..., x.shape[-1] - length :]


class TokenModel(nn.Module):
    """A causal network over tokens whose decoder has the embedding's weights ("tied").

    Args:
        vocabulary: How many tokens there are.
        width: Of an embedding: the channels that `net` reads and writes.
        net: The network.
        dropout: Of embeddings, in training.
    """

    def __init__(self, vocabulary: int, width: int, net: nn.Module, dropout: float = 0.0) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.net = net
        self.dropout = nn.Dropout(dropout)
        self.decoder = nn.Linear(width, vocabulary)
        self.decoder.weight = self.embedding.weight
        nn.init.normal_(self.embedding.weight, std=0.1)

    def forward(self, tokens: Tensor) -> Tensor:
        """[batch, time] to logits [batch, vocabulary, outputs]."""
        return self._logits(self.net(self._embed(tokens)))

    def whole(self, tokens: Tensor) -> Tensor:
        """[batch, time] to logits [batch, vocabulary, time]."""
        return self._logits(cast("CausalNet", self.net).whole(self._embed(tokens)))

    def _embed(self, tokens: Tensor) -> Tensor:
        return cast("Tensor", self.dropout(self.embedding(tokens))).transpose(1, 2)

    def _logits(self, features: Tensor) -> Tensor:
        return cast("Tensor", self.decoder(features.transpose(1, 2))).transpose(1, 2)


class Queue:
    """The last samples that a layer has read, in a ring: nothing is copied when a sample comes in.

    Args:
        past: The samples before the next one, [batch, channels, length].
    """

    def __init__(self, past: Tensor) -> None:
        self._ring = past.permute(2, 0, 1).clone()
        self._at = 0

    def push(self, x: Tensor) -> Tensor:
        """Put in a sample [batch, channels]; gives the one that came `length` samples before it."""
        oldest = self._ring[self._at].clone()
        self._ring[self._at] = x
        self._at = (self._at + 1) % len(self._ring)
        return oldest


def parameter_count(model: nn.Module) -> int:
    """Trainable numbers; tied weights count once."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad)


def one_hot(tokens: Tensor, classes: int) -> Tensor:
    """[batch, time] to [batch, classes, time] in the default float type."""
    table = torch.eye(classes, device=tokens.device)
    return table[tokens].transpose(1, 2)
