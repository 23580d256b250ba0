"""Words to sing: texts in syllables, and which note gets which syllable."""

from __future__ import annotations

import itertools
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

_VOWELS = "aeiouyàáâãäåæèéêëìíîïòóôõöøùúûüýœ"
_PHRASE_GAP_S = 0.3
_TOUCHING_S = 0.04
# How vowel letters sound to a singer who knows only five vowels. Longest spellings first.
_AS_VOWEL = {
    "eau": "o", "ieu": "u", "oeu": "u", "ough": "o", "igh": "a", "ee": "i", "ea": "i", "ie": "i", "oo": "u", "ou": "a",
    "ow": "a", "oa": "o", "au": "o", "aw": "o", "ai": "e", "ay": "e", "ei": "a", "ey": "e", "eu": "o", "oi": "o",
    "oy": "o", "ue": "u", "ui": "u", "ä": "e", "æ": "e", "ö": "e", "ø": "e", "ü": "u", "œ": "e", "å": "o", "y": "i",
}  # fmt: skip
_AS_VOWEL_IN = {
    "de": {"ie": "i", "ei": "a", "au": "a", "eu": "o", "ee": "e", "oo": "o", "ea": "e", "ou": "u"},
    "fr": {"ou": "u", "au": "o", "oi": "a", "ai": "e", "eu": "e", "ie": "i", "ui": "i"},
    "it": {"ie": "e", "ea": "e", "au": "a", "ou": "o", "ei": "e", "ai": "a"},
    "en": {"y": "i"},
    "ja": {},
}
_PLAIN = str.maketrans("àáâãèéêëìíîïòóôõùúûý", "aaaaeeeeiiiioooouuuy")
_AS_ONSET = (
    ("sch", "sh"), ("tch", "ch"), ("ch", "ch"), ("sh", "sh"), ("ts", "ts"), ("th", "z"), ("ph", "f"), ("qu", "k"),
    ("wh", "w"), ("ng", "n"), ("ß", "s"), ("l", "r"), ("v", "b"), ("c", "k"), ("q", "k"), ("x", "z"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Word:
    """A word and its syllables, whose texts joined are the word; `line` counts the lines of the text."""

    text: str
    syllables: tuple[str, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Text:
    """Words to sing.

    Attributes:
        title: Of the text.
        author: Who wrote it, with dates.
        language: Its code.
        words: In order.
    """

    title: str
    author: str
    language: str
    words: tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class Placed:
    """A syllable on its notes.

    Attributes:
        text: Its letters.
        word: Number of its word, counted through the song.
        index: Its place in the word.
        count: Syllables of the word.
        line: Number of its line.
        notes: Numbers of the notes it is sung on, one or more in a row.
    """

    text: str
    word: int
    index: int
    count: int
    line: int
    notes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Mora:
    """How a syllable is sung by a voice that knows consonants and five vowels: "k" and "a"; the onset may be empty."""

    onset: str
    vowel: str


@cache
def texts() -> tuple[Text, ...]:
    """The texts that ship with Descant; all are in the public domain."""
    table = tomllib.loads(files("descant.data.band").joinpath("lyrics.toml").read_text(encoding="utf-8"))
    return tuple(Text(row["title"], row["author"], row["language"], words_of(row["lines"])) for row in table["text"])


def words_of(lines: Sequence[str]) -> tuple[Word, ...]:
    """Lines whose syllables are divided by hyphens, as words."""
    return tuple(
        Word(written.replace("-", ""), tuple(written.split("-")), number)
        for number, line in enumerate(lines)
        for written in line.split()
    )


def divide(word: str) -> tuple[str, ...]:
    """A word in syllables by its letters: one for each group of vowels, a silent final e apart."""
    groups = [m.span() for m in re.finditer(f"[{_VOWELS}]+", word.lower())]
    if len(groups) > 1 and word.lower().endswith("e") and groups[-1] == (len(word) - 1, len(word)):
        consonant_le = word.lower().endswith("le") and word[-3:-2].lower() not in _VOWELS
        groups = groups if consonant_le else groups[:-1]
    cuts = [0]
    for (_, end), (start, _) in itertools.pairwise(groups):
        cuts.append(end + (start - end) // 2 if start - end > 1 else start - (start > end))
    cuts.append(len(word))
    return tuple(word[a:b] for a, b in itertools.pairwise(cuts))


def mora(syllable: str, language: str) -> Mora:
    """The nearest consonant and vowel; exact for Japanese in Latin letters, an accent elsewhere."""
    letters = re.sub(r"[^\w]", "", syllable.lower())
    match = re.search(f"[{_VOWELS}]+", letters)
    if match is None:
        return Mora("", "n" if letters.endswith(("n", "m")) else "u")
    onset, group = letters[: match.start()], match[0]
    if len(group) > 1 and group[0] == "y" and language != "de":
        onset, group = onset + "y", group[1:]
    if language == "ja":
        return Mora(onset, group[0])
    return Mora(_onset(onset), _vowel(group, language))


def _onset(letters: str) -> str:
    for spelling, sound in _AS_ONSET:
        if letters.endswith(spelling):
            return sound
    return letters[-1:]


def _vowel(letters: str, language: str) -> str:
    own = _AS_VOWEL_IN.get(language, {})
    for length in (3, 2, 1):
        found = own.get(letters[:length]) or _AS_VOWEL.get(letters[:length])
        if found and len(letters[:length]) == length:
            return found
    return letters[0].translate(_PLAIN)


def place_words(
    words: Sequence[Word], starts_s: Sequence[float], ends_s: Sequence[float], rng: np.random.Generator
) -> tuple[Placed, ...]:
    """Give every note a syllable, some syllables two notes; the text starts again when it ends.

    A new phrase of the melody starts a new word where the rest of the phrase can be sung on the last syllable.

    Args:
        words: The text.
        starts_s: Starts of the notes in seconds, rising.
        ends_s: Their ends.
        rng: Chooses the melismas.
    """
    share = float(rng.uniform(0.0, 0.18))
    placed: list[Placed] = []
    note, number = 0, 0
    while note < len(starts_s) and words:
        turn, index = divmod(number, len(words))
        word = words[index]
        left = _left_in_phrase(starts_s, ends_s, note)
        if placed and left < len(word.syllables) and note > 0 and starts_s[note] - ends_s[note - 1] < _TOUCHING_S:
            placed[-1] = _longer(placed[-1], left)
            note += left
            continue
        line = word.line + turn * (words[-1].line + 1)
        for place, text in enumerate(word.syllables):
            if note >= len(starts_s):
                break
            count = 1
            while (
                note + count < len(starts_s)
                and starts_s[note + count] - ends_s[note + count - 1] < _TOUCHING_S
                and rng.random() < share
                and count < 3
            ):
                count += 1
            placed.append(Placed(text, number, place, len(word.syllables), line, tuple(range(note, note + count))))
            note += count
        number += 1
    return tuple(placed)


def place_lyrics(lyrics: Sequence[str]) -> tuple[Placed, ...]:
    """The syllables that stand under the notes of a score ("A-", "-ma-", "-zing"); notes without hold the last one."""
    placed: list[Placed] = []
    word, index = -1, 0
    for note, lyric in enumerate(lyrics):
        text = lyric.strip("-_ ")
        if not text:
            if placed:
                placed[-1] = _longer(placed[-1], 1)
            continue
        word, index = (word, index + 1) if lyric.startswith("-") and word >= 0 else (word + 1, 0)
        placed.append(Placed(text, word, index, 0, 0, (note,)))
    return tuple(_counted(placed))


def _counted(placed: Sequence[Placed]) -> Iterator[Placed]:
    counts: dict[int, int] = {}
    for one in placed:
        counts[one.word] = counts.get(one.word, 0) + 1
    for one in placed:
        yield Placed(one.text, one.word, one.index, counts[one.word], one.word // 8, one.notes)


def _longer(placed: Placed, notes: int) -> Placed:
    last = placed.notes[-1]
    more = (*placed.notes, *range(last + 1, last + 1 + notes))
    return Placed(placed.text, placed.word, placed.index, placed.count, placed.line, more)


def _left_in_phrase(starts_s: Sequence[float], ends_s: Sequence[float], note: int) -> int:
    count = 1
    while note + count < len(starts_s) and starts_s[note + count] - ends_s[note + count - 1] < _PHRASE_GAP_S:
        count += 1
    return count
