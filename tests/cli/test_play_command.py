"""`descant play`: options that go together."""

from __future__ import annotations

from pathlib import Path

import pytest

from descant.cli.app import run
from descant.errors import InvalidOption


def test_a_vibrato_without_an_instrument_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It was ignored: a SoundFont's vibrato is its own."""
    assert run(["play", str(tmp_path / "song.mid"), "--vibrato", "2"]) == InvalidOption.code
    assert "--instrument" in capsys.readouterr().err
