"""The whole job on a real recording, through the real command line: what `make demo` and the README promise."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import mido
import music21
import numpy as np
import pyloudnorm
import pytest
import soundfile

from descant.audio.clip import Clip
from descant.audio.io import read, write

pytestmark = [pytest.mark.e2e, pytest.mark.weights]

ROOT = Path(__file__).parents[2]
PARTS = ("vocals", "bass", "drums")


def _descant(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "descant", *arguments], cwd=cwd, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which `make demo` has run."""
    folder = tmp_path_factory.mktemp("place")
    run = subprocess.run(
        [sys.executable, str(ROOT / "scripts/demo"), "demo"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    return folder


def test_the_mix_is_true_in_loudness_by_an_independent_meter(place: Path) -> None:
    samples, rate = soundfile.read(place / "demo/mix.flac")
    assert samples.shape[1] == 2
    assert rate == 44_100
    assert pyloudnorm.Meter(rate).integrated_loudness(samples) == pytest.approx(-14.0, abs=0.5)
    assert np.abs(samples).max() < 10 ** (-1 / 20) + 0.002


def test_the_remix_is_sung_by_somebody_else_in_time_and_says_so(place: Path) -> None:
    """The new voice sings the melody of the old one over the same band, and the mix is marked."""
    remix = place / "demo/remix"
    assert (remix / "index.html").is_file()
    old, new = (read(path).samples.mean(axis=0) for path in (place / "demo/song.mp3", remix / "mix.flac"))
    frames = min(len(old), len(new))
    assert abs(len(old) - len(new)) < 0.1 * 44_100
    assert 0.5 < np.corrcoef(old[:frames], new[:frames])[0, 1] < 0.995
    verdict = json.loads(_descant("verify", "demo/remix/mix.flac", "--json", "-q", cwd=place).stdout)
    assert "yuki" in json.dumps(verdict)


def test_every_stem_has_the_length_of_the_mix_and_the_parts_sound(place: Path) -> None:
    frames = soundfile.info(place / "demo/mix.flac").frames
    stems = {p.stem: soundfile.read(p)[0] for p in (place / "demo/stems").glob("*.flac")}
    assert set(PARTS) <= set(stems)
    assert len(stems) >= 5
    for name, samples in stems.items():
        assert len(samples) == frames, name
        assert np.abs(samples).max() > 0.01, name


def test_the_score_is_read_by_independent_libraries_and_fits_the_recording(place: Path) -> None:
    midi = mido.MidiFile(place / "demo/score.mid")
    duration = soundfile.info(place / "demo/mix.flac").duration
    assert 8.0 < midi.length <= duration + 0.5
    notes = [m for track in midi.tracks for m in track if m.type == "note_on" and m.velocity > 0]
    assert len(notes) > 50
    parsed = music21.converter.parse(place / "demo/score.musicxml")
    assert len(parsed.parts) >= 4
    written = sum(len(part.flatten().notes) for part in parsed.parts)
    assert written > 30


def test_the_analysis_names_what_the_band_plays(place: Path) -> None:
    facts = json.loads((place / "demo/analysis.json").read_text())
    assert 50 < facts["bpm"] < 220
    assert facts["key"]
    assert len(facts["beats"]) > 10
    voiced = [hz for hz in facts["melody"]["f0_hz"] if hz]
    assert len(voiced) * facts["melody"]["hop_s"] > 2.0


def test_everything_the_page_links_exists(place: Path) -> None:
    page = (place / "demo/index.html").read_text()
    targets = set(re.findall(r'(?:src|href)="([^"#]+)"', page))
    assert len(targets) > 8
    for target in targets:
        assert (place / "demo" / target).is_file(), target


def test_the_same_seed_writes_the_same_band_and_another_voice_another(place: Path, tmp_path: Path) -> None:
    again = _descant("accompany", str(place / "demo/song.mp3"), "-o", "again", cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert "voice taken out of the song" in again.stdout
    assert (tmp_path / "again/score.mid").read_bytes() == (place / "demo/score.mid").read_bytes()
    rate, note_s = 22_050, 0.6
    frames = round(note_s * rate)
    pitches = np.repeat([62, 64, 66, 67, 69, 67, 66, 64] * 2, frames)
    phase = np.cumsum(2 * np.pi * 440 * 2 ** ((pitches - 69) / 12) / rate)
    note = np.concatenate([np.linspace(0, 1, 600), np.ones(frames - 1600), np.linspace(1, 0, 1000)])
    voice = sum(np.sin(k * phase) / k**1.5 for k in range(1, 9)) * np.tile(note, 16) * 0.15
    write(tmp_path / "other.wav", Clip(voice.astype(np.float32), rate))
    other = _descant("accompany", "other.wav", "-o", "other", cwd=tmp_path)
    assert other.returncode == 0, other.stderr
    assert "voice as recorded" in other.stdout  # it was not sent through the separator
    assert (tmp_path / "other/score.mid").read_bytes() != (place / "demo/score.mid").read_bytes()


def test_silence_gets_no_band(tmp_path: Path) -> None:
    write(tmp_path / "silence.wav", Clip.silence(44_100 * 5, 44_100))
    run = _descant("accompany", "silence.wav", "-o", "out", cwd=tmp_path)
    assert run.returncode == 20
    assert "silent" in run.stderr
    assert "Traceback" not in run.stderr
    assert not (tmp_path / "out").exists()


def _examples() -> list[list[str]]:
    """The lines of each block that begin with `descant`: a block is typed from top to bottom in one folder."""
    readme = (ROOT / "README.md").read_text()
    blocks = re.findall(r"```bash\n(.*?)```", readme, flags=re.DOTALL)
    lines = [[line for line in block.splitlines() if line.startswith("descant ")] for block in blocks]
    return [some for some in lines if some]


def test_the_readme_has_five_examples() -> None:
    assert len(_examples()[0]) >= 5


@pytest.mark.parametrize("block", _examples(), ids=lambda block: block[0].split()[1])
def test_examples_of_the_readme_work_as_printed(block: list[str], place: Path, tmp_path: Path) -> None:
    shutil.copytree(place / "demo", tmp_path / "demo")
    for line in block:
        before = {path.name for path in tmp_path.iterdir()}
        run = _descant(*shlex.split(line, comments=True)[1:], cwd=tmp_path)
        assert run.returncode == 0, run.stderr
        assert "Traceback" not in run.stderr
        assert {path.name for path in tmp_path.iterdir()} > before or run.stdout.strip()
