"""`Scribe`: writes bars after bars, sampling from a model of the token streams, and draws again what is bad.

When the context outgrows what the model was trained on, the header and the last bars are read again into an empty
memory, so that the song is written under the same conditions however long it gets. A bar that would make a loop (the
same bar more often in a row, or among the last sixteen, than the song itself does, or twice and three times) or copy
the song (the fourth bar of four that stand in it one after the other) is taken back and drawn again, more freely
each time, and with one of its notes, at random, forbidden at its place.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from descant.compose.continuation.grammar import BarGrammar
from descant.compose.continuation.habits import Habits
from descant.compose.continuation.outline import Asked
from descant.compose.continuation.sheet import SheetBar
from descant.compose.continuation.tokens import (
    ALONE,
    FIRST_BAR,
    FIRST_CAST,
    FIRST_DENSITY,
    FIRST_LEVEL,
    FIRST_POSITION,
    Head,
    companions_of,
    decode_bar,
    encode_bar,
    header,
    is_note,
    spoken,
)
from descant.compose.grid import TICKS
from descant.compose.writer import sample
from descant.nets.decoder import one_thread
from descant.progress import Monitor
from descant.score.harmony import Key

_CARRIED_SHARE = 0.6
_ATTEMPTS = 6
_WILDER = 0.12
_LOOK_BACK = 16
_COPY_BARS = 4
_FEWEST_IN_A_ROW, _FEWEST_OF_ONE = 2, 3

Logits = NDArray[np.floating]
Figure = frozenset[tuple[int, int, int]]


class Reader(Protocol):
    """A model that remembers what it has read: `nets.decoder.Decoder`, or a counted one."""

    @property
    def lengths(self) -> list[int]:
        """How many tokens each sequence holds."""

    def read(
        self, tokens: Sequence[Sequence[int]], companions: Sequence[Sequence[tuple[int, ...]]] | None = None
    ) -> Sequence[Logits]:
        """Read more tokens; the logits of the one after."""

    def forget(self, sequence: int) -> None:
        """Empty the memory."""

    def rewind(self, sequence: int, length: int) -> None:
        """Forget what was read after the first `length` tokens."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How freely the scribe chooses, and what keeps it in check."""

    temperature: float = 0.95
    """Below 1 it prefers what is likely."""
    nucleus: float = 0.95
    """Only the most likely tokens that together have this probability are drawn."""
    strange_push: float = 2.0
    """Taken from the logits of pitch classes outside the key that the song does not use."""
    key_pull: float = 0.4
    """Weight of the pitch classes that the song dwells on: so much is added to the logits of those at most."""
    returns: float = 0.5
    """Probability that a period of eight bars begins like the one before the last; only with an outline."""
    outlined: bool = True
    """Whether bars are asked for density, loudness and players; otherwise the model chooses them."""
    checked: bool = True
    """Whether loops and copies are taken back."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What it took.

    Attributes:
        again: Bars that were drawn again, as often as they were.
        let_through: Bars that failed all attempts and stand nevertheless.
        nats: Mean negative log-likelihood under the model of the tokens that stand, before all bias.
    """

    again: int
    let_through: int
    nats: float


class Scribe:
    """See the module.

    Args:
        reader: The model; what it has read is forgotten.
        context: Tokens that it was trained to look back on; it holds `LONGEST_BAR` more.
        sampling: How freely it chooses.
    """

    def __init__(self, reader: Reader, context: int, sampling: Sampling) -> None:
        self._reader, self._context, self._sampling = reader, context, sampling

    def __call__(
        self,
        bars: Sequence[SheetBar],
        key: Key | None,
        bpm: float,
        asked: Sequence[Asked],
        habits: Habits,
        *,
        seed: int,
        monitor: Monitor,
    ) -> tuple[tuple[SheetBar, ...], Tally]:
        """Write on.

        Args:
            bars: The song so far, in the key that the model knows best.
            key: That key.
            bpm: Tempo.
            asked: The bars to write.
            habits: The song's.
            seed: Of all choices.
            monitor: Reports after each bar.
        """
        work = _Work(self._reader, self._context, self._sampling, bars, header(key, bpm), seed)
        with one_thread():
            for number, one in enumerate(asked):
                work.write(one, habits)
                monitor.report((number + 1) / len(asked))
        return work.written()


