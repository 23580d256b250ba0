"""Pieces with words: written and read back, strung together, trimmed, mixed, and divided into parts."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from descant.audio.clip import Clip
from descant.audio.io import write
from descant.data.lyrics_set import SAMPLE_RATE, LyricsSet, Piece, as_float, as_samples, write_set
from descant.data.lyrics_sources import (
    StringShape,
    Utterance,
    mixed,
    over_band,
    part_of,
    prompts,
    spoken,
    strung,
    trimmed,
)
from descant.errors import InputNotFound, TextReadError
from descant.text.lyrics import Line, Lyrics, Word


def tone(seconds: float, hertz: float = 440.0) -> np.ndarray:
    return 0.3 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE).astype(np.float32)


def piece(song: str = "a", mix: str = "vocals") -> Piece:
    lyrics = Lyrics((Line((Word("one", 0.1, 0.2), Word("two")), 0.1, 0.5),), "en")
    return Piece(song, mix, "prompts", "Ann", "train", lyrics, as_samples(tone(0.7)))  # type: ignore[arg-type]


def test_a_set_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_set([piece("a"), piece("b", "backing")], tmp_path)
    found = LyricsSet(tmp_path)
    assert [p.song for p in found.pieces] == ["a", "b"]
    assert found.pieces[0].lyrics == piece().lyrics
    assert (found.pieces[1].samples == piece().samples).all()
    assert found.some("train", "vocals") == found.pieces[:1]
    assert found.pieces[0].duration_s == pytest.approx(0.7, abs=1e-3)
    assert found.digest == LyricsSet(tmp_path).digest


def test_damaged_sets_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputNotFound, match="no pieces with words"):
        LyricsSet(tmp_path)
    write_set([piece()], tmp_path)
    index = tmp_path / "pieces.json"
    told = json.loads(index.read_text())
    for key, value in (("frames", 10**9), ("split", "other"), ("mix", "other"), ("start", -1), ("lines", [[3]])):
        index.write_text(json.dumps({**told, "pieces": [{**told["pieces"][0], key: value}]}))
        with pytest.raises(TextReadError):
            LyricsSet(tmp_path)
    (tmp_path / "audio.npy").write_bytes(b"no")
    index.write_text(json.dumps(told))
    with pytest.raises(TextReadError, match="damaged"):
        LyricsSet(tmp_path)


def test_what_is_over_full_scale_gets_quieter_and_nothing_louder() -> None:
    assert np.abs(as_float(as_samples(2.0 * tone(0.1) / 0.3))).max() == pytest.approx(1.0, abs=1e-3)
    assert np.abs(as_float(as_samples(tone(0.1))) - tone(0.1)).max() < 1e-4


def test_trimming_finds_the_sound() -> None:
    sound = np.concatenate([np.zeros(5000, np.float32), tone(0.5), np.zeros(9000, np.float32)])
    found = trimmed(sound)
    assert len(found) == pytest.approx(0.5 * SAMPLE_RATE, abs=2 * 440)
    assert len(trimmed(np.zeros(100, np.float32))) == 0


def test_transcripts_lose_what_is_not_said() -> None:
    assert spoken("at [@], “please”… press (softly) now!") == ("at", "please", "press", "now")


def test_parts_are_by_text_and_of_about_the_right_size() -> None:
    parts = [part_of(f"text {n}") for n in range(2000)]
    assert parts.count("test") / 2000 == pytest.approx(0.12, abs=0.03)
    assert parts.count("validation") / 2000 == pytest.approx(0.04, abs=0.02)
    assert part_of("Hello") == part_of("hello")


def test_strung_songs_have_every_utterance_where_its_word_says() -> None:
    rng = np.random.default_rng(0)
    some = [Utterance((f"w{n}", "more")[: 1 + n % 2], tone(0.4, 200.0 + 10 * n)) for n in range(30)]
    songs = list(strung(some, StringShape(song_s=20.0), rng))
    assert sum(len([w for w in lyrics.words if w.start_s is not None]) for lyrics, _ in songs) == 30
    assert len(songs) > 1
    for lyrics, sound in songs:
        for line in lyrics.lines:
            for word in line.words:
                if word.start_s is None:
                    assert word.text == "more"
                    continue
                first = round(word.start_s * SAMPLE_RATE)
                number = int(word.text[1:])
                assert (sound[first : first + len(some[number].samples)] == some[number].samples).all()
                assert (word.end_s is None) == (number % 2 == 1)
        assert lyrics.is_timed


def test_a_voice_is_as_much_louder_than_its_band_as_asked() -> None:
    voice = np.concatenate([tone(1.0), np.zeros(SAMPLE_RATE, np.float32)])
    both = mixed(voice, 0.01 * tone(0.5, 3000.0), 6.0)
    band = both - voice
    ratio = 20 * np.log10(np.sqrt(np.mean(voice[:SAMPLE_RATE] ** 2)) / np.sqrt(np.mean(band**2)))
    assert ratio == pytest.approx(6.0, abs=0.1)
    made = over_band(piece(), piece("band", "backing"), 3.0)
    assert made.mix == "mixture"
    assert len(made.samples) == len(piece().samples)


def test_prompts_leave_out_figures_and_missing_files(tmp_path: Path) -> None:
    sound = Clip(np.concatenate([np.zeros(4000, np.float32), tone(0.5)])[np.newaxis], SAMPLE_RATE)
    for name in ("hello", "press-1", "letters/at"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write(tmp_path / f"{name}.flac", sound)
    text = tmp_path / "text.txt"
    text.write_text(
        "; a comment: no\nhello: Hello, there.\npress-1: Press 1\nletters/at: at [@]\ngone: Gone\n\nbroken\n"
    )
    found = list(prompts(tmp_path, text))
    assert [one.words for one in found] == [("Hello", "there"), ("at",)]
    assert found[0].duration_s == pytest.approx(0.5, abs=0.05)
