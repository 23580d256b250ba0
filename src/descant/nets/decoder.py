"""`Decoder`: a `RelativeTransformer` that remembers what it has read, so that each new token costs one step.

A step of a small model is a few dozen tiny matrix products, so what a call costs decides the speed, not what it
computes. NumPy's calls cost a fraction of PyTorch's: the same step runs twice as fast. What is constant (the gains of
the norms, the scale of the logits, halves) is multiplied into the matrices beforehand. On products of this size a
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
from torch.nn import LayerNorm

from descant.errors import InvalidOption
from descant.nets.relative_transformer import Block, RelativeTransformer

Array = NDArray[np.float32]

_EPSILON = np.float32(1e-5)
_GELU = np.float32(0.7978845608028654)
_GELU_CUBIC = np.float32(0.044715 * 0.7978845608028654)
_ONE = np.float32(1.0)


@dataclass(frozen=True, slots=True)
class _Layer:
    """One block's weights, as they multiply from the right; `distances` [heads, capacity, head], nearest last.

    Pairs are a matrix and what is added to the product. The norms before `query_key_value` and `widen` are part of
    them, but for `_standardise`; queries are scaled for the softmax; `narrow` halves, as the end of `_twice_gelu`.
    """

    query_key_value: tuple[Array, Array]
    output: Array
    distances: Array
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
        self._layers = [_layer(block, capacity) for block in model.blocks if isinstance(block, Block)]
        table = _array(model.embeddings())
        self._embeddings = table * np.float32(model.embedding_scale)
        self._companions = _array(model.companion_embeddings()) * np.float32(model.embedding_scale)
        self._output = _after_norm(model.norm, table.T, _array(model.bias))
        shape = (len(self._layers), sequences, self._heads, capacity, self._size)
        self._keys, self._values = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        self.lengths = [0] * sequences

    def forget(self, sequence: int) -> None:
        """Empty a sequence's memory."""
        self.lengths[sequence] = 0

    def rewind(self, sequence: int, length: int) -> None:
        """Forget what a sequence read after its first `length` tokens."""
        self.lengths[sequence] = min(self.lengths[sequence], length)

    def read(
        self, tokens: Sequence[Sequence[int]], companions: Sequence[Sequence[tuple[int, ...]]] | None = None
    ) -> list[Array]:
        """Read more tokens of each sequence (none for some of them).

        Args:
            tokens: For each sequence.
            companions: For each token of each sequence the tokens that it is read together with.

        Returns:
            For each sequence [vocabulary] the logits of the token after its last one; empty where it got none.

        Raises:
            InvalidOption: A sequence outgrows the capacity.
        """
        counts = [len(sequence) for sequence in tokens]
        for index, count in enumerate(counts):
            self.lengths[index] += count
            if self.lengths[index] > self.capacity:
                raise InvalidOption(
                    f"{self.lengths[index]} tokens do not fit into a decoder made for {self.capacity}.",
                    "Forget the sequence first.",
                )
        x: Array = self._embeddings[[token for sequence in tokens for token in sequence]]
        if companions is not None:
            x = x + self._companions[[pair for sequence in companions for pair in sequence]].sum(1)
        edges = np.cumsum([0, *counts])
        for number, layer in enumerate(self._layers):
            mixed = _affine(_standardise(x), layer.query_key_value)
            seen = np.empty_like(x)
            for index, count in enumerate(counts):
                if count:
                    rows = slice(edges[index], edges[index + 1])
                    seen[rows] = self._attend(mixed[rows], number, index)
            x += seen @ layer.output
            x += _affine(_twice_gelu(_affine(_standardise(x), layer.widen)), layer.narrow)
        last = [edges[index + 1] - 1 for index, count in enumerate(counts) if count]
        logits = iter(_affine(_standardise(x[last]), self._output))
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
        logits -= np.maximum.reduce(logits, -1, keepdims=True)
        weights = np.exp(logits, out=logits)
        mean = weights @ values[:, :length]
        mean /= np.add.reduce(weights, -1, keepdims=True)
        result: Array = mean.transpose(1, 0, 2).reshape(count, -1)
        return result


def _layer(block: Block, capacity: int) -> _Layer:
    attention = block.attention
    near_first = _array(attention.distances)
    farthest_first = np.minimum(np.arange(capacity - 1, -1, -1), near_first.shape[1] - 1)
    width, head_size = attention.config.width, attention.config.head_size
    query_key_value = _array(attention.query_key_value.weight).T.copy()
    query_key_value[:, :width] *= np.float32(head_size**-0.5)
    return _Layer(
        query_key_value=_after_norm(block.attention_norm, query_key_value, np.float32(0.0)),
        output=_matrix(attention.output.weight),
        distances=np.ascontiguousarray(near_first[:, farthest_first]),
        widen=_after_norm(block.feed_forward_norm, _array(block.widen.weight).T, _array(block.widen.bias)),
        narrow=(np.float32(0.5) * _matrix(block.narrow.weight), _array(block.narrow.bias)),
    )


def _after_norm(norm: LayerNorm, matrix: Array, bias: Array | np.float32) -> tuple[Array, Array]:
    """A product that takes what `_standardise` gives, and does the rest of the norm before it."""
    gains, shifts = _array(norm.weight), _array(norm.bias)
    return np.ascontiguousarray(gains[:, None] * matrix), shifts @ matrix + bias


def _array(tensor: Tensor) -> Array:
    values: Array = tensor.detach().float().cpu().numpy()
    return values


def _matrix(tensor: Tensor) -> Array:
    return np.ascontiguousarray(_array(tensor).T)


def _affine(x: Array, weights: tuple[Array, Array]) -> Array:
    product: Array = x @ weights[0]
    product += weights[1]
    return product


def _standardise(x: Array) -> Array:
    """Rows with mean 0 and variance 1: a layer norm without its gains and shifts."""
    share = np.float32(1.0 / x.shape[-1])
    mean: Array = np.add.reduce(x, -1, keepdims=True)
    centred: Array = x - mean * share
    variance = np.vecdot(centred, centred)
    variance *= share
    variance += _EPSILON
    centred /= np.sqrt(variance, out=variance)[:, None]
    return centred


def _twice_gelu(x: Array) -> Array:
    """2 gelu(x), in the approximation by tanh."""
    inner: Array = x * x
    inner *= _GELU_CUBIC
    inner += _GELU
    inner *= x
    np.tanh(inner, out=inner)
    inner += _ONE
    inner *= x
    return inner


def _skew(products: Array) -> Array:
    """`relative_transformer.skew` for [heads, T, S]."""
    heads, queries, keys = products.shape
    padded = np.zeros((heads, queries, keys + 1), np.float32)
    padded[:, :, 1:] = products
    return padded.reshape(heads, -1)[:, queries:].reshape(heads, queries, keys)
