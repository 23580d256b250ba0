"""Corrections by hand: "12.34 some words" says when these words of the lyrics start."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from descant.align.config import Anchor
from descant.errors import InvalidOption, TextReadError
from descant.text.formats import lyrics_text

SUFFIX = ".anchors.txt"
_ALIKE = 0.7
_WRITTEN = re.compile(
    r"(?:(?P<minutes>\d{1,4}):)?(?P<seconds>\d{1,6}(?:[.,]\d{1,9})?)\s+(?P<words>\S.*?)(?:\s+#(?P<number>[1-9]\d{0,4}))?"
)
_FORM = (
    'Write a time and the words that start there: "12.34 some words" or "1:02.5 some words"; with #2 behind them '
    "where they are sung several times."
)
_HEAD = (
    "# When these words start, fixed by hand; `descant align` reads this file again. One point a line;\n"
    "# of words that are sung several times those nearest to the time are meant, with #2 behind them the second ones.\n"
)


@dataclass(frozen=True, slots=True)
class Correction:
    """A point fixed by hand, as people write it.

    Attributes:
        start_s: When the words start.
        words: Some words of the lyrics, as they stand there one after the other.
        source: Where it was written, for messages: "--anchor", or a file and a line.
        number: Which of the places where they are sung is meant, from 1; 0 for the one nearest to the time.
    """

    start_s: float
    words: str
    source: str = "--anchor"
    number: int = 0

    @classmethod
    def parse(cls, text: str, source: str = "--anchor") -> Correction:
        """From "12.34 some words", or "12.34 some words #2".

        Raises:
            InvalidOption: It has no time or no words.
        """
        found = _WRITTEN.fullmatch(text.strip())
        if found is None or not _keys(found["words"]):
            raise InvalidOption(f"{source}: {text.strip()!r} fixes no point.", _FORM)
        start_s = 60.0 * int(found["minutes"] or 0) + float(found["seconds"].replace(",", "."))
        return cls(start_s, " ".join(found["words"].split()), source, int(found["number"] or 0))

    @property
    def text(self) -> str:
        """As a correction file has it."""
        number = f" #{self.number}" if self.number else ""
        return f"{self.start_s:.3f}".rstrip("0").rstrip(".") + f" {self.words}{number}"


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


@dataclass(frozen=True, slots=True)
class Fixed:
    """Corrections as the aligner takes them.

    Attributes:
        anchors: In the order in which their words are sung.
        remarks: Which of several places was taken, in sentences for the reader.
    """

    anchors: tuple[Anchor, ...] = ()
    remarks: tuple[str, ...] = ()


def require_in_song(corrections: Sequence[Correction], duration_s: float) -> None:
    """Refuse points after the end of a recording, before anybody listens to it.

    Raises:
        InvalidOption: There is one.
    """
    for each in corrections:
        if each.start_s >= duration_s:
            raise InvalidOption(
                f"{each.source}: {each.words!r} cannot start at {_clock(each.start_s)}: the recording lasts "
                f"{_clock(duration_s)}.",
                "Times are seconds, or minutes and seconds, from its start.",
            )


def require_words(corrections: Sequence[Correction], words: Sequence[str]) -> None:
    """Refuse what no recording can mend: words that the lyrics lack, points that run backwards.

    Args:
        corrections: In the order in which they were made.
        words: The lyrics.

    Raises:
        InvalidOption: There is such a correction.
    """
    fixed: dict[int, Correction] = {}
    for each, places in zip(corrections, _all_places(corrections, words), strict=True):
        if len(places) == 1:
            fixed[places[0]] = each
    for before, after in pairwise(fixed[word] for word in sorted(fixed)):
        if after.start_s <= before.start_s:
            raise InvalidOption(
                f"{after.source}: {after.words!r} cannot start at {_clock(after.start_s)}: {before.words!r}, which "
                f"comes before it in the lyrics, is fixed at {_clock(before.start_s)} ({before.source}).",
                "Mend one of the two times, or remove the correction.",
            )


def anchors_of(
    corrections: Sequence[Correction], words: Sequence[str], unanchored_s: Callable[[], Sequence[float]]
) -> Fixed:
    """Which words are meant. Of several corrections of one word the last one counts.

    Args:
        corrections: In the order in which they were made.
        words: The lyrics.
        unanchored_s: Gives the start of each word as it was found without corrections; asked only when the same words
            are sung several times: those nearest to the given time are meant then.

    Raises:
        InvalidOption: The lyrics do not have these words.
    """
    fixed: dict[int, float] = {}
    remarks = []
    for each, places in zip(corrections, _all_places(corrections, words), strict=True):
        taken = places[0]
        if len(places) > 1:
            starts = unanchored_s()
            taken = min(places, key=lambda place: abs(starts[place] - each.start_s))
            number = places.index(taken) + 1
            other = replace(each, number=1 + number % len(places))
            remarks.append(
                f"{each.words!r} is sung {len(places)} times: #{number}, which was at {_clock(starts[taken])}, was "
                f'taken as the nearest to {_clock(each.start_s)}; another one is named so: "{other.text}".'
            )
        fixed[taken] = each.start_s
    return Fixed(tuple(Anchor(word, start_s) for word, start_s in sorted(fixed.items())), tuple(remarks))


def _all_places(corrections: Sequence[Correction], words: Sequence[str]) -> list[list[int]]:
    """Where the words of each correction may be: everywhere they are sung, or in the one place that it names."""
    keys = [_key(word) for word in words]
    return [_possible(each, keys, words) for each in corrections]


def _possible(each: Correction, keys: Sequence[str], words: Sequence[str]) -> list[int]:
    places = _places(_keys(each.words), keys)
    if not places:
        raise InvalidOption(
            f"{each.source}: the lyrics have no words {each.words!r} one after the other.",
            f"{_meant(each.words, words)}Copy them from the lyrics; words of two lines may follow each other.",
        )
    if each.number > len(places):
        times = "once" if len(places) == 1 else f"{len(places)} times"
        raise InvalidOption(f"{each.source}: {each.words!r} is sung only {times}, so there is no #{each.number}.")
    return places[each.number - 1 : each.number] if each.number else places


def _meant(wanted: str, words: Sequence[str]) -> str:
    """The words of the lyrics that are written most alike."""
    size = len(wanted.split())
    written = (" ".join(words[i : i + size]) for i in range(len(words) - size + 1))
    there = {" ".join(_keys(text)): text for text in written}
    near = difflib.get_close_matches(" ".join(_keys(wanted)), there, 1, _ALIKE)
    return f"Did you mean {there[near[0]]!r}? " if near else ""


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds, 1), 60.0)
    return f"{int(minutes)}:{rest:04.1f}"


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
