"""Where the timed words come from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from descant.align.api import require_room
from descant.audio.io import probe
from descant.files import PathLike, as_path
from descant.pipelines.align.listening import Voice
from descant.pipelines.align.written import read_written
from descant.progress import CancelToken, Monitor, ProgressSink
from descant.text.formats import read_lyrics
from descant.text.lyrics import Lyrics

_SURE = 0.5
_SHOWN = 30


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
        lyrics_path: Its words, in any of `descant.text.formats.FORMATS`; without times they are aligned.
        vocals: Takes its voice out, at half its height, and says where it lies; called only where that is needed.
        progress: Receives events.
        cancel: Stops the work.

    Raises:
        NothingHeard: The words have no times, and are not heard in the song.
        TextReadError: The words are empty or too many, or the file is damaged.
        InputNotFound, UnsupportedFormat: As for `descant.text.formats.read_lyrics`.
    """
    path = as_path(lyrics_path)
    lyrics = read_lyrics(path)
    if lyrics.is_timed:
        return lyrics
    written = read_written(path)
    require_room(written.sheet, probe(song).duration_s)
    voice = Voice(song, separated=False) if vocals is None else Voice(vocals(), separated=True, song=song)
    monitor = Monitor(progress, cancel, "aligning")
    found = voice.align(written, language="", corrections=(), monitor=monitor)
    return written.named(found.alignment.lyrics)


def unsure_lines(lyrics: Lyrics) -> list[str]:
    """What to say of lines that are more likely misplaced than not."""
    lines = [line for line in lyrics.lines if line.confidence is not None and line.confidence < _SURE]
    if not lines:
        return []
    first = f"the first at {lines[0].start_s or 0.0:.1f} s ({lines[0].text[:_SHOWN]!r})"
    count = "1 line is" if len(lines) == 1 else f"{len(lines)} lines are"
    return [f"{count} unsure, {first}: `descant align` with --anchor corrects that."]


def unsung_lines(lyrics: Lyrics) -> list[str]:
    """What to say of words that are not shown, for they were not heard."""
    lines = [line for line in lyrics.lines if line.unsung]
    if not lines:
        return []
    texts = [" ".join(word.text for word in line.unsung) for line in lines]
    count = "1 line" if len(lines) == 1 else f"{len(lines)} lines"
    what = f"Words of {count} were not heard and are not shown, the first {texts[0][:_SHOWN]!r}"
    return [f"{what}: `descant align` with --anchor places them."]
