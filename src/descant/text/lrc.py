"""LRC: a time before each line; enhanced LRC: a time before each word too."""

from __future__ import annotations

import math
import re
from typing import ClassVar

from descant.errors import TextReadError
from descant.text.clock import minutes_clock, parse_clock
from descant.text.lyrics import Line, Lyrics, Word
from descant.text.pieces import TimedLine, on_one_row, timed_lines, timed_words
from descant.text.protocol import TextFormat, on_line

_STAMP = re.compile(r"\s*\[([0-9]{1,6}:[0-9]{1,2}(?:[.:][0-9]{1,3})?)\]")
_TAG = re.compile(r"^\[([a-z#]+):(.*)\]\s*$", re.IGNORECASE)
_WORD_STAMP = re.compile(r"<([0-9]{1,6}:[0-9]{1,2}(?:[.:][0-9]{1,3})?)>")
_PAUSE_S = 4.0

_Stamped = tuple[float, str, float, int]  # when a row is sung, the row, how much later than the first time, its line


class LrcFormat(TextFormat):
    """Lines with start times, in hundredths of a second. Reading understands word times as well.

    Kept: the text, line starts, title and artist. Lost: word times, line ends (but before a pause of 4 s, where an
    empty line clears the screen), singers, notes, confidences, the language. The format has no way to write a line
    that itself begins with a stamp in brackets.
    """

    name: ClassVar[str] = "lrc"
    suffix: ClassVar[str] = ".lrc"

    def read(self, text: str) -> Lyrics:
        """Lyrics from LRC; tags give title, artist and offset, a line with several stamps is repeated.

        Raises:
            TextReadError: No line has a time, or one has an impossible time; the message names the line.
        """
        tags: dict[str, str] = {}
        stamped: list[_Stamped] = []
        for number, row in enumerate(text.split("\n"), 1):
            with on_line(number):
                times, rest = _stamps(row)
            tag = _TAG.match(rest)
            if times:
                # The word times of a repeated line are those of its first time.
                stamped += [(time, rest, time - times[0], number) for time in times]
            elif tag:
                tags[tag.group(1).lower()] = tag.group(2).strip()
        if not stamped and text.strip():
            raise TextReadError("The LRC file has no line with a time.", "Lines look like: [01:02.34] words")
        # A positive offset makes the words appear earlier.
        shift = -_number(tags.get("offset", "0")) / 1000.0
        return Lyrics(_lines(sorted(stamped, key=lambda s: s[0]), shift), "", tags.get("ti", ""), tags.get("ar", ""))

    def write(self, lyrics: Lyrics) -> str:
        """LRC with a stamp per line.

        Raises:
            TextReadError: A line has no time.
        """
        rows = []
        lines = timed_lines(lyrics)
        for index, timed in enumerate(lines):
            following = lines[index + 1].start_s if index + 1 < len(lines) else None
            rows.append(f"[{minutes_clock(timed.start_s)}]{self._body(timed, following)}")
            is_pause = following is None or following - timed.end_s >= _PAUSE_S
            if is_pause and timed.line.end_s is not None:
                rows.append(f"[{minutes_clock(timed.end_s)}]")
        return "\n".join([*_tags(lyrics), *rows, ""]) if rows else ""

    def _body(self, timed: TimedLine, following_s: float | None) -> str:  # noqa: ARG002 - words with times need it
        return timed.text


class EnhancedLrcFormat(LrcFormat):
    """LRC with `<mm:ss.xx>` before each word and after the last; not an official standard, but widely read.

    Kept: what LRC keeps, word starts, and the end of each line's last word (estimated where unknown: see
    `descant.text.pieces`). Lost: other word ends (a word is read to last until the next), syllables, singers, notes.
    """

    name: ClassVar[str] = "elrc"
    suffix: ClassVar[str] = ".elrc"

    def _body(self, timed: TimedLine, following_s: float | None) -> str:
        if not timed.pieces:
            return timed.text
        words = timed_words(timed.line, following_s)
        parts, latest = [], 0.0
        for word in words:
            latest = max(latest, word.start_s or 0.0)  # stamps that go back stop players
            parts.append(f"<{minutes_clock(latest)}> {on_one_row(word.text)}")
        return " ".join(parts) + f" <{minutes_clock(max(latest, words[-1].end_s or 0.0))}>"


def require_rising_stamps(text: str) -> None:
    """Refuse LRC whose lines are out of order, which reading would sort without a word.

    Lines with several stamps are repeats and may stand anywhere; those with one must not start before the one above.

    Raises:
        TextReadError: A line does; the message has its number.
    """
    last = 0.0
    for number, row in enumerate(text.split("\n"), 1):
        times, _ = _stamps(row)
        if len(times) != 1:
            continue
        if times[0] < last:
            raise TextReadError(
                f"Line {number}, at {times[0]:g} s, stands below one at {last:g} s.",
                "Sort the lines by time, as they are sung.",
            )
        last = times[0]


def _stamps(row: str) -> tuple[list[float], str]:
    """The times before a line in seconds, and the line."""
    at, times = 0, []
    while match := _STAMP.match(row, at):
        times.append(_seconds(match.group(1)))
        at = match.end()
    return times, row[at:].strip()


def _tags(lyrics: Lyrics) -> list[str]:
    tags = (("ti", on_one_row(lyrics.title)), ("ar", on_one_row(lyrics.artist)))
    return [f"[{key}:{value}]" for key, value in tags if value]


def _seconds(stamp: str) -> float:
    """Some programs write `mm:ss:xx`, where the last part is hundredths and not seconds."""
    minutes, _, rest = stamp.partition(":")
    return parse_clock(f"{minutes}:{rest.replace(':', '.')}")


def _number(text: str) -> float:
    """An offset; 0 where it is none that can be meant."""
    try:
        value = float(text)
    except ValueError:
        return 0.0
    return value if math.isfinite(value) else 0.0


def _lines(stamped: list[_Stamped], shift_s: float) -> tuple[Line, ...]:
    lines: list[Line] = []
    for index, (time, body, later_s, number) in enumerate(stamped):
        start = max(time + shift_s, 0.0)
        following = max(stamped[index + 1][0] + shift_s, 0.0) if index + 1 < len(stamped) else None
        with on_line(number):
            words = _words(body, start, shift_s + later_s)
            if words:
                end = following if words[-1].end_s is None else None
                last = max((word.start_s or 0.0 for word in words), default=start)
                lines.append(Line(words, start, end if end is None or end >= max(start, last) else None))
    return tuple(lines)


def _words(body: str, start: float, shift_s: float) -> tuple[Word, ...]:
    pieces = _WORD_STAMP.split(body)
    if len(pieces) == 1:
        return tuple(Word(text) for text in body.split())
    timed: list[tuple[float, str]] = [(start, pieces[0])] if pieces[0].strip() else []
    timed += [(max(_seconds(s) + shift_s, 0.0), t) for s, t in zip(pieces[1::2], pieces[2::2], strict=True)]
    return stamped_words(timed)


def stamped_words(timed: list[tuple[float, str]]) -> tuple[Word, ...]:
    """Words from (start, text) in order; each text's last word ends when the next one starts."""
    words: list[Word] = []
    for index, (time, text) in enumerate(timed):
        following = timed[index + 1][0] if index + 1 < len(timed) else None
        found = text.split()
        end = following if following is not None and following >= time else None
        words += [Word(each, time, end if i == len(found) - 1 else None) for i, each in enumerate(found)]
    return tuple(words)
