"""Lyrics as people write and paste them, read to what is sung: `read_sheet`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from descant.errors import TextReadError
from descant.text import sheet_marks as marks
from descant.text.lyrics import Line, Lyrics, Word
from descant.text.phones.written import scripts

_READABLE = frozenset({"LATIN", "CYRILLIC", "GREEK", "MODIFIER", "FEMININE", "MASCULINE"})
_SCRIPT_NAMES = {"CJK": "Chinese or Japanese", "HIRAGANA": "Japanese", "KATAKANA": "Japanese", "HANGUL": "Korean"}
_MAX_LINES = 20_000
_SHOWN = 60
_OPENS = re.compile(r"\|+ ?:")
_CLOSES = re.compile(r": ?\|+")
_BARS = re.compile(r"\|+ ?:|: ?\|+|(?<!\S)[/|]+(?!\S)")
_SUPPORTED = "Latin, Greek and Cyrillic letters are understood; write the words as they sound in Latin letters."


@dataclass(frozen=True, slots=True)
class SheetWord:
    """A word that is sung.

    Attributes:
        text: As written, with its punctuation.
        is_backing: Whether it stands in brackets, as backing vocals do.
    """

    text: str
    is_backing: bool = False


@dataclass(frozen=True, slots=True)
class SheetLine:
    """A line that is sung.

    Attributes:
        words: In order; none in the gap between two strophes.
        row: Where it is written in the text, from 1; the same for each repeat.
        singer: Who sings it, where the text says so; may be empty.
        is_repeat: Whether it was written once and is sung here again.
    """

    words: tuple[SheetWord, ...]
    row: int
    singer: str = ""
    is_repeat: bool = False


@dataclass(frozen=True, slots=True)
class Sheet:
    """Lyrics as they are sung.

    Attributes:
        lines: In order of singing, repeats written out, an empty line between strophes.
        notes: What was left out and what was repeated, in sentences for the reader.
        language: Code; empty when unknown.
        left_out: Rows of the text that are not sung: headers, chords, directions, leftovers of web pages.
    """

    lines: tuple[SheetLine, ...]
    notes: tuple[str, ...] = ()
    language: str = ""
    left_out: tuple[str, ...] = ()

    @property
    def lyrics(self) -> Lyrics:
        """The words without times."""
        lines = (Line(tuple(Word(word.text) for word in line.words), singer=line.singer) for line in self.lines)
        return Lyrics(tuple(lines), self.language)

    @property
    def summary(self) -> str:
        """How the text was taken, in a few words; empty where all of it is sung as it is written."""
        rows, repeats = len(self.left_out), sum(line.is_repeat and bool(line.words) for line in self.lines)
        backing = sum(word.is_backing for line in self.lines for word in line.words)
        said = []
        if rows:
            said.append(f"{_counted(rows, 'line')} left out as not sung (the first: {self.left_out[0][:_SHOWN]})")
        if repeats:
            said.append(f"{_counted(repeats, 'line')} repeated where the text says so")
        if backing:
            said.append(f"{_counted(backing, 'word')} in brackets taken as backing vocals, which may be missing")
        return "; ".join(said)


def _counted(count: int, what: str) -> str:
    return f"1 {what}" if count == 1 else f"{count} {what}s"


def read_sheet(text: str, *, language: str = "") -> Sheet:
    """What is sung of lyrics as people write them.

    Headers ("[Chorus]", "Strophe 2", "Estribillo:"), directions ("(instrumental)"), chords and leftovers of web pages
    are left out. A chorus that is only named is sung as it was written before; "x2", "bis" and "|: :|" are written out.

    Args:
        text: Of any origin.
        language: Code of its language, to be kept with it.

    Raises:
        TextReadError: Nothing to sing, or a script whose sounds are not known.
    """
    if not text.strip():
        raise TextReadError("The lyrics are empty.", "Write what is sung, line by line.")
    if not any(sign.isalnum() for sign in text):
        raise TextReadError("The lyrics have no letters.", "Is it the right file?")
    _require_readable(text)
    if text.count("\n") > 2 * _MAX_LINES:  # said before they are read; what repeats make of fewer is counted below
        raise _too_many_lines()
    reading = _Reading()
    for number, row in enumerate(marks.rows_of(text), 1):
        reading.take(number, row)
    lines = reading.finished()
    if not any(line.words for line in lines):
        raise TextReadError(
            "The lyrics have only headers, chords or directions.", "Write the words that are sung below them."
        )
    return Sheet(lines, tuple(reading.notes), language, tuple(reading.left_out))


def _too_many_lines() -> TextReadError:
    return TextReadError(f"The lyrics have more than {_MAX_LINES} lines.", "Give the words of one song.")


def _require_readable(text: str) -> None:
    """Refuse texts of which most letters are of scripts that cannot be read."""
    letters = [sign for sign in text if sign.isalpha()]
    foreign = [sign for sign in letters if not scripts(sign) <= _READABLE]
    if len(foreign) > 0.5 * len(letters):
        names = sorted({_SCRIPT_NAMES.get(name, name.capitalize()) for name in scripts("".join(foreign))})
        raise TextReadError(f"The lyrics are written in letters that cannot be read: {', '.join(names)}.", _SUPPORTED)


@dataclass(slots=True)
class _Section:
    """A part of the song and its lines so far; `once` of them are what its header stands for when it comes again."""

    kind: str = ""
    number: str = ""
    times: int = 1
    lines: list[SheetLine] = field(default_factory=list)
    row: int = 0
    once: int = 0


class _Reading:
    """Rows taken one after the other."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.left_out: list[str] = []
        self._sections: list[_Section] = [_Section()]
        self._named: dict[tuple[str, str | None], _Section] = {}
        self._repeated = 0
        self._repeat_from: int | None = None
        self._is_first = True

    def take(self, number: int, row: str) -> None:
        """Sort one row in.

        Args:
            number: Of the row, from 1.
            row: With single spaces.
        """
        if not row:
            self._close_paragraph()
            return
        is_first, self._is_first = self._is_first, False
        if marks.is_web_leftover(row, is_first) or marks.is_chords(row):
            self._left_out(number, row)
        elif times := marks.repeats(row):
            self._repeat_above(number, row, times)
        elif head := marks.header(row):
            self._start(number, row, head)
        elif not marks.has_words(row):
            self._take_bars(row)
        elif marks.is_direction(row):
            self._left_out(number, row)
        else:
            self._sing(number, row)

    def finished(self) -> tuple[SheetLine, ...]:
        """All lines that are sung, with an empty one between strophes."""
        self._close_section()
        result: list[SheetLine] = []
        for section in self._sections:
            if section.lines and result:
                result.append(SheetLine((), section.lines[0].row))
            result += section.lines
            if len(result) > _MAX_LINES:
                raise _too_many_lines()
        return tuple(result)

    @property
    def _section(self) -> _Section:
        return self._sections[-1]

    def _left_out(self, number: int, row: str) -> None:
        self.notes.append(f"Line {number} is not sung: {row[:_SHOWN]}")
        self.left_out.append(row)

    def _close_paragraph(self) -> None:
        section = self._section
        if section.lines or (section.kind and self._earlier(section) is not None):
            self._close_section()
            self._sections.append(_Section())

    def _close_section(self) -> None:
        """End the section: a header alone stands for what was written below the same header before."""
        section = self._section
        earlier = self._earlier(section) if section.kind and not section.lines else None
        if earlier is not None:
            self._repeat(section, earlier.lines[: earlier.once], 1)
            self.notes.append(f"Line {section.row}: the {section.kind} of line {earlier.row} is sung again.")
        section.once = section.once or len(section.lines)
        if section.lines and section.times > 1:
            self._multiply(section, 0, section.times)
        section.times = 1
        self._repeat_from = None
        if section.lines:
            for number in (section.number, None):
                self._named.setdefault((section.kind, number), section)

    def _earlier(self, section: _Section) -> _Section | None:
        """The section of the same name that was written out before; verses only by their number."""
        exact = self._named.get((section.kind, section.number))
        if section.kind in {"verse", "part", "intro", "outro"} or section.number:
            return exact if section.number else None
        return exact or self._named.get((section.kind, None))

    def _start(self, number: int, row: str, head: marks.Header) -> None:
        self._close_section()
        self.notes.append(f"Line {number} is a header: {row[:_SHOWN]}")
        self.left_out.append(row)
        self._sections.append(_Section(head.kind, head.number, head.times, row=number))
        if head.rest:
            self._sing(number, head.rest)

    def _repeat_above(self, number: int, row: str, times: int) -> None:
        section = self._section
        if not section.lines and len(self._sections) > 1 and self._sections[-2].lines:
            section = self._sections[-2]
        if section.lines:
            self._multiply(section, 0, times)
            self.notes.append(f"Line {number}: the lines above are sung {times} times: {row[:_SHOWN]}")
        else:
            self._left_out(number, row)

    def _multiply(self, section: _Section, start: int, times: int) -> None:
        self._repeat(section, section.lines[start:], times - 1)

    def _repeat(self, section: _Section, lines: Sequence[SheetLine], times: int) -> None:
        """Add lines again; a few repeats of repeats would fill any memory."""
        self._repeated += len(lines) * times
        if self._repeated > _MAX_LINES:
            raise _too_many_lines()
        section.lines += [replace(line, is_repeat=True) for line in lines] * times

    def _take_bars(self, row: str) -> None:
        """Repeat signs in a row of their own: `|:` starts, `:|` lets everything since then be sung again."""
        if _CLOSES.search(row):
            self._multiply(self._section, self._repeat_from or 0, 2)
            self._repeat_from = None
        elif _OPENS.search(row):
            self._repeat_from = len(self._section.lines)

    def _sing(self, number: int, row: str) -> None:
        if not self._section.lines:
            row = marks.without_number(row)
        row, times = marks.cut_repeats(row)
        opens, closes = bool(_OPENS.search(row)), bool(_CLOSES.search(row))
        clean = marks.without_marks(_BARS.sub(" ", row))
        name, clean = marks.singer(clean)
        words = _words(clean)
        if opens:
            self._repeat_from = len(self._section.lines)
        if words:
            line = SheetLine(words, number, name)
            self._section.lines.append(line)
            self._repeat(self._section, [line], 0 if closes else times - 1)
            self._section.row = self._section.row or number
        if times > 1 and not closes:
            self.notes.append(f"Line {number} is sung {times} times.")
        if closes:
            count = max(times, 2)
            self._multiply(self._section, self._repeat_from or 0, count)
            self.notes.append(f"Line {number}: everything between the repeat signs is sung {count} times.")
            self._repeat_from = None


def _words(row: str) -> tuple[SheetWord, ...]:
    """The words of a row; those in brackets are backing vocals. Signs that stand alone are no words."""
    words, depth = [], 0
    for text in row.split():
        opening = text.count("(")
        if any(sign.isalnum() for sign in text) or text in {"&", "%", "+", "@"}:
            words.append(SheetWord(text, depth > 0 or text.startswith("(")))
        depth = max(depth + opening - text.count(")"), 0)
    return tuple(words)
