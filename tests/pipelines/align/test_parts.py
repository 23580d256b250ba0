"""Lyrics files as they come, evidence on disk, the voice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from descant.align.hearing import Heard, Window
from descant.align.reading import Read
from descant.audio.clip import Clip
from descant.audio.io import write
from descant.audio.resample import resample
from descant.errors import CheckpointError, InvalidOption, NothingHeard, TextReadError
from descant.pipelines.align.kept import read_heard, read_reads, write_heard, write_reads
from descant.pipelines.align.options import AlignFileOptions
from descant.pipelines.align.voice import blocks_of, level_of, mono_of
from descant.pipelines.align.written import read_written
from descant.text.formats import write_lyrics
from descant.text.lyrics import Line, Lyrics, Word
from descant.text.phones import PHONES

RATE = 8_000


def _noise(seconds: float, peak: float = 0.1, channels: int = 1, rate: int = RATE) -> Clip:
    random = np.random.default_rng(3)
    return Clip((peak * random.standard_normal((channels, round(seconds * rate)))).astype(np.float32), rate)


def _states(seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((20, 512)).astype(np.float16)


def _phones(frames: int = 40) -> np.ndarray:
    return -20.0 * np.random.default_rng(2).random((frames, len(PHONES) + 1)).astype(np.float32)


def _read(frames: int = 20, states: tuple[int, int] = (2, 5)) -> Read:
    looks = np.random.default_rng(3).standard_normal((frames, states[1] - states[0])).astype(np.float16)
    return Read(0, states, looks, np.linspace(0, 1, frames, dtype=np.float32))


def test_evidence_comes_back(tmp_path: Path) -> None:
    heard = Heard(_phones(), (Window(0, _states()), Window(20, -_states())))
    write_heard(tmp_path / "heard.npz", heard)
    whole, light = (read_heard(tmp_path / "heard.npz", windows=windows) for windows in (True, False))
    assert [window.first for window in whole.windows] == [0, 20]
    assert np.array_equal(whole.windows[1].states, -_states())
    assert light.windows == ()
    assert light.phones.dtype == np.float32
    assert np.abs(light.phones - heard.phones).max() < 0.01
    reads = (_read(), replace(_read(states=(5, 8)), first=20))
    write_reads(tmp_path / "reads.npz", reads)
    back = read_reads(tmp_path / "reads.npz", frames=40, states=8)
    assert [(each.first, each.states) for each in back] == [(0, (2, 5)), (20, (5, 8))]
    assert all(
        np.array_equal(a.looks, b.looks) and np.array_equal(a.weight, b.weight)
        for a, b in zip(reads, back, strict=True)
    )
    write_reads(tmp_path / "reads.npz", ())
    assert read_reads(tmp_path / "reads.npz", frames=40, states=8) == ()


def _read_kept(name: str, path: Path) -> Heard | tuple[Read, ...]:
    return read_heard(path, windows=True) if name == "heard" else read_reads(path, frames=40, states=8)


def _broken(array: np.ndarray) -> Iterator[np.ndarray]:
    """The same array as other software, another version or a bad disk may leave it."""
    worst = array.copy().astype(np.float64)
    worst.flat[-1] = np.nan
    yield array[..., np.newaxis]
    yield array.ravel() if array.ndim > 1 else array[:, np.newaxis].repeat(2, 1)
    yield array.astype(np.float64)
    yield array.astype("S8")
    yield worst.astype(array.dtype) if array.dtype.kind == "f" else worst
    if array.ndim > 1:
        yield array[:, :-1]


def test_evidence_of_other_shapes_types_and_numbers_is_told(tmp_path: Path) -> None:
    write_heard(tmp_path / "heard.npz", Heard(_phones(), (Window(0, _states()), Window(20, -_states()))))
    write_reads(tmp_path / "reads.npz", (_read(), replace(_read(states=(5, 8)), first=20)))
    told = 0
    for name in ("heard", "reads"):
        arrays = dict(np.load(tmp_path / f"{name}.npz"))
        for key, array in arrays.items():
            for broken in _broken(array):
                np.savez(tmp_path / "x.npz", **{**arrays, key: broken})  # type: ignore[arg-type]
                with pytest.raises(CheckpointError, match=r"x\.npz"):
                    _read_kept(name, tmp_path / "x.npz")
                told += 1
    assert told > 40


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("firsts", [0, 21]), ("firsts", [-1, 20]), ("firsts", [0, 20, 20]), ("places", [[0, 2, 5], [21, 5, 8]]),
        ("places", [[-1, 2, 5], [20, 5, 8]]), ("places", [[0, 2, 5], [20, 6, 9]]), ("places", [[0, 5, 2], [20, 5, 8]]),
    ],
)  # fmt: skip
def test_evidence_of_another_place_is_told(key: str, value: list[int], tmp_path: Path) -> None:
    write_heard(tmp_path / "firsts.npz", Heard(_phones(), (Window(0, _states()), Window(20, -_states()))))
    write_reads(tmp_path / "places.npz", (_read(), replace(_read(states=(5, 8)), first=20)))
    path = tmp_path / f"{key}.npz"
    np.savez(path, **{**dict(np.load(path)), key: np.array(value, np.int64)})  # type: ignore[arg-type]
    with pytest.raises(CheckpointError, match=key):
        _read_kept("heard" if key == "firsts" else "reads", path)


def test_no_frames_are_no_evidence(tmp_path: Path) -> None:
    write_heard(tmp_path / "heard.npz", Heard(_phones(0), ()))
    with pytest.raises(CheckpointError, match=r"heard\.npz"):
        read_heard(tmp_path / "heard.npz", windows=False)


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 cut", b"no archive"])
def test_damaged_evidence_is_told(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "reads.npz").write_bytes(data)
    with pytest.raises(CheckpointError, match=r"reads\.npz"):
        read_reads(tmp_path / "reads.npz", frames=2, states=1)


def test_evidence_with_any_byte_wrong_is_read_or_told(tmp_path: Path) -> None:
    """A flipped bit also makes a zip encrypted, packed in an unknown way, or of a version to come."""
    path = tmp_path / "reads.npz"
    write_reads(path, (Read(0, (0, 1), np.zeros((2, 1), np.float16), np.ones(2, np.float32)),))
    sound = path.read_bytes()
    told = 0
    for place in range(len(sound)):
        for flipped in (sound[place] ^ 1, sound[place] ^ 8, 255):
            path.write_bytes(sound[:place] + bytes([flipped]) + sound[place + 1 :])
            try:
                read_reads(path, frames=2, states=1)
            except CheckpointError:
                told += 1
    assert told > len(sound)


def test_an_array_in_the_place_of_evidence_is_told(tmp_path: Path) -> None:
    with (tmp_path / "reads.npz").open("wb") as file:
        np.save(file, np.zeros(3))
    with pytest.raises(CheckpointError, match=r"reads\.npz"):
        read_reads(tmp_path / "reads.npz", frames=2, states=1)


def test_text_as_people_write_it(tmp_path: Path) -> None:
    path = tmp_path / "song.txt"
    path.write_text("[Chorus]\nSing (la la) x2\n", "utf-8")
    written = read_written(path, language="en")
    assert [[word.text for word in line.words] for line in written.sheet.lines] == [["Sing", "(la", "la)"]] * 2
    assert written.sheet.language == "en"
    assert written.remarks == ()
    assert len(written.sheet.notes) == 2


@pytest.mark.parametrize("name", ["song", "song.text", "song.md"])
def test_a_name_without_a_format_is_text(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("some words\n")
    assert len(read_written(tmp_path / name).sheet.lines) == 1


@pytest.mark.parametrize(
    ("encoding", "said"),
    [("utf-8", ""), ("utf-8-sig", ""), ("utf-16", ""), ("latin-1", "Windows-1252"), ("utf-16-le", "UTF-16-LE")],
)
def test_encodings_are_guessed_and_said(encoding: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "song.txt"
    path.write_bytes("Für dich soll's schöne Lieder\nim Sommer geben\n".encode(encoding))
    written = read_written(path)
    assert written.sheet.lines[0].words[0].text == "Für"
    assert said in "".join(written.remarks)
    assert len(written.remarks) == bool(said)


def test_times_of_a_timed_file_are_left_behind_and_its_names_kept(tmp_path: Path) -> None:
    lines = (
        Line((Word("Hello", 1.0, 2.0), Word("you", 2.5, 3.0)), singer="Anna"),
        Line((Word("bye", 4.0, 5.0),), singer="Ben"),
    )
    path = write_lyrics(tmp_path / "song.json", Lyrics(lines, "en", "A Song", "Someone"))
    written = read_written(path)
    assert [(line.singer, [word.text for word in line.words]) for line in written.sheet.lines] == [
        ("Anna", ["Hello", "you"]), ("Ben", ["bye"]),
    ]  # fmt: skip
    assert written.sheet.language == "en"
    named = written.named(written.sheet.lyrics)
    assert (named.title, named.artist) == ("A Song", "Someone")
    assert not named.is_timed


@pytest.mark.parametrize(
    ("text", "match"),
    [("", "empty"), (" \n\n", "empty"), ("שלום עולם\n", "Hebrew"), ("你好 世界\n", "Chinese"), ("...\n", "no letters")],
)
def test_lyrics_that_cannot_be_sung(text: str, match: str, tmp_path: Path) -> None:
    path = tmp_path / "song.txt"
    path.write_text(text, "utf-8")
    with pytest.raises(TextReadError, match=match):
        read_written(path)


def test_a_long_recording_is_read_block_by_block_as_in_one_piece(tmp_path: Path) -> None:
    clip = _noise(23.4, channels=2, rate=22_050)
    path = write(tmp_path / "x.wav", clip, subtype="FLOAT")
    found = mono_of(path)
    expected = resample(clip.to_mono(), 16_000)
    assert found.frames == expected.frames
    assert np.abs(found.samples - expected.samples).max() < 1e-4


def test_how_much_of_a_song_is_its_voice() -> None:
    song = _noise(20.0)
    voice = song.samples * 0.01
    voice[:, : 5 * RATE] = 0.7 * song.samples[:, : 5 * RATE]
    level = level_of(blocks_of(song, Clip(voice, RATE)))
    assert level.share == pytest.approx(0.25)
    assert level.level_db == pytest.approx(10 * np.log10(0.25 * 0.49 + 0.75 * 1e-4), abs=0.1)
    level.require_voice()
    with pytest.raises(NothingHeard, match=r"40 dB below the song, and comes near it for 0\.0%"):
        level_of(blocks_of(song, Clip(song.samples * 0.01, RATE))).require_voice()
    silence = Clip.silence(RATE, RATE)
    with pytest.raises(NothingHeard, match="recording is silent"):
        level_of(blocks_of(silence, silence)).require_voice()


@pytest.mark.parametrize(
    "bad",
    [
        {"formats": ("docx",)},
        {"language": "xx"},
        {"language": "other", "recognize": True},
        {"vocals": Path("v.wav"), "separate": False},
    ],
)
def test_contradictory_options_are_refused(bad: dict[str, object]) -> None:
    with pytest.raises(InvalidOption):
        AlignFileOptions(**bad)  # type: ignore[arg-type]


def test_a_language_may_be_named() -> None:
    assert [AlignFileOptions(language=each).language for each in ("German", "pt-BR", "other", "")] == [
        "de", "pt", "other", "",
    ]  # fmt: skip


@pytest.mark.parametrize(("named", "code"), [("German", "de"), ("Klingonisch", "")])
def test_the_language_that_a_file_names_is_taken_where_it_is_known(named: str, code: str, tmp_path: Path) -> None:
    """UltraStar files name it in English; one that nobody knows is guessed from the words."""
    path = write_lyrics(tmp_path / "song.json", Lyrics((Line((Word("Hallo", 1.0, 2.0),)),), named))
    assert read_written(path).sheet.language == code
