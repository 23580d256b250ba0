"""`descant voice` and `descant verify` from end to end, with a hum as the voice."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from descant.audio.clip import Clip
from descant.audio.io import write
from descant.audio.provenance import Provenance
from descant.cli.app import run
from descant.convert.renders import Render, log, log_path
from descant.convert.store import VoiceStore
from descant.dsp.watermark import marked
from descant.errors import (
    ConsentInvalid,
    ConsentMissing,
    ConsentRefused,
    ConsentRevoked,
    InputNotFound,
    InvalidAudio,
    InvalidOption,
    VoiceNotFound,
)
from humming import hum


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DESCANT_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("DESCANT_DATA", str(tmp_path / "data"))
    return tmp_path


@pytest.fixture
def recording(home: Path) -> Path:
    return write(home / "hum.wav", hum(8.0))


def add(recording: Path, *more: str) -> int:
    return run(["voice", "add", "ana", str(recording), "--person", "Ana", *more])


@pytest.mark.weights
def test_from_recording_to_consent(
    recording: Path, home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert add(recording) == 0
    assert "once Ana consents" in capsys.readouterr().out
    with pytest.raises(ConsentMissing):
        VoiceStore.load().get("ana").permit()
    assert run(["voice", "consent", "ana", "--recording", str(recording)]) == ConsentMissing.code
    assert run(["voice", "consent", "ana"]) == 0
    phrase = VoiceStore.load().phrase("ana").words
    assert phrase in capsys.readouterr().out

    monkeypatch.setattr("descant.cli.voice.whisper", lambda: lambda _: "something else")
    assert run(["voice", "consent", "ana", "--recording", str(recording)]) == ConsentRefused.code
    monkeypatch.setattr("descant.cli.voice.whisper", lambda: lambda _: phrase)
    rng = np.random.default_rng(0)
    hiss = write(home / "hiss.wav", Clip(rng.normal(0, 0.1, (1, 60_000)).astype(np.float32), 16_000))
    assert run(["voice", "consent", "ana", "--recording", str(hiss)]) == ConsentRefused.code
    assert "speaker" in capsys.readouterr().err
    assert run(["voice", "consent", "ana", "--recording", str(recording), "--days", "30"]) == 0
    stored = VoiceStore.load().get("ana")
    stored.permit().require(stored.voice)
    assert stored.consent is not None
    assert stored.consent.terms.kind == "spoken"
    assert stored.consent.evidence.phrase == phrase

    assert run(["voice", "consent", "ana", "--revoke"]) == 0
    with pytest.raises(ConsentRevoked):
        stored.permit().require(stored.voice)
    assert run(["voice", "list"]) == 0
    assert "taken back" in capsys.readouterr().out


@pytest.mark.weights
def test_open_licences_travel_and_go(recording: Path, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert add(recording, "--licence", "CC0", "--source", "a hum") == 0
    assert add(recording) == InvalidOption.code
    assert run(["voice", "export", "ana", str(home / "stick")]) == 0
    assert run(["voice", "import", str(home / "stick"), "--name", "bea"]) == 0
    capsys.readouterr()
    assert run(["voice", "list", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in rows] == ["ana", "bea", "robin", "yuki"]
    assert [row["person"] for row in rows[:2]] == ["Ana", "Ana"]
    assert all(row["standing"].startswith("licence, until") for row in rows)
    record = VoiceStore.load().get("ana").folder / "consent.json"
    assert run(["voice", "add", "cid", str(recording), "--person", "Ana", "--consent", str(record)]) == 0
    other = write(home / "other.wav", hum(8.0, 330.0))
    assert run(["voice", "add", "dan", str(other), "--person", "Ana", "--consent", str(record)]) == ConsentMissing.code
    record.write_text(record.read_text().replace("CC0", "CC1"))
    assert (
        run(["voice", "add", "eve", str(recording), "--person", "E", "--consent", str(record)]) == ConsentInvalid.code
    )
    assert run(["voice", "show", "ana"]) == 0
    assert "signature does not fit" in capsys.readouterr().out
    assert run(["voice", "delete", "ana"]) == 0
    assert VoiceStore.load().names() == ("bea", "cid", "robin", "yuki")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["show", "nobody"], VoiceNotFound.code),
        (["delete", "nobody"], VoiceNotFound.code),
        (["export", "nobody", "x"], VoiceNotFound.code),
        (["import", "nowhere"], InputNotFound.code),
        (["consent", "nobody"], VoiceNotFound.code),
        (["show", "../x"], InvalidOption.code),
        (["add", "x", "missing.wav", "--person", "P"], InputNotFound.code),
        (["add", "x", "missing.wav", "--person", "P", "--licence", "CC0"], InvalidOption.code),
        (["add", "x", "missing.wav", "--person", "P", "--licence", "CC0", "--synthetic"], InvalidOption.code),
        (["add", "x", "missing.wav", "--person", "P", "--consent", "none.json"], InputNotFound.code),
    ],
)
def test_mistakes(
    arguments: list[str], code: int, home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home)
    assert run(["voice", *arguments]) == code
    said = capsys.readouterr().err
    assert "Traceback" not in said
    assert len(said.splitlines()) == 2
    assert not (home / "data").exists()


@pytest.mark.weights
def test_references_that_are_too_short(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    short = write(home / "short.wav", hum(1.0))
    assert run(["voice", "add", "x", str(short), "--person", "P"]) == InvalidAudio.code
    assert VoiceStore.load().names() == ()


def test_verify(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stated = Provenance("Descant 0.1.0", "some-model", "ana", "12ab", "c0ffee42")
    path = write(home / "sung.flac", marked(hum(4.0, rate=44_100), 0xC0FFEE42), comment=stated.to_comment())
    plain = write(home / "plain.flac", hum(4.0, rate=44_100))
    log(Render("2026-11-21T12:00:00+00:00", "some-model", "ana", "12ab", "c0ffee42"), log_path())
    assert run(["verify", str(path), str(plain), "--quiet"]) == 0
    said = capsys.readouterr().out
    assert "marked by Descant, c0ffee42" in said
    assert "made here on 2026-11-21T12:00:00 UTC with some-model: voice ana, consent 12ab" in said
    assert f"{plain}: no mark is found" in said
    assert run(["verify", str(path), "--quiet", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["marked"], facts["mark"], facts["provenance"]["voice"]) == (True, "c0ffee42", "ana")
    assert len(facts["renders"]) == 1


def test_verify_says_when_file_and_sound_differ(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stated = Provenance("Descant 0.1.0", "m", "v\x1b[31m", "12ab", "00000001")
    path = write(home / "sung.wav", marked(hum(4.0, rate=44_100), 2), comment=stated.to_comment())
    assert run(["verify", str(path), "--quiet"]) == 0
    said = capsys.readouterr().out
    assert "this is not the mark in the sound" in said
    assert "\x1b" not in said


def test_verify_asks_perth_when_told_to(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(home / "plain.flac", hum(4.0, rate=44_100))
    for score, said in ((0.97, "takes it for marked with Perth (score 0.97"), (0.2, "finds no mark of Perth")):
        monkeypatch.setattr("descant.mark.perth._heard", lambda block, score=score: (score, float(block.frames)))
        assert run(["verify", str(path), "--quiet", "--perth"]) == 0
        assert said in capsys.readouterr().out
        assert run(["verify", str(path), "--quiet", "--perth", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["perth"] == {"marked": score > 0.5, "score": score}
    monkeypatch.setattr("descant.mark.perth._heard", None)  # 34 MB are not fetched unasked
    assert run(["verify", str(path), "--quiet", "--json"]) == 0
    assert "perth" not in json.loads(capsys.readouterr().out)


def test_verify_refuses_what_is_no_audio(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["verify", str(home / "no.wav"), "--quiet"]) == InputNotFound.code
