"""Written words to what is sung: syllables with phones."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from descant.text.phones import english, french, german, italian, latin, portuguese, spanish
from descant.text.phones.numbers import spoken_number
from descant.text.phones.rules import OPTIONAL, Sound
from descant.text.phones.syllables import Division, bare, syllables
from descant.text.phones.written import Letter, spelled

LANGUAGES: tuple[str, ...] = ("en", "de", "fr", "es", "it", "pt")


@dataclass(frozen=True, slots=True)
class SpokenSyllable:
    """A part of a written word that is sung on its own, and how it sounds.

    Attributes:
        text: The part of the word; all parts joined are the word exactly, punctuation included.
        phones: Symbols of `PHONES`; several vowels only in a diphthong, or in a number, which is not divided.
        optional: Places in `phones` that may stay unsung, such as the last e of French words.
    """

    text: str
    phones: tuple[str, ...]
    optional: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class _Reader:
    read: Callable[[str], list[Sound]]
    alphabet: str
    division: Division


_READERS = {
    "en": _Reader(english.read, english.ALPHABET, english.DIVISION),
    "de": _Reader(german.read, german.ALPHABET, german.DIVISION),
    "fr": _Reader(french.read, french.ALPHABET, french.DIVISION),
    "es": _Reader(spanish.read, spanish.ALPHABET, spanish.DIVISION),
    "it": _Reader(italian.read, italian.ALPHABET, italian.DIVISION),
    "pt": _Reader(portuguese.read, portuguese.ALPHABET, portuguese.DIVISION),
}
_LONG_DRAWN = re.compile(r"([^\W\d_])\1{2,}")
_LONGEST = 200
"""Letters read at once: no word has more, and rules look at all that stands before a letter."""
_OTHER = _Reader(latin.read, latin.ALPHABET, latin.DIVISION)


@lru_cache(maxsize=16384)
def spoken_syllables(word: str, language: str) -> tuple[SpokenSyllable, ...]:
    """The syllables of a written word and their sounds.

    Works on any text: a word with a Latin, Cyrillic or Greek letter or a digit has at least one phone; one of other
    scripts, or without letters, comes back as one syllable without phones (none at all for an empty text).

    Args:
        word: Without spaces around it, with its punctuation.
        language: Code such as "de" or "pt-BR"; any other than `LANGUAGES` is read by its letters, as in Italian.
    """
    code = language.replace("_", "-").split("-")[0].lower()
    reader = _READERS.get(code, _OTHER)
    parts = spelled(word, reader.alphabet)
    if not parts:
        return (SpokenSyllable(word, ()),) if word else ()
    result: list[SpokenSyllable] = []
    for part in parts:
        if part.number:
            words = spoken_number(part.number, code).split()
            phones = [phone for each in words for sound in _sounds(each, reader) for phone in sound.phones]
            result.append(_syllable(part.text, phones))
        else:
            for letters in _stretches(part.letters):
                result += _letter_syllables(letters, reader)
    return tuple(result)


def _stretches(letters: Sequence[Letter]) -> Iterator[Sequence[Letter]]:
    """Letters in runs that can be read at once, cut only between signs."""
    start = 0
    for place, letter in enumerate(letters):
        if place - start >= _LONGEST and letter.written:
            yield letters[start:place]
            start = place
    yield letters[start:]


def _letter_syllables(letters: Sequence[Letter], reader: _Reader) -> list[SpokenSyllable]:
    result: list[SpokenSyllable] = []
    place = 0
    for group in syllables(_sounds("".join(letter.letter for letter in letters), reader), reader.division):
        end = place + sum(len(sound.letters) for sound in group)
        text = "".join(letter.written for letter in letters[place:end])
        phones = [phone for sound in group for phone in sound.phones]
        if text:
            result.append(_syllable(text, phones))
        else:  # the sign that stands for these letters was written in the syllable before
            before = result.pop()
            result.append(_syllable(before.text, [*_marked(before), *phones]))
        place = end
    return result


def _sounds(word: str, reader: _Reader) -> list[Sound]:
    run = _LONG_DRAWN.search(word)
    if run:  # "nooooo": read once, and what is too much is silent
        end = run.start() + 1
        sounds = _sounds(word[:end] + word[run.end() :], reader)
        return _with_silent(sounds, end, word[end : run.end()])
    sounds = reader.read(word)
    return sounds if any(sound.phones for sound in sounds) else latin.read(word)


def _with_silent(sounds: Sequence[Sound], place: int, letters: str) -> list[Sound]:
    """Sounds of which the one that has the letter before `place` takes more letters."""
    result, end = [], 0
    for sound in sounds:
        start, end = end, end + len(sound.letters)
        cut = place - start
        is_here = start < place <= end
        result.append(Sound(sound.letters[:cut] + letters + sound.letters[cut:], sound.phones) if is_here else sound)
    return result


def _syllable(text: str, phones: Sequence[str]) -> SpokenSyllable:
    optional = tuple(place for place, phone in enumerate(phones) if phone.endswith(OPTIONAL))
    return SpokenSyllable(text, tuple(bare(phone) for phone in phones), optional)


def _marked(syllable: SpokenSyllable) -> list[str]:
    return [phone + OPTIONAL * (place in syllable.optional) for place, phone in enumerate(syllable.phones)]
