from __future__ import annotations

from pathlib import Path

import pytest

from descant.cli.app import run
from tiny_soundfont import build_soundfont


def test_a_set_is_made_and_checked_and_damage_has_an_exit_status(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    font = tmp_path / "tiny.sf2"
    font.write_bytes(build_soundfont())
    out = tmp_path / "set"
    band = ["data", "band", "--songs", "1", "--seconds", "10", "--soundfont", str(font), "--audio", "opus", "-q"]
    assert run([*band, "-o", str(out)]) == 0
    assert "1 items, 1 of them new" in capsys.readouterr().out
    assert run(["data", "check", str(out), "-q"]) == 0
    assert "1 items" in capsys.readouterr().out
    (out / "items/0000/0000000/bass.opus").unlink()
    assert run(["data", "check", str(out), "-q"]) == 19
    said = capsys.readouterr()
    assert "bass.opus: file: missing" in said.out
    assert "1 things are wrong" in said.err


def test_what_cannot_be_made_is_refused_with_the_usual_status(tmp_path: Path) -> None:
    assert run(["data", "band", "--songs", "0", "-o", str(tmp_path / "set")]) == 2
    assert run(["data", "band", "--scores", str(tmp_path / "gone"), "-o", str(tmp_path / "set"), "-q"]) == 10
    assert run(["data", "check", str(tmp_path / "gone")]) == 10
    assert not (tmp_path / "set").exists()
