"""Where a remix meets the converter and the model that continues songs: with real nets that were never trained."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from continuation_songs import song, untrained
from nobody import subject_of, untrained_converter, voice_of_nobody

from descant.audio.io import read, write
from descant.audio.loudness import integrated_lufs
from descant.audio.provenance import read_provenance
from descant.compose.continuation.api import Continuer
from descant.convert.api import Converter
from descant.convert.consent import Terms, give_consent
from descant.convert.options import ConvertOptions
from descant.convert.signing import Authority
from descant.convert.store import Origin, VoiceStore
from descant.errors import ConsentMissing, ConsentRevoked, InvalidOption, NothingHeard, VoiceNotFound
from descant.mix.options import MixOptions
from descant.pipelines.records import read_record, write_record
from descant.pipelines.remix.band import MELODY, PIECE, PLAYED, Piece
from descant.pipelines.remix.going_on import OnOptions, compose_on
from descant.pipelines.remix.listening import SCORE, VOICE, VoiceHeard
from descant.pipelines.remix.mixing import MixingOptions, mix_old_band
from descant.pipelines.remix.singing import SUNG, Sung, convert, voice_files
from descant.progress import Monitor
from descant.score.notes import Score
from humming import hum


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[VoiceStore]:
    monkeypatch.setenv("DESCANT_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("DESCANT_DATA", str(tmp_path / "data"))
    voice, store = voice_of_nobody(), VoiceStore.load()
    subject = subject_of(voice)
    store.add("nobody", voice, Origin(subject.person, subject.audio_sha256))
    store.add("stranger", voice_of_nobody(1), Origin("Someone", "cd" * 32))
    store.set_consent("nobody", give_consent(Authority.load(), subject, Terms("synthetic", source="random numbers")))
    return store


def test_only_a_voice_with_a_consent_in_force_gets_into_the_graph(store: VoiceStore) -> None:
    assert {"voice.toml", "voice.safetensors", "consent.json"} == set(voice_files("nobody"))
    with pytest.raises(ConsentMissing):
        voice_files("stranger")
    with pytest.raises(VoiceNotFound):
        voice_files("somebody")
    consent = store.get("nobody").consent
    assert consent is not None
    Authority.load().revoke(consent.number, datetime.now(UTC))
    with pytest.raises(ConsentRevoked):
        voice_files("nobody")


def test_a_recording_is_no_voice_of_the_store(
    store: VoiceStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("ana.wav", "nobody"):
        (tmp_path / name).write_bytes(b"x")
    with pytest.raises(InvalidOption, match="recording"):
        voice_files("ana.wav")
    assert voice_files("nobody")


def test_the_voice_is_converted_as_loud_as_it_was_and_the_mix_says_so(
    store: VoiceStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Converter, "load", classmethod(lambda cls, name: untrained_converter()))
    voice = hum(3.0, channels=2)
    separated, listened = tmp_path / "separate", tmp_path / "listen"
    write(separated / "vocals.wav", voice, subtype="FLOAT")
    write(separated / "accompaniment.wav", voice, subtype="FLOAT")
    listened.mkdir()
    write_record(listened / VOICE, VoiceHeard(3.0, 1.0, 0.0))
    inputs = {"separate": separated, "listen": listened, **voice_files("nobody")}
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        convert(inputs, ConvertOptions(), tmp_path / name, Monitor())
    sung = read(tmp_path / "first/vocals.wav")
    assert sung.samples.shape == voice.samples.shape
    assert integrated_lufs(sung) == pytest.approx(integrated_lufs(voice), abs=0.1)
    assert (tmp_path / "first/vocals.wav").read_bytes() == (tmp_path / "second/vocals.wav").read_bytes()
    assert read_record(tmp_path / "first" / SUNG, Sung).voice == "nobody"
    mix_old_band(
        {"separate": separated, "convert": tmp_path / "first"}, MixingOptions(-16.0, MixOptions()), tmp_path / "mix",
        Monitor(),
    )  # fmt: skip
    for file in ("mix.flac", "stems/vocals.flac"):
        said = read_provenance(tmp_path / "mix" / file)
        assert said is not None
        assert (said.voice, said.model) == ("nobody", "untrained")
    assert read_provenance(tmp_path / "mix/stems/accompaniment.flac") is None


def test_without_a_singer_nothing_is_converted(store: VoiceStore, tmp_path: Path) -> None:
    write_record(tmp_path / VOICE, VoiceHeard(0.5, 0.1, -20.0))
    with pytest.raises(NothingHeard, match="No singer"):
        convert({"listen": tmp_path, **voice_files("nobody")}, ConvertOptions(), tmp_path / "out", Monitor())


def test_the_band_plays_on_from_the_next_bar_line_with_new_notes_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    continuer = Continuer.from_model(untrained(), 128)
    monkeypatch.setattr(Continuer, "load", classmethod(lambda cls, name, **_: continuer))
    before = song()
    heard, out = tmp_path / "transcribe", tmp_path / "out"
    for place in (heard, out):
        place.mkdir()
    write_record(heard / SCORE, before)
    compose_on({"transcribe": heard}, OnOptions(6, 3), out, Monitor())
    whole, played = read_record(out / SCORE, Score), read_record(out / PLAYED, Score)
    bar = 4.0 * np.ceil(max(t.end for t in before.tracks) / 4.0 - 1e-9)
    assert all(note.start >= bar - 1e-6 for track in played.tracks for note in track.notes)
    assert MELODY not in [track.name for track in played.tracks]
    assert sum(len(t.notes) for t in played.tracks) == sum(
        note.start >= bar - 1e-6 for track in whole.tracks for note in track.notes
    )
    assert played.tempo == whole.tempo
    assert read_record(out / PIECE, Piece) == Piece("descant-continuation", 3, (), 6)
