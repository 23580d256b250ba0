"""Corrections by hand: "12.34 some words" says when these words of the lyrics start."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from descant.align.config import Anchor
from descant.errors import InvalidOption, TextReadError
from descant.text.formats import lyrics_text

SUFFIX = ".anchors.txt"
_WRITTEN = re.compile(r"(?:(?P<minutes>\d{1,4}):)?(?P<seconds>\d{1,6}(?:[.,]\d+)?)\s+(?P<words>\S.*)")
_FORM = 'Write a time and the words that start there: "12.34 some words" or "1:02.5 some words".'
_HEAD = "# When these words start, fixed by hand; `descant align` reads this file again. One point a line.\n"


@dataclass(frozen=True, slots=True)
class Correction:
    """A point fixed by hand, as people write it.

    Attributes:
        start_s: When the words start.
        words: Some words of the lyrics, as they stand there one after the other.
        source: Where it was written, for messages: "--anchor", or a file and a line.
    """

    start_s: float
    words: str
    source: str = "--anchor"

    @classmethod
    def parse(cls, text: str, source: str = "--anchor") -> Correction:
        """From "12.34 some words".

        Raises:
            InvalidOption: It has no time or no words.
        """
        found = _WRITTEN.fullmatch(text.strip())
        if found is None or not _keys(found["words"]):
            raise InvalidOption(f"{source}: {text.strip()!r} fixes no point.", _FORM)
        start_s = 60.0 * int(found["minutes"] or 0) + float(found["seconds"].replace(",", "."))
        return cls(start_s, " ".join(found["words"].split()), source)

    @property
    def text(self) -> str:
        """As a correction file has it."""
        return f"{self.start_s:.3f}".rstrip("0").rstrip(".") + f" {self.words}"


def read_corrections(path: Path) -> tuple[Correction, ...]:
    """Of a file with one correction a line; what follows a # at the start of a line is a remark.

    Raises:
        InputNotFound: It is not there.
        TextReadError: A line is no correction.
    """
    found = []
    for number, row in enumerate(lyrics_text(path).split("\n"), 1):
        if row.strip() and not row.lstrip().startswith("#"):
            try:
                found.append(Correction.parse(row, f"{path}, line {number}"))
            except InvalidOption as error:
                raise TextReadError(error.message, error.hint) from error
    return tuple(found)


def extended(path: Path, corrections: Sequence[Correction]) -> str:
    """The text of a correction file with more corrections at its end; what a person wrote in it stays."""
    text = lyrics_text(path) if path.exists() else _HEAD
    there = {row.strip() for row in text.split("\n")}
    new = [each.text for each in corrections if each.text not in there]
    return text + "\n" * (not text.endswith("\n")) + "".join(f"{row}\n" for row in new)


def anchors_of(
    corrections: Sequence[Correction], words: Sequence[str], unanchored_s: Callable[[], Sequence[float]]
) -> tuple[Anchor, ...]:
    """Which words are meant. Of several corrections of one word the last one counts.

    Args:
        corrections: In the order in which they were made.
        words: The lyrics.
        unanchored_s: Gives the start of each word as it was found without corrections; asked only when the same words
            are sung several times: those nearest to the given time are meant then.

    Raises:
        InvalidOption: The lyrics do not have these words.
    """
    keys = [_key(word) for word in words]
    fixed: dict[int, float] = {}
    for each in corrections:
        places = _places(_keys(each.words), keys)
        if not places:
            raise InvalidOption(
                f"{each.source}: the lyrics have no words {each.words!r} one after the other.",
                "Copy them from the lyrics; words of two lines may follow each other.",
            )
        if len(places) > 1:
            starts = unanchored_s()
            places.sort(key=lambda place: abs(starts[place] - each.start_s))
        fixed[places[0]] = each.start_s
    return tuple(Anchor(word, start_s) for word, start_s in sorted(fixed.items()))


def _places(wanted: Sequence[str], keys: Sequence[str]) -> list[int]:
    """Where the wanted words stand; words of signs alone ("-") are no obstacle between them."""
    real = [number for number, key in enumerate(keys) if key]
    spoken = [keys[number] for number in real]
    size = len(wanted)
    return [real[i] for i in range(len(real) - size + 1) if spoken[i : i + size] == list(wanted)]


def _keys(text: str) -> list[str]:
    return [key for key in map(_key, text.split()) if key]


def _key(word: str) -> str:
    """A word without case, accents and signs: people type "dont" for "Don’t,"."""
    return "".join(sign for sign in unicodedata.normalize("NFKD", word).casefold() if sign.isalnum())
