"""A decoder-only transformer with relative attention (Huang et al., "Music Transformer", ICLR 2019).

Position enters only through the distance between query and key: each head has a learned vector for every distance,
and its product with the query is added to the attention logit. Nothing is tied to an absolute position, so a model
runs on sequences longer than those it was trained on; distances beyond `max_distance` share the last vector.
`nets.decoder` runs the same model token by token.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from descant.errors import InvalidOption


@dataclass(frozen=True, slots=True)
class RelativeTransformerConfig:
    """Shape of a `RelativeTransformer`."""

    vocabulary: int
    """Number of tokens."""
    layers: int = 5
    """Transformer blocks."""
    width: int = 256
    """Size of the residual stream; a multiple of `heads`."""
    heads: int = 8
    """Attention heads."""
    feed_forward: int = 768
    """Hidden size of the position-wise network."""
    max_distance: int = 512
    """Distances 0..max_distance-1 have vectors of their own; farther ones share the last."""
    dropout: float = 0.1
    """Probability of dropping activations in training."""

    def __post_init__(self) -> None:
        sizes = (self.vocabulary, self.layers, self.width, self.heads, self.feed_forward, self.max_distance)
        if min(sizes) < 1 or self.width % self.heads or not 0.0 <= self.dropout < 1.0:
            raise InvalidOption(
                f"A transformer of this shape is impossible: {self}.",
                "All sizes are at least 1, the width is a multiple of the heads, the dropout 0 or more and below 1.",
            )

    @property
    def head_size(self) -> int:
        """Size of one head's queries, keys and values."""
        return self.width // self.heads


def skew(products: Tensor) -> Tensor:
    """Turn products by distance into products by key, without an L x L x D tensor (section 3.4.1 of the paper).

    Args:
        products: [..., T, S]; entry [i, r] belongs to query i (which stands at position S - T + i) and the
            distance S - 1 - r.

    Returns:
        [..., T, S]; entry [i, j] belongs to query i and key j. Entries of keys after the query are meaningless and
        must be masked.
    """
    queries, keys = products.shape[-2:]
    # A zero column on the left makes each row one longer than it is read back: row i moves left by T - 1 - i.
    flat = F.pad(products, (1, 0)).flatten(-2)
    return flat[..., queries:].reshape(*flat.shape[:-1], queries, keys)


