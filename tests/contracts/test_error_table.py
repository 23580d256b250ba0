"""The error table at the command line, beyond broken audio: scores, options, outputs, batches.

Each case must end with a status of its own, one line that says what and one that says what to do, no traceback, the
input untouched and nothing half-written.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import hostile_files as hostile
import numpy as np
import pytest

from descant.audio.clip import Clip
from descant.audio.io import write
from descant.cli.app import run
from descant.errors import (
    AudioReadError,
    BatchFailed,
    DescantError,
    InputNotFound,
    InvalidAudio,
    InvalidOption,
    NothingHeard,
    OutputError,
    ScoreReadError,
    TextReadError,
    UnsupportedFormat,
)
from descant.score.midi import write_midi
from descant.score.notes import Note, Score, Track
from descant.score.tempo import TempoMap

pytestmark = pytest.mark.weights

SCORE_VERBS = ("play", "compose")


def _silent(folder: Path) -> Path:
    return write(folder / "silent.wav", Clip.silence(3 * 44_100, 44_100))


def _one_sample(folder: Path) -> Path:
    return write(folder / "one.wav", Clip(np.full((1, 1), 0.5, np.float32), 44_100))


def _tone(folder: Path) -> Path:
    return hostile.tone_file(folder / "tone.wav")


def _snapshot(folder: Path) -> dict[str, bytes | None]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() if p.is_file() else None for p in sorted(folder.rglob("*"))
    }


def _expect(
    arguments: list[str],
    classes: tuple[type[DescantError], ...],
    capsys: pytest.CaptureFixture[str],
    folder: Path,
) -> str:
    before = _snapshot(folder)
    status = run([*arguments])
    said = capsys.readouterr()
    assert status in {c.code for c in classes}, (status, said.err)
    assert "Traceback" not in said.err + said.out
    lines = [line for line in said.err.splitlines() if line.startswith(("descant: ", "  "))]
    assert len(lines) >= 2, said.err
    after = _snapshot(folder)
    assert {k: v for k, v in after.items() if v is not None} == {k: v for k, v in before.items() if v is not None}
    return said.err


@pytest.mark.parametrize(
    ("make", "classes"),
    [(_silent, (NothingHeard,)), (_one_sample, (InvalidAudio,)), (_tone, (NothingHeard, InvalidAudio))],
)
def test_nothing_to_accompany(
    make: Callable[[Path], Path],
    classes: tuple[type[DescantError], ...],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _expect(["accompany", str(make(tmp_path)), "-o", str(tmp_path / "new")], classes, capsys, tmp_path)


def _midi(folder: Path, content: bytes) -> Path:
    path = folder / "song.mid"
    path.write_bytes(content)
    return path


BROKEN_SCORES = {
    "empty": b"",
    "text": b"these are not notes\n" * 20,
    "cut header": b"MThd\0\0\0\x06\0",
    "no tracks": b"MThd\0\0\0\x06\0\x01\0\0\0\x60",
    "garbage after header": b"MThd\0\0\0\x06\0\x01\0\x01\0\x60MTrk\0\0\xff\xff" + bytes(range(256)) * 4,
    "zero division": b"MThd\0\0\0\x06\0\x01\0\x01\0\0MTrk\0\0\0\x04\0\xff\x2f\0",
}


@pytest.mark.parametrize("verb", SCORE_VERBS)
@pytest.mark.parametrize("content", BROKEN_SCORES.values(), ids=BROKEN_SCORES)
def test_broken_scores(verb: str, content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / ("new.flac" if verb == "play" else "new")
    _expect([verb, str(_midi(tmp_path, content)), "-o", str(out)], (ScoreReadError, NothingHeard), capsys, tmp_path)


def _good_midi(folder: Path) -> Path:
    notes = tuple(Note(float(i), 0.9, 60 + i % 5) for i in range(16))
    path = folder / "good.mid"
    write_midi(path, Score((Track("melody", notes),), TempoMap.constant(100)))
    return path


def test_a_stray_note_hours_after_the_song(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "stray.mid"
    melody = Track("melody", (Note(0.0, 1.0, 60), Note(900_000.0, 1.0, 62)))
    write_midi(path, Score((melody,), TempoMap.constant(100)))
    _expect(["compose", str(path), "-o", str(tmp_path / "new")], (ScoreReadError,), capsys, tmp_path)


@pytest.mark.parametrize(
    ("options", "classes"),
    [
        (["--style", "polka"], (InvalidOption,)),
        (["--density", "7"], (InvalidOption,)),
        (["--takes", "0"], (InvalidOption,)),
        (["--instruments", "kazoo"], (InvalidOption,)),
        (["--chords", "missing.txt"], (InputNotFound,)),
    ],
)
def test_bad_options_of_the_band(
    options: list[str], classes: tuple[type[DescantError], ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _expect(["compose", str(_good_midi(tmp_path)), "-o", str(tmp_path / "new"), *options], classes, capsys, tmp_path)


def test_a_chord_file_with_a_mistake_names_the_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chords = tmp_path / "chords.txt"
    chords.write_text("1 | C\n2 | Hxyz\n")
    said = _expect(
        ["compose", str(_good_midi(tmp_path)), "-o", str(tmp_path / "new"), "--chords", str(chords)],
        (ScoreReadError, TextReadError),
        capsys,
        tmp_path,
    )
    assert "chords.txt, line 2" in said


def test_a_soundfont_that_is_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    font = tmp_path / "piano.sf2"
    font.write_text("not a sound")
    arguments = ["play", str(_good_midi(tmp_path)), "-o", str(tmp_path / "x.flac"), "--soundfont", str(font)]
    _expect(arguments, (ScoreReadError, AudioReadError, UnsupportedFormat), capsys, tmp_path)


LYRICS: dict[str, tuple[bytes, type[DescantError]]] = {
    "empty": (b"", TextReadError),
    "only a header": (b"[Chorus]\n", TextReadError),
    "right to left": ("\u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd\n".encode(), TextReadError),
    "Chinese": ("\u4f60\u597d\u4e16\u754c\n".encode(), TextReadError),
    "Cyrillic in a code page of its own": (
        "\u043b\u044e\u0431\u043e\u0432\u044c \u043c\u043e\u044f\n".encode("cp1251") * 9,
        TextReadError,
    ),
    "an MP3": (b"ID3\x04\0\0\0\0" + bytes(range(256)) * 9, TextReadError),
    "longer than the song": (b"far too many words for it\n" * 30, TextReadError),
    "of a song that is no song": (b"only a tone\n", NothingHeard),
}


@pytest.mark.parametrize(("content", "error"), LYRICS.values(), ids=LYRICS)
def test_lyrics_that_cannot_be_aligned(
    content: bytes, error: type[DescantError], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    song, lyrics = _tone(tmp_path), tmp_path / "words.txt"
    lyrics.write_bytes(content)
    _expect(["align", str(song), str(lyrics), "-o", str(tmp_path / "new")], (error,), capsys, tmp_path)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("options", "classes"),
    [
        (["--format", "docx"], (InvalidOption,)),
        (["--anchor", "soon words"], (InvalidOption,)),
        (["--anchors", "missing.txt"], (InputNotFound,)),
        (["--vocals", "missing.wav"], (InputNotFound,)),
        (["--language", "Klingon"], (InvalidOption,)),
        (["--recognize"], (InvalidOption,)),
    ],
)
def test_bad_options_of_aligning(
    options: list[str], classes: tuple[type[DescantError], ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "words.txt").write_text("some words\n")
    arguments = ["align", str(_tone(tmp_path)), str(tmp_path / "words.txt"), "-o", str(tmp_path / "new"), *options]
    _expect(arguments, classes, capsys, tmp_path)


@pytest.mark.parametrize("verb", ["separate", "transcribe", "accompany", "remix"])
def test_a_file_where_the_output_folder_should_be(
    verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    blocker = tmp_path / "taken"
    blocker.write_text("mine")
    _expect(
        [verb, str(_tone(tmp_path)), "-o", str(blocker)], (OutputError, InvalidAudio, NothingHeard), capsys, tmp_path
    )


@pytest.mark.parametrize("verb", ["separate", "analyze", "transcribe"])
def test_one_bad_file_does_not_stop_the_batch(verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    album = tmp_path / "album"
    album.mkdir()
    hostile.tone_file(album / "good ünïcode 歌.wav")
    (album / "bad.wav").write_text("no audio")
    out = tmp_path / "new"
    assert run([verb, str(album), "-o", str(out)]) == BatchFailed.code
    assert "bad.wav" in capsys.readouterr().err
    assert any("歌" in p.as_posix() for p in out.rglob("*"))
    assert not any("bad" in p.name for p in out.rglob("*"))
    assert not list(out.rglob("*.part"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere; run the tests as an ordinary user")
def test_a_folder_that_may_not_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, locked = _tone(tmp_path), tmp_path / "locked"
    locked.mkdir(mode=0o500)
    status = run(["separate", str(source), "-o", str(locked / "new")])
    assert status == 11
    assert "Traceback" not in capsys.readouterr().err


def test_an_unknown_option_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["separate", "--nonsense"]) == 2
    assert run(["no-such-verb"]) == 2
    assert "Traceback" not in capsys.readouterr().err
