from __future__ import annotations

import pytest

from descant.cli import batch
from descant.cli.app import run


def test_an_interrupt_is_said_and_has_its_exit_status(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(batch, "run_batch", interrupted)
    assert run(["accompany", "song.wav"]) == 130
    assert capsys.readouterr().err == "descant: Cancelled.\n"
