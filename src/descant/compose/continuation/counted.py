"""`CountedModel`: a unigram or an n-gram model of the token streams, by counting: what a trained model must beat.

Witten and Bell's interpolation (1991): what follows a context that was seen n times with t different successors has
its counted share with the weight n / (n + t), and the next shorter context's estimate with the rest. The shortest
context of all knows every token once.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from descant.compose.continuation.tokens import HEADER

Floats = NDArray[np.float64]
Counts = tuple[NDArray[np.int64], NDArray[np.int64]]


class CountedModel:
    """Counts of tokens after the last `order` tokens.

    Args:
        streams: Token streams to count.
        vocabulary: Number of tokens.
        order: 0 is a unigram, 2 looks back on two tokens.
    """

    def __init__(self, streams: Sequence[Sequence[int]], vocabulary: int, order: int) -> None:
        self._vocabulary, self._order = vocabulary, order
        self._grams: list[Counts] = []  # (numbers of n-grams that occur, how often), shortest first
        self._contexts: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]] = []
        for length in range(order + 1):
            found = [self._numbers(stream, length) for stream in streams if len(stream) > length]
            grams, counts = np.unique(np.concatenate([np.zeros(0, np.int64), *found]), return_counts=True)
            self._grams.append((grams, counts))
            # Those of one context lie side by side; its number is that of the gram without the last token.
            contexts, first = np.unique(grams // vocabulary, return_index=True)
            seen = np.add.reduceat(counts, first) if len(first) else counts
            self._contexts.append((contexts, seen, np.diff([*first, len(grams)])))

    def _numbers(self, stream: Sequence[int], length: int) -> NDArray[np.int64]:
        """The (length + 1)-grams of a stream as numbers."""
        tokens = np.asarray(stream, np.int64)
        numbers = np.zeros(len(tokens) - length, np.int64)
        for offset in range(length + 1):
            numbers = numbers * self._vocabulary + tokens[offset : len(tokens) - length + offset]
        return numbers

    def nats(self, stream: Sequence[int]) -> Floats:
        """[tokens - 1] negative log-likelihood of each token after the first, in nats."""
        tokens = np.asarray(stream, np.int64)
        share = np.full(len(tokens) - 1, 1.0 / self._vocabulary)
        for length in range(self._order + 1):
            grams = self._numbers(stream, length)[0 if length else 1 :]
            late = max(0, length - 1)  # the first tokens have no context of this length
            share[late:] = self._mixed(grams, share[late:], length)
        result: Floats = -np.log(share)
        return result

    def mean_nats(self, streams: Sequence[Sequence[int]]) -> float:
        """Mean nats of the tokens after the headers of songs."""
        return float(np.concatenate([self.nats(stream)[HEADER - 1 :] for stream in streams]).mean())

    def odds(self, context: Sequence[int]) -> Floats:
        """[vocabulary] probability of each token after these."""
        share = np.full(self._vocabulary, 1.0 / self._vocabulary)
        for length in range(min(self._order, len(context)) + 1):
            number = 0
            for token in context[len(context) - length :]:
                number = number * self._vocabulary + token
            share = self._mixed(number * self._vocabulary + np.arange(self._vocabulary), share, length)
        return share

    def _mixed(self, grams: NDArray[np.int64], shorter: Floats, length: int) -> Floats:
        """The estimates for some grams, given those of the next shorter context."""
        counts = _looked_up(*self._grams[length], grams)
        contexts, seen, kinds = self._contexts[length]
        before = grams // self._vocabulary
        total, variety = _looked_up(contexts, seen, before), _looked_up(contexts, kinds, before)
        known = total + variety
        return np.where(known > 0, (counts + variety * shorter) / np.maximum(known, 1), shorter)


class CountedReader:
    """A counted model in the place of a trained one: reads tokens, and says what may come next.

    Args:
        model: The counts.
    """

    def __init__(self, model: CountedModel) -> None:
        self._model = model
        self._tokens: list[int] = []

    @property
    def lengths(self) -> list[int]:
        """How many tokens it has read, as a list of one."""
        return [len(self._tokens)]

    def read(
        self, tokens: Sequence[Sequence[int]], companions: Sequence[Sequence[tuple[int, ...]]] | None = None
    ) -> list[Floats]:
        """Read more tokens (companions tell it nothing); [vocabulary] logarithms of what follows."""
        del companions
        self._tokens += tokens[0]
        return [np.log(self._model.odds(self._tokens))]

    def forget(self, sequence: int) -> None:
        """Empty the memory."""
        self.rewind(sequence, 0)

    def rewind(self, sequence: int, length: int) -> None:
        """Forget what was read after the first `length` tokens; there is one sequence, number 0."""
        del sequence
        del self._tokens[length:]


def _looked_up(keys: NDArray[np.int64], values: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.int64]:
    """The values of keys in a sorted table; 0 for those that are not there."""
    if not len(keys):
        return np.zeros(len(wanted), np.int64)
    places = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    found: NDArray[np.int64] = np.where(keys[places] == wanted, values[places], 0)
    return found