class _Work:
    """One continuation in the making."""

    def __init__(
        self, reader: Reader, context: int, sampling: Sampling, bars: Sequence[SheetBar], head: list[int], seed: int
    ) -> None:
        self._reader, self._context, self._sampling = reader, context, sampling
        self._header = head
        self._generator = np.random.default_rng((seed, 2))
        self._streams = [encode_bar(bar) for bar in bars]
        self._written: list[SheetBar] = []
        self._check = _Check([spoken(bar).figure for bar in bars])
        self._nats: list[float] = []
        self._banned: dict[tuple[int, ...], set[int]] = {}
        self._again = self._let_through = 0
        self._logits = self._read_recent()

    def write(self, asked: Asked, habits: Habits) -> None:
        """Write one bar."""
        if self._reader.lengths[0] > self._context:
            self._logits = self._read_recent()
        if asked.again is not None and self._sampling.outlined:
            self._repeat(asked, self._written[asked.again])
            return
        mark, before = self._reader.lengths[0], self._logits
        self._banned.clear()
        for attempt in range(_ATTEMPTS):
            self._reader.rewind(0, mark)
            self._logits = before
            tokens, nats = self._bar(asked, habits, self._sampling.temperature * (1.0 + _WILDER * attempt))
            bar = SheetBar(asked.span, decode_bar(tokens))
            if not self._sampling.checked or not self._check.is_bad(bar.figure):
                break
            self._again += 1
            self._ban_a_note(tokens)
        else:
            self._let_through += 1
        self._check.take(bar.figure)
        self._streams.append(tokens)
        self._written.append(bar)
        self._nats += nats

    def _repeat(self, asked: Asked, bar: SheetBar) -> None:
        """Write a bar that was written before."""
        again = SheetBar(asked.span, bar.parts)
        tokens = encode_bar(again)
        self._read(tokens, asked.turn, 0)
        self._check.take(again.figure)
        self._streams.append(tokens)
        self._written.append(again)

    def written(self) -> tuple[tuple[SheetBar, ...], Tally]:
        """The bars, and what they took."""
        nats = float(np.mean(self._nats)) if self._nats else 0.0
        return tuple(self._written), Tally(self._again, self._let_through, nats)

    def _ban_a_note(self, tokens: list[int]) -> None:
        """Forbid one of a bar's notes where it was drawn, so that the same bar cannot come again."""
        place = int(self._generator.choice([i for i, token in enumerate(tokens) if is_note(token)]))
        self._banned.setdefault(tuple(tokens[:place]), set()).add(tokens[place])

    def _read_recent(self) -> Logits:
        """Read the header and the last bars into an empty memory."""
        self._reader.forget(0)
        room = _CARRIED_SHARE * self._context - len(self._header)
        first = len(self._streams)
        while first > 0 and len(self._streams[first - 1]) <= room:
            first -= 1
            room -= len(self._streams[first])
        tokens, pairs = list(self._header), [ALONE] * len(self._header)
        for turn in range(first, len(self._streams)):
            tokens += self._streams[turn]
            pairs += companions_of(self._streams[turn], turn)
        return self._reader.read([tokens], [pairs])[0]

    def _bar(self, asked: Asked, habits: Habits, temperature: float) -> tuple[list[int], list[float]]:
        """A bar's tokens, and their nats."""
        nats: list[float] = []
        head = asked.head if self._sampling.outlined else self._chosen_head(asked, temperature, nats)
        wanted = asked if self._sampling.outlined else None
        grammar = BarGrammar(head, round(asked.span.quarters * TICKS), wanted, habits)
        if self._sampling.outlined:
            self._read(grammar.tokens, asked.turn, 0)
        while not grammar.is_closed:
            allowed = self._without_banned(grammar.allowed(), grammar.tokens)
            bias = grammar.bias(allowed, push=self._sampling.strange_push, pull=self._sampling.key_pull)
            grammar.advance(self._draw(allowed, bias, temperature, nats))
            self._read(grammar.tokens, asked.turn, len(grammar.tokens) - 1)
        return grammar.tokens, nats

    def _without_banned(self, allowed: NDArray[np.int64], before: Sequence[int]) -> NDArray[np.int64]:
        banned = self._banned.get(tuple(before)) if self._banned else None
        if not banned:
            return allowed
        kept = allowed[~np.isin(allowed, list(banned))]
        return kept if len(kept) else allowed

    def _chosen_head(self, asked: Asked, temperature: float, nats: list[float]) -> Head:
        """A head of the model's own; the metre and who may play stay the song's."""
        tokens = [FIRST_BAR + asked.head.beats - 1]
        self._read(tokens, asked.turn, 0)
        for first, stop in ((FIRST_DENSITY, FIRST_LEVEL), (FIRST_LEVEL, FIRST_CAST), (FIRST_CAST, FIRST_POSITION)):
            choices = np.arange(first, stop)
            if first == FIRST_CAST:
                choices = choices[(choices - FIRST_CAST) & ~self._players == 0]
            tokens.append(self._draw(choices, np.zeros(len(choices)), temperature, nats))
            self._read(tokens, asked.turn, len(tokens) - 1)
        return Head(asked.head.beats, *(token - first for token, first in zip(
            tokens[1:], (FIRST_DENSITY, FIRST_LEVEL, FIRST_CAST), strict=True
        )))  # fmt: skip

    @property
    def _players(self) -> int:
        """Who has played in the song so far, as bits."""
        return int(np.bitwise_or.reduce([stream[3] - FIRST_CAST for stream in self._streams]))

    def _draw(
        self, allowed: NDArray[np.int64], bias: NDArray[np.float64], temperature: float, nats: list[float]
    ) -> int:
        scores = self._logits[allowed].astype(np.float64)
        highest = float(self._logits.max())
        whole = highest + float(np.log(np.exp(self._logits - highest).sum(dtype=np.float64)))
        choice = sample(
            scores + bias, temperature=temperature, nucleus=self._sampling.nucleus, generator=self._generator
        )
        nats.append(whole - float(scores[choice]))
        return int(allowed[choice])

    def _read(self, tokens: Sequence[int], turn: int, first: int) -> None:
        pairs = companions_of(tokens, turn)
        self._logits = self._reader.read([tokens[first:]], [pairs[first:]])[0]


