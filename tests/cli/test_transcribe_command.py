from __future__ import annotations

from pathlib import Path

import pytest

from descant.audio.clip import Clip
from descant.audio.io import write
from descant.cli.app import run


@pytest.mark.weights
def test_a_folder_with_a_bad_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    songs = tmp_path / "songs"
    for name in ("one.wav", "inner/two.wav"):
        write(songs / name, Clip.silence(22_050, 22_050))
    (songs / "bad.wav").write_text("no audio")
    arguments = ["transcribe", str(songs), "-o", str(tmp_path / "out"), "--tempo", "100", "--csv", "--midi", "-q"]
    assert run(arguments) == 19
    written = sorted(str(p.relative_to(tmp_path / "out")) for p in (tmp_path / "out").rglob("*") if p.is_file())
    assert written == ["inner/two/two.csv", "inner/two/two.mid", "one/one.csv", "one/one.mid"]
    assert "bad.wav" in capsys.readouterr().err


@pytest.mark.weights
def test_silence_says_so_and_succeeds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "quiet.wav", Clip.silence(44_100, 44_100))
    assert run(["transcribe", str(path), "-o", str(tmp_path / "out"), "--melody"]) == 0
    out = capsys.readouterr().out
    assert "0 notes" in out
    assert "No notes were heard" in out
    stamp = (tmp_path / "out" / "quiet.mid").stat().st_mtime_ns
    assert run(["transcribe", str(path), "-o", str(tmp_path / "out"), "--melody", "--skip-existing"]) == 0
    assert (tmp_path / "out" / "quiet.mid").stat().st_mtime_ns == stamp


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["nothing.wav"], 10),
        (["x.wav", "--tempo", "0"], 2),
        (["x.wav", "--tempo", "100", "--beats", "b.txt"], 2),
        (["x.wav", "--melody", "--song"], 2),
        (["x.wav", "--words", "--format", "doc"], 2),
        (["x.wav", "--onset-threshold", "3"], 2),
        (["x.wav", "--lowest-pitch", "70", "--highest-pitch", "60"], 2),
    ],
)
def test_wrong_use_has_its_own_status(
    tmp_path: Path, arguments: list[str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["transcribe", *arguments, "-o", str(tmp_path / "out"), "-q"]) == code
    error = capsys.readouterr().err
    assert "Traceback" not in error
    assert error.strip()
    assert not (tmp_path / "out").exists()
