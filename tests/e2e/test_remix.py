"""`descant remix` on a real recording: through the command line, killed half way, in a batch with a bad file."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import mido
import numpy as np
import pyloudnorm
import pytest
import soundfile

from descant.audio.clip import Clip
from descant.audio.io import read, write
from descant.cli.app import run
from descant.errors import BatchFailed, InvalidOption, ScoreReadError
from descant.hub.store import fetch

pytestmark = [pytest.mark.e2e, pytest.mark.weights]

STEPS = ("separate", "listen", "transcribe", "compose", "play", "mix", "strangers", "report")
FILES = {
    *("analysis.json", "before.wav", "chords.txt", "index.html", "lags.svg", "matrices.svg", "mix.flac", "picture.svg"),
    *("report.json", "score.mid", "score.musicxml", "spectrograms.svg", "transcription.mid"),
}


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "descant", "remix", *arguments]


def _descant(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(_command(*arguments), capture_output=True, text=True, check=False)


def _here(*arguments: str) -> int:
    """The same in this process: a second interpreter tells nothing more, and takes seconds to start."""
    return run(["remix", *arguments])


def _bytes(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    clip = read(fetch("song-excerpt") / "song.mp3").slice(0.0, 7.0)
    return write(tmp_path_factory.mktemp("songs") / "song.wav", clip)


@pytest.fixture(scope="module")
def place(song: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `out` and `work` of one whole run."""
    folder = tmp_path_factory.mktemp("place")
    whole = _descant(str(song), "-o", str(folder / "out"), "--work", str(folder / "work"))
    assert whole.returncode == 0, whole.stderr
    assert "Qmax" in whole.stdout
    return folder


def test_the_folder_holds_a_finished_mix_true_in_loudness(place: Path, song: Path) -> None:
    assert {p.name for p in (place / "out").iterdir() if p.is_file()} == FILES
    samples, rate = soundfile.read(place / "out/mix.flac")
    assert pyloudnorm.Meter(rate).integrated_loudness(samples) == pytest.approx(-14.0, abs=0.5)
    stems = {p.stem: soundfile.info(p).frames for p in (place / "out/stems").iterdir()}
    assert {"vocals", "bass", "drums"} <= set(stems)
    assert set(stems.values()) == {len(samples)}
    assert len(samples) >= soundfile.info(song).frames
    played = mido.MidiFile(place / "out/score.mid")
    assert sum(m.type == "note_on" for track in played.tracks for m in track) > 40


def test_the_kept_voice_lies_where_it_lay(place: Path) -> None:
    own = soundfile.read(next((place / "work").glob("separate-*")) / "vocals.wav")[0].mean(axis=1)
    kept = soundfile.read(place / "out/stems/vocals.flac")[0].mean(axis=1)[: len(own)]
    size = 2 * len(own)
    lags = np.fft.irfft(np.fft.rfft(kept, size) * np.conj(np.fft.rfft(own, size)))
    assert int(np.argmax(lags)) == 0


def test_the_report_says_what_was_made_by_what_and_holds_every_baseline(place: Path) -> None:
    report = json.loads((place / "out/report.json").read_text())
    assert [step["step"] for step in report["steps"]] == list(STEPS)
    assert report["generated"][0] == {"what": "band", "model": "descant-accompaniment", "seed": 0,
                                      "takes": report["generated"][0]["takes"], "bars": None}  # fmt: skip
    licences = {card["name"]: card["licence"] for step in report["steps"] for card in step["cards"]}
    assert licences.keys() >= {"spleeter-2stems", "descant-analysis", "basic-pitch", "descant-accompaniment"}
    assert all(licences.values())
    measures = {m["name"]: m for m in report["measures"]}
    assert {"Qmax", "beat agreement", "key agreement", "onset agreement", "waveform correlation"} <= set(measures)
    for measure in measures.values():
        assert (measure["value"] is None) == (measure["shuffled"] is None) == (measure["others"] is None)
    assert measures["waveform correlation"]["value"] > 3 * measures["waveform correlation"]["others"]
    assert set(report["files"]) == {p for p in _bytes(place / "out") if not p.startswith("stems/")} | {
        f"stems/{p.name}" for p in (place / "out/stems").iterdir()
    }
    page = (place / "out/index.html").read_text()
    for name in report["files"]:
        assert name in page or name == "index.html"


