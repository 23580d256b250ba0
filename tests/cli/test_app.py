from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from descant.cli import batch
from descant.cli.app import run
from descant.errors import DescantError, InputNotFound


def _fail(error: BaseException) -> object:
    def failing(*_: object, **__: object) -> None:
        raise error

    return failing


def test_an_interrupt_is_said_and_has_its_exit_status(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(batch, "run_batch", _fail(KeyboardInterrupt()))
    assert run(["accompany", "song.wav"]) == 130
    assert capsys.readouterr().err == "descant: Cancelled.\n"
    monkeypatch.setattr(batch, "run_batch", _fail(KeyboardInterrupt(signal.SIGTERM)))
    assert run(["accompany", "song.wav"]) == 128 + signal.SIGTERM


@pytest.mark.parametrize(
    ("error", "code"), [(MemoryError(), 40), (InputNotFound("a\nb\x1b[31m.wav is gone.", "Look."), 10)]
)
def test_every_error_is_one_line_that_says_what_and_one_what_to_do(
    error: Exception, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(batch, "run_batch", _fail(error))
    assert run(["accompany", "song.wav"]) == code
    what, to_do = capsys.readouterr().err.splitlines()
    assert what.startswith("descant: ")
    assert to_do.startswith("  ")
    assert "\x1b" not in what
    if isinstance(error, DescantError):
        assert r"a\nb\x1b[31m.wav" in what


@pytest.mark.parametrize(
    ("arguments", "says", "advises"),
    [
        (["separate", "--residul", "a.wav"], "--residul", "`descant separate --help`"),
        (["separate"], "argument", "`descant separate --help`"),
        (["compose", "a.mid", "--takes", "many"], "many", "`descant compose --help`"),
        (["evaluate", "analyze"], "--data", "`descant evaluate analyze --help`"),
        (["seperate", "a.wav"], "seperate", "--help"),
    ],
)
def test_usage_errors_look_like_all_others(
    arguments: list[str], says: str, advises: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(arguments) == 2
    what, to_do = capsys.readouterr().err.splitlines()
    assert what.startswith("descant: ")
    assert says in what
    assert advises in to_do


@pytest.mark.parametrize("name", ["-dash.wav", "--out.wav"])
def test_a_name_that_looks_like_an_option_is_explained(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_text("song")
    assert run(["separate", name]) == 2
    assert f"./{name}" in capsys.readouterr().err.splitlines()[1]


def test_an_empty_name_is_not_this_folder(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["separate", ""], ["separate", "--", ""], ["play", ""], ["mix", "a.wav", ""]):
        assert run(arguments) == 2
        assert "empty" in capsys.readouterr().err
    for arguments in (["align", "a.wav", "-o", ""], ["karaoke", "a.wav", "b", "--out="], ["mix", "a.wav", "--out", ""]):
        assert run(arguments) == 2
        assert "empty" in capsys.readouterr().err


_PROCESS = """
import os, signal, sys, time
from descant.cli import app, batch

def working(*_, **__):
    os.write(2, b"a decoder's chatter\\n")
    print("\\udce9", file=sys.stdout)
    time.sleep(0.01 if sys.argv.pop() == "ends" else os.kill(os.getpid(), signal.SIGTERM) or 60)

batch.run_batch = working
app.main()
"""


@pytest.mark.parametrize(("how", "status"), [("ends", 0), ("is told to end", 128 + signal.SIGTERM)])
def test_the_process_keeps_libraries_quiet_and_says_that_it_was_stopped(how: str, status: int) -> None:
    command = [sys.executable, "-c", _PROCESS, "analyze", "song.wav", how]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C"})
    assert done.returncode == status, done.stderr
    assert done.stderr == ("" if status == 0 else "descant: Cancelled.\n")
    assert done.stdout in {"\\udce9\n", "é\n", "\udce9\n"}
