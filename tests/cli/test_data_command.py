"""`descant data`: the catalogue and the check, at the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from descant.cli.app import run
from descant.data.sets.catalogue import CATALOGUE
from descant.errors import BatchFailed, InputNotFound, InvalidOption


@pytest.fixture
def album(tmp_path: Path) -> Path:
    for song in ("one", "two"):
        for stem in ("voice", "band"):
            path = tmp_path / "album" / song / f"{stem}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, np.zeros((3600, 1)), 1000)
    return tmp_path / "album"


def test_list_names_every_set(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines if not line.startswith(" ")] == list(CATALOGUE)
    assert run(["data", "list", "--json"]) == 0
    assert [card["name"] for card in json.loads(capsys.readouterr().out)] == list(CATALOGUE)


def test_a_sound_set(album: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "check-set", "stems", str(album), "-q"]) == 0
    assert capsys.readouterr().out == "2 items (none 2), 4 recordings, 0.00 h\n"
    assert run(["data", "check-set", "stems", str(album), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["items"], report["problems"], report["hours"]) == (2, [], pytest.approx(7.2 / 3600))


def test_a_damaged_set_fails_and_names_the_item(album: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (album / "two" / "band.wav").write_bytes(b"RIFF")
    assert run(["data", "check-set", "stems", str(album), "-q"]) == BatchFailed.code
    out = capsys.readouterr()
    assert "two" in out.out
    assert "band.wav" in out.out
    assert "1 problems in 2 items" in out.err


def test_missing_files_are_an_error_unless_meant(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    song = tmp_path / "test" / "song"
    song.mkdir(parents=True)
    for stem in ("mixture", "vocals", "drums", "bass"):
        soundfile.write(song / f"{stem}.wav", np.zeros((4410, 2)), 44_100)
    command = ["data", "check-set", "musdb18-hq", str(tmp_path), "-q"]
    assert run(command) == BatchFailed.code
    said = capsys.readouterr()
    assert "missing:" in said.out
    assert "half-downloaded: 0 of 150 items" in said.out
    soundfile.write(song / "other.wav", np.zeros((4410, 2)), 44_100)
    assert run(command) == BatchFailed.code
    said = capsys.readouterr()
    assert "half-downloaded: 1 of 150 items" in said.out
    assert "half-downloaded (1 of 150 items), 0 files missing" in said.err
    assert run([*command, "--json"]) == BatchFailed.code
    assert json.loads(capsys.readouterr().out)["published"] == 150
    assert run([*command, "--partial"]) == 0
    assert run([*command, "--split", "train"]) == InvalidOption.code


def test_wrong_names_and_folders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["data", "check-set", "musdb", str(tmp_path)]) == InvalidOption.code
    assert "musdb18" in capsys.readouterr().err
    assert run(["data", "check-set", "musdb18", str(tmp_path)]) == InputNotFound.code
    assert run(["data", "check-set", "musdb18", str(tmp_path / "none")]) == InputNotFound.code
