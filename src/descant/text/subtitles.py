"""SubRip (SRT) and WebVTT: numbered or plain cues with a start and an end."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import groupby
from typing import ClassVar

from descant.errors import TextReadError
from descant.text.clock import hours_clock, in_units, parse_clock
from descant.text.lrc import stamped_words
from descant.text.lyrics import Line, Lyrics, Word
from descant.text.pieces import TimedLine, on_one_row, timed_lines, timed_words
from descant.text.protocol import TextFormat, on_line

_ARROW = re.compile(r"^\s*([0-9:.,]+)\s*-->\s*([0-9:.,]+)(?:\s+.*)?$")
_SRT_MARKUP = re.compile(r"</?(?:b|i|u|s|font|ruby|rt)(?:\s[^<>]*)?>|\{\\[^{}]*\}", re.IGNORECASE)
_VTT_MARKUP = re.compile(r"</?(?![0-9])[^<>]*>")
_VTT_HEADING = re.compile(r"WEBVTT.*")
_VTT_STAMP = re.compile(r"<([0-9][0-9:.]*)>")
_VOICE = re.compile(r"<v(?:\.[^\s<>]*)?\s([^<>]*)>")
_ENTITIES = {
    "&lt;": "<", "&gt;": ">", "&nbsp;": " ", "&lrm;": "\N{LEFT-TO-RIGHT MARK}", "&rlm;": "\N{RIGHT-TO-LEFT MARK}",
    "&amp;": "&",  # last, or "&amp;lt;" would lose a step
}  # fmt: skip
_SHORTEST_CUE_S = 0.3


@dataclass(frozen=True, slots=True)
class _Cue:
    """A cue; `body` is its rows with spaces between, with all markup, and `number` the line of its times."""

    number: int
    start_s: float
    end_s: float
    body: str


class SrtFormat(TextFormat):
    r"""SubRip: a number, `start --> end`, the words. Times are in milliseconds.

    Kept: the text, line starts and ends (cues last at least 0.3 s, or nobody could read them). Lost: everything about
    single words, singers, title and artist. The format has no way to write words that look like its own markup
    (`<i>`, `{\an8}`); they are dropped when it is read.
    """

    name: ClassVar[str] = "srt"
    suffix: ClassVar[str] = ".srt"

    def read(self, text: str) -> Lyrics:
        """Lyrics from SRT, by start; a cue of several rows is one line.

        Raises:
            TextReadError: No cue is found, or one is damaged; the message names the line.
        """
        lines = []
        for cue in _cues(text, "SRT"):
            with on_line(cue.number):
                if words := tuple(Word(each) for each in _SRT_MARKUP.sub("", cue.body).split()):
                    lines.append(Line(words, cue.start_s, cue.end_s))
        return Lyrics(tuple(lines))

    def write(self, lyrics: Lyrics) -> str:
        """SRT with a cue per line.

        Raises:
            TextReadError: A line has no time.
        """
        rows: list[str] = []
        for number, timed in enumerate(timed_lines(lyrics), 1):
            end = max(timed.end_s, timed.start_s + _SHORTEST_CUE_S)
            rows += [str(number), f"{hours_clock(timed.start_s, point=',')} --> {hours_clock(end, point=',')}"]
            rows += [timed.text, ""]
        return "\n".join(rows)


class VttFormat(TextFormat):
    """WebVTT, with a time before each word where words are timed. Times are in milliseconds.

    Kept: the text, line starts and ends, word starts, singers (as voices). Lost: word ends (a word is read to last
    until the next), the start of a word that starts no later than the one before (stamps must rise), syllables, notes,
    title and artist.
    """

    name: ClassVar[str] = "vtt"
    suffix: ClassVar[str] = ".vtt"

    def read(self, text: str) -> Lyrics:
        """Lyrics from WebVTT, by start; word times and voices are kept.

        Raises:
            TextReadError: It does not start with WEBVTT, or a cue is damaged; the message names the line.
        """
        if not text.lstrip().startswith("WEBVTT"):
            raise TextReadError("The file does not start with WEBVTT.", "Is it an SRT file? Then name it .srt.")
        body = _VTT_HEADING.sub("", text, count=1)
        if not body.strip():
            return Lyrics()
        lines = []
        for cue in _cues(body, "VTT"):
            voice = _VOICE.search(cue.body)
            singer = on_one_row(_unescaped(voice.group(1))) if voice else ""
            with on_line(cue.number):
                if words := _vtt_words(_VTT_MARKUP.sub("", cue.body), cue):
                    lines.append(Line(words, cue.start_s, cue.end_s, singer))
        return Lyrics(tuple(lines))

    def write(self, lyrics: Lyrics) -> str:
        """WebVTT with a cue per line.

        Raises:
            TextReadError: A line has no time.
        """
        rows = ["WEBVTT", ""]
        for timed in timed_lines(lyrics):
            voice = f"<v {_escaped(singer)}>" if (singer := on_one_row(timed.line.singer)) else ""
            end = max(timed.end_s, timed.start_s + _SHORTEST_CUE_S)
            rows.append(f"{hours_clock(timed.start_s, point='.')} --> {hours_clock(end, point='.')}")
            rows += [voice + _vtt_body(timed, end), ""]
        return "\n".join(rows)


def _cues(text: str, kind: str) -> list[_Cue]:
    """All cues by start, as programs that add one write it at the end."""
    cues = []
    for is_blank, block in groupby(enumerate(text.split("\n"), 1), key=lambda row: not row[1].strip(" \t")):
        rows = () if is_blank else tuple(block)
        at, match = next(((i, found) for i, (_, row) in enumerate(rows[:2]) if (found := _ARROW.match(row))), (0, None))
        if match is None:
            continue
        number, row = rows[at]
        with on_line(number):
            start, end = parse_clock(match.group(1)), parse_clock(match.group(2))
            if end < start:
                raise TextReadError(f"a cue ends before it starts: {row.strip()[:80]}", "Correct its times.")
        cues.append(_Cue(number, start, end, " ".join(row for _, row in rows[at + 1 :])))
    if not cues and text.strip():
        raise TextReadError(f"The {kind} file has no cue.", "Cues look like: 00:01:02.000 --> 00:01:04.000")
    return sorted(cues, key=lambda cue: cue.start_s)


def _vtt_words(body: str, cue: _Cue) -> tuple[Word, ...]:
    pieces = _VTT_STAMP.split(body)
    texts = [_unescaped(text) for text in pieces[0::2]]
    if len(texts) == 1:
        return tuple(Word(text) for text in texts[0].split())
    starts = [cue.start_s, *(parse_clock(stamp) for stamp in pieces[1::2])]
    return stamped_words(list(zip(starts, texts, strict=True)))


def _vtt_body(timed: TimedLine, end_s: float) -> str:
    """The words, with a stamp before each that lies after the stamp before it and within the cue."""
    if not timed.pieces:
        return _escaped(timed.text)
    latest, end, parts = in_units(timed.start_s, 1000), in_units(end_s, 1000), []
    for word in timed_words(timed.line, None):
        at = in_units(word.start_s or 0.0, 1000)
        stamp = f"<{hours_clock(at / 1000, point='.')}>" if latest < at < end else ""
        latest = at if stamp else latest
        parts.append(stamp + _escaped(on_one_row(word.text)))
    return " ".join(parts)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _unescaped(text: str) -> str:
    for entity, sign in _ENTITIES.items():
        text = text.replace(entity, sign)
    return text
