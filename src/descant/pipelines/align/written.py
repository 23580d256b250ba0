"""Lyrics files as they come: text as people write it, or a timed file whose words are to be timed anew."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from descant.errors import UnsupportedFormat
from descant.text.formats import format_of, read_lyrics, read_text
from descant.text.language_codes import known_language
from descant.text.lyrics import Lyrics
from descant.text.protocol import TextFormat
from descant.text.sheet import Sheet, read_sheet


@dataclass(frozen=True, slots=True)
class Written:
    """Lyrics before they are aligned.

    Attributes:
        sheet: What is sung.
        title: Of the song, where the file tells.
        artist: Of the song, where the file tells.
        remarks: What a person should know of the file.
    """

    sheet: Sheet
    title: str = ""
    artist: str = ""
    remarks: tuple[str, ...] = ()

    def named(self, lyrics: Lyrics) -> Lyrics:
        """Lyrics with the title and the artist of the file."""
        return replace(lyrics, title=self.title, artist=self.artist)


def read_written(path: Path, *, language: str = "") -> Written:
    """Read lyrics to be aligned.

    A file whose name stands for no format, or for plain text, is read as people write lyrics (`read_sheet`). Of a timed
    file the words, singers, title and artist are kept, also words that were not heard last time, and its times are left
    behind.

    Args:
        path: The file.
        language: Code of its language; that of the file, if it tells one that is known, when empty.

    Raises:
        InputNotFound: It is not there.
        TextReadError: It is empty, damaged, in an encoding that cannot be told, or in a script that is not known.
    """
    remarks = _encoding(path)
    lyrics = _timed(path)
    if lyrics is None:
        return Written(read_sheet(read_text(path).text, language=language), remarks=remarks)
    sheet = read_sheet(lyrics.written, language=language or known_language(lyrics.language))
    lines = (replace(line, singer=lyrics.lines[line.row - 1].singer or line.singer) for line in sheet.lines)
    return Written(replace(sheet, lines=tuple(lines)), lyrics.title, lyrics.artist, remarks)


def _timed(path: Path) -> Lyrics | None:
    """What a file of another format than plain text holds; None for plain text."""
    try:
        format_of(path)
    except UnsupportedFormat:
        return None
    lyrics = read_lyrics(path)
    return lyrics if lyrics.is_timed or format_of(path).name != "txt" else None


def _encoding(path: Path) -> tuple[str, ...]:
    try:
        is_text = isinstance(format_of(path), TextFormat)
    except UnsupportedFormat:
        is_text = True
    if not is_text or not (read := read_text(path)).is_guessed:
        return ()
    name = {"cp1252": "Windows-1252"}.get(read.encoding, read.encoding.upper())
    return (f"{path.name} is not UTF-8 and was read as {name}: look whether its accented letters are right.",)
