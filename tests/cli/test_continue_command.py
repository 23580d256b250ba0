"""`descant compose --continue` and `descant evaluate continuation` at the command line."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest
from continuation_songs import song, untrained
from safetensors.torch import save_file

from descant.cli.app import run
from descant.errors import InputNotFound, InvalidOption, NothingHeard
from descant.score.midi import read_midi, write_midi
from descant.score.notes import Score, Track
from descant.score.tempo import TempoMap


@pytest.fixture
def card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "card"
    folder.mkdir()
    model = untrained()
    save_file({k: v.contiguous() for k, v in model.state_dict().items()}, folder / "weights.safetensors")
    (folder / "config.json").write_text(json.dumps({"network": asdict(model.config)}))
    monkeypatch.setattr("descant.compose.continuation.api.fetch", lambda _name, **_how: folder)
    return folder


@pytest.mark.usefixtures("card")
def test_a_song_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "tune.mid"
    write_midi(source, song(4))
    words = ["compose", str(source), "-o", str(tmp_path / "out"), "--continue", "6"]
    assert run([*words, "--seed", "2", "--top-p", "0.9", "--temperature", "0.8"]) == 0
    assert "6 bars more, from 9.6 s on" in capsys.readouterr().out
    first = read_midi(tmp_path / "out" / "score.mid")
    assert first.end > 32.0
    assert (tmp_path / "out" / "score.musicxml").is_file()
    assert run([*words, "--seed", "3", "--skip-existing"]) == 0
    assert read_midi(tmp_path / "out" / "score.mid") == first


@pytest.mark.usefixtures("card")
@pytest.mark.parametrize(
    "words",
    [
        ["--continue", "0"], ["--continue", "10000"], ["--continue", "x"], ["--continue", "4", "--temperature", "9"],
        ["--continue", "4", "--top-p", "2"], ["--continue", "4", "--style", "folk"],
        ["--continue", "4", "--takes", "2"],
        ["--continue", "4", "--chords", "x.txt"], ["--continue", "4", "--melody", "x"],
        ["--continue", "4", "--density", "0.1"], ["--continue", "4", "--instruments", "bass"], ["--top-p", "0.9"],
        ["--continue", "4", "--tempo", "5000"],
    ],
)  # fmt: skip
def test_options_that_mean_nothing(words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "tune.mid"
    write_midi(source, song(2))
    assert run(["compose", str(source), "-o", str(tmp_path / "out"), *words]) == InvalidOption.code
    assert "Traceback" not in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("card")
def test_scores_without_notes(tmp_path: Path) -> None:
    source = tmp_path / "empty.mid"
    write_midi(source, Score((Track("melody", ()),), TempoMap.constant(90.0)))
    words = ["compose", str(source), "-o", str(tmp_path / "out"), "--continue", "4", "-q"]
    assert run(words) == NothingHeard.code


def test_measuring_needs_data(card: Path, tmp_path: Path) -> None:
    words = ["evaluate", "continuation", "--weights", str(card), "-o", str(tmp_path / "out"), "-q"]
    assert run([*words, "--data", str(tmp_path / "no.zip")]) == InputNotFound.code
    assert run([*words, "--data", str(tmp_path), "--bars", "0"]) == InvalidOption.code