def test_another_singer_gets_one_dry_voice_and_the_rest_comes_back(song: Path, tmp_path: Path) -> None:
    arguments = [str(song), "-o", str(tmp_path / "out"), "--work", str(tmp_path / "work"), "-q"]
    arguments += ["--voice", "robin", "--band", "keep", "--skip"]
    assert _here(*arguments, "transcribe,report") == 0
    report = json.loads((tmp_path / "out/report.json").read_text())
    assert [step["step"] for step in report["steps"]] == ["separate", "listen", "part", "convert", "rejoin", "mix"]
    found = report["parted"]
    assert set(found) == {"backing_lu", "room"}
    made = {path.name.rsplit("-", 1)[0]: path for path in (tmp_path / "work").iterdir()}
    assert (made["part"] / "backing.wav").exists() == (found["backing_lu"] is not None)
    voice, whole, old = (read(made[step] / "vocals.wav") for step in ("convert", "rejoin", "separate"))
    assert voice.samples.shape == whole.samples.shape == old.samples.shape
    assert (found["room"] is None and found["backing_lu"] is None) == np.array_equal(voice.samples, whole.samples)
    before = _bytes(tmp_path)
    assert _here(*arguments, "transcribe,report") == 0
    assert _bytes(tmp_path) == before
    assert _here(*arguments, "transcribe,report,part") == 0
    steps = json.loads((tmp_path / "out/report.json").read_text())["steps"]
    assert [step["step"] for step in steps] == ["separate", "listen", "convert", "mix"]


def test_killed_anywhere_and_run_again_it_ends_with_the_same_bytes(place: Path, song: Path, tmp_path: Path) -> None:
    arguments = [str(song), "-o", str(tmp_path / "out"), "--work", str(tmp_path / "work"), "-q"]
    seen: dict[str, int] = {}
    for step in ("listen", "mix"):  # once while listening, once while it mixes
        process = subprocess.Popen(_command(*arguments))
        while not list((tmp_path / "work").glob(f"{step}-*")):
            assert process.poll() is None, "it ended before it was killed"
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        assert not (tmp_path / "out/index.html").exists()
        for made in (tmp_path / "work").iterdir():
            if made.suffix != ".part":
                seen.setdefault(made.name, made.stat().st_ino)
    assert len(seen) >= 4
    assert _descant(*arguments).returncode == 0
    assert _bytes(tmp_path / "out") == _bytes(place / "out")
    for name, inode in seen.items():
        assert (tmp_path / "work" / name).stat().st_ino == inode, "a finished step was made again"


