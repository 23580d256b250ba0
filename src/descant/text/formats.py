"""Reading and writing lyrics: one class per format, found by name or by file suffix.

    write_lyrics("song.lrc", lyrics)
    lyrics = read_lyrics("song.srt")

A new format is one more class here or in its own module, entered in `FORMATS`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar, Protocol

from descant.errors import InvalidOption, TextReadError, UnsupportedFormat
from descant.files import atomic_output, input_error
from descant.text.json_format import JsonFormat
from descant.text.lrc import EnhancedLrcFormat, LrcFormat
from descant.text.lyrics import Lyrics
from descant.text.subtitles import SrtFormat, VttFormat

_LARGEST_BYTES = 16 << 20


class TextFormat(Protocol):
    """What every format class offers."""

    name: ClassVar[str]
    suffix: ClassVar[str]

    def read(self, text: str) -> Lyrics:
        """Lyrics from the text of a file."""

    def write(self, lyrics: Lyrics) -> str:
        """The text of a file."""


class TxtFormat:
    """Plain lines without times."""

    name: ClassVar[str] = "txt"
    suffix: ClassVar[str] = ".txt"

    def read(self, text: str) -> Lyrics:
        """One line per line of text."""
        return Lyrics.from_text(text)

    def write(self, lyrics: Lyrics) -> str:
        """One line of text per line."""
        return lyrics.text + "\n" if lyrics.lines else ""


FORMATS: dict[str, TextFormat] = {
    each.name: each for each in (LrcFormat(), EnhancedLrcFormat(), SrtFormat(), VttFormat(), JsonFormat(), TxtFormat())
}
"""Formats by name: lrc, elrc, srt, vtt, json, txt."""


def text_format(name: str) -> TextFormat:
    """The format of a name.

    Raises:
        InvalidOption: No format has it.
    """
    found = FORMATS.get(name.lower().removeprefix("."))
    if found is None:
        raise InvalidOption(f"There is no lyrics format {name!r}.", f"Choose from {', '.join(FORMATS)}.")
    return found


def format_of(path: str | os.PathLike[str]) -> TextFormat:
    """The format a file's name stands for; `.lrc` is read with or without word times.

    Raises:
        UnsupportedFormat: The suffix is not known.
    """
    suffixes = [suffix.lower() for suffix in Path(path).suffixes]
    for each in FORMATS.values():
        if suffixes[-len(each.suffix.split(".")) + 1 :] == [f".{part}" for part in each.suffix.split(".")[1:]]:
            return each
    raise UnsupportedFormat(
        f"{Path(path).name} is no lyrics file that Descant knows.",
        f"Known suffixes: {', '.join(each.suffix for each in FORMATS.values())}.",
    )


def read_lyrics(path: str | os.PathLike[str], *, format_name: str | None = None) -> Lyrics:
    """Read lyrics.

    Args:
        path: The file; UTF-8, UTF-8 or UTF-16 with a byte order mark.
        format_name: Its format; from the suffix when None.

    Raises:
        InputNotFound: The file is not there.
        TextReadError: It is damaged, too large, or in another encoding.
        UnsupportedFormat: The format is not known.
    """
    source = Path(path)
    chosen = text_format(format_name) if format_name else format_of(source)
    return chosen.read(lyrics_text(source))


def lyrics_text(path: str | os.PathLike[str]) -> str:
    r"""The text of a lyrics file, with lines that end in \n.

    Args:
        path: The file; UTF-8, UTF-8 or UTF-16 with a byte order mark.

    Raises:
        InputNotFound: The file is not there.
        TextReadError: It is too large, no text, or in another encoding.
    """
    source = Path(path)
    try:
        if source.stat().st_size > _LARGEST_BYTES:
            raise TextReadError(f"{source} is too large for lyrics (over 16 MiB).", "Check that it is a text file.")
        data = source.read_bytes()
    except OSError as error:
        raise input_error(error, source) from error
    return _decoded(data, source)


def write_lyrics(path: str | os.PathLike[str], lyrics: Lyrics, *, format_name: str | None = None) -> Path:
    """Write lyrics as UTF-8; the file appears whole or not at all.

    Args:
        path: The file to write.
        lyrics: What to write.
        format_name: Its format; from the suffix when None.

    Raises:
        TextReadError: The format needs times that the lyrics lack.
        UnsupportedFormat: The format is not known.
    """
    target = Path(path)
    chosen = text_format(format_name) if format_name else format_of(target)
    text = chosen.write(lyrics)
    with atomic_output(target) as temporary:
        temporary.write_bytes(text.encode("utf-8"))
    return target


def _decoded(data: bytes, source: Path) -> str:
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise TextReadError(f"{source} is not UTF-8 text.", "Save it as UTF-8 in a text editor.") from error
    if "\0" in text:
        raise TextReadError(f"{source} is not a text file.", "Choose a lyrics file.")
    return text.replace("\r\n", "\n").replace("\r", "\n")
