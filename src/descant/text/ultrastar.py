"""UltraStar TXT: syllables with pitch and beats, for singing games."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from descant.errors import InvalidOption, TextReadError
from descant.text.lyrics import Line, Lyrics, SungNote
from descant.text.pieces import Piece, TimedLine, on_one_row, spaced_pieces, sung_lines, words_of
from descant.text.protocol import TextFormat

_MIDDLE_C = 60
_HEADER = re.compile(r"^#([A-Za-z0-9]+)\s*:(.*)$")
_NOTE = re.compile(r"^\s*([:*FRG])\s*(-?[0-9]{1,8})\s+([0-9]{1,8})\s+(-?[0-9]{1,4})(?: (.*))?$")
_BREAK = re.compile(r"^\s*-\s*(-?[0-9]{1,8})(?:\s+(-?[0-9]{1,8}))?\s*$")
_VOICE = re.compile(r"^\s*P\s*([1-3])\s*$")
_UNKNOWN = "Unknown"
_CONTINUED = "~"
_HINT = "Notes look like: `: 12 4 7 word` (kind, beat, beats, pitch, text)."


@dataclass(frozen=True, slots=True)
class UltraStarFormat(TextFormat):
    """A song file of version 1 for UltraStar Deluxe, Performous, Vocaluxe and others.

    Times are on a grid of beats, each a quarter of the file's #BPM: the song's tempo times the least power of two
    that makes a beat no longer than 15 ms, so that any tempo serves. #GAP, in whole milliseconds, is the first note.

    Kept: the text, starts and ends of syllables, the pitch of each note (`~` holds a syllable on), title, artist, and
    two singers as P1 and P2. Lost: line starts and ends (they are those of their words), confidences, pauses within a
    syllable at its ends: its first note starts with it and its last one ends with it. Syllables without notes are
    freestyle (`F`), which games do not score; nothing is golden. A line that overlaps the one before it in the same
    voice is written as it is sung, which games show badly: give it to the other singer. Games want a title and an
    artist: where they are not known the file says "Unknown", which is read as not known.

    Attributes:
        tempo_bpm: Quarter notes per minute of the song.
        audio: Name of the recording beside the file.
    """

    name: ClassVar[str] = "ultrastar"
    suffix: ClassVar[str] = ".ultrastar.txt"
    longest_beat_s: ClassVar[float] = 0.015

    tempo_bpm: float = 120.0
    audio: str = "song.mp3"

    def __post_init__(self) -> None:
        if not 1.0 <= self.tempo_bpm <= 10_000.0:
            raise InvalidOption(f"A tempo of {self.tempo_bpm:g} BPM is outside 1 to 10000.", "Give beats per minute.")
        if not self.audio.strip() or "\n" in self.audio:
            raise InvalidOption(f"{self.audio!r} is not the name of a recording.", "Give the name of an audio file.")

    @property
    def file_bpm(self) -> float:
        """The #BPM of the file; a beat lasts 15 / #BPM seconds."""
        doublings = math.ceil(math.log2(15.0 / self.longest_beat_s / self.tempo_bpm))
        return self.tempo_bpm * 2.0 ** max(doublings, 0)

    def read(self, text: str) -> Lyrics:
        """Lyrics from a song file of any version, with beats absolute or relative to their line.

        Raises:
            TextReadError: It has no #BPM, or a row is damaged; the message names the line.
        """
        return _Reader().lyrics(text) if text.strip() else Lyrics()

    def write(self, lyrics: Lyrics) -> str:
        """A song file.

        Raises:
            TextReadError: A word has no time, or there are more than two singers.
        """
        lines = sung_lines(lyrics)
        if not lines:
            return ""
        singers = list(dict.fromkeys(timed.line.singer for timed in lines))
        if len(singers) > 2:
            raise TextReadError(
                f"The lyrics have {len(singers)} singers; UltraStar files have two.", "Join some of them, or write ass."
            )
        gap_ms = round(1000.0 * min(timed.pieces[0].start_s for timed in lines))
        headers = {
            "VERSION": "1.0.0", "TITLE": lyrics.title or _UNKNOWN, "ARTIST": lyrics.artist or _UNKNOWN,
            "LANGUAGE": lyrics.language, "MP3": self.audio, "AUDIO": self.audio, "BPM": f"{self.file_bpm:.10g}",
            "GAP": str(gap_ms), **{f"P{i}": singer for i, singer in enumerate(singers, 1)},
        }  # fmt: skip
        rows = [f"#{key}:{value}" for key, text in headers.items() if (value := on_one_row(text))]
        for number, singer in enumerate(singers, 1):
            rows += [f"P{number}"] if len(singers) > 1 else []
            rows += self._voice([timed for timed in lines if timed.line.singer == singer], gap_ms)
        return "\n".join([*rows, "E", ""])

    def _voice(self, lines: Sequence[TimedLine], gap_ms: int) -> list[str]:
        rows: list[str] = []
        for timed in lines:
            notes = self._notes(timed.pieces, gap_ms)
            if rows:
                rows.append(f"- {self._beat(timed.pieces[0].start_s, gap_ms)}")
            rows += notes
        return rows

    def _notes(self, pieces: Sequence[Piece], gap_ms: int) -> list[str]:
        """One row for each note; lengths run to rounded ends, and never over the next note's start."""
        rows: list[tuple[str, int, int, int, str]] = []
        for index, piece in enumerate(pieces):
            space = " " if index and pieces[index - 1].ends_word else ""
            sung = piece.spanning_notes or (SungNote(_MIDDLE_C, piece.start_s, piece.end_s),)
            for position, note in enumerate(sung):
                start, end = self._beat(note.start_s, gap_ms), self._beat(note.end_s, gap_ms)
                text = _CONTINUED if position else space + piece.text
                rows.append((":" if piece.notes else "F", start, end, note.pitch - _MIDDLE_C, text))
        written = []
        for index, (kind, start, end, pitch, text) in enumerate(rows):
            following = rows[index + 1][1] if index + 1 < len(rows) else end
            length = min(end, following) - start if following > start else end - start
            written.append(f"{kind} {start} {max(length, 1)} {pitch} {text}")
        return written

    def _beat(self, seconds: float, gap_ms: int) -> int:
        return round((seconds - gap_ms / 1000.0) * self.file_bpm / 15.0)


