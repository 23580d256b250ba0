"""Reports: numbers that are none, names that would break a table, folders that cannot be written."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from descant.cli.app import run
from descant.cli.evaluate import COMPARED, MEASURED
from descant.errors import OutputError
from descant.evaluate import bench as bench_module
from descant.evaluate import plots
from descant.evaluate.report import Picture, Report, Table, require_place
from descant.evaluate.statistics import Interval

TABLE = Table(
    "Results",
    ("song", "a", "b", "c"),
    (("one|two\n#", 1.0, None, Interval(0.5, 0.25, 0.75, 9)), ("x", math.nan, -math.inf, Interval(0.5, None, None, 1))),
)


def test_markdown() -> None:
    page = Report("x", "descant x", (TABLE,), ("A note.",), (Picture("A plot", "x.png"),)).to_markdown()
    assert "| one\\|two\N{REPLACEMENT CHARACTER}# | 1.000 | – | 0.500 [0.250, 0.750] |" in page
    assert "| x | – | -inf | 0.500 |" in page
    assert "![A plot](x.png)" in page
    assert page.endswith("- A note.\n")


def test_json_is_json(tmp_path: Path) -> None:
    Report("x", "descant x", (TABLE,)).save(tmp_path / "deep" / "er")
    text = (tmp_path / "deep" / "er" / "x.json").read_text(encoding="utf-8")
    rows = json.loads(text, parse_constant=lambda word: pytest.fail(word))["tables"][0]["rows"]
    assert rows[0][3] == {"value": 0.5, "low": 0.25, "high": 0.75, "songs": 9}
    assert rows[1][1:3] == [None, "-inf"]


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("in the way")
    with pytest.raises(OutputError, match="out"):
        Report("x", "x", (TABLE,)).save(tmp_path / "out")
    with pytest.raises(OutputError, match="out"):
        Report("x", "x", (TABLE,)).save(tmp_path / "out" / "below")


def _commands() -> list[list[str]]:
    """Every subcommand, asked for data that is not there: a place is refused before the data is even looked for."""
    nowhere = "/nowhere/at/all"
    measured = [["evaluate", verb, "--data", nowhere] for verb in MEASURED]
    compared = [["evaluate", kind, "--reference", nowhere, "--estimate", nowhere] for kind in COMPARED]
    return [*measured, *compared, ["bench", "mix"]]


@pytest.mark.parametrize("command", _commands(), ids=lambda words: words[1])
@pytest.mark.parametrize("below", ["", "below"])
def test_a_place_that_cannot_be_written_is_refused_before_the_work(
    command: list[str],
    below: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(bench_module, "bench", lambda *_, **__: pytest.fail("the work began"))
    (tmp_path / "out").write_text("in the way")
    assert run([*command, "-o", str(tmp_path / "out" / below), "-q"]) == OutputError.code
    assert "out" in capsys.readouterr().err
    assert (tmp_path / "out").read_text() == "in the way"


@pytest.mark.parametrize(
    ("verb", "option", "value"),
    [
        *((verb, "--songs", number) for verb in ("analyze", "transcribe", "accompany") for number in ("0", "-1")),
        ("accompany", "--library", "0"),
        *(("separate", "--seconds", value) for value in ("0", "-5", "nan", "1e9")),
        *(("separate", "--gain-db", value) for value in ("nan", "inf", "-500")),
    ],
)
def test_numbers_that_leave_nothing_to_measure_are_refused(
    verb: str, option: str, value: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["evaluate", verb, "--data", "/nowhere", f"{option}={value}", "-o", str(tmp_path), "-q"]) == 2
    assert "Give " in capsys.readouterr().err


def test_trying_a_place_leaves_nothing_and_touches_nothing(tmp_path: Path) -> None:
    require_place(tmp_path / "new" / "folder", "x")
    assert not list(tmp_path.iterdir())
    (tmp_path / "x.md").write_text("an earlier report")
    require_place(tmp_path, "x")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["an earlier report"]


@pytest.mark.parametrize("name", ["x.md", "x.json", "x.png"])
def test_a_folder_in_the_place_of_a_file_is_named(name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(OutputError, match=name):
        require_place(tmp_path, "x")


@pytest.mark.parametrize("command", _commands()[len(MEASURED) :], ids=lambda words: words[1])
def test_plots_that_cannot_be_drawn_are_refused_before_the_work(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bench_module, "bench", lambda *_, **__: pytest.fail("the work began"))
    assert run([*command, "--plots", "-q"]) == 2
    if "sets" in command:
        return
    monkeypatch.setattr(plots, "can_draw", lambda: False)
    assert run([*command, "--plots", "-o", str(tmp_path), "-q"]) == 35
    assert "matplotlib" in capsys.readouterr().err