class RelativeAttention(nn.Module):
    """Causal multi-head self-attention with learned vectors for relative distances."""

    def __init__(self, config: RelativeTransformerConfig) -> None:
        super().__init__()
        self.config = config
        self.query_key_value = nn.Linear(config.width, 3 * config.width, bias=False)
        self.output = nn.Linear(config.width, config.width, bias=False)
        self.distances = nn.Parameter(torch.randn(config.heads, config.max_distance, config.head_size) * 0.02)

    def forward(self, x: Tensor) -> Tensor:
        """[B, L, width] to [B, L, width], each position seeing itself and what came before."""
        query, key, value = self._heads(x)
        length = x.shape[1]
        # Row r of `vectors` is the vector of distance length - 1 - r, as `skew` expects.
        farthest_first = torch.arange(length - 1, -1, -1, device=x.device).clamp(max=self.config.max_distance - 1)
        vectors = self.distances[:, farthest_first]
        relative = skew(query @ vectors.transpose(-1, -2).to(query.dtype))
        logits = (query @ key.transpose(-1, -2) + relative) * self.config.head_size**-0.5
        future = torch.ones(length, length, dtype=torch.bool, device=x.device).triu(1)
        weights = logits.masked_fill(future, float("-inf")).softmax(-1)
        return self._join(weights.to(value.dtype) @ value)

    def _heads(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        batch, length, _ = x.shape
        split = self.query_key_value(x).view(batch, length, 3, self.config.heads, self.config.head_size)
        query, key, value = split.permute(2, 0, 3, 1, 4).unbind(0)
        return query, key, value

    def _join(self, x: Tensor) -> Tensor:
        joined: Tensor = self.output(x.transpose(1, 2).flatten(-2))
        return joined


class Block(nn.Module):
    """Attention and a position-wise network, each normalised before and added to the stream after."""

    def __init__(self, config: RelativeTransformerConfig) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(config.width)
        self.attention = RelativeAttention(config)
        self.feed_forward_norm = nn.LayerNorm(config.width)
        self.widen = nn.Linear(config.width, config.feed_forward)
        self.narrow = nn.Linear(config.feed_forward, config.width)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        """[B, L, width] to [B, L, width]."""
        x = x + self.dropout(self.attention(self.attention_norm(x)))
        deeper: Tensor = x + self.dropout(self._feed_forward(x))
        return deeper

    def _feed_forward(self, x: Tensor) -> Tensor:
        narrowed: Tensor = self.narrow(F.gelu(self.widen(self.feed_forward_norm(x)), approximate="tanh"))
        return narrowed


class RelativeTransformer(nn.Module):
    """Tokens in, logits of the next token out.

    Args:
        config: Shape.
        features: [vocabulary, F] fixed description of the tokens (which pitch class, which place in the bar, ...).
            A token's embedding is a vector of its own plus the sum of its features' vectors, so that what is
            learned about a feature serves every token that has it. None: only vectors of their own. It is a
            property of the vocabulary and not saved with the weights.

    Raises:
        InvalidOption: The features are not those of the vocabulary.

    A token may be read together with companions: tokens that say what else is the case where it stands (the chord
    and the melody note that sound there). Companions have embeddings of their own, which are added to the token's.
    """

    features: Tensor

    def __init__(self, config: RelativeTransformerConfig, features: Tensor | None = None) -> None:
        super().__init__()
        self.config = config
        described = torch.zeros(config.vocabulary, 0) if features is None else features
        if described.shape[0] != config.vocabulary:
            raise InvalidOption(
                f"{described.shape[0]} tokens are described, and the vocabulary has {config.vocabulary}.",
                "Give one row of features for each token.",
            )
        self.register_buffer("features", described, persistent=False)
        self.tokens = nn.Parameter(torch.randn(config.vocabulary, config.width) * 0.02)
        self.feature_vectors = nn.Parameter(torch.randn(described.shape[1], config.width) * 0.02)
        self.companion_tokens = nn.Parameter(torch.zeros(config.vocabulary, config.width))
        self.companion_features = nn.Parameter(torch.zeros(described.shape[1], config.width))
        self.embedding_scale = config.width**0.5
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.width)
        self.bias = nn.Parameter(torch.zeros(config.vocabulary))
        for name, parameter in self.named_parameters():
            if name.endswith(("output.weight", "narrow.weight")):
                nn.init.normal_(parameter, std=0.02 / (2 * config.layers) ** 0.5)
            elif name.endswith(("query_key_value.weight", "widen.weight")):
                nn.init.normal_(parameter, std=config.width**-0.5)

    def forward(self, tokens: Tensor, companions: Tensor | None = None) -> Tensor:
        """[B, L] tokens and [B, L, C] companions to [B, L, vocabulary] logits of the token that follows each."""
        table = self.embeddings()
        x = F.embedding(tokens, table)
        if companions is not None:
            x = x + F.embedding(companions, self.companion_embeddings()).sum(-2)
        x = self.dropout(x * self.embedding_scale)
        for block in self.blocks:
            x = block(x)
        return self._logits(x, table)

    def embeddings(self) -> Tensor:
        """[vocabulary, width]: the vectors of all tokens, used for input and output."""
        return self.tokens + self.features @ self.feature_vectors

    def companion_embeddings(self) -> Tensor:
        """[vocabulary, width]: what each token adds as a companion."""
        return self.companion_tokens + self.features @ self.companion_features

    def _logits(self, x: Tensor, table: Tensor) -> Tensor:
        logits: Tensor = F.linear(self.norm(x), table, self.bias)
        return logits
