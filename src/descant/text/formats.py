"""Reading and writing lyrics: one class per format, found by name or by file suffix.

    write_lyrics("song.lrc", lyrics)
    lyrics = read_lyrics("song.srt")

A new format is one more class in its own module, entered in `FORMATS`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar

from descant.errors import InvalidOption, UnsupportedFormat
from descant.files import as_path, atomic_output, input_error
from descant.text.ass import AssFormat
from descant.text.encoding import LyricsText, decode
from descant.text.json_format import JsonFormat
from descant.text.labels import LabelsFormat, is_labels
from descant.text.lrc import EnhancedLrcFormat, LrcFormat
from descant.text.lyrics import Lyrics
from descant.text.midi_lyrics import MidiLyricsFormat
from descant.text.musicxml_lyrics import MusicXmlLyricsFormat
from descant.text.protocol import WORDY_BYTES, LyricsFormat, TextFormat, require_size
from descant.text.subtitles import SrtFormat, VttFormat
from descant.text.textgrid import TextGridFormat
from descant.text.ultrastar import UltraStarFormat, is_ultrastar
from descant.text.words_csv import WordsCsvFormat


class TxtFormat(TextFormat):
    """Plain lines without times.

    Kept: the text, and blank lines between verses. Lost: everything else.
    """

    name: ClassVar[str] = "txt"
    suffix: ClassVar[str] = ".txt"

    def read(self, text: str) -> Lyrics:
        """One line per line of text."""
        return Lyrics.from_text(text)

    def write(self, lyrics: Lyrics) -> str:
        """One line of text per line."""
        return lyrics.text + "\n" if lyrics.lines else ""


FORMATS: dict[str, LyricsFormat] = {
    each.name: each
    for each in (
        LrcFormat(), EnhancedLrcFormat(), SrtFormat(), VttFormat(), AssFormat(), UltraStarFormat(), TextGridFormat(),
        MidiLyricsFormat(), MusicXmlLyricsFormat(), LabelsFormat(), WordsCsvFormat(), JsonFormat(), TxtFormat(),
    )
}  # fmt: skip
"""Formats by name, with their usual options; other options are given as a format of one's own (`form`)."""

_SNIFFED = (("ultrastar", is_ultrastar), ("labels", is_labels))
"""Formats whose files are named .txt by everybody else."""


def text_format(name: str) -> LyricsFormat:
    """The format of a name.

    Raises:
        InvalidOption: No format has it.
    """
    found = FORMATS.get(name.lower().removeprefix("."))
    if found is None:
        raise InvalidOption(f"There is no lyrics format {name!r}.", f"Choose from {', '.join(FORMATS)}.")
    return found


def format_of(path: str | os.PathLike[str]) -> LyricsFormat:
    """The format a file's name stands for; `.lrc` is read with or without word times.

    Raises:
        UnsupportedFormat: The suffix is not known.
    """
    name = as_path(path).name.lower()
    fitting = [
        (len(suffix), each)
        for each in FORMATS.values()
        for suffix in (each.suffix, *each.other_suffixes)
        if name.endswith(suffix.lower()) and len(name) > len(suffix)
    ]
    if not fitting:
        known = (suffix for each in FORMATS.values() for suffix in (each.suffix, *each.other_suffixes))
        raise UnsupportedFormat(
            f"{as_path(path).name} is no lyrics file that Descant knows.", f"Known suffixes: {', '.join(known)}."
        )
    return max(fitting, key=lambda pair: pair[0])[1]


def read_lyrics(
    path: str | os.PathLike[str], *, format_name: str | None = None, form: LyricsFormat | None = None
) -> Lyrics:
    """Read lyrics.

    Args:
        path: The file; text in UTF-8, UTF-16 or Windows-1252 (see `descant.text.encoding`).
        format_name: Its format; from the suffix when None. A `.txt` may be UltraStar's, or a label track.
        form: A format with options of its own, instead of a name.

    Raises:
        InputNotFound: The file is not there.
        TextReadError: It is damaged, too large, or in an encoding that cannot be told.
        UnsupportedFormat: The format is not known.
    """
    source = as_path(path)
    chosen = form or (text_format(format_name) if format_name else format_of(source))
    data = _bytes(source)
    if chosen.name == "txt" and format_name is None and form is None:
        text = decode(data, str(source)).text
        chosen = FORMATS[next((name for name, fits in _SNIFFED if fits(text)), "txt")]
    return chosen.read_bytes(data, str(source))


def read_text(path: str | os.PathLike[str]) -> LyricsText:
    """The text of a lyrics file and the encoding it was found in.

    Raises:
        InputNotFound: The file is not there.
        TextReadError: It is too large, no text, or in an encoding that cannot be told.
    """
    source = as_path(path)
    return decode(_bytes(source), str(source))


def lyrics_text(path: str | os.PathLike[str]) -> str:
    r"""The text of a lyrics file, with lines that end in \n; as `read_text` without the encoding."""
    return read_text(path).text


def write_lyrics(
    path: str | os.PathLike[str],
    lyrics: Lyrics,
    *,
    format_name: str | None = None,
    form: LyricsFormat | None = None,
) -> Path:
    """Write lyrics, text as UTF-8; the file appears whole or not at all.

    Args:
        path: The file to write.
        lyrics: What to write.
        format_name: Its format; from the suffix when None.
        form: A format with options of its own, instead of a name: `AssFormat(tag="k")`.

    Raises:
        TextReadError: The format needs times that the lyrics lack.
        UnsupportedFormat: The format is not known.
    """
    target = as_path(path)
    chosen = form or (text_format(format_name) if format_name else format_of(target))
    data = chosen.write_bytes(lyrics)
    with atomic_output(target) as temporary:
        temporary.write_bytes(data)
    return target


def _bytes(source: Path) -> bytes:
    try:
        require_size(source.stat().st_size, str(source), WORDY_BYTES)
        return source.read_bytes()
    except OSError as error:
        raise input_error(error, source) from error
