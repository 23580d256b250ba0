"""Label tracks of Audacity: start, end and text, one label a row, separated by tabs."""

from __future__ import annotations

import re
from typing import ClassVar

from descant.errors import TextReadError
from descant.text.lyrics import Line, Lyrics, Word
from descant.text.pieces import on_one_row, sung_lines, timed_words
from descant.text.protocol import TextFormat
from descant.text.tables import finite

_ROW = re.compile(r"^\s*-?[0-9]+(?:\.[0-9]+)?\t-?[0-9]+(?:\.[0-9]+)?(?:\t|$)")


class LabelsFormat(TextFormat):
    """A label for each word, in seconds with six decimals.

    Kept: the text, starts and ends of words (ends estimated where unknown, see `descant.text.pieces`). Lost: lines
    (labels of single words are read as one line), syllables, notes, singers, confidences, title and artist. A label
    with spaces is read as a line, whose words have no times of their own.
    """

    name: ClassVar[str] = "labels"
    suffix: ClassVar[str] = ".labels.txt"

    def read(self, text: str) -> Lyrics:
        """Lyrics from a label track, by start; frequency ranges and labels without text are passed over.

        Raises:
            TextReadError: A row is no label, or one ends before it starts; the message names the line.
        """
        labels: list[tuple[float, float, str]] = []
        for number, row in enumerate(text.split("\n"), 1):
            if not row.strip() or row.startswith("\\"):
                continue
            start, end, label = (*row.split("\t", 2), "", "")[:3]
            times = finite(start), finite(end)
            if times[0] is None or times[1] is None or not 0.0 <= times[0] <= times[1]:
                raise TextReadError(
                    f"Line {number} is no label: {row[:40]!r}.", "Labels look like: 1.25<tab>1.5<tab>word"
                )
            if label.strip():
                labels.append((times[0], times[1], on_one_row(label)))
        labels.sort(key=lambda label: label[0])
        if not labels:
            return Lyrics()
        if not any(" " in label for _, _, label in labels):
            return Lyrics((Line(tuple(Word(label, start, end) for start, end, label in labels)),))
        return Lyrics(
            tuple(
                Line(tuple(Word(word) for word in label.split()), start, end)
                if " " in label
                else Line((Word(label, start, end),))
                for start, end, label in labels
            )
        )

    def write(self, lyrics: Lyrics) -> str:
        """A label track.

        Raises:
            TextReadError: A word has no time.
        """
        lines = sung_lines(lyrics)
        rows = []
        for index, timed in enumerate(lines):
            following = lines[index + 1].start_s if index + 1 < len(lines) else None
            rows += [
                f"{word.start_s:.6f}\t{word.end_s:.6f}\t{on_one_row(word.text)}\n"
                for word in timed_words(timed.line, following)
            ]
        return "".join(rows)


def is_labels(text: str) -> bool:
    """Whether a .txt file is a label track: its first rows are labels."""
    rows = [row for row in text.split("\n", 5)[:5] if row.strip() and not row.startswith("\\")]
    return bool(rows) and all(_ROW.match(row) for row in rows)
