"""Where the timed words come from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from descant.errors import TextReadError
from descant.files import PathLike, as_path
from descant.progress import CancelToken, ProgressSink
from descant.text.formats import read_lyrics
from descant.text.lyrics import Lyrics


def timed_lyrics(
    song: Path,
    lyrics_path: PathLike,
    *,
    vocals: Callable[[], Path] | None = None,
    progress: ProgressSink | None = None,
    cancel: CancelToken | None = None,
) -> Lyrics:
    """The words of a song with their times.

    Args:
        song: The recording.
        lyrics_path: Its words, timed by word or by line, in any of `descant.text.formats.FORMATS`.
        vocals: Takes its voice out, at half its height, and says where it lies; called only where that is needed.
        progress: Receives events.
        cancel: Stops the work.

    Raises:
        TextReadError: The words have no times, or the file is damaged.
        InputNotFound, UnsupportedFormat: As for `descant.text.formats.read_lyrics`.
    """
    path = as_path(lyrics_path)
    lyrics = read_lyrics(path)
    if lyrics.is_timed:
        return lyrics
    # The one place where `descant.align` comes in: it turns (song, vocals, lyrics) into lyrics with times.
    del song, vocals, progress, cancel
    if not lyrics.words:
        raise TextReadError(f"{path} holds no words.", "Give the lyrics of the song.")
    raise TextReadError(
        f"The words in {path} have no times.", "Give a timed file (LRC, JSON, SRT, VTT), as other programs write them."
    )
