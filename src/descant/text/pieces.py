"""Lyrics as formats sing them: lines with both ends known, made of pieces that each have one start and one end.

What a file needs and the lyrics do not know is estimated here, in one place and one way:

- A word whose end is unknown ends with the next start, at the latest after `LONGEST_GUESS_S`.
- A syllable whose start is unknown gets the share of its word that it has of its letters.
- A line whose end is unknown ends with its last word, or when the next line starts if its words have no times.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from descant.errors import TextReadError
from descant.text.lyrics import Line, Lyrics, SungNote, Syllable, Word

LONGEST_GUESS_S = 0.8
"""How long a word may last whose end nobody knows; the sheet on alignment asks for 0.5 to 1 s."""

_LINE_WITHOUT_END_S = 4.0


@dataclass(frozen=True, slots=True)
class Piece:
    """What is sung in one go: a syllable, or a word that is not divided.

    Attributes:
        text: Its letters, without spaces around.
        start_s: Where it starts in seconds.
        end_s: Where it ends in seconds, never before it starts.
        ends_word: Whether a word ends with it.
        notes: What it is sung on, in order; empty when unknown.
    """

    text: str
    start_s: float
    end_s: float
    ends_word: bool
    notes: tuple[SungNote, ...] = ()

    @property
    def spanning_notes(self) -> tuple[SungNote, ...]:
        """Its notes, the first of which starts with it and the last of which ends with it.

        Formats that hang words on notes have no other place for the times of a syllable.
        """
        if not self.notes:
            return ()
        inside = [
            SungNote(n.pitch, *(min(max(at, self.start_s), self.end_s) for at in (n.start_s, n.end_s)))
            for n in sorted(self.notes, key=lambda n: n.start_s)
        ]
        inside[0] = replace(inside[0], start_s=self.start_s)
        inside[-1] = replace(inside[-1], end_s=self.end_s)
        return tuple(inside)


@dataclass(frozen=True, slots=True)
class TimedLine:
    """A line with words, and times for all that a format may need.

    Attributes:
        line: The line.
        start_s: Where it starts in seconds, never after its first piece.
        end_s: Where it ends in seconds, never before its last piece or its start.
        pieces: What is sung in it, in order; empty when a word has no time.
    """

    line: Line
    start_s: float
    end_s: float
    pieces: tuple[Piece, ...]

    @property
    def text(self) -> str:
        """Its words on one row, with single spaces."""
        return on_one_row(self.line.text)


def on_one_row(text: str) -> str:
    """Without line breaks, tabs and repeated spaces, which would end a row of most formats."""
    return " ".join(text.split())


def timed_lines(lyrics: Lyrics) -> list[TimedLine]:
    """All lines that have words.

    Raises:
        TextReadError: A line has no start.
    """
    lines = [line for line in lyrics.lines if any(word.text.strip() for word in line.words)]
    timed = []
    for index, line in enumerate(lines):
        if line.start_s is None:
            raise TextReadError(
                f"The line {_shortened(line.text)!r} has no time.",
                "This format needs times; write txt or json instead.",
            )
        following = lines[index + 1].start_s if index + 1 < len(lines) else None
        timed.append(_timed_line(line, line.start_s, following))
    return timed


def sung_lines(lyrics: Lyrics) -> list[TimedLine]:
    """All lines that have words, each word with a time.

    Raises:
        TextReadError: A word has no start.
    """
    lines = timed_lines(lyrics)
    for timed in lines:
        if not timed.pieces:
            word = next(word.text for word in timed.line.words if word.start_s is None)
            raise TextReadError(
                f"The word {_shortened(word)!r} in the line {_shortened(timed.text)!r} has no time.",
                "This format needs the time of every word; align the lyrics first, or write lrc or srt.",
            )
    return lines


def timed_words(line: Line, following_s: float | None) -> list[Word]:
    """The words of a line whose words all have starts, with ends; those without letters are left out.

    Args:
        line: The line.
        following_s: When the next line starts; None after the last.
    """
    words = [word for word in line.words if word.text.strip()]
    result = []
    for index, word in enumerate(words):
        start, end = word.start_s or 0.0, word.end_s
        if end is None:
            is_last = index + 1 == len(words)
            bounds = (following_s, line.end_s) if is_last else (words[index + 1].start_s,)
            end = min([start + LONGEST_GUESS_S, *(b for b in bounds if b is not None and b > start)])
        result.append(replace(word, start_s=start, end_s=end))
    return result


def words_of(pieces: Iterable[Piece]) -> tuple[Word, ...]:
    """The words that pieces make; those of several pieces, or with notes, have syllables."""
    words: list[Word] = []
    open_pieces: list[Piece] = []
    for piece in pieces:
        open_pieces.append(piece)
        if piece.ends_word:
            words.append(_word(open_pieces))
            open_pieces = []
    return (*words, _word(open_pieces)) if open_pieces else tuple(words)


def spaced_pieces(chunks: Iterable[Piece]) -> list[Piece]:
    """Pieces from chunks of text in which spaces divide the words, wherever they stand.

    Args:
        chunks: Their texts may begin with, end with or hold spaces; several words share the time by their letters.
    """
    pieces: list[Piece] = []
    for chunk in chunks:
        if pieces and chunk.text[:1].isspace():
            pieces[-1] = replace(pieces[-1], ends_word=True)
        texts = chunk.text.split()
        edges = _shares([len(text) for text in texts], chunk.start_s, chunk.end_s)
        for index, text in enumerate(texts):
            is_last = index + 1 == len(texts)
            ends = not is_last or chunk.ends_word or chunk.text[-1:].isspace()
            notes = chunk.notes if len(texts) == 1 else ()
            pieces.append(Piece(text, edges[index], edges[index + 1], ends, notes))
    return pieces


def _timed_line(line: Line, start: float, following: float | None) -> TimedLine:
    words = [word for word in line.words if word.text.strip()]
    pieces: list[Piece] = []
    if all(word.start_s is not None for word in words):
        pieces = [piece for word in timed_words(line, following) for piece in _pieces(word)]
    end = line.end_s
    if end is None:
        unsung = following if following is not None and following > start else start + _LINE_WITHOUT_END_S
        end = pieces[-1].end_s if pieces else unsung
    start = min([start, *(piece.start_s for piece in pieces)])
    return TimedLine(line, start, max([start, end, *(piece.end_s for piece in pieces)]), tuple(pieces))


def _pieces(word: Word) -> list[Piece]:
    """The syllables of a word with both ends; the whole word where they do not make it up."""
    start, end = word.start_s or 0.0, word.end_s or 0.0
    parts = [replace(part, text=on_one_row(part.text)) for part in word.syllables]
    text = on_one_row(word.text)
    if len(parts) < 2 or not all(part.text for part in parts) or "".join(part.text for part in parts) != text:
        return [Piece(text, start, end, ends_word=True, notes=tuple(n for part in parts for n in part.notes))]
    edges = _edges(parts, start, end)
    return [
        Piece(
            part.text,
            edges[index],
            max(part.end_s if part.end_s is not None else edges[index + 1], edges[index]),
            index + 1 == len(parts),
            part.notes,
        )
        for index, part in enumerate(parts)
    ]


def _edges(parts: Sequence[Syllable], start: float, end: float) -> list[float]:
    """Where syllables start, and where the last one ends; they never go back."""
    known: list[float | None] = [part.start_s for part in parts]
    known = [at if at is not None or i == 0 else parts[i - 1].end_s for i, at in enumerate(known)]
    known[0] = start if known[0] is None else known[0]
    known.append(parts[-1].end_s if parts[-1].end_s is not None else end)
    fixed = [index for index, at in enumerate(known) if at is not None]
    edges: list[float] = []
    for a, b in pairwise(fixed):
        edges += _shares([len(part.text) for part in parts[a:b]], known[a] or 0.0, known[b] or 0.0)[:-1]
    edges.append(known[-1] or 0.0)
    for index in range(1, len(edges)):
        edges[index] = max(edges[index], edges[index - 1])
    return edges


def _shares(weights: Sequence[int], start: float, end: float) -> list[float]:
    """Edges of stretches as long as their weights, from `start` to `end`."""
    total, done, edges = sum(weights), 0, [start]
    for weight in weights[:-1]:
        done += weight
        edges.append(start + (end - start) * done / total)
    return [*edges, end] if weights else [start]


def _word(pieces: Sequence[Piece]) -> Word:
    text = "".join(piece.text for piece in pieces)
    start = min(piece.start_s for piece in pieces)
    end = max(piece.end_s for piece in pieces)
    if len(pieces) == 1 and not pieces[0].notes:
        return Word(text, start, end)
    return Word(text, start, end, None, tuple(Syllable(p.text, p.start_s, p.end_s, p.notes) for p in pieces))


def _shortened(text: str) -> str:
    return text if len(text) <= 60 else text[:60] + "…"
