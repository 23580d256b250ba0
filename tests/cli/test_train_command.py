"""`descant train` and `descant export` at the command line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from descant.cli.app import run
from descant.cli.terminal import progress_bar
from descant.errors import (
    Cancelled,
    CardError,
    InputNotFound,
    InvalidOption,
    MissingDependency,
    OutputError,
    TrainingFailed,
)
from descant.progress import Progress

RECIPE = Path(__file__).parents[2] / "recipes" / "accompaniment" / "smoke.toml"
TINY = [
    word
    for change in (
        "loop.report_every=1", "loop.tensorboard=false", "accompaniment.layers=1", "accompaniment.width=32",
        "accompaniment.feed_forward=32", "accompaniment.length=64", "accompaniment.batch=1",
        "accompaniment.validation_crops=1", "expect.true_below=9",
    )
    for word in ("--set", change)
]  # fmt: skip


def train(out: Path, *words: str) -> int:
    return run(["train", str(RECIPE), "-o", str(out), *TINY, *words])


def test_train_then_export_then_import(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for variable in ("CACHE", "CONFIG"):
        monkeypatch.setenv(f"DESCANT_{variable}", str(tmp_path / variable))
    assert train(tmp_path / "run", "--set", "loop.steps=3", "--threads", "1", "--device", "cpu") == 0
    said = capsys.readouterr()
    assert "finished after 3 steps" in said.out
    assert "100% step 3: loss" in said.err
    out = str(tmp_path / "out")
    assert run(["export", str(tmp_path / "run"), "-o", out, "--name", "my-band", "--licence", "MIT"]) == 0
    assert "my-band" in capsys.readouterr().out
    assert run(["models", "import", out, "--quiet"]) == 0
    assert run(["models", "verify", "my-band", "--quiet"]) == 0
    assert "my-band: sound" in capsys.readouterr().out


def test_a_limit_in_minutes_says_what_is_left(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train(tmp_path / "run", "--set", "loop.steps=50", "--minutes", "1e-6") == 0
    said = capsys.readouterr().out
    assert "1 steps, 0 min" in said
    assert "98% of 50 steps are left, about" in said
    assert "The same command goes on." in said
    assert train(tmp_path / "run", "--set", "loop.steps=2") == 0
    assert "finished after 2 steps" in capsys.readouterr().out


def test_starting_from_other_weights(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train(tmp_path / "one", "--set", "loop.steps=1", "-q") == 0
    start = str(tmp_path / "one" / "checkpoint")
    assert train(tmp_path / "two", "--set", "loop.steps=1", "--start", start, "-q") == 0
    words = ("--set", "loop.steps=1", "--set", "accompaniment.width=16", "--start", start, "-q")
    assert train(tmp_path / "three", *words) == CardError.code
    assert train(tmp_path / "four", "--set", "loop.steps=1", "--start", str(tmp_path), "-q") == InputNotFound.code
    assert capsys.readouterr().out == ""


def test_going_on_with_other_settings_is_refused_before_the_data(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(tmp_path / "run", "--set", "loop.steps=1", "-q") == 0
    words = ("--set", "accompaniment.source=pop909", "--set", "loop.steps=2")  # whose data are nowhere
    assert train(tmp_path / "run", *words, "-q") == InvalidOption.code
    assert 'accompaniment.source = "invented" (now "pop909")' in capsys.readouterr().err
    assert train(tmp_path / "run", "--set", "loop.steps=2", "--set", "expect.true_below=9.5", "-q") == 0


def test_a_missed_floor_is_a_failure_that_keeps_the_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--set", "loop.steps=1", "--set", "expect.true_below=0.1", "-q")
    assert train(tmp_path / "run", *words) == TrainingFailed.code
    assert "true below 0.1; true is" in capsys.readouterr().err
    assert (tmp_path / "run" / "checkpoint" / "weights.safetensors").is_file()


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["--minutes", "0"], InvalidOption.code),
        (["--set", "loop.stepps=3"], InvalidOption.code),
        (
            ["--set", "expect.ture_below=3", "--set", "accompaniment.source=pop909"],
            InvalidOption.code,
        ),  # before any data is looked for
        (["--set", "loop.watch.measure=ture", "--set", "accompaniment.source=pop909"], InvalidOption.code),
        (["--set", "accompaniment.source=radio"], InvalidOption.code),
        (["--set", "accompaniment.source=pop909"], InputNotFound.code),
        (["--set", "accompaniment.source=pop909", "--data", "/nowhere"], InputNotFound.code),
        (["--device", "abacus"], InvalidOption.code),
        (["--devices", "0"], InvalidOption.code),
    ],
)
def test_bad_options(words: list[str], status: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train(tmp_path / "run", *words) == status
    assert "Traceback" not in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_file_where_the_run_should_be(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "run").write_text("mine")
    assert train(tmp_path / "run", "-q") == OutputError.code
    assert (tmp_path / "run").read_text() == "mine"
    assert train(tmp_path / "run" / "below", "-q") == OutputError.code


def test_hours_of_work_are_told_by_the_minute(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [0.0]
    monkeypatch.setattr("descant.cli.terminal.time.monotonic", lambda: now[0])
    with progress_bar("train", every_s=60.0) as draw:
        assert draw is not None
        for second in range(0, 200, 10):
            now[0] = float(second)
            draw(Progress("training", second / 1e6, f"step {second}: loss 1"))
    said = capsys.readouterr().err.splitlines()
    assert [line.split("step ")[1].split(":")[0] for line in said] == ["0", "60", "120", "180"]


def test_names_neither_break_the_line_nor_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar("a\n\x1b[31mb") as draw:
        assert draw is not None
        draw(Progress("reading", 0.5))
    assert capsys.readouterr().err.startswith("a\\n\\x1b[31mb:  50% reading")


def test_without_the_extra_the_pip_line_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "lightning_fabric", None)
    assert train(tmp_path / "run") == MissingDependency.code
    assert "pip install 'descant[train]'" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_ctrl_c_leaves_a_checkpoint_that_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "run"
    words = [sys.executable, "-m", "descant", "train", str(RECIPE), "-o", str(out), *TINY, "--set", "loop.steps=100000"]
    training = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not ((out / "log.csv").is_file() and len((out / "log.csv").read_text().splitlines()) > 3):
        assert training.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(training.pid, signal.SIGTERM)
    _, said = training.communicate(timeout=120)
    assert training.returncode == Cancelled.code
    assert "holds a checkpoint" in said
    assert "goes on" in said
    steps = len((out / "log.csv").read_text().splitlines()) - 1
    assert train(out, "--set", f"loop.steps={steps + 1}") == 0
    assert f"finished after {steps + 1} steps" in capsys.readouterr().out
