"""Folders of sung songs: what is written comes back, and `evaluate align` finds songs in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from descant.data.sung_songs import SungSong, sung_songs, write_song
from descant.errors import InputNotFound
from descant.text.lyrics import Line, Lyrics, Word


def made(name: str, hz: float) -> SungSong:
    lyrics = Lyrics((Line((Word("grün", 0.1, 0.4), Word("ist", 0.5, 0.7))),), "de")
    voice = (0.1 * np.sin(2 * np.pi * hz * np.arange(22_050) / 22_050)).astype(np.float32)
    return SungSong(name, lyrics, voice, (voice + 0.05).astype(np.float32), 22_050)


def test_songs_come_back_by_their_names(tmp_path: Path) -> None:
    for name, hz in (("two", 300.0), ("one", 200.0)):
        write_song(tmp_path, made(name, hz))
    found = list(sung_songs(tmp_path, 22_050))
    assert [song.name for song in found] == ["one", "two"]
    for song, hz in zip(found, (200.0, 300.0), strict=True):
        own = made(song.name, hz)
        assert [(w.text, w.start_s, w.end_s) for w in song.lyrics.words] == [
            (w.text, w.start_s, w.end_s) for w in own.lyrics.words
        ]
        assert song.lyrics.language == "de"
        np.testing.assert_allclose(song.voice, own.voice, atol=1e-4)
        np.testing.assert_allclose(song.mix, own.mix, atol=1e-4)
    assert (tmp_path / "one.txt").read_text("utf-8") == "grün ist\n"


def test_songs_come_at_the_rate_that_is_asked_for(tmp_path: Path) -> None:
    write_song(tmp_path, made("one", 200.0))
    (song,) = sung_songs(tmp_path, 16_000)
    assert (len(song.voice), len(song.mix), song.sample_rate) == (16_000, 16_000, 16_000)


def test_a_voice_that_is_missing_is_named(tmp_path: Path) -> None:
    write_song(tmp_path, made("one", 200.0))
    (tmp_path / "vocals" / "one.flac").unlink()
    with pytest.raises(InputNotFound, match=r"one\.flac"):
        list(sung_songs(tmp_path, 22_050))
    assert list(sung_songs(tmp_path / "nothing", 22_050)) == []
