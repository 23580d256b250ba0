"""Files, grids, keys and the command line."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from descant.audio.clip import Clip
from descant.audio.io import probe, read, write
from descant.cli.app import run
from descant.errors import (
    AudioReadError,
    InvalidAudio,
    InvalidOption,
    NothingHeard,
    OutputError,
    OutputIsInput,
    UnsupportedFormat,
)
from descant.instrument.blend.api import Blender
from descant.instrument.blend.files import blend_files, blend_grid, blend_keys, parse_at
from descant.instrument.export.options import ExportOptions

from .conftest import RATE, hiss, line_at, tone


@pytest.fixture
def sounds(tmp_path: Path) -> list[Path]:
    clips = (tone(220.0, 0.4), tone(330.0, 0.4, width=0.3), tone(262.0, 0.4), tone(440.0, 0.4))
    return [write(tmp_path / f"{name}.wav", clip) for name, clip in zip("abcd", clips, strict=True)]


def test_samples_beyond_all_measure_are_refused(tmp_path: Path, sounds: list[Path], blender: Blender) -> None:
    loud = write(tmp_path / "loud.wav", Clip(read(sounds[0]).samples * np.float32(1e20), RATE), subtype="FLOAT")
    with pytest.raises(InvalidAudio, match="peak"):
        blend_files([sounds[0], loud], tmp_path / "out.wav", [0.5], blender=blender)
    assert not (tmp_path / "out.wav").exists()


def left_over(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_file(tmp_path: Path, sounds: list[Path], blender: Blender) -> None:
    done = blend_files(sounds[:2], tmp_path / "out.flac", [0.5], blender=blender)
    info = probe(tmp_path / "out.flac")
    assert (info.sample_rate, info.channels, info.frames) == (RATE, 2, round(0.4 * RATE))
    assert done.mode == "tone"
    assert done.paths == (tmp_path / "out.flac",)
    assert done.caveats == ()


def test_a_grid_has_an_index_of_weights(tmp_path: Path, sounds: list[Path], blender: Blender) -> None:
    blend_grid(sounds, tmp_path / "grid", 3, blender=blender)
    index = json.loads((tmp_path / "grid" / "index.json").read_text())
    assert index["sounds"] == ["a.wav", "b.wav", "c.wav", "d.wav"]
    assert len(index["files"]) == 9
    assert index["files"][4] == {"file": "blend_x050_y050.wav", "x": 0.5, "y": 0.5, "weights": [0.25] * 4}
    assert {row["file"] for row in index["files"]} | {"index.json", "index.csv"} == left_over(tmp_path / "grid")
    with (tmp_path / "grid" / "index.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[2]["weight of b.wav"] == "1.0"
    corner = read(tmp_path / "grid" / "blend_x100_y000.wav").samples
    assert np.abs(corner[0] - corner[1]).max() > 0.01  # the wide one


def test_keys_are_an_instrument_that_samplers_load(tmp_path: Path, sounds: list[Path], blender: Blender) -> None:
    export = ExportOptions(("sfz", "wavetable"), 48, 60, 12, velocities=(100,), held_s=0.5)
    done = blend_keys(sounds[:2], tmp_path / "keys", export, blender=blender)
    assert {path.name for path in (tmp_path / "keys" / "samples").iterdir()} == {
        "keys_C3_v100.wav", "keys_C4_v100.wav",
    }  # fmt: skip
    assert (tmp_path / "keys" / "keys.sfz").is_file()
    assert len(done.paths) == 4
    for name, hz in (("C3", 130.81), ("C4", 261.63)):
        assert line_at(read(tmp_path / "keys" / "samples" / f"keys_{name}_v100.wav").samples, hz) > -15


def test_a_folder_with_something_in_it_stays_as_it_is(tmp_path: Path, sounds: list[Path], blender: Blender) -> None:
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine.txt").write_text("mine")
    with pytest.raises(InvalidOption, match="something else"):
        blend_grid(sounds, full, 2, blender=blender)
    with pytest.raises(OutputError):
        blend_grid(sounds, sounds[0], 2, blender=blender)
    assert left_over(full) == {"mine.txt"}


def test_nothing_half_written(tmp_path: Path, sounds: list[Path], blender: Blender) -> None:
    silent = write(tmp_path / "silent.wav", Clip.silence(RATE, RATE))
    empty = tmp_path / "empty.wav"
    empty.write_bytes(b"")
    before = left_over(tmp_path)
    for pair, error in (([sounds[0], silent], NothingHeard), ([sounds[0], empty], AudioReadError)):
        with pytest.raises(error):
            blend_files(pair, tmp_path / "out.wav", blender=blender)
        with pytest.raises(error):
            blend_grid(pair, tmp_path / "grid", 2, blender=blender)
    with pytest.raises(OutputIsInput):
        blend_files(sounds[:2], sounds[0], blender=blender)
    with pytest.raises(UnsupportedFormat):
        blend_files(sounds[:2], tmp_path / "out.xyz", blender=blender)
    assert left_over(tmp_path) == before


def test_numbers_of_a_text() -> None:
    assert parse_at("0.3,0.7") == (0.3, 0.7)
    for text in ("", "a", "0.3;0.7", "0.3,"):
        with pytest.raises(InvalidOption):
            parse_at(text)


def test_the_command(tmp_path: Path, sounds: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    names = [str(path) for path in sounds]
    assert run(["blend", *names[:2], "--at", "0.3", "-o", str(tmp_path / "x.wav")]) == 0
    assert "0.4 s as a tone" in capsys.readouterr().out
    assert run(["blend", *names, "--grid", "2", "-o", str(tmp_path / "g"), "-q"]) == 0
    assert len(left_over(tmp_path / "g")) == 6
    arguments = ["--keys", "C4:C4", "--held", "0.5", "-o", str(tmp_path / "k"), "-q"]
    assert run(["blend", *names[:2], *arguments]) == 0
    assert left_over(tmp_path / "k") == {"k.sfz", "k wavetable.wav", "samples"}


def test_folders_that_nobody_names_are_called_after_the_sounds(
    tmp_path: Path, sounds: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert run(["blend", *map(str, sounds[:2]), "--grid", "2", "-q"]) == 0
    wanted = f"{sounds[0].stem}-{sounds[1].stem}-grid"
    assert left_over(tmp_path / "here") == {wanted}
    assert run(["blend", *map(str, sounds[:2]), "--grid", "2", "-q"]) == InvalidOption.code


@pytest.mark.parametrize(
    "wrong",
    [
        ["--at", "1.5"], ["--at", "x"], ["--at", "0.5,0.6"], ["--grid", "1"], ["--grid", "3", "--at", "0.5"],
        ["--keys", "C9:C2"], ["--keys", "C2:C3", "--held", "0"], ["--seed", "-1"], ["-o", "a.xyz"],
    ],
)  # fmt: skip
def test_wrong_options_are_said_before_the_work(
    tmp_path: Path, sounds: list[Path], wrong: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    before = left_over(tmp_path)
    names = [str(path) for path in sounds[:2]]
    assert run(["blend", *names, *wrong]) in (2, 13)
    assert "descant: " in capsys.readouterr().err
    assert left_over(tmp_path) == before


def test_one_and_five_sounds(sounds: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    names = [str(path) for path in sounds]
    assert run(["blend", names[0]]) == 2
    assert run(["blend", *names, names[0]]) == 2
    assert "two, three or four" in capsys.readouterr().err


def test_ten_seconds_of_noise_with_a_telephone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    noise = write(tmp_path / "noise.wav", hiss(10.0))
    telephone = tmp_path / "call.wav"
    rng = np.random.default_rng(0)
    write(telephone, Clip(rng.normal(0, 0.05, 16_000).astype(np.float32), 8000), subtype="PCM_16")
    assert run(["blend", str(noise), str(telephone), "-o", str(tmp_path / "out.wav")]) == 0
    assert probe(tmp_path / "out.wav").duration_s == pytest.approx(10.0)
    assert "4 kHz" in capsys.readouterr().out
