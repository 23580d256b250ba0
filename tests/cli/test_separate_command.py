"""`descant separate` end to end: what lands where, what is skipped, what is said, and with which exit status."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from descant.audio.clip import Clip
from descant.audio.io import probe, read, write
from descant.cli.app import run

pytestmark = [pytest.mark.weights, pytest.mark.e2e]


def _song(path: Path, seconds: float = 1.0, rate: int = 22_050) -> Path:
    time_s = np.arange(round(seconds * rate)) / rate
    sung = sum(np.sin(2 * np.pi * 220 * k * time_s + np.sin(30 * time_s)) / k for k in range(1, 9))
    beat = np.exp(-30 * (time_s % 0.25)) * np.random.default_rng(0).standard_normal(len(time_s))
    return write(path, Clip(np.stack([0.1 * sung + 0.2 * beat, 0.1 * sung]).astype(np.float32), rate))


def test_one_song(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    song = _song(tmp_path / "my song.wav")
    assert run(["separate", str(song), "-o", str(tmp_path / "out")]) == 0
    stems = [read(tmp_path / "out/my song" / f"{name}.wav") for name in ("vocals", "accompaniment")]
    np.testing.assert_allclose(stems[0].samples + stems[1].samples, read(song).samples, atol=1e-6)
    said = capsys.readouterr()
    assert "vocals.wav, accompaniment.wav" in said.out
    assert "100%" in said.err


def test_a_folder_with_a_bad_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _song(tmp_path / "in/a.wav")
    _song(tmp_path / "in/live/b.flac")
    (tmp_path / "in/broken.mp3").write_bytes(b"not music at all")
    arguments = ["separate", str(tmp_path / "in"), "-o", str(tmp_path / "out"), "--residual", "-f", "flac", "-q"]
    assert run(arguments) == 19
    said = capsys.readouterr()
    assert said.out == ""
    assert "broken.mp3" in said.err
    written = sorted(str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*.flac"))
    names = ("accompaniment", "residual", "vocals")
    assert written == [f"{folder}/{name}.flac" for folder in ("a", "live/b") for name in names]
    assert not list((tmp_path / "out").rglob("*.part"))


def test_only_some_stems_and_skipping_what_is_there(tmp_path: Path) -> None:
    songs = [_song(tmp_path / "a.wav"), _song(tmp_path / "b.wav")]
    arguments = [
        "separate",
        *map(str, songs),
        "-o",
        str(tmp_path / "out"),
        "--stems",
        "vocals",
        "--skip-existing",
        "-q",
    ]
    assert run(arguments) == 0
    first, second = (tmp_path / "out" / name / "vocals.wav" for name in ("a", "b"))
    assert [path.name for path in first.parent.iterdir()] == ["vocals.wav"]
    before = first.stat().st_mtime_ns
    second.unlink()
    assert run(arguments) == 0
    assert first.stat().st_mtime_ns == before
    assert second.exists()


def test_depth_and_mp3(tmp_path: Path) -> None:
    song = _song(tmp_path / "a.wav", rate=44_100)
    assert run(["separate", str(song), "-o", str(tmp_path), "--subtype", "PCM_16", "-q"]) == 0
    assert probe(tmp_path / "a/vocals.wav").subtype == "PCM_16"
    assert run(["separate", str(song), "-o", str(tmp_path), "--format", "mp3", "--bitrate", "192000", "-q"]) == 0
    assert read(tmp_path / "a/vocals.mp3").frames == 44_100


def test_voices_and_room(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    song = _song(tmp_path / "a.wav", seconds=2.0)
    assert run(["separate", str(song), "-o", str(tmp_path / "out"), "--vocals", "lead,backing", "--dry"]) == 0
    assert "dry.wav, room.wav, backing.wav, accompaniment.wav" in capsys.readouterr().out
    names = ("dry", "room", "backing", "accompaniment")
    assert {path.name for path in (tmp_path / "out/a").iterdir()} == {f"{name}.wav" for name in names}
    stems = {name: read(tmp_path / "out/a" / f"{name}.wav").samples for name in names}
    np.testing.assert_allclose(sum(stems.values()), read(song).samples, atol=1e-6)
    assert run(["separate", str(song), "-o", str(tmp_path / "whole"), "-q"]) == 0
    vocals = read(tmp_path / "whole/a/vocals.wav").samples
    np.testing.assert_allclose(stems["dry"] + stems["room"] + stems["backing"], vocals, atol=1e-6)


def test_a_recording_of_voices_alone(tmp_path: Path) -> None:
    voice = _song(tmp_path / "voices.wav", seconds=2.0)
    assert run(["separate", str(voice), "-o", str(tmp_path), "--model", "descant-lead", "--dry", "-q"]) == 0
    stems = {path.stem: read(path).samples for path in (tmp_path / "voices").iterdir()}
    assert set(stems) == {"dry", "room", "backing"}
    np.testing.assert_allclose(sum(stems.values()), read(voice).samples, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "status", "word"),
    [
        (["--stems", "drums"], 2, "drums"),
        (["--format", "xyz"], 13, "xyz"),
        (["--subtype", "PCM_99"], 2, "PCM_99"),
        (["--model", "no-such"], 31, "no-such"),
        (["--model", "swift-f0"], 30, "swift-f0"),
        (["--gain-db", "900"], 2, "900"),
        (["--vocals", "lead"], 2, "lead, backing"),
        (["--vocals", "lead,drums"], 2, "drums"),
        (["--vocals", "lead,backing", "--stems", "vocals"], 2, "vocals"),
        (["--vocals", "lead,backing", "--model", "descant-lead"], 2, "no vocals"),
        (["--dry", "--model", "descant-dry"], 2, "no voice"),
    ],
)
def test_wrong_options_are_said_before_any_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], status: int, word: str
) -> None:
    song = _song(tmp_path / "a.wav", 0.1)
    assert run(["separate", str(song), "-o", str(tmp_path / "out"), *options]) == status
    assert word in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_missing_input_and_overwriting_the_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["separate", str(tmp_path / "no.wav"), "-o", str(tmp_path / "out"), "-q"]) == 10
    vocals = _song(tmp_path / "vocals/vocals.wav", 0.1)
    before = vocals.read_bytes()
    assert run(["separate", str(vocals), "-o", str(tmp_path), "-q"]) == 16
    assert vocals.read_bytes() == before
    assert "Traceback" not in capsys.readouterr().err