class _Check:
    """Tells loops and copies.

    Args:
        song: The figures of its bars.
    """

    def __init__(self, song: Sequence[Figure]) -> None:
        windows = [Counter(f for f in song[i : i + _LOOK_BACK] if f) for i in range(len(song))]
        self._most_of_one = max(_FEWEST_OF_ONE, *(max(w.values(), default=0) for w in windows))
        runs = [len(list(group)) for figure, group in groupby(song) if figure]
        self._most_in_a_row = max(_FEWEST_IN_A_ROW, max(runs, default=0))
        self._passages = {tuple(song[i : i + _COPY_BARS]) for i in range(len(song) - _COPY_BARS + 1)}
        self._recent = list(song[-_LOOK_BACK:])

    def is_bad(self, figure: Figure) -> bool:
        """Whether the bar would make a loop or a copy."""
        if not figure:
            return False
        row = self._recent[-self._most_in_a_row :]
        is_stuck = len(row) == self._most_in_a_row and all(before == figure for before in row)
        is_loop = self._recent[-_LOOK_BACK + 1 :].count(figure) >= self._most_of_one
        passage = (*self._recent[-_COPY_BARS + 1 :], figure)
        return is_stuck or is_loop or passage in self._passages

    def take(self, figure: Figure) -> None:
        """The bar stands."""
        self._recent = [*self._recent, figure][-_LOOK_BACK:]
