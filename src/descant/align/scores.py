"""What a path through a song is worth: written words against any others, rests against voices, where readers look."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from descant.align.chain import WORDLESS, Chain, Kind
from descant.align.config import Anchor, Costs
from descant.align.hearing import Floats, Heard
from descant.align.lattice import NEVER
from descant.align.reading import Read
from descant.nets.whisper_encoder import FPS

_SPREAD = 9
"""Frames over which the price of a change of phone is spread, about the length of a phone."""


class SongScores:
    """Scores of frames in states, made as they are asked for.

    A rest must be able to hold what is not in the lyrics: silence, the band, and also voices (ad-libs, "ooh", a spoken
    intro, a verse that was left out). For those it scores as the best sequence of any phones does, less a price for
    each change of phone. A held "aah" changes seldom, so a rest holds it cheaply; words change ten times a second, so
    written words win where they are sung.

    Args:
        heard: The recording.
        chain: The text.
        costs: Prices.
        reads: Evidence of the decoder; none at first.
        anchors: Points fixed by hand.
    """

    def __init__(
        self,
        heard: Heard,
        chain: Chain,
        costs: Costs,
        *,
        reads: Sequence[Read] = (),
        anchors: Sequence[Anchor] = (),
    ) -> None:
        self._heard, self._chain, self._costs, self._reads = heard, chain, costs, reads
        silence = np.maximum(heard.phones[:, WORDLESS], 2 * costs.floor)
        voices = _spread(any_words(np.maximum(heard.phones, costs.floor), costs.change))
        self._rest = np.maximum(silence, voices) - costs.rest
        self._gap = np.maximum(silence, voices - costs.other) - costs.gap
        self._trust = np.full(heard.frames, 1e-6, np.float32)
        for read in reads:
            self._trust[read.first : read.first + len(read.weight)] += read.weight
        self._limits = _limits(anchors, chain, heard.frames)

    def __call__(self, first: int, last: int) -> Floats:
        """Frames first..last (the last left out) in all states, [frames, states]."""
        found: Floats = np.maximum(self._heard.phones[first:last][:, self._chain.phones], self._costs.floor)
        found[:, self._chain.kinds == Kind.GAP] = self._gap[first:last, np.newaxis]
        found[:, self._chain.kinds == Kind.REST] = self._rest[first:last, np.newaxis]
        for read in self._reads:
            low, high = max(first, read.first), min(last, read.first + len(read.weight))
            if low < high:
                part = slice(low - read.first, high - read.first)
                share = (self._costs.attention * read.weight[part] / self._trust[low:high])[:, np.newaxis]
                found[low - first : high - first, slice(*read.states)] += share * read.looks[part]
        if self._limits is not None:
            states = np.arange(len(self._chain))
            lowest, highest = (bound[first:last, np.newaxis] for bound in self._limits)
            found[(states < lowest) | (states > highest)] = NEVER
        return found

    def along(self, path: np.ndarray, first: int, last: int) -> Floats:
        """What frames first..last say for the phones of a path, without prices: 0 is the likeliest phone."""
        phones = self._chain.phones[path[first:last]]
        found: Floats = np.maximum(self._heard.phones[np.arange(first, last), phones], self._costs.floor)
        return found

    def looks_along(self, path: np.ndarray) -> Floats | None:
        """How strongly the reader looks along a path, [frames], 0 where it had other words; None before it read."""
        if not self._reads:
            return None
        found = np.zeros(len(path), np.float32)
        for read in self._reads:
            frames = np.arange(read.first, read.first + len(read.weight))
            states = path[frames]
            inside = (states >= read.states[0]) & (states < read.states[1])
            looks = read.looks[np.flatnonzero(inside), states[inside] - read.states[0]].astype(np.float32)
            found[frames[inside]] += looks * read.weight[inside] / self._trust[frames[inside]]
        return found


def any_words(phones: Floats, change: float) -> Floats:
    """Score of each frame on the best sequence of any phones, less a price for each change.

    Args:
        phones: Scores, [frames, classes].
        change: The price.
    """
    best = phones[0].copy()
    came_from = np.zeros(phones.shape, np.int16)
    classes = np.arange(phones.shape[1], dtype=np.int16)
    for frame in range(1, len(phones)):
        top = int(best.argmax())
        stays = best >= best[top] - change
        came_from[frame] = np.where(stays, classes, top)
        best = np.where(stays, best, best[top] - change) + phones[frame]
    at = int(best.argmax())
    found = np.empty(len(phones), np.float32)
    for frame in range(len(phones) - 1, -1, -1):
        before = int(came_from[frame, at]) if frame else at
        found[frame] = phones[frame, at] - (change if before != at else 0.0)
        at = before
    return found


def _spread(scores: Floats) -> Floats:
    padded = np.pad(scores, _SPREAD // 2, mode="edge")
    return np.convolve(padded, np.full(_SPREAD, 1.0 / _SPREAD, np.float32), "valid").astype(np.float32)


def anchored_frame(anchor: Anchor, frames: int) -> int:
    """The frame in which a fixed word starts."""
    return min(round(anchor.start_s * FPS), frames - 1)


def _limits(anchors: Sequence[Anchor], chain: Chain, frames: int) -> tuple[np.ndarray, np.ndarray] | None:
    """First and last state that each frame may be in: a fixed word starts at its time, not before and not after."""
    if not anchors:
        return None
    lowest, highest = np.zeros(frames, np.int64), np.full(frames, len(chain) - 1)
    starts = chain.first_states()
    for anchor in anchors:
        frame, state = anchored_frame(anchor, frames), int(starts[anchor.word])
        highest[:frame] = np.minimum(highest[:frame], state - 1)
        highest[frame] = min(highest[frame], state)  # nor is it jumped over
        lowest[frame:] = np.maximum(lowest[frame:], state)
    return lowest, highest
