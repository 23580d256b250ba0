"""Timed lyrics as the rows of a karaoke screen: pieces with a start and an end, lines that fit."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from descant.errors import TextReadError, UnsupportedFormat
from descant.text.lyrics import Line, Lyrics, Word

Fits = Callable[[str], bool]
"""Whether a text fits into the width of the screen."""

_LONGEST_WORD_S = 1.5  # of a word whose end nobody told
_SHORTEST_WORD_S = 0.2
_SECONDS_PER_LETTER = 0.08  # of lines of which only the start is known
_RIGHT_TO_LEFT = {"R", "AL"}


@dataclass(frozen=True, slots=True)
class Piece:
    """What is wiped at one pace: a syllable, or a word that is not divided.

    Attributes:
        text: Its letters, with the space that follows.
        start_s: Where the wipe of it starts in seconds.
        end_s: Where it ends.
        is_backing: Whether it is sung in the background (written in brackets).
    """

    text: str
    start_s: float
    end_s: float
    is_backing: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One line on the screen.

    Attributes:
        pieces: In order of writing; their times rise.
        singer: Who sings it; may be empty.
        starts_paragraph: Whether a blank line or a pause stands before it.
    """

    pieces: tuple[Piece, ...]
    singer: str = ""
    starts_paragraph: bool = False

    @property
    def text(self) -> str:
        """What is written."""
        return "".join(piece.text for piece in self.pieces).rstrip()

    @property
    def start_s(self) -> float:
        """Where its singing starts in seconds."""
        return self.pieces[0].start_s

    @property
    def end_s(self) -> float:
        """Where its singing ends in seconds."""
        return self.pieces[-1].end_s

    def sung_at(self, time_s: float) -> tuple[int, float]:
        """How far the wipe is: how many pieces are sung, and the share of the next one, 0 to 1."""
        done = 0
        for piece in self.pieces:
            if time_s < piece.start_s:
                return done, 0.0
            if time_s < piece.end_s:
                return done, (time_s - piece.start_s) / (piece.end_s - piece.start_s)
            done += 1
        return done, 0.0


def rows_of(lyrics: Lyrics, fits: Fits = lambda _: True) -> tuple[Row, ...]:
    """The rows of a song, in order of their singing.

    Lines that do not fit are divided between words into as few rows of like length as do; a word that is too long by
    itself stays whole, and is drawn smaller. Where words end is guessed where it is not known.

    Args:
        lyrics: With a start for every word, or at least for every line.
        fits: Whether a text fits into one row.

    Raises:
        TextReadError: There are no words, or some without times.
        UnsupportedFormat: The text is written from right to left, and the wipe runs from left to right.
    """
    _refuse_right_to_left(lyrics.text)
    rows: list[Row] = []
    is_new = True
    lines = lyrics.lines
    for index, line in enumerate(lines):
        if not line.words:
            is_new = is_new or not line.unsung  # a line that is not sung parts no strophe
            continue
        following = min((n.start_s for n in lines[index + 1 :] if n.words and n.start_s is not None), default=None)
        pieces = _in_order(_pieces(line, following))
        for part in _divided(pieces, fits):
            rows.append(Row(part, line.singer, is_new))
            is_new = False
    if not rows:
        raise TextReadError("There are no words to show.", "Give the lyrics of the song.")
    return tuple(sorted(rows, key=lambda row: row.start_s))


def _refuse_right_to_left(text: str) -> None:
    if any(unicodedata.bidirectional(letter) in _RIGHT_TO_LEFT for letter in text):
        raise UnsupportedFormat(
            "The words are written from right to left, which the karaoke picture does not support.",
            "Transliterate them into Latin letters.",
        )


def _pieces(line: Line, following_s: float | None) -> list[Piece]:
    """The pieces of a line, times where they were told and guesses where not."""
    words = _with_times(line, following_s)
    backing = _in_brackets([word.text for word in words])
    pieces: list[Piece] = []
    for word, is_backing in zip(words, backing, strict=True):
        parts = _syllables(word)
        parts[-1] = replace(parts[-1], text=parts[-1].text + " ")
        pieces += [replace(part, is_backing=is_backing) for part in parts]
    return [replace(piece, text=unicodedata.normalize("NFC", piece.text)) for piece in pieces]


def _with_times(line: Line, following_s: float | None) -> list[Word]:
    """Words that all have a start and an end."""
    if not line.has_word_times:
        return _spread(line, following_s)
    starts = [word.start_s for word in line.words if word.start_s is not None]
    limits = [*starts[1:], line.end_s if line.end_s is not None and line.end_s > starts[-1] else following_s]
    words = []
    for word, start, limit in zip(line.words, starts, limits, strict=True):
        latest = start + _LONGEST_WORD_S
        guess = latest if limit is None or limit <= start else min(limit, latest)
        words.append(replace(word, end_s=guess if word.end_s is None else word.end_s))
    return words


