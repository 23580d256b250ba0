"""English."""

from __future__ import annotations

from descant.text.phones import latin
from descant.text.phones.rules import Sound
from descant.text.phones.syllables import Division

ALPHABET = ""
DIVISION = Division(stays=frozenset({"ck", "ng", "x", "dg"}))


def read(word: str) -> list[Sound]:
    """The sounds of an English word.

    Args:
        word: In lower case.
    """
    return latin.read(word)
