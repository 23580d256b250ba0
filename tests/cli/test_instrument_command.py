"""`descant instrument export` from end to end."""

from __future__ import annotations

from pathlib import Path

import pytest

from descant.cli.app import run
from descant.errors import InputNotFound, InvalidOption, OutputError
from tiny_soundfont import build_soundfont

SMALL = ("--keys", "C4:G4", "--every", "7", "--velocities", "100", "--held", "1", "-q")


@pytest.fixture
def font(tmp_path: Path) -> str:
    path = tmp_path / "tiny.sf2"
    path.write_bytes(build_soundfont())
    return str(path)


def test_a_preset_becomes_a_folder(font: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    formats = "sfz,wavetable"
    assert run(["instrument", "export", f"{font}:sine bass", "-o", str(out), "--format", formats, *SMALL]) == 0
    assert sorted(p.relative_to(out).as_posix() for p in out.rglob("*.*")) == [
        "Sine Bass wavetable.wav", "Sine Bass.sfz", "samples/Sine Bass_C4_v100.wav", "samples/Sine Bass_G4_v100.wav",
    ]  # fmt: skip
    said = capsys.readouterr().out
    assert "Sine Bass.sfz" in said
    assert "2 notes of Sine Bass, 2 with a loop" in said


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--format", "sfz,exs"), "--format 'sfz,exs' is not known"),
        (("--format", ""), "formats"),
        (("--keys", "C2:H5"), "no key"),
        (("--keys", "C6:C2"), "no span"),
        (("--velocities", "loud"), "whole numbers"),
        (("--loop", "perhaps"), "--loop 'perhaps'"),
        (("--held", "90"), "held"),
        (("--table-key", "Z"), "no key"),
    ],
)
def test_wrong_options_are_said(
    font: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], given: tuple[str, ...], said: str
) -> None:
    assert run(["instrument", "export", f"{font}:0", "-o", str(tmp_path / "out"), *given]) == InvalidOption.code
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_wrong_sources_and_places(font: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "out")
    assert run(["instrument", "export", "kazoo", "-o", out]) == InputNotFound.code
    assert run(["instrument", "export", f"{font}:99", "-o", out]) == InvalidOption.code
    assert run(["instrument", "export", f"{font}:0", "-o", font, *SMALL]) == OutputError.code
    assert run(["instrument", "export", f"{font}:0", "-o", str(tmp_path), *SMALL]) == InvalidOption.code
    assert "holds something else" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["tiny.sf2"]


def test_without_keys_a_neural_instrument_is_written_over_all_that_it_plays(tmp_path: Path) -> None:
    """C2:C6 would leave out most of a glockenspiel (G5 to C8)."""
    out = tmp_path / "out"
    options = ("--every", "12", "--velocities", "100", "--held", "0.5", "-f", "wav", "-q")
    assert run(["instrument", "export", "glockenspiel", "-o", str(out), *options]) == 0
    keys = sorted(path.name for path in (out / "samples").iterdir())
    assert keys == [f"glockenspiel_C#{octave}_v100.wav" for octave in (5, 6, 7)]
