"""Words as the symbols that acoustic models tell apart: letters as they are written, or phonemes as they are spoken."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from descant.errors import InvalidOption
from descant.text.lyrics import Lyrics

Units = Literal["characters", "phonemes"]

CHARACTERS = (*"abcdefghijklmnopqrstuvwxyz", "'")
"""Letters are told without their accents, so that those of one language mean something in another."""
_SPELLED = str.maketrans({"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ð": "d", "þ": "th", "ł": "l", "đ": "d", "ı": "i"})
_APOSTROPHES = str.maketrans({"’": "'", "ʼ": "'", "`": "'", "´": "'"})


@dataclass(frozen=True, slots=True, eq=False)
class SungSymbols:
    """A text as symbols, with a space before, between and after its words.

    Attributes:
        symbols: Numbers of the symbols, [tokens].
        words: Which word of the text each belongs to; -1 of spaces. Words without a symbol are missing.
        lines: Which line; a space belongs to the line that ends with it, the first one to the first line.
    """

    symbols: NDArray[np.int64]
    words: NDArray[np.int64]
    lines: NDArray[np.int64]

    def word_tokens(self, count: int) -> NDArray[np.int64]:
        """The first token of each of `count` words; a word without symbols shares the next space or token."""
        found = np.full(count, -1, np.int64)
        inside = self.words >= 0
        words, tokens = self.words[inside], np.flatnonzero(inside)
        first = np.unique(words, return_index=True)
        found[first[0]] = tokens[first[1]]
        following = len(self.symbols) - 1
        for word in range(count - 1, -1, -1):
            if found[word] < 0:
                found[word] = following
            following = int(found[word])
        return found


def alphabet(units: Units) -> tuple[str, ...]:
    """The symbols, without the space, which comes last, and without CTC's blank."""
    if units == "characters":
        return CHARACTERS
    if units == "phonemes":
        from descant.text.phones.inventory import PHONES

        return PHONES
    raise InvalidOption(f"There are no units {units!r}.", "Use characters or phonemes.")


def symbol_count(units: Units) -> int:
    """How many symbols there are with the space, whose number is the last."""
    return len(alphabet(units)) + 1


def letters(word: str) -> str:
    """A word by `CHARACTERS`: in small letters, without accents and without what is no letter."""
    plain = unicodedata.normalize("NFKD", word.casefold().translate(_APOSTROPHES).translate(_SPELLED))
    return "".join(c for c in plain if c in _NUMBERS)


def sung_symbols(lyrics: Lyrics, units: Units) -> SungSymbols:
    """The symbols of all words of a text.

    Raises:
        InvalidOption: No word has a symbol (another script).
    """
    space = symbol_count(units) - 1
    symbols, words, lines = [space], [-1], [0]
    count = 0
    for number, line in enumerate(lyrics.lines):
        for word in line.words:
            spelled = _of_word(word.text, lyrics.language, units)
            if spelled:
                symbols += [*spelled, space]
                words += [*(count for _ in spelled), -1]
                lines += [number] * (len(spelled) + 1)
            count += 1
    if len(symbols) == 1:
        raise InvalidOption("No word of this text can be written in these symbols.", "Transliterate it first.")
    return SungSymbols(*(np.array(column, np.int64) for column in (symbols, words, lines)))


def _of_word(word: str, language: str, units: Units) -> list[int]:
    if units == "characters":
        return [_NUMBERS[c] for c in letters(word)]
    numbers = _phone_numbers()
    return [numbers[phone] for phone in _phones(word, language)]


def _phones(word: str, language: str) -> Iterable[str]:
    from descant.text.phones import spoken_syllables

    return (phone for syllable in spoken_syllables(word, language) for phone in syllable.phones)


@lru_cache(maxsize=1)
def _phone_numbers() -> dict[str, int]:
    return {phone: number for number, phone in enumerate(alphabet("phonemes"))}


_NUMBERS = {c: number for number, c in enumerate(CHARACTERS)}
