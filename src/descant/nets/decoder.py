"""`Decoder`: a `RelativeTransformer` that remembers what it has read, so that each new token costs one step.

A step of a small model is a few dozen tiny matrix products, so what a call costs decides the speed, not what it
computes. NumPy's calls cost a fraction of PyTorch's: the same step runs twice as fast. On products of this size a
second BLAS thread only waits, so callers wrap their loop in `one_thread`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits
from torch import Tensor

from descant.nets.relative_transformer import Block, RelativeTransformer

Array = NDArray[np.float32]

_EPSILON = 1e-5
_GELU = 0.7978845608028654


@dataclass(frozen=True, slots=True)
class _Layer:
    """One block's weights, as they multiply from the right; `distances` [heads, capacity, head], nearest last."""

    attention_norm: tuple[Array, Array]
    query_key_value: Array
    output: Array
    distances: Array
    feed_forward_norm: tuple[Array, Array]
    widen: tuple[Array, Array]
    narrow: tuple[Array, Array]


@contextmanager
def one_thread() -> Iterator[None]:
    """NumPy's linear algebra on one thread inside the block."""
    with threadpool_limits(limits=1, user_api="blas"):
        yield


class Decoder:
    """Reads tokens for several sequences side by side; each has its own length and its own memory.

    Args:
        model: Its weights are copied.
        sequences: How many are read side by side.
        capacity: Tokens that a sequence may hold.
    """

    def __init__(self, model: RelativeTransformer, sequences: int, capacity: int) -> None:
        config = model.config
        self.capacity = capacity
        self._heads, self._size = config.heads, config.head_size
        self._scale = np.float32(config.head_size**-0.5)
        self._layers = [_layer(block, capacity) for block in model.blocks if isinstance(block, Block)]
        table = _array(model.embeddings())
        self._embeddings = table * np.float32(model.embedding_scale)
        self._companions = _array(model.companion_embeddings()) * np.float32(model.embedding_scale)
        self._output = np.ascontiguousarray(table.T)
        self._bias = _array(model.bias)
        self._norm = (_array(model.norm.weight), _array(model.norm.bias))
        shape = (len(self._layers), sequences, self._heads, capacity, self._size)
        self._keys, self._values = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        self.lengths = [0] * sequences

    def forget(self, sequence: int) -> None:
        """Empty a sequence's memory."""
        self.lengths[sequence] = 0

    def read(
        self, tokens: Sequence[Sequence[int]], companions: Sequence[Sequence[tuple[int, ...]]] | None = None
    ) -> list[Array]:
        """Read more tokens of each sequence (none for some of them).

        Args:
            tokens: For each sequence.
            companions: For each token of each sequence the tokens that it is read together with.

        Returns:
            For each sequence [vocabulary] the logits of the token after its last one; empty where it got none.
        """
        counts = [len(sequence) for sequence in tokens]
        for index, count in enumerate(counts):
            assert self.lengths[index] + count <= self.capacity, "the decoder's memory is full"
            self.lengths[index] += count
        x: Array = self._embeddings[[token for sequence in tokens for token in sequence]]
        if companions is not None:
            x = x + self._companions[[pair for sequence in companions for pair in sequence]].sum(1)
        edges = np.cumsum([0, *counts])
        for number, layer in enumerate(self._layers):
            mixed = _normalise(x, layer.attention_norm) @ layer.query_key_value
            seen = np.empty_like(x)
            for index, count in enumerate(counts):
                if count:
                    rows = slice(edges[index], edges[index + 1])
                    seen[rows] = self._attend(mixed[rows], number, index)
            x = x + seen @ layer.output
            wide = _gelu(_normalise(x, layer.feed_forward_norm) @ layer.widen[0] + layer.widen[1])
            x = x + wide @ layer.narrow[0] + layer.narrow[1]
        last = [edges[index + 1] - 1 for index, count in enumerate(counts) if count]
        logits = iter(_normalise(x[last], self._norm) @ self._output + self._bias)
        return [next(logits) if count else np.zeros(0, np.float32) for count in counts]

    def _attend(self, mixed: Array, number: int, index: int) -> Array:
        """[T, 3 width] queries, keys and values of new tokens of one sequence to [T, width]."""
        count, length = len(mixed), self.lengths[index]
        query, key, value = mixed.reshape(count, 3, self._heads, self._size).transpose(1, 2, 0, 3)
        keys, values = self._keys[number, index], self._values[number, index]
        keys[:, length - count : length] = key
        values[:, length - count : length] = value
        nearest_last = self._layers[number].distances[:, self.capacity - length :]
        relative = query @ nearest_last.transpose(0, 2, 1)
        logits = query @ keys[:, :length].transpose(0, 2, 1)
        if count > 1:
            relative = _skew(relative)
            logits[:, ~np.tri(count, length, length - count, dtype=bool)] = -np.inf
        logits += relative
        logits *= self._scale
        logits -= logits.max(-1, keepdims=True)
        weights = np.exp(logits, out=logits)
        weights /= weights.sum(-1, keepdims=True)
        result: Array = (weights @ values[:, :length]).transpose(1, 0, 2).reshape(count, -1)
        return result


def _layer(block: Block, capacity: int) -> _Layer:
    attention = block.attention
    near_first = _array(attention.distances)
    farthest_first = np.minimum(np.arange(capacity - 1, -1, -1), near_first.shape[1] - 1)
    return _Layer(
        attention_norm=(_array(block.attention_norm.weight), _array(block.attention_norm.bias)),
        query_key_value=_matrix(attention.query_key_value.weight),
        output=_matrix(attention.output.weight),
        distances=np.ascontiguousarray(near_first[:, farthest_first]),
        feed_forward_norm=(_array(block.feed_forward_norm.weight), _array(block.feed_forward_norm.bias)),
        widen=(_matrix(block.widen.weight), _array(block.widen.bias)),
        narrow=(_matrix(block.narrow.weight), _array(block.narrow.bias)),
    )


def _array(tensor: Tensor) -> Array:
    values: Array = tensor.detach().float().cpu().numpy()
    return values


def _matrix(tensor: Tensor) -> Array:
    return np.ascontiguousarray(_array(tensor).T)


def _normalise(x: Array, norm: tuple[Array, Array]) -> Array:
    centred = x - x.mean(-1, keepdims=True)
    variance = np.einsum("tc,tc->t", centred, centred)[:, None] / np.float32(x.shape[-1])
    result: Array = centred / np.sqrt(variance + np.float32(_EPSILON)) * norm[0] + norm[1]
    return result


def _gelu(x: Array) -> Array:
    result: Array = np.float32(0.5) * x * (1 + np.tanh(np.float32(_GELU) * (x + np.float32(0.044715) * x * x * x)))
    return result


def _skew(products: Array) -> Array:
    """`relative_transformer.skew` for [heads, T, S]."""
    heads, queries, keys = products.shape
    padded = np.zeros((heads, queries, keys + 1), np.float32)
    padded[:, :, 1:] = products
    return padded.reshape(heads, -1)[:, queries:].reshape(heads, queries, keys)