def is_ultrastar(text: str) -> bool:
    """Whether a .txt file is a song for UltraStar: headers first, then notes."""
    rows = text.lstrip("\ufeff \n").split("\n", 1000)
    return bool(_HEADER.match(rows[0])) and any(_NOTE.match(row) for row in rows)


@dataclass(slots=True)
class _Voice:
    """One voice while it is read; chunks have spaces where the file has them."""

    lines: list[tuple[Piece, ...]] = field(default_factory=list)
    chunks: list[Piece] = field(default_factory=list)
    offset: int = 0

    def end_line(self) -> None:
        if self.chunks:
            self.lines.append(tuple(self.chunks))
        self.chunks = []


class _Reader:
    """Reads one file, row by row."""

    def __init__(self) -> None:
        self._headers: dict[str, str] = {}
        self._voices: dict[int, _Voice] = {}
        self._voice = 1
        self._number = 0
        self._grid: tuple[float, float] | None = None  # when beat 0 is, and how long a beat lasts, in seconds

    def lyrics(self, text: str) -> Lyrics:
        for number, row in enumerate(text.lstrip("\ufeff").split("\n"), 1):
            self._number = number
            if header := _HEADER.match(row):
                self._headers.setdefault(header.group(1).upper(), header.group(2).strip())
            elif row.strip().upper() == "E":
                break
            elif row.strip():
                self._row(row)
        for voice in self._voices.values():
            voice.end_line()
        lines = [line for number, voice in sorted(self._voices.items()) for line in self._lines(number, voice)]
        title, artist = (self._named(self._headers.get(key, "")) for key in ("TITLE", "ARTIST"))
        lines.sort(key=lambda line: line.start_s or 0.0)
        return Lyrics(tuple(lines), self._headers.get("LANGUAGE", ""), title, artist)

    def _row(self, row: str) -> None:
        voice = self._voices.setdefault(self._voice, _Voice())
        if note := _NOTE.match(row):
            kind, beat, length, pitch, text = note.groups()
            self._note(voice, kind, voice.offset + int(beat), int(length), int(pitch), text or "")
        elif match := _BREAK.match(row):
            voice.end_line()
            if self._headers.get("RELATIVE", "").lower() == "yes":
                voice.offset += int(match.group(2) or match.group(1))
        elif match := _VOICE.match(row):
            voice.end_line()
            self._voice = int(match.group(1))
        elif row.lstrip().upper().startswith("B"):
            raise self._damage("a change of tempo, which no version of the format has any more")
        else:
            raise self._damage(f"{row.strip()[:40]!r} is no note")

    def _note(self, voice: _Voice, kind: str, beat: int, length: int, pitch: int, text: str) -> None:
        start, end = self._seconds(beat), self._seconds(beat + length)
        # Only sung kinds have a pitch: freestyle and rap are judged by rhythm or not at all.
        notes = (self._sung(pitch, start, end),) if kind in ":*" else ()
        if text.strip() == _CONTINUED and voice.chunks:
            held = voice.chunks[-1]
            space = " " if text.endswith(" ") else ""
            until = max(held.end_s, end)
            voice.chunks[-1] = Piece(held.text + space, held.start_s, until, ends_word=False, notes=held.notes + notes)
        else:
            voice.chunks.append(Piece(text, start, end, ends_word=False, notes=notes))

    def _sung(self, pitch: int, start: float, end: float) -> SungNote:
        if not 0 <= pitch + _MIDDLE_C <= 127:
            raise self._damage(f"the pitch {pitch} is impossible")
        return SungNote(pitch + _MIDDLE_C, start, end)

    def _seconds(self, beat: int) -> float:
        if self._grid is None:
            bpm, gap = self._header_number("BPM", None), self._header_number("GAP", 0.0)
            if not 0.01 <= bpm <= 1e6 or abs(gap) > 1e9:
                raise self._damage(f"#BPM:{bpm:g} and #GAP:{gap:g} give no times")
            self._grid = gap / 1000.0, 15.0 / bpm
        return max(self._grid[0] + beat * self._grid[1], 0.0)

    def _header_number(self, key: str, default: float | None) -> float:
        text = self._headers.get(key, "").replace(",", ".")
        try:
            value = float(text) if text or default is None else default
        except ValueError as error:
            raise self._damage(f"#{key}:{text[:20]} is missing or not a number") from error
        if not math.isfinite(value):
            raise self._damage(f"#{key}:{text[:20]} is not a number")
        return value

    def _lines(self, number: int, voice: _Voice) -> Iterable[Line]:
        for chunks in voice.lines:
            words = words_of(spaced_pieces(chunks))
            if words:
                yield Line(words, singer=self._singer(number))

    def _singer(self, number: int) -> str:
        names = [self._headers.get(f"P{n}", self._headers.get(f"DUETSINGERP{n}", "")) for n in (1, 2)]
        if number == 3:
            return " & ".join(name for name in names if name)
        return names[number - 1]

    def _named(self, value: str) -> str:
        return "" if value == _UNKNOWN else value

    def _damage(self, what: str) -> TextReadError:
        return TextReadError(f"Line {self._number}: {what}.", _HINT)
