"""The lyrics of a song as one chain of states: phones, gaps between words, rests between lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

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


class Jump(NamedTuple):
    """A way past words that may be missing.

    Attributes:
        source: State before them, never a phone.
        target: State behind them, never a phone.
        phones: How many phones it passes over.
        is_backing: Whether all of the words are backing vocals.
    """

    source: int
    target: int
    phones: int
    is_backing: bool


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
        jumps: Ways past each line and each backing word, in the order of their targets.
        spoken: Syllables of each word.
    """

    kinds: NDArray[np.int8]
    phones: NDArray[np.int16]
    words: NDArray[np.int32]
    syllables: NDArray[np.int16]
    places: NDArray[np.float32]
    optional: NDArray[np.bool_]
    jumps: tuple[Jump, ...]
    spoken: tuple[tuple[SpokenSyllable, ...], ...]

    def __len__(self) -> int:
        return len(self.kinds)

    def is_sounding(self, word: int) -> bool:
        """Whether a word has phones; a dash or an emoji has none."""
        return any(syllable.phones for syllable in self.spoken[word])

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
    jumps: list[Jump] = []
    line_starts = 0
    spoken = tuple(spoken_syllables(word.text, language) for word in words)
    sounding = [number for number, syllables in enumerate(spoken) if any(part.phones for part in syllables)]
    for place, number in enumerate(sounding):
        before = len(draft.kinds) - 1
        _add_phones(draft, number, spoken[number])
        following = sounding[place + 1 : place + 2]  # a dash or an emoji at the end of a line does not join two lines
        is_inside = following and words[following[0]].line == words[number].line
        draft.add(Kind.GAP if is_inside else Kind.REST, number)
        after = len(draft.kinds) - 1
        is_line = not is_inside and draft.kinds[before] == Kind.REST
        if words[number].is_backing and not is_line:
            jumps.append(Jump(before, after, after - before - 1, is_backing=True))
        if not is_inside:
            jumps.append(_past_line(draft, words, line_starts, after))
            line_starts = after
    return Chain(
        np.asarray(draft.kinds, np.int8),
        np.asarray(draft.phones, np.int16),
        np.asarray(draft.words, np.int32),
        np.asarray(draft.syllables, np.int16),
        np.asarray(draft.places, np.float32),
        np.asarray(draft.optional, bool),
        tuple(jumps),
        spoken,
    )


def _past_line(draft: _Draft, words: Sequence[SungWord], before: int, after: int) -> Jump:
    inside = range(before + 1, after)
    phones = sum(draft.kinds[state] == Kind.PHONE for state in inside)
    is_backing = all(words[draft.words[state]].is_backing for state in inside)
    return Jump(before, after, phones, is_backing)


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
