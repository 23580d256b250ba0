"""Whisper's text decoder in torch (Radford et al., "Robust Speech Recognition via Weak Supervision", 2022), read along.

Runtimes that recognise words keep the decoder's cross-attention to themselves. Here a known text is given whole, as in
training, and what comes out is where in the audio each of its tokens looks: the evidence for when it is sung.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class WhisperDecoderConfig:
    """Sizes; the defaults are those of base, which knows 99 languages."""

    layers: int = 6
    width: int = 512
    heads: int = 8
    tokens: int = 51_865
    positions: int = 448


class _SelfAttention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.inward = nn.Linear(width, 3 * width)
        self.outward = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        tokens, width = x.shape
        split = self.inward(self.norm(x)).view(tokens, 3, self.heads, width // self.heads)
        query, key, value = split.permute(1, 2, 0, 3)
        heard = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        return x + cast("Tensor", self.outward(heard.transpose(0, 1).reshape(tokens, width)))


class _CrossAttention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.query = nn.Linear(width, width)
        self.inward = nn.Linear(width, 2 * width)
        self.outward = nn.Linear(width, width)

    def forward(self, x: Tensor, heard: Tensor) -> tuple[Tensor, Tensor]:
        tokens, width = x.shape
        each = width // self.heads
        query = self.query(self.norm(x)).view(tokens, self.heads, each).transpose(0, 1)
        key, value = self.inward(heard).view(len(heard), 2, self.heads, each).permute(1, 2, 0, 3)
        scores = query @ key.transpose(1, 2) * each**-0.5
        mixed = (scores.softmax(dim=-1) @ value).transpose(0, 1).reshape(tokens, width)
        return x + cast("Tensor", self.outward(mixed)), scores


class _FeedForward(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.wide = nn.Linear(width, 4 * width)
        self.narrow = nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        return x + cast("Tensor", self.narrow(F.gelu(self.wide(self.norm(x)))))


class WhisperDecoder(nn.Module):
    """A known text and the audio's hidden states in, cross-attention out.

    Args:
        config: Sizes.
    """

    def __init__(self, config: WhisperDecoderConfig = WhisperDecoderConfig()) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.tokens, config.width)
        self.register_buffer("positions", torch.zeros(config.positions, config.width))
        self.selves = nn.ModuleList(_SelfAttention(config.width, config.heads) for _ in range(config.layers))
        self.crosses = nn.ModuleList(_CrossAttention(config.width, config.heads) for _ in range(config.layers))
        self.feed_forwards = nn.ModuleList(_FeedForward(config.width) for _ in range(config.layers))

    def forward(self, tokens: Tensor, heard: Tensor, heads: Sequence[tuple[int, int]]) -> Tensor:
        """Read a text along.

        Args:
            tokens: Numbers of its tokens, control tokens included, [tokens], at most `config.positions`.
            heard: The encoder's last output, [frames at 50 a second, width].
            heads: (layer, head) pairs whose attention is wanted.

        Returns:
            Where each token looks, before the softmax over time, [heads, tokens, frames].
        """
        x = self.embedding(tokens) + cast("Tensor", self.positions)[: len(tokens)]
        layers = []
        for attend, look, think in zip(self.selves, self.crosses, self.feed_forwards, strict=True):
            x, scores = look(attend(x), heard)
            x = think(x)
            layers.append(scores)
        return torch.stack([layers[layer][head] for layer, head in heads])

    def load_converted(self, tensors: Mapping[str, Tensor]) -> None:
        """Fill in the variables of a CTranslate2 file below "decoder/".

        Raises:
            KeyError, RuntimeError: A variable is missing or has another shape.
        """
        state = {
            "embedding.weight": tensors["embeddings/weight"],
            "positions": tensors["position_encodings/encodings"],
        }
        for layer in range(self.config.layers):
            for own, theirs in _LAYER.items():
                for leaf in ("weight", "bias"):
                    name = {"weight": "gamma", "bias": "beta"}[leaf] if "norm" in theirs else leaf
                    state[own.format(layer) + f".{leaf}"] = tensors[f"layer_{layer}/{theirs}/{name}"]
        self.load_state_dict({name: tensor.float() for name, tensor in state.items()})


_LAYER = {
    "selves.{}.norm": "self_attention/layer_norm",
    "selves.{}.inward": "self_attention/linear_0",
    "selves.{}.outward": "self_attention/linear_1",
    "crosses.{}.norm": "attention/layer_norm",
    "crosses.{}.query": "attention/linear_0",
    "crosses.{}.inward": "attention/linear_1",
    "crosses.{}.outward": "attention/linear_2",
    "feed_forwards.{}.norm": "ffn/layer_norm",
    "feed_forwards.{}.wide": "ffn/linear_0",
    "feed_forwards.{}.narrow": "ffn/linear_1",
}
