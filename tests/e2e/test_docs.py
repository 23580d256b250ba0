"""The Python in the pages runs as printed: each page's blocks in turn, in a folder with the files they name."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from descant.audio.clip import Clip
from descant.audio.io import write
from descant.audio.resample import resample
from descant.data.sets.stems import MusdbHq
from descant.score.midi import write_midi
from descant.score.notes import Note, Score, Track
from descant.score.tempo import TempoMap
from miniature_sets import BUILDERS, build_musdb_hq

pytestmark = [pytest.mark.e2e, pytest.mark.weights]

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
RATE = 22_050
TUNE = (64, 67, 67, 64, 62, 67, 71, 67, 69, 72, 72, 69, 65, 69, 67, 65)
NOTE_S = 0.5
RECORDINGS = ("demo/song.mp3", "song.mp3", "humming.wav", "piano.wav", "three_hours.flac")


def _blocks(page: Path) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def _voice() -> Clip:
    frames = round(NOTE_S * RATE)
    pitches = np.repeat(TUNE, frames)
    phase = np.cumsum(2 * np.pi * 440 * 2 ** ((pitches - 69) / 12) / RATE)
    note = np.concatenate([np.linspace(0, 1, 600), np.ones(frames - 1_600), np.linspace(1, 0, 1_000)])
    voice = sum(np.sin(k * phase) / k**1.5 for k in range(1, 9)) * np.tile(note, len(TUNE)) * 0.15
    return Clip(voice.astype(np.float32), RATE)


def _song() -> Clip:
    """The voice over C G Am F, two bars in four beats each, with a kick on every beat."""
    voice = _voice()
    time = np.arange(round(4 * NOTE_S * RATE)) / RATE
    bars = [
        sum(np.sin(2 * np.pi * 440 * 2 ** ((p - 69) / 12) * k * time) / k for p in chord for k in (1, 2, 3))
        for chord in ((48, 60, 64, 67), (43, 59, 62, 67), (45, 57, 60, 64), (41, 57, 60, 65))
    ]
    beat = np.arange(round(NOTE_S * RATE)) / RATE
    kick = np.tile(np.exp(-30 * beat) * np.sin(2 * np.pi * 60 * beat), len(TUNE))
    band = 0.04 * np.concatenate(bars)[: voice.frames] + 0.4 * kick[: voice.frames]
    return Clip((voice.samples[0] + band).astype(np.float32), RATE)


def _score() -> Score:
    notes = tuple(Note(float(i), 0.9, pitch) for i, pitch in enumerate(TUNE))
    return Score((Track("melody", notes),), TempoMap.constant(60 / NOTE_S))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files that the examples name; the song lasts long enough for the part that is read of it."""
    folder = tmp_path_factory.mktemp("place")
    for name in RECORDINGS:
        write(folder / name, _voice() if name == "humming.wav" else _song())
    write(folder / "three hours.flac", resample(_song(), 44_100).to_channels(2))
    write(folder / "song.m4a", Clip(np.tile(_song().samples, 8), RATE))
    write_midi(folder / "song.mid", _score())
    build_musdb_hq(folder / "data" / "musdb18hq", seconds=10.0)
    for name, set_folder in (("nsynth", "nsynth"), ("jamendo-lyrics", "jamendolyrics")):
        (folder / "data" / set_folder).mkdir()
        BUILDERS[name](folder / "data" / set_folder)
    return folder


def test_there_is_python_to_run() -> None:
    assert sum(len(_blocks(page)) for page in PAGES) >= 9


@pytest.mark.parametrize("page", [page for page in PAGES if _blocks(page)], ids=lambda page: page.name)
def test_the_python_of_a_page_runs_as_printed(
    page: Path, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = tmp_path / "here"
    shutil.copytree(place, here)
    monkeypatch.chdir(here)
    monkeypatch.setattr(MusdbHq, "published", {})  # three songs stand for 150
    voice = _voice()
    names: dict[str, object] = {
        "clip": voice, "voice": voice, "piano": voice.gain(-3.0), "drums": voice.gain(-6.0), "score": _score(),
    }  # fmt: skip
    for number, block in enumerate(_blocks(page), 1):
        exec(compile(block, f"{page.name}, block {number}", "exec"), names)
