"""A SoundFont that cannot be used is refused before any work is done."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from descant.audio.clip import Clip
from descant.audio.io import write
from descant.cli.app import run
from descant.pipelines import accompany_file
from descant.score import render
from descant.score.midi import write_midi
from descant.score.notes import Note, Score, Track
from descant.score.tempo import TempoMap


def _not_yet(*_: object, **__: object) -> None:
    pytest.fail("the work was begun")


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """A file for each verb that takes a SoundFont; that verb's work fails the test."""
    monkeypatch.setattr(accompany_file, "read", _not_yet)
    monkeypatch.setattr(render, "_Player", _not_yet)
    tone = Clip(0.1 * np.sin(np.arange(22_050) / 10.0), 22_050)
    score = Score((Track("x", (Note(0.0, 1.0, 60),)),), TempoMap.constant(120.0))
    midi = tmp_path / "song.mid"
    write_midi(midi, score)
    return {"accompany": write(tmp_path / "voice.wav", tone), "play": midi}


@pytest.mark.parametrize("verb", ["accompany", "play"])
@pytest.mark.parametrize(
    ("content", "says"),
    [(None, "no such file"), ("folder", "folder"), (b"", "empty"), (b"RIFF\0\0\0\0WAVEfmt ", "not a SoundFont")],
)
def test_what_is_no_soundfont_is_refused_at_once(
    verb: str,
    content: bytes | str | None,
    says: str,
    sources: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    font = tmp_path / "bad.sf2"
    if isinstance(content, bytes):
        font.write_bytes(content)
    elif content is not None:
        font.mkdir()
    out = tmp_path / ("out" if verb == "accompany" else "out.wav")
    status = run([verb, str(sources[verb]), "-o", str(out), "--soundfont", str(font), "-q"])
    said = capsys.readouterr().err
    assert status not in (0, 1)
    assert "bad.sf2" in said
    assert says.lower() in said.lower().replace("does not exist", "no such file")
    assert not out.exists()
