"""`descant convert` and `voice train` through the real command line, with the weights that ship."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from descant.audio.clip import Clip
from descant.audio.io import probe, read, write
from descant.cli.app import run
from descant.convert.store import VoiceStore
from descant.errors import ConsentMissing, InvalidAudio, VoiceNotFound
from descant.nets.swift_f0 import SwiftF0
from humming import hum


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DESCANT_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("DESCANT_DATA", str(tmp_path / "data"))
    return tmp_path


@pytest.mark.slow
def test_a_bundled_voice_sings_a_file_with_a_strange_name(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = home / "Grüße [1] 'x'.wav"
    write(source, hum(4.0, 147.0, rate=48_000).to_channels(2))
    out = home / "sung by robin.flac"
    assert run(["convert", str(source), "--voice", "robin", "-o", str(out), "-q"]) == 0
    info = probe(out)
    assert (info.sample_rate, info.channels, info.frames) == (48_000, 2, probe(source).frames)
    track = SwiftF0.load()
    true, sung = track(read(source)), track(read(out))
    both = true.voiced & sung.voiced
    assert both.sum() > 0.8 * true.voiced.sum()
    assert abs(np.median(sung.midi[both] - true.midi[both]) % 12) < 0.2  # octaves alone are moved
    capsys.readouterr()
    assert run(["verify", str(out), "-q"]) == 0
    assert "voice robin" in capsys.readouterr().out


@pytest.mark.slow
def test_a_folder_goes_on_past_a_broken_file(home: Path) -> None:
    takes = home / "takes"
    takes.mkdir()
    write(takes / "a.wav", hum(2.0))
    (takes / "b.wav").write_bytes(b"RIFF\x00\x00")
    write(takes / "c.wav", Clip(np.zeros((1, 44_100), np.float32), 44_100))
    assert run(["convert", str(takes), "--voice", "yuki", "-o", str(home / "out"), "-q"]) == 19
    assert sorted(path.name for path in (home / "out").rglob("*.*")) == ["a.wav"]


@pytest.mark.slow
def test_a_recording_is_a_voice_only_with_a_licence_or_consent(home: Path) -> None:
    source, person = home / "a.wav", home / "person.wav"
    write(source, hum(2.0))
    write(person, hum(6.0, 130.0, seed=4))
    ask = ["convert", str(source), "--voice", str(person), "-o", str(home / "out.wav"), "-q"]
    assert run(ask) == ConsentMissing.code
    assert not (home / "out.wav").exists()
    assert run([*ask, "--licence", "CC0-1.0", "--source", "arithmetic"]) == 0
    assert (home / "out.wav").exists()
    assert run(["convert", str(source), "--voice", "nobody", "-o", str(home / "o.wav"), "-q"]) == VoiceNotFound.code


@pytest.mark.slow
def test_a_voice_of_the_store_is_trained_on_its_own_recordings_alone(home: Path) -> None:
    recording, other = home / "me.wav", home / "other.wav"
    write(recording, Clip(np.concatenate([hum(8.0, f0).samples for f0 in (180, 190, 200, 210, 220)], axis=1), 44_100))
    write(other, hum(35.0))
    add = ["voice", "add", "me", str(recording), "--person", "me", "--synthetic", "--source", "arithmetic"]
    assert run(add) == 0
    assert run(["voice", "train", "me", str(other), "-q"]) == 2  # consent is given for recordings
    assert VoiceStore.load().get("me").decoder is None
    assert run(["voice", "train", "me", str(recording), "--minutes", "0.05", "--threads", "1", "-q"]) == 0
    assert VoiceStore.load().get("me").decoder is not None
    write(home / "a.wav", hum(2.0))
    assert run(["convert", str(home / "a.wav"), "--voice", "me", "-o", str(home / "out.wav"), "-q"]) == 0
    write(home / "short.wav", hum(1.0))
    assert run(["voice", "add", "x", str(home / "short.wav"), "--person", "x", "--synthetic", "--source", "y"]) == (
        InvalidAudio.code
    )
