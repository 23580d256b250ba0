"""LRC: a time before each line; enhanced LRC: a time before each word too."""

from __future__ import annotations

import re
from typing import ClassVar

from descant.errors import TextReadError
from descant.text.clock import minutes_clock, parse_clock
from descant.text.lyrics import Line, Lyrics, Word

_STAMP = re.compile(r"^\[(\d{1,3}:\d{1,2}(?:[.:]\d{1,3})?)\]")
_TAG = re.compile(r"^\[([a-z#]+):(.*)\]\s*$", re.IGNORECASE)
_WORD_STAMP = re.compile(r"<(\d{1,3}:\d{1,2}(?:[.:]\d{1,3})?)>")


class LrcFormat:
    """Lines with start times. Reading understands word times as well."""

    name: ClassVar[str] = "lrc"
    suffix: ClassVar[str] = ".lrc"

    def read(self, text: str) -> Lyrics:
        """Lyrics from LRC; tags give title, artist and offset, a line with several stamps is repeated.

        Raises:
            TextReadError: No line has a time.
        """
        tags: dict[str, str] = {}
        stamped: list[tuple[float, str]] = []
        for row in text.split("\n"):
            times, rest = _stamps(row)
            tag = _TAG.match(rest)
            if times:
                stamped += [(time, rest) for time in times]
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
        for line, end_s in _with_pauses(lyrics):
            rows.append(f"[{minutes_clock(_start(line))}]{self._body(line)}")
            if end_s is not None:
                rows.append(f"[{minutes_clock(end_s)}]")
        return "\n".join([*_tags(lyrics), *rows, ""]) if rows else ""

    def _body(self, line: Line) -> str:
        return line.text


class EnhancedLrcFormat(LrcFormat):
    """LRC with `<mm:ss.xx>` before each word and after the last; not an official standard, but widely read."""

    name: ClassVar[str] = "elrc"
    suffix: ClassVar[str] = ".elrc"

    def _body(self, line: Line) -> str:
        if not line.has_word_times:
            return line.text
        parts = [f"<{minutes_clock(w.start_s or 0.0)}> {w.text}" for w in line.words]
        last = line.words[-1].end_s
        return " ".join(parts) + (f" <{minutes_clock(last)}>" if last is not None else "")


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
    rest, times = row.strip(), []
    while match := _STAMP.match(rest):
        times.append(_seconds(match.group(1)))
        rest = rest[match.end() :].lstrip()
    return times, rest


def _start(line: Line) -> float:
    if line.start_s is None:
        raise TextReadError(f"The line {line.text!r} has no time.", "LRC needs times; write txt or json instead.")
    return line.start_s


def _with_pauses(lyrics: Lyrics, pause_s: float = 4.0) -> list[tuple[Line, float | None]]:
    """Each line with words, and its end where a long pause follows, so that it does not stay on screen."""
    lines = [line for line in lyrics.lines if line.words]
    result: list[tuple[Line, float | None]] = []
    for index, line in enumerate(lines):
        following = lines[index + 1].start_s if index + 1 < len(lines) else None
        is_long = line.end_s is not None and (following is None or following - line.end_s >= pause_s)
        result.append((line, line.end_s if is_long else None))
    return result


def _tags(lyrics: Lyrics) -> list[str]:
    return [f"[{key}:{value}]" for key, value in (("ti", lyrics.title), ("ar", lyrics.artist)) if value]


def _seconds(stamp: str) -> float:
    """Some programs write `mm:ss:xx`, where the last part is hundredths and not seconds."""
    minutes, _, rest = stamp.partition(":")
    return parse_clock(f"{minutes}:{rest.replace(':', '.')}")


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _lines(stamped: list[tuple[float, str]], shift_s: float) -> tuple[Line, ...]:
    lines: list[Line] = []
    for index, (time, body) in enumerate(stamped):
        start = max(time + shift_s, 0.0)
        following = max(stamped[index + 1][0] + shift_s, 0.0) if index + 1 < len(stamped) else None
        words = _words(body, start, shift_s)
        if words or not lines:
            end = following if words and words[-1].end_s is None else None
            lines.append(Line(words, start, end if end is None or end >= start else None))
    return tuple(line for line in lines if line.words)


def _words(body: str, start: float, shift_s: float) -> tuple[Word, ...]:
    pieces = _WORD_STAMP.split(body)
    if len(pieces) == 1:
        return tuple(Word(text) for text in body.split())
    timed: list[tuple[float, str]] = [(start, pieces[0])] if pieces[0].strip() else []
    timed += [(max(_seconds(s) + shift_s, 0.0), t) for s, t in zip(pieces[1::2], pieces[2::2], strict=True)]
    words: list[Word] = []
    for index, (time, text) in enumerate(timed):
        following = timed[index + 1][0] if index + 1 < len(timed) else None
        end = following if following is not None and following >= time else None
        found = text.split()
        words += [Word(each, time, end if i == len(found) - 1 else None) for i, each in enumerate(found)]
    return tuple(words)
