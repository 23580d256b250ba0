"""A voice of RVC through the real command line: import, bind, consent, convert, verify."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from descant.audio.io import probe, read, write
from descant.cli.app import run
from descant.convert.store import VoiceStore
from descant.errors import (
    CardError,
    CheckpointError,
    ConsentMissing,
    ConsentRevoked,
    InvalidOption,
    ModelNotFound,
    UnsupportedFormat,
)
from descant.hub.card import cache_folder, load_card
from foreign_voices import fairseq_hubert, rvc, so_vits, write_so_vits
from humming import hum


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folders of the test's own; what the real cache holds is there, too."""
    cache = tmp_path / "cache"
    cache.mkdir()
    if cache_folder().is_dir():
        for folder in cache_folder().iterdir():
            if not folder.name.startswith("."):
                (cache / folder.name).symlink_to(folder.resolve())
    monkeypatch.setenv("DESCANT_CACHE", str(cache))
    monkeypatch.setenv("DESCANT_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("DESCANT_DATA", str(tmp_path / "data"))
    return tmp_path


def import_rvc(home: Path, name: str = "ana-rvc", version: str = "v1") -> None:
    torch.save(rvc(version, 40_000), home / "ana.pth")
    assert run(["import", str(home / "ana.pth"), "--name", name, "--licence", "own", "--quiet"]) == 0


def import_content(home: Path) -> None:
    torch.save({"args": None, "model": fairseq_hubert(layers=9)}, home / "hubert_base.pt")
    ask = ["models", "import", str(home / "hubert_base.pt"), "--name", "contentvec", "--licence", "MIT", "--quiet"]
    assert run(ask) == 0


def add(home: Path, *more: str, name: str = "ana") -> int:
    write(home / "person.wav", hum(5.0, 180.0, seed=2))
    return run(["voice", "add", name, str(home / "person.wav"), "--person", "Ana", "--weights", "ana-rvc", *more])


@pytest.mark.slow
def test_a_voice_of_rvc_sings_once_there_is_content_and_consent(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import_rvc(home)
    said = capsys.readouterr().out
    assert "RVC v1, 40 kHz, with pitch" in said
    assert "auspicious3000/contentvec" in said
    card = load_card("ana-rvc")
    assert (card.task, card.architecture, card.sample_rate, card.licence) == ("convert", "vits-voice", 40_000, "own")

    assert add(home) == 0
    write(home / "in.wav", hum(3.0, 262.0, rate=48_000).to_channels(2))
    ask = ["convert", str(home / "in.wav"), "--voice", "ana", "-o", str(home / "out.flac"), "-q"]
    assert run(ask) == ConsentMissing.code
    assert run(["voice", "delete", "ana"]) == 0
    assert add(home, "--licence", "CC0-1.0", "--source", "arithmetic") == 0
    capsys.readouterr()
    assert run(ask) == ModelNotFound.code
    missing = capsys.readouterr().err
    assert "vec256l9" in missing
    assert "hubert_base.pt" in missing
    assert not (home / "out.flac").exists()

    import_content(home)
    assert run(ask) == 0
    info = probe(home / "out.flac")
    assert (info.sample_rate, info.channels, info.frames) == (48_000, 2, 3 * 48_000)
    sound = read(home / "out.flac").samples
    assert np.abs(sound).max() > 1e-3
    assert not np.abs(sound[:, round(1.45 * 48_000) : round(1.7 * 48_000)]).max() > 1e-4
    capsys.readouterr()
    assert run(["verify", str(home / "out.flac"), "-q"]) == 0
    assert "voice ana" in capsys.readouterr().out

    assert run(["voice", "show", "ana", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["weights"] == "RVC v1, 40 kHz, with pitch"
    assert run(["voice", "train", "ana", str(home / "person.wav"), "-q"]) == InvalidOption.code
    assert "another program" in capsys.readouterr().err
    assert run([*ask, "--formant", "2"]) == InvalidOption.code

    exported = home / "exported"
    assert run(["voice", "export", "ana", str(exported)]) == 0
    assert run(["voice", "import", str(exported), "--name", "ben"]) == 0
    assert run([*ask[:3], "ben", *ask[4:]]) == 0
    assert run(["voice", "consent", "ana", "--revoke"]) == 0
    assert run(ask) == ConsentRevoked.code


@pytest.mark.slow
def test_a_consent_for_the_recordings_alone_does_not_open_the_weights(home: Path) -> None:
    import_rvc(home)
    import_content(home)
    write(home / "person.wav", hum(5.0, 180.0, seed=2))
    plain = ["voice", "add", "plain", str(home / "person.wav"), "--person", "Ana", "--licence", "CC0-1.0"]
    assert run([*plain, "--source", "arithmetic"]) == 0
    record = VoiceStore.load().get("plain").folder / "consent.json"
    assert add(home, "--consent", str(record)) == ConsentMissing.code
    assert "ana" not in VoiceStore.load().names()
    assert add(home) == 0
    store = VoiceStore.load()
    (store.get("ana").folder / "consent.json").write_bytes(record.read_bytes())  # by hand, round the command
    write(home / "in.wav", hum(2.0))
    ask = ["convert", str(home / "in.wav"), "--voice", "ana", "-o", str(home / "out.wav"), "-q"]
    assert run(ask) == ConsentMissing.code
    own = store.get("ana").folder / "decoder" / "config.json"
    stated = json.loads(own.read_text())
    del stated["voice"]
    own.write_text(json.dumps(stated))
    assert run(ask) == ConsentMissing.code
    assert run(
        [*ask[:3], str(home / "person.wav"), *ask[4:], "--model", "ana-rvc", "--licence", "x", "--source", "y"]
    ) == (CardError.code)


@pytest.mark.slow
def test_one_of_several_speakers_is_chosen(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_so_vits(home / "so", *so_vits(256))
    ask = ["models", "import", str(path), "--name", "ana-rvc", "--licence", "own", "--quiet"]
    assert run(ask) == 0
    assert "so-vits-svc 4, 2 speaker(s)" in capsys.readouterr().out
    terms = ("--licence", "CC0-1.0", "--source", "arithmetic")
    assert add(home, *terms) == InvalidOption.code
    assert "ana, ben" in capsys.readouterr().err
    assert add(home, *terms, "--speaker", "eve") == InvalidOption.code
    assert add(home, *terms, "--speaker", "ben") == 0
    stated = json.loads((VoiceStore.load().get("ana").folder / "decoder" / "config.json").read_text())
    assert stated["speaker"] == 2
    import_content(home)
    write(home / "in.wav", hum(2.0))
    assert run(["convert", str(home / "in.wav"), "--voice", "ana", "-o", str(home / "out.wav"), "-q"]) == 0
    assert probe(home / "out.wav").frames == 2 * 44_100


def test_what_is_no_voice_is_refused_in_words(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "added_IVF256_Flat_nprobe_1_ana_v2.index").write_bytes(b"IwFl" + bytes(100))
    ask = ["models", "import", str(home / "added_IVF256_Flat_nprobe_1_ana_v2.index"), "--name", "a", "--licence", "x"]
    assert run(ask) == UnsupportedFormat.code
    assert "index of a voice's sounds" in capsys.readouterr().err
    checkpoint = rvc("v2")
    checkpoint["version"] = "v1"
    torch.save(checkpoint, home / "ana.pth")
    assert run(["models", "import", str(home / "ana.pth"), "--name", "a", "--licence", "x"]) == CheckpointError.code
    assert "content has 256 dimensions, but its own has 768" in capsys.readouterr().err
    torch.save(rvc(), home / "ana.pth")
    assert run(["models", "import", str(home / "ana.pth")]) == InvalidOption.code
    assert "--name, --licence" in capsys.readouterr().err
    named = ["models", "import", str(home / "ana.pth"), "--name", "a", "--licence", "x"]
    assert run([*named, "--sample-rate", "48000"]) == InvalidOption.code
    assert "--sample-rate is 48000, but ana.pth is RVC v2, 40 kHz, with pitch: 40000" in capsys.readouterr().err
    assert run([*named, "--architecture", "hubert"]) == InvalidOption.code
    torch.save({"w": torch.ones(1)}, home / "ana.pth")
    assert run([*named, "--architecture", "vits-voice"]) == InvalidOption.code
    assert not (home / "cache" / "a").exists()
    assert run(["voice", "add", "a", "b.wav", "--person", "x", "--speaker", "y"]) == InvalidOption.code
