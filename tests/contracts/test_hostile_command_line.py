"""The error table at the command line: exit status, one line that says what and one what to do, nothing left."""

from __future__ import annotations

from pathlib import Path

import hostile_files as hostile
import numpy as np
import pytest
import soundfile

from descant.cli.app import run
from descant.errors import AudioReadError, BatchFailed, InputNotFound, InvalidAudio

pytestmark = pytest.mark.weights

VERBS = ("separate", "analyze", "transcribe", "accompany", "remix")
BROKEN = (
    (hostile.missing, InputNotFound.code),
    (hostile.a_folder, InputNotFound.code),
    (hostile.empty, AudioReadError.code),
    (hostile.text_renamed, AudioReadError.code),
    (hostile.truncated("WAV", "PCM_16", ".wav"), AudioReadError.code),
    (hostile.truncated("FLAC", "PCM_16", ".flac"), AudioReadError.code),
    (hostile.protected, AudioReadError.code),
    (hostile.video_without_sound, AudioReadError.code),
    (hostile.with_nan, InvalidAudio.code),
    (hostile.no_frames, InvalidAudio.code),
)
RATE = 22_050


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() if path.is_file() else b"" for path in sorted(folder.rglob("*"))}


@pytest.mark.parametrize("verb", [*VERBS, "align", "verify"])
@pytest.mark.parametrize(("make", "code"), BROKEN, ids=[f"{m.__name__} {i}" for i, (m, _) in enumerate(BROKEN)])
def test_broken_input(
    verb: str, make: hostile.Maker, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = make(tmp_path)
    before = _files(tmp_path)
    out = () if verb == "verify" else ("--out", str(tmp_path / "out"))
    wordless = ("--recognize",) if verb == "align" else ()
    status = run([verb, str(path), *wordless, *out, "--quiet"])
    said = capsys.readouterr().err
    assert status == code, said
    assert "Traceback" not in said
    lines = [line for line in said.splitlines() if line.strip()]
    assert lines[-2].startswith("descant: ")
    assert path.name in lines[-2]
    assert lines[-1].startswith("  ")
    assert _files(tmp_path) == before


def _strange(name: str) -> np.ndarray:
    time = np.arange(3 * RATE) / RATE
    tone = np.sin(2 * np.pi * 220 * time)
    return {
        "one frame": np.full(1, 0.5),
        "under one analysis frame": tone[:100],
        "silence": np.zeros(2 * RATE),
        "pure offset": np.full(2 * RATE, 0.3),
        "clipped": np.clip(5 * tone, -1, 1),
        "over full scale": 8 * tone,
        "very quiet": 1e-6 * tone,
        "eight channels": np.stack([tone * k / 8 for k in range(8)], axis=1),
    }[name]


STRANGE = (
    "one frame",
    "under one analysis frame",
    "silence",
    "pure offset",
    "clipped",
    "over full scale",
    "very quiet",
    "eight channels",
)


@pytest.mark.parametrize("verb", ["separate", "analyze", "transcribe"])
@pytest.mark.parametrize("name", STRANGE)
def test_strange_but_whole_audio_is_worked_on_or_refused_in_words(
    verb: str, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / f"{name}.wav"
    soundfile.write(path, _strange(name), RATE, subtype="FLOAT")
    before = path.read_bytes()
    status = run([verb, str(path), "--out", str(tmp_path / "out"), "--quiet"])
    said = capsys.readouterr().err
    assert path.read_bytes() == before
    if status == 0:
        assert any((tmp_path / "out").rglob("*.*"))
    else:
        assert status in {InvalidAudio.code, 20}, said
        assert "descant: " in said
        assert not (tmp_path / "out").exists() or not any(p.is_file() for p in (tmp_path / "out").rglob("*"))


@pytest.mark.parametrize("verb", ["separate", "analyze"])
def test_one_bad_file_does_not_stop_the_rest(verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "songs"
    folder.mkdir()
    hostile.tone_file(folder / "a good.wav")
    hostile.text_renamed(folder)
    hostile.tone_file(folder / "z good.flac", form="FLAC")
    status = run([verb, str(folder), "--out", str(tmp_path / "out"), "--quiet"])
    assert status == BatchFailed.code
    assert "1 of 3 files failed: notes.wav" in capsys.readouterr().err
    finished = {path.parent.name for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert finished == {"a good", "z good"}
