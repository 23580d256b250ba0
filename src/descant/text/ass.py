"""ASS (Advanced SubStation Alpha) with karaoke: durations in hundredths of a second that follow one another."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Literal

from descant.errors import InvalidOption, TextReadError
from descant.text.clock import centis_clock, in_units, parse_clock
from descant.text.lyrics import Line, Lyrics, Word
from descant.text.pieces import Piece, TimedLine, on_one_row, spaced_pieces, timed_lines, words_of
from descant.text.protocol import TextFormat, on_line

_EVENT_COLUMNS = ("Layer", "Start", "End", "Style", "Name", "MarginL", "MarginR", "MarginV", "Effect", "Text")
_STYLE_COLUMNS = (
    "Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, "
    "StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, "
    "Encoding"
)
_SECTION = re.compile(r"^\[([^\]]+)\]\s*$")
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_PARTS = re.compile(r"(?<!\\)\{([^}]*)\}")  # text, block, text, block, ...
_TAG = re.compile(r"\\(kf|ko|kt|k|K)([0-9]{1,9})(?:\.[0-9]+)?|\\(p)([0-9])(?![a-z])")
_JOINER = "\N{WORD JOINER}"
_ESCAPES = re.compile(rf"\\([Nnh{{}}{_JOINER}])")
_MEANINGS = {"{": "{", "}": "}", _JOINER: "\\"}  # the others are kinds of space


@dataclass(frozen=True, slots=True)
class AssStyle:
    """How karaoke looks.

    Attributes:
        font: Its name.
        size: Of the font, in pixels of a picture 1080 high.
        sung: Colour of what is sung already, as #RRGGBB.
        unsung: Colour of what comes.
        outline: Colour around the letters.
        alignment: Place on the screen as on a keyboard's number block: 2 is the bottom's middle, 8 the top's.
    """

    font: str = "Arial"
    size: int = 84
    sung: str = "#ffd24a"
    unsung: str = "#ffffff"
    outline: str = "#101018"
    alignment: int = 2

    def __post_init__(self) -> None:
        for colour in (self.sung, self.unsung, self.outline):
            if not _COLOUR.fullmatch(colour):
                raise InvalidOption(f"{colour!r} is not a colour.", "Colours look like #ffd24a.")
        if not self.font.strip() or set(self.font) & set(",\n\r"):
            raise InvalidOption(f"{self.font!r} is not a font's name.", "Give one without commas.")
        if self.size < 1 or not 1 <= self.alignment <= 9:
            raise InvalidOption("A style needs a size of at least 1 and an alignment from 1 to 9.")

    def row(self) -> str:
        """The style's row under [V4+ Styles]."""
        colours = ",".join(_ass_colour(c) for c in (self.sung, self.unsung, self.outline))
        return (
            f"Style: Karaoke,{self.font},{self.size},{colours},&H80000000,-1,0,0,0,100,100,0,0,1,4,2,"
            f"{self.alignment},60,60,60,1"
        )


@dataclass(frozen=True, slots=True)
class AssFormat(TextFormat):
    r"""ASS karaoke: each line an event, each syllable a `\kf` (or `\k`, `\ko`) of its length.

    Times are rounded as points in time, so that lengths add up to the event's and no error runs up; gaps are an empty
    `{\kN}`. Where a piece overlaps the next one it ends with the next one's start.

    Kept: the text, line starts and ends, word and syllable starts and ends (estimated where unknown, see
    `descant.text.pieces`), singers, the title. Lost: notes, confidences, artist, language. Lines of which a word has
    no time are plain subtitles.

    Attributes:
        tag: `kf` fills a syllable while it lasts, `k` switches it at its start, `ko` removes its outline.
        style: How it looks.
    """

    name: ClassVar[str] = "ass"
    suffix: ClassVar[str] = ".ass"
    other_suffixes: ClassVar[tuple[str, ...]] = (".ssa",)

    tag: Literal["k", "kf", "ko"] = "kf"
    style: AssStyle = AssStyle()

    def __post_init__(self) -> None:
        if self.tag not in ("k", "kf", "ko"):
            raise InvalidOption(f"There is no karaoke tag {self.tag!r}.", "Choose k, kf or ko.")

    def read(self, text: str) -> Lyrics:
        r"""Lyrics from the dialogue of an ASS or SSA file, by start; `\N` and `\h` are spaces, drawings left out.

        Raises:
            TextReadError: It has no [Events], or an event is damaged; the message names the line.
        """
        title, events = _parsed(text)
        if not events and text.strip() and "[events]" not in text.lower():
            raise TextReadError("The file has no [Events], as ASS files have.", "Is it another kind of subtitle?")
        # Scripts of karaoke effects keep the words they were made from as comments beside what is drawn ("fx").
        kinds = ("comment", "karaoke") if any(event.effect == "fx" for event in events) else ("dialogue", None)
        chosen = [e for e in events if e.kind == kinds[0] and (kinds[1] is None or e.effect == kinds[1])]
        lines = [line for event in chosen if (line := _line(event)).words]
        return Lyrics(tuple(sorted(lines, key=lambda line: line.start_s or 0.0)), title=title)

    def write(self, lyrics: Lyrics) -> str:
        """A whole ASS file for a picture of 1920 x 1080.

        Raises:
            TextReadError: A line has no time.
        """
        info = ["[Script Info]", *([f"Title: {title}"] if (title := on_one_row(lyrics.title)) else [])]
        info += ["ScriptType: v4.00+", "PlayResX: 1920", "PlayResY: 1080", "WrapStyle: 0", "ScaledBorderAndShadow: yes"]
        styles = ["", "[V4+ Styles]", f"Format: {_STYLE_COLUMNS}", self.style.row()]
        events = ["", "[Events]", f"Format: {', '.join(_EVENT_COLUMNS)}"]
        events += [self._event(timed) for timed in timed_lines(lyrics)]
        return "\n".join([*info, *styles, *events, ""])

    def _event(self, timed: TimedLine) -> str:
        start, end = in_units(timed.start_s, 100), in_units(timed.end_s, 100)
        singer = on_one_row(timed.line.singer).replace(",", " ")  # a comma would begin the next column
        times = f"{centis_clock(start)},{centis_clock(end)}"
        return f"Dialogue: 0,{times},Karaoke,{singer},0,0,0,,{self._body(timed, start, end)}"

    def _body(self, timed: TimedLine, start: int, end: int) -> str:
        if not timed.pieces:
            return _escaped(timed.text)
        starts: list[int] = []
        for piece in timed.pieces:
            starts.append(max(in_units(piece.start_s, 100), starts[-1] if starts else start))
        body, at = [], start
        for index, piece in enumerate(timed.pieces):
            if starts[index] > at:
                body.append(f"{{\\k{starts[index] - at}}}")
            following = starts[index + 1] if index + 1 < len(starts) else end
            at = max(min(in_units(piece.end_s, 100), following), starts[index])
            space = " " if piece.ends_word and index + 1 < len(starts) else ""
            body.append(f"{{\\{self.tag}{at - starts[index]}}}{_escaped(piece.text)}{space}")
        return "".join(body) + (f"{{\\k{end - at}}}" if end > at else "")


