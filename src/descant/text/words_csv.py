"""Tables of words as CSV: the columns of JamendoLyrics, and those of other tools."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import ClassVar

from descant.errors import TextReadError
from descant.text.lyrics import Line, Lyrics, Word
from descant.text.pieces import on_one_row, sung_lines, timed_words
from descant.text.protocol import TextFormat
from descant.text.tables import finite

START_NAMES = ("word_start", "start_s", "start", "onset", "time", "time_s")
END_NAMES = ("word_end", "end_s", "end", "offset")
WORD_NAMES = ("word", "text", "label")
_LINE_END = "line_end"
_PLAIN = ("start", "end", "word")


@dataclass(frozen=True, slots=True)
class WordsCsvFormat(TextFormat):
    """`word_start,word_end,line_end`, as in JamendoLyrics 1.1: seconds, `line_end` is `nan` but for a line's last word.

    The layout has no texts: they are in a file beside it, one word a row (`NAME.words.txt`). Read without them, the
    words are empty texts with times, which can be measured against but not sung; `with_texts` puts the words in.

    Kept: starts and ends of words (ends estimated where unknown, see `descant.text.pieces`) and line ends, to tenths
    of a millisecond; the text with `word_column`. Lost: syllables, notes, singers, confidences, title, artist.

    Attributes:
        word_column: Write a fourth column, `word`, which other readers of the layout pass over.
    """

    name: ClassVar[str] = "csv"
    suffix: ClassVar[str] = ".words.csv"
    other_suffixes: ClassVar[tuple[str, ...]] = (".csv",)

    word_column: bool = False

    def read(self, text: str) -> Lyrics:
        """Words from a table; one of the columns in its heading is named as a start, in any case.

        Starts may be word_start, start_s, start, onset, time or time_s; ends word_end, end_s, end or offset; words
        word, text or label. Without a column line_end all words are one line. Where the first cell is a number there
        is no heading, and the columns are start, end and word, as far as there are so many.

        Raises:
            TextReadError: No column is a start, a start is no number or lies before the one above it, or a word ends
                before it starts; the message names the line.
        """
        rows = csv.reader(io.StringIO(text), skipinitialspace=True)
        try:
            first = next((cells for cells in rows if any(cell.strip() for cell in cells)), [])
            if not first:
                return Lyrics()
            heading = [name.strip().lower() for name in first]
            body: Iterable[list[str]] = rows
            if finite(first[0]) is not None:
                heading, body = list(_PLAIN[: len(first)]), chain([first], rows)
            columns = [
                next((heading.index(name) for name in names if name in heading), None)
                for names in (START_NAMES, END_NAMES, WORD_NAMES, (_LINE_END,))
            ]
            if columns[0] is None:
                raise TextReadError("Line 1: no column is named as a start.", f"Known: {', '.join(START_NAMES)}.")
            lines: list[Line] = []
            words: list[Word] = []
            latest = 0.0
            for cells in body:
                if not any(cell.strip() for cell in cells):
                    continue
                start, end, word, line_end = (
                    cells[column].strip() if column is not None and column < len(cells) else "" for column in columns
                )
                words.append(_word(word, start, end, latest, rows.line_num))
                latest = words[-1].start_s or 0.0
                if (ends := finite(line_end)) is not None:
                    lines.append(_line(words, ends))
                    words = []
        except csv.Error as error:
            raise TextReadError(f"Line {rows.line_num}: {error}.", "Is it a table of words?") from error
        return Lyrics((*lines, Line(tuple(words))) if words else tuple(lines))

    def write(self, lyrics: Lyrics) -> str:
        """A table with a row for each word.

        Raises:
            TextReadError: A word has no time.
        """
        file = io.StringIO()
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["word_start", "word_end", _LINE_END, *(["word"] if self.word_column else [])])
        lines = sung_lines(lyrics)
        for index, timed in enumerate(lines):
            following = lines[index + 1].start_s if index + 1 < len(lines) else None
            words = timed_words(timed.line, following)
            for position, word in enumerate(words, 1):
                end = f"{word.end_s:.4f}"
                row = [f"{word.start_s:.4f}", end, end if position == len(words) else "nan"]
                writer.writerow([*row, on_one_row(word.text)] if self.word_column else row)
        return file.getvalue() if lines else ""


def with_texts(lyrics: Lyrics, texts: Sequence[str]) -> Lyrics:
    """The same times with these words: what `NAME.words.txt` has for a table of JamendoLyrics.

    Args:
        lyrics: Words with or without texts.
        texts: As many words, in order.

    Raises:
        TextReadError: The counts differ.
    """
    if len(texts) != len(lyrics.words):
        raise TextReadError(
            f"The table times {len(lyrics.words)} words, the text has {len(texts)}.", "Take both from one version."
        )
    rest = iter(texts)
    return lyrics.with_lines(
        replace(
            line,
            words=tuple(
                replace(word, text=text, syllables=())
                for word, text in zip(line.words, islice(rest, len(line.words)), strict=True)
            ),
        )
        for line in lyrics.lines
    )


def _word(text: str, start: str, end: str, latest: float, number: int) -> Word:
    begins = finite(start)
    if begins is None:
        raise TextReadError(f"Line {number}: the start is not a number.", "Times are in seconds.")
    if 0.0 <= begins < latest:
        raise TextReadError(
            f"Line {number}: the start, {begins:g} s, is before that of the row above.", "Sort the words as sung."
        )
    try:
        return Word(on_one_row(text), begins, finite(end))
    except TextReadError as error:
        raise TextReadError(f"Line {number}: {error.message}", error.hint) from error


def _line(words: Sequence[Word], ends: float) -> Line:
    """A line that ends where the table says; a table that ends it before its words do is not believed."""
    latest = max((at for word in words for at in (word.start_s, word.end_s) if at is not None), default=0.0)
    return Line(tuple(words), end_s=max(ends, latest))
