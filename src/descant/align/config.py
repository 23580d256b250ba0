"""What an alignment may be told."""

from __future__ import annotations

import math
from dataclasses import dataclass

_CHANCE, _MOST_NEEDED = 4.0, 0.75
"""Of 16 words half must be heard, of 100 35 %, never more than three of four; of another song's words 4 % are, but two
lines of one reached 44 %."""


@dataclass(frozen=True, slots=True)
class Costs:
    """What the path through a song pays, in natural logarithms of likelihood a frame of 20 ms unless said otherwise.

    Set on six songs (docs/align.md); songs were placed alike over wide ranges of all of them.

    Attributes:
        prior: Power of a phone's frequency in training by which its posterior is divided.
        floor: The worst that one frame can say against a phone.
        change: Price of each change of phone where other words than the written ones are sung; 12 lets a written line
            win over "any words" where two thirds of its phones are heard.
        rest: Price of a frame between two lines.
        gap: Price of a frame between two words of a line; more than `rest`, for lines are seldom interrupted.
        other: Price of a frame of other voices between two words of a line, on top.
        attention: Weight of the decoder's cross-attention (in standard deviations over the tokens).
        unsung: Price of passing over a line, for each of its phones, once.
        backing: The same for a word in brackets.
    """

    prior: float = 0.6
    floor: float = -4.0
    change: float = 12.0
    rest: float = 0.05
    gap: float = 0.15
    other: float = 0.5
    attention: float = 1.0
    unsung: float = 0.5
    backing: float = 0.25


@dataclass(frozen=True, slots=True)
class AlignOptions:
    """How words are placed.

    Attributes:
        language: Code of the lyrics' language; guessed from the words when empty.
        costs: Of the path.
        lowest_fit: Long lyrics that fit the recording worse than this are refused; see `fit_needed`.
    """

    language: str = ""
    costs: Costs = Costs()
    lowest_fit: float = 0.25

    def fit_needed(self, words: int) -> float:
        """Share of so many words that must be heard: of few, more fit any recording by chance."""
        return min(self.lowest_fit * (1.0 + _CHANCE / math.sqrt(max(1, words))), max(self.lowest_fit, _MOST_NEEDED))


@dataclass(frozen=True, slots=True)
class Anchor:
    """A point fixed by hand.

    Attributes:
        word: Number of the word, counted through the song from 0.
        start_s: Where it starts.
    """

    word: int
    start_s: float