def _spread(line: Line, following_s: float | None) -> list[Word]:
    """A line whose words have no times of their own: each takes its share by its letters."""
    if line.start_s is None:
        raise TextReadError(f"The line {line.text!r} has no time.", "Align the lyrics with the song first.")
    letters = sum(len(word.text) + 1 for word in line.words)
    limit = line.end_s if line.end_s is not None else following_s
    guess = line.start_s + letters * _SECONDS_PER_LETTER
    end = guess if limit is None or limit <= line.start_s else limit if line.end_s is not None else min(limit, guess)
    words, done = [], 0
    for word in line.words:
        start = line.start_s + (end - line.start_s) * done / letters
        done += len(word.text) + 1
        words.append(replace(word, start_s=start, end_s=line.start_s + (end - line.start_s) * done / letters,
                             syllables=()))  # fmt: skip
    return words


def _in_brackets(texts: Sequence[str]) -> list[bool]:
    """Which words stand in round brackets, which is how sheets mark backing vocals."""
    depth, found = 0, []
    for text in texts:
        depth += text.count("(")
        found.append(depth > 0)
        depth = max(0, depth - text.count(")"))
    return found


def _syllables(word: Word) -> list[Piece]:
    assert word.start_s is not None
    assert word.end_s is not None
    starts = [syllable.start_s for syllable in word.syllables]
    if len(starts) < 2 or any(start is None for start in starts):
        return [Piece(word.text, word.start_s, word.end_s)]
    known = [start for start in starts if start is not None]
    ends = [
        after if syllable.end_s is None else syllable.end_s
        for syllable, after in zip(word.syllables, [*known[1:], max(word.end_s, known[-1])], strict=True)
    ]
    texts = _shared_out(word.text, [syllable.text for syllable in word.syllables])
    return [Piece(text, start, end) for text, start, end in zip(texts, known, ends, strict=True) if text]


def _shared_out(word: str, syllables: Sequence[str]) -> list[str]:
    """The letters of a word for each of its syllables, also where these lack its punctuation or have hyphens."""
    if "".join(syllables) == word:
        return list(syllables)
    total = sum(map(len, syllables)) or 1
    done, cuts = 0, [0]
    for text in syllables:
        done += len(text)
        cuts.append(round(len(word) * done / total))
    cuts[-1] = len(word)
    return [word[a:b] for a, b in pairwise(cuts)]


def _in_order(pieces: Iterable[Piece]) -> list[Piece]:
    """The same pieces with times that rise, as a wipe needs them, and that last a little."""
    ordered: list[Piece] = []
    last = 0.0
    for piece in pieces:
        last = max(last, piece.start_s)
        ordered.append(replace(piece, start_s=last, end_s=max(last, piece.end_s)))
    for index, (piece, after) in enumerate(pairwise(ordered)):
        ordered[index] = replace(piece, end_s=min(piece.end_s, after.start_s))
    tail = ordered[-1]
    ordered[-1] = replace(tail, end_s=max(tail.end_s, tail.start_s + _SHORTEST_WORD_S))
    return ordered


def _divided(pieces: Sequence[Piece], fits: Fits) -> Iterator[tuple[Piece, ...]]:
    """As few parts as fit, of like length."""
    words: list[list[Piece]] = [[]]
    for piece in pieces:
        words[-1].append(piece)
        if piece.text.endswith(" "):
            words.append([])
    words = [word for word in words if word]
    for count in range(1, len(words) + 1):
        parts = _balanced(words, count)
        if count == len(words) or all(fits("".join(p.text for p in part).rstrip()) for part in parts):
            yield from (tuple(part) for part in parts)
            return


def _balanced(words: Sequence[Sequence[Piece]], count: int) -> list[list[Piece]]:
    """Words in `count` parts, cut where the letters before come nearest to an even share."""
    lengths = [sum(len(piece.text) for piece in word) for word in words]
    total = sum(lengths)
    cuts = [0]
    for part in range(1, count):
        low, high = cuts[-1] + 1, len(words) - (count - part)
        cuts.append(min(range(low, high + 1), key=lambda cut: abs(sum(lengths[:cut]) - total * part / count)))
    cuts.append(len(words))
    return [[piece for word in words[a:b] for piece in word] for a, b in pairwise(cuts)]
