"""What a song is called in what is written of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from descant.audio.tags import tags_of
from descant.errors import InputNotFound
from descant.pipelines.align.naming import form_for, named
from descant.text.formats import text_format
from descant.text.lyrics import Line, Lyrics, Word

WORDS = Lyrics((Line((Word("la", 1.0, 2.0),)),))


def _recording(path: Path, *, title: str = "", artist: str = "") -> Path:
    with soundfile.SoundFile(path, "w", 16_000, 1) as file:
        if title:
            file.title = title
        if artist:
            file.artist = artist
        file.write(np.zeros(1600))
    return path


@pytest.mark.parametrize(
    ("name", "tags", "title", "artist"),
    [
        ("song.flac", ("", ""), "song", ""),
        ("Ann - A Song.flac", ("", ""), "A Song", "Ann"),
        ("07 - A Song.flac", ("", ""), "A Song", ""),
        ("song.ogg", ("Für dich", "Ann"), "Für dich", "Ann"),
        ("song.wav", ("A Song", ""), "A Song", ""),
        ("Vol. 1 - x.flac", ("A Song", ""), "A Song", ""),
    ],
)
def test_tags_and_then_the_file_name_a_song(
    tmp_path: Path, name: str, tags: tuple[str, str], title: str, artist: str
) -> None:
    found = named(WORDS, _recording(tmp_path / name, title=tags[0], artist=tags[1]))
    assert (found.title, found.artist) == (title, artist)


def test_what_the_lyrics_say_counts_first(tmp_path: Path) -> None:
    song = _recording(tmp_path / "song.flac", title="x", artist="y")
    said = Lyrics(WORDS.lines, "en", "A Song", "Ann")
    assert named(said, song) == said


def test_games_find_the_recording(tmp_path: Path) -> None:
    song = _recording(tmp_path / "Ann - A Song.flac")
    written = form_for("ultrastar", song).write_bytes(named(WORDS, song)).decode()
    assert {"#TITLE:A Song", "#ARTIST:Ann", "#MP3:Ann - A Song.flac", "#AUDIO:Ann - A Song.flac"} <= set(
        written.splitlines()
    )
    assert form_for("ultrastar", tmp_path / "a\nb.flac").write_bytes(WORDS)
    assert form_for("lrc", song) is text_format("lrc")


def test_files_without_tags(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(b"nothing")
    assert tags_of(tmp_path / "a.mp4").title == ""
    with pytest.raises(InputNotFound):
        tags_of(tmp_path / "none.wav")
