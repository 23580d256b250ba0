"""What a song is called in the files that are written, and what its recording is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from descant.audio.tags import tags_of
from descant.files import title_of
from descant.text.formats import text_format
from descant.text.lyrics import Lyrics
from descant.text.pieces import on_one_row
from descant.text.protocol import LyricsFormat
from descant.text.ultrastar import UltraStarFormat


def named(lyrics: Lyrics, song: Path) -> Lyrics:
    """Lyrics with a title, and an artist where one is known.

    What the lyrics say counts first, then the recording's tags, then its file's name: `Artist - Title`, or the title.
    """
    artist, _, title = title_of(song).rpartition(" - ")
    tags = tags_of(song)
    return replace(
        lyrics,
        title=lyrics.title or tags.title or title,
        artist=lyrics.artist or tags.artist or ("" if tags.title or artist.strip().isdigit() else artist),
    )


def form_for(name: str, song: Path) -> LyricsFormat:
    """A format by its name; games find the recording by the name that the file has of it."""
    return UltraStarFormat(audio=on_one_row(song.name)) if name == UltraStarFormat.name else text_format(name)
