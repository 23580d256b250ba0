"""An LSTM that predicts the next token: the recurrent baseline of the Music Transformer's paper (PerformanceRNN)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from descant.errors import InvalidOption


@dataclass(frozen=True, slots=True)
class TokenLstmConfig:
    """Shape of a `TokenLstm`."""

    vocabulary: int
    """Number of tokens."""
    layers: int = 3
    """LSTM layers; the paper's baseline has 3 of 1,024."""
    width: int = 256
    """Of embeddings and states."""
    dropout: float = 0.0
    """Between layers."""

    def __post_init__(self) -> None:
        if min(self.vocabulary, self.layers, self.width) < 1 or not 0.0 <= self.dropout < 1.0:
            raise InvalidOption(
                f"An LSTM of this shape is impossible: {self}.",
                "All sizes are at least 1, the dropout 0 or more and below 1.",
            )


class TokenLstm(nn.Module):
    """Tokens in, logits of the next token out; called as `relative_transformer.RelativeTransformer` is.

    Args:
        config: Shape.
        features: [vocabulary, F] fixed description of the tokens, which adds to their embeddings.
    """

    features: Tensor

    def __init__(self, config: TokenLstmConfig, features: Tensor) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("features", features, persistent=False)
        self.tokens = nn.Parameter(torch.randn(config.vocabulary, config.width) * 0.1)
        self.feature_vectors = nn.Parameter(torch.randn(features.shape[1], config.width) * 0.1)
        self.companion_tokens = nn.Parameter(torch.zeros(config.vocabulary, config.width))
        dropout = config.dropout if config.layers > 1 else 0.0
        self.recurrent = nn.LSTM(config.width, config.width, config.layers, batch_first=True, dropout=dropout)
        self.output = nn.Linear(config.width, config.vocabulary)

    def forward(self, tokens: Tensor, companions: Tensor | None = None) -> Tensor:
        """[B, L] tokens and [B, L, C] companions to [B, L, vocabulary] logits of the token that follows each."""
        x = F.embedding(tokens, self.tokens + self.features @ self.feature_vectors)
        if companions is not None:
            x = x + F.embedding(companions, self.companion_tokens).sum(-2)
        states, _ = self.recurrent(x)
        logits: Tensor = self.output(states)
        return logits