def test_a_second_run_makes_nothing_and_another_seed_only_what_follows(
    place: Path, song: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {p.name for p in (place / "work").iterdir()}
    assert _here(str(song), "-o", str(tmp_path / "again"), "--work", str(place / "work")) == 0
    said = capsys.readouterr().out
    assert "separate kept, listen kept, transcribe kept, compose kept, play kept, mix kept" in said
    assert _bytes(tmp_path / "again") == _bytes(place / "out")
    options = ["--seed", "3", "--skip", "report", "--until", "play"]
    assert _here(str(song), "-o", str(tmp_path / "other"), "--work", str(place / "work"), *options) == 0
    assert {p.name.split("-")[0] for p in (place / "work").iterdir() if p.name not in before} == {"compose", "play"}
    assert {p.stem for p in (tmp_path / "other/play").iterdir()} >= {"bass", "drums"}


def test_a_bad_file_does_not_stop_the_others_and_silence_and_bands_are_told(
    place: Path, song: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    songs = tmp_path / "songs"
    songs.mkdir()
    (songs / "a broken.wav").write_bytes(b"RIFF not really")
    write(songs / "b silent.wav", Clip.silence(3 * 44_100, 44_100))
    rng = np.random.default_rng(0)
    write(songs / "c no singer.wav", Clip(0.1 * rng.standard_normal((1, 4 * 22_050)).astype(np.float32), 22_050))
    (songs / "d good.wav").write_bytes(song.read_bytes())
    code = _here(str(songs), "-o", str(tmp_path / "out"), "--work", str(place / "work"), "-q")
    said = capsys.readouterr().err
    assert code == BatchFailed.code
    assert "3 of 4 files failed" in said
    assert "b silent.wav: The recording is silent" in said
    assert "c no singer.wav: No singer was found" in said
    assert _bytes(tmp_path / "out/d good")["mix.flac"] == _bytes(place / "out")["mix.flac"]


def test_the_songs_own_band_is_kept_as_it_is(place: Path, song: Path, tmp_path: Path) -> None:
    options = ["--band", "keep", "--skip", "report,transcribe", "--work", str(place / "work"), "-q"]
    assert _here(str(song), "-o", str(tmp_path / "out"), *options) == 0
    kept, _ = soundfile.read(tmp_path / "out/mix.flac")
    own, _ = soundfile.read(song)
    gain = float((kept * own).sum() / (own * own).sum())
    error = kept - gain * own
    assert 10 * np.log10((error**2).sum() / (kept**2).sum()) < -35  # the limiter's work, and nothing else
    assert {p.stem for p in (tmp_path / "out/stems").iterdir()} == {"vocals", "accompaniment"}


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--skip", "mix"], InvalidOption.code, "cannot be skipped"),
        (["--skip", "transcribe"], InvalidOption.code, "written from the song's notes"),
        (["--until", "nonsense"], InvalidOption.code, "no step 'nonsense'"),
        (["--only", "play", "--seed", "77"], InvalidOption.code, "has not been made yet"),
        (["--use", "separate"], InvalidOption.code, "names no step and folder"),
    ],
)
def test_what_cannot_be_done_is_said(
    place: Path, song: Path, options: list[str], code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _here(str(song), "-o", str(place / "refused"), "--work", str(place / "work"), "-q", *options) == code
    assert words in capsys.readouterr().err
    assert not (place / "refused").exists()


def test_a_score_without_notes_is_told(
    place: Path, song: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    mido.MidiFile(tracks=[mido.MidiTrack()]).save(mine / "empty.mid")
    options = ["--use", f"compose={mine}", "--work", str(place / "work"), "-q"]
    assert _here(str(song), "-o", str(tmp_path / "out"), *options) == ScoreReadError.code
    assert "no notes for a band to play" in capsys.readouterr().err


def test_a_score_of_ones_own_is_played_instead(place: Path, song: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "tune.mid").write_bytes((place / "out/transcription.mid").read_bytes())
    options = ["--use", f"compose={mine}", "--work", str(place / "work"), "--skip", "report", "-q"]
    assert _here(str(song), "-o", str(tmp_path / "out"), *options) == 0
    assert {p.stem for p in (tmp_path / "out/stems").iterdir()} == {"vocals", "accompaniment"}
    assert json.loads((tmp_path / "out/report.json").read_text())["generated"] == []


def test_told_to_end_it_says_that_it_can_go_on(song: Path, tmp_path: Path) -> None:
    arguments = [str(song), "-o", str(tmp_path / "out"), "--work", str(tmp_path / "work"), "-q"]
    process = subprocess.Popen(_command(*arguments), stderr=subprocess.PIPE, text=True)
    while not list((tmp_path / "work").glob("separate-*")):
        assert process.poll() is None
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGTERM)
    _, said = process.communicate()
    assert process.returncode == 128 + signal.SIGTERM, said
    assert "Finished steps are kept" in said
    assert not (tmp_path / "out").exists()
