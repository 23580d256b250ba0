"""The lyrics of a song as one chain of states: phones, gaps between words, rests between lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from descant.text.phones import PHONES, SpokenSyllable, spoken_syllables

_NUMBER = {phone: number for number, phone in enumerate(PHONES)}
WORDLESS = len(PHONES)
"""Number of the class that stands for no words."""


class Kind(IntEnum):
    """What a state is."""

    PHONE = 0
    GAP = 1
    REST = 2


@dataclass(frozen=True, slots=True)
class SungWord:
    """A word of the text.

    Attributes:
        text: As written.
        line: Number of its line.
        is_backing: Whether it may be missing.
    """

    text: str
    line: int
    is_backing: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """States in the order in which they are sung; a rest stands at either end.

    Attributes:
        kinds: `Kind` of each state, int8, shape [states].
        phones: Number of its phone, `WORDLESS` in gaps and rests, int16.
        words: Number of its word; in gaps and rests that of the word before, -1 in the first, int32.
        syllables: Number of its syllable in its word, int16.
        places: How far into its word the state is, 0 to below 1, float32.
        optional: Whether it may be passed over, bool.
        jumps: (from, to, word) of the ways past words that may be missing, int32, shape [jumps, 3].
        spoken: Syllables of each word.
    """

    kinds: NDArray[np.int8]
    phones: NDArray[np.int16]
    words: NDArray[np.int32]
    syllables: NDArray[np.int16]
    places: NDArray[np.float32]
    optional: NDArray[np.bool_]
    jumps: NDArray[np.int32]
    spoken: tuple[tuple[SpokenSyllable, ...], ...]

    def __len__(self) -> int:
        return len(self.kinds)

    def first_states(self) -> NDArray[np.int64]:
        """First state of each word; for a word without phones that of the next one (or the last rest)."""
        sung = np.flatnonzero(self.kinds == Kind.PHONE)
        at = np.searchsorted(self.words[sung], np.arange(len(self.spoken)))
        return np.append(sung, len(self) - 1)[at]


@dataclass(slots=True)
class _Draft:
    kinds: list[int]
    phones: list[int]
    words: list[int]
    syllables: list[int]
    places: list[float]
    optional: list[bool]

    def add(
        self,
        kind: Kind,
        word: int,
        *,
        phone: int = WORDLESS,
        syllable: int = 0,
        place: float = 0.0,
        optional: bool = True,
    ) -> None:
        """One more state."""
        self.kinds.append(kind)
        self.phones.append(phone)
        self.words.append(word)
        self.syllables.append(syllable)
        self.places.append(place)
        self.optional.append(optional)


def build_chain(words: Sequence[SungWord], language: str) -> Chain:
    """The chain of a text.

    Args:
        words: In order of singing.
        language: Code by which they are read.
    """
    draft = _Draft([], [], [], [], [], [])
    draft.add(Kind.REST, -1)
    jumps = []
    spoken = tuple(spoken_syllables(word.text, language) for word in words)
    for number, (word, syllables) in enumerate(zip(words, spoken, strict=True)):
        before = len(draft.kinds) - 1
        _add_phones(draft, number, syllables)
        if len(draft.kinds) - 1 == before:
            continue  # nothing of it sounds: a dash, an emoji
        is_last = number + 1 == len(words) or words[number + 1].line != word.line
        draft.add(Kind.REST if is_last else Kind.GAP, number)
        if word.is_backing:
            jumps.append((before, len(draft.kinds) - 1, number))
    return Chain(
        np.asarray(draft.kinds, np.int8),
        np.asarray(draft.phones, np.int16),
        np.asarray(draft.words, np.int32),
        np.asarray(draft.syllables, np.int16),
        np.asarray(draft.places, np.float32),
        np.asarray(draft.optional, bool),
        np.asarray(jumps, np.int32).reshape(-1, 3),
        spoken,
    )


def _add_phones(draft: _Draft, word: int, syllables: Sequence[SpokenSyllable]) -> None:
    count = sum(len(syllable.phones) for syllable in syllables)
    done = 0
    for number, syllable in enumerate(syllables):
        for n, phone in enumerate(syllable.phones):
            draft.add(
                Kind.PHONE,
                word,
                phone=_NUMBER[phone],
                syllable=number,
                place=done / count,
                optional=n in syllable.optional,
            )
            done += 1
