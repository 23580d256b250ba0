"""SubRip (SRT) and WebVTT: numbered or plain cues with a start and an end."""

from __future__ import annotations

import re
from typing import ClassVar

from descant.errors import TextReadError
from descant.text.clock import hours_clock, parse_clock
from descant.text.lyrics import Line, Lyrics, Word

_ARROW = re.compile(r"^\s*([\d:.,]+)\s*-->\s*([\d:.,]+)(?:\s+.*)?$")
_MARKUP = re.compile(r"<(?!\d)[^>]*>|\{\\[^}]*\}")
_VTT_STAMP = re.compile(r"<(\d[\d:.]*)>")
_VOICE = re.compile(r"<v(?:\.[^ >]*)?\s+([^>]*)>")
_ENTITIES = {"&amp;": "&", "&lt;": "<", "&gt;": ">", "&nbsp;": " "}
_SHORTEST_CUE_S = 0.3


class SrtFormat:
    """SubRip: a number, `start --> end`, the words."""

    name: ClassVar[str] = "srt"
    suffix: ClassVar[str] = ".srt"

    def read(self, text: str) -> Lyrics:
        """Lyrics from SRT; a cue of several rows is one line.

        Raises:
            TextReadError: No cue is found, or one ends before it starts.
        """
        lines = tuple(Line(_words(body, start), start, end) for start, end, body, _ in _cues(text, "SRT"))
        return Lyrics(tuple(line for line in lines if line.words))

    def write(self, lyrics: Lyrics) -> str:
        """SRT with a cue per line.

        Raises:
            TextReadError: A line has no time.
        """
        rows: list[str] = []
        for number, (line, start, end) in enumerate(_timed(lyrics), 1):
            rows += [str(number), f"{hours_clock(start, point=',')} --> {hours_clock(end, point=',')}", line.text, ""]
        return "\n".join(rows)


class VttFormat:
    """WebVTT, with a time before each word where words are timed."""

    name: ClassVar[str] = "vtt"
    suffix: ClassVar[str] = ".vtt"

    def read(self, text: str) -> Lyrics:
        """Lyrics from WebVTT; word times and voices are kept.

        Raises:
            TextReadError: It does not start with WEBVTT, or a cue is damaged.
        """
        if not text.lstrip().startswith("WEBVTT"):
            raise TextReadError("The file does not start with WEBVTT.", "Is it an SRT file? Then name it .srt.")
        body = text.lstrip().partition("\n")[2]
        if not body.strip():
            return Lyrics()
        lines = (
            Line(_words(_unescaped(row), start), start, end, singer) for start, end, row, singer in _cues(body, "VTT")
        )
        return Lyrics(tuple(line for line in lines if line.words))

    def write(self, lyrics: Lyrics) -> str:
        """WebVTT with a cue per line.

        Raises:
            TextReadError: A line has no time.
        """
        rows = ["WEBVTT", ""]
        for line, start, end in _timed(lyrics):
            voice = f"<v {line.singer}>" if line.singer else ""
            times = f"{hours_clock(start, point='.')} --> {hours_clock(end, point='.')}"
            rows += [times, voice + _vtt_body(line), ""]
        return "\n".join(rows)


def _cues(text: str, kind: str) -> list[tuple[float, float, str, str]]:
    cues = []
    for block in re.split(r"\n\s*\n", text.strip()):
        rows = block.split("\n")
        at = next((i for i, row in enumerate(rows[:2]) if _ARROW.match(row)), None)
        if at is None:
            continue
        match = _ARROW.match(rows[at])
        assert match is not None
        start, end = parse_clock(match.group(1)), parse_clock(match.group(2))
        if end < start:
            raise TextReadError(f"A cue ends before it starts: {rows[at].strip()}", "Correct its times.")
        body = " ".join(rows[at + 1 :])
        voice = _VOICE.search(body)
        cues.append((start, end, _MARKUP.sub("", body).strip(), voice.group(1).strip() if voice else ""))
    if not cues and text.strip():
        raise TextReadError(f"The {kind} file has no cue.", "Cues look like: 00:01:02.000 --> 00:01:04.000")
    return cues


def _words(body: str, start_s: float) -> tuple[Word, ...]:
    pieces = _VTT_STAMP.split(body)
    if len(pieces) == 1:
        return tuple(Word(text) for text in body.split())
    timed = [(start_s, pieces[0])]
    timed += [(parse_clock(stamp), text) for stamp, text in zip(pieces[1::2], pieces[2::2], strict=True)]
    words: list[Word] = []
    for index, (time, text) in enumerate(timed):
        following = timed[index + 1][0] if index + 1 < len(timed) else None
        found = text.split()
        end = following if following is not None and following >= time else None
        words += [Word(each, time, end if i == len(found) - 1 else None) for i, each in enumerate(found)]
    return tuple(words)


def _vtt_body(line: Line) -> str:
    if not line.has_word_times:
        return _escaped(line.text)
    rest = [f"<{hours_clock(w.start_s or 0.0, point='.')}>{_escaped(w.text)}" for w in line.words[1:]]
    return " ".join([_escaped(line.words[0].text), *rest])


def _timed(lyrics: Lyrics) -> list[tuple[Line, float, float]]:
    """Lines with start and end; a missing end is the next line's start."""
    lines = [line for line in lyrics.lines if line.words]
    timed = []
    for index, line in enumerate(lines):
        if line.start_s is None:
            raise TextReadError(
                f"The line {line.text!r} has no time.", "Subtitles need times; write txt or json instead."
            )
        following = lines[index + 1].start_s if index + 1 < len(lines) else None
        end = line.end_s if line.end_s is not None else following if following is not None else line.start_s + 4.0
        timed.append((line, line.start_s, max(end, line.start_s + _SHORTEST_CUE_S)))
    return timed


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _unescaped(text: str) -> str:
    for entity, sign in _ENTITIES.items():
        if entity != "&amp;":
            text = text.replace(entity, sign)
    return text.replace("&amp;", "&")