@dataclass(frozen=True, slots=True)
class _Event:
    number: int
    kind: str
    cells: dict[str, str]

    @property
    def effect(self) -> str:
        return self.cells.get("effect", "").strip().lower()


def _parsed(text: str) -> tuple[str, list[_Event]]:
    """The title, and all events with their cells by column."""
    title, section, events = "", "", []
    columns = [each.lower() for each in _EVENT_COLUMNS]
    for number, row in enumerate(text.split("\n"), 1):
        if heading := _SECTION.match(row):
            section = heading.group(1).strip().lower()
            continue
        key, colon, value = row.partition(":")
        key, value = key.strip().lower(), value.strip()
        if not colon or row.startswith(";"):
            continue
        if section == "script info" and key == "title":
            title = value
        elif section == "events" and key == "format":
            columns = [each.strip().lower() for each in value.split(",")]
        elif section == "events" and key in ("dialogue", "comment"):
            events.append(_Event(number, key, dict(zip(columns, value.split(",", len(columns) - 1), strict=False))))
    return title, events


def _line(event: _Event) -> Line:
    with on_line(event.number):
        try:
            start, end, text = (event.cells[column] for column in ("start", "end", "text"))
        except KeyError as error:
            raise TextReadError(f"the event has no {error.args[0]}.", "Save the file again.") from error
        begins = parse_clock(start)
        return Line(_words(text, begins), begins, parse_clock(end), event.cells.get("name", "").strip())


def _words(body: str, start_s: float) -> tuple[Word, ...]:
    chunks: list[Piece] = []
    text, begins, ends, is_karaoke, is_drawing = "", start_s, start_s, False, False
    closed, brace, rest = body.rpartition("}")  # behind the last one no block ends, and none is looked for
    parts = _PARTS.split(closed + brace)
    parts[-1] += rest
    for index, part in enumerate(parts):
        if index % 2 == 0:
            text += "" if is_drawing else _unescaped(part)
            continue
        for tag, hundredths, drawing, level in _TAG.findall(part):
            if drawing:
                is_drawing = level != "0"
                continue
            chunks.append(Piece(text, begins, ends, ends_word=False))
            text, is_karaoke = "", True
            begins = start_s + int(hundredths) / 100 if tag == "kt" else ends
            ends = begins + (0.0 if tag == "kt" else int(hundredths) / 100)
    if not is_karaoke:
        return tuple(Word(each) for each in text.split())
    return words_of(spaced_pieces([*chunks, Piece(text, begins, ends, ends_word=True)]))


def _escaped(text: str) -> str:
    r"""Braces as libass reads them; a joiner keeps a backslash from making a command of the letter after it."""
    return text.replace("\\", "\\" + _JOINER).replace("{", "\\{").replace("}", "\\}")


def _unescaped(text: str) -> str:
    return _ESCAPES.sub(lambda match: _MEANINGS.get(match.group(1), " "), text)


def _ass_colour(colour: str) -> str:
    """#RRGGBB as &HAABBGGRR, opaque."""
    red, green, blue = colour[1:3], colour[3:5], colour[5:7]
    return f"&H00{blue}{green}{red}".upper()
