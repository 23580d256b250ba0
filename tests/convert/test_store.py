from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from nobody import voice_of_nobody

from descant.audio.clip import Clip
from descant.audio.io import write
from descant.convert.consent import Terms, give_consent
from descant.convert.signing import Authority
from descant.convert.spoken import Phrase
from descant.convert.store import Origin, StoredVoice, VoiceStore, read_reference, subject_of
from descant.convert.voice import Voice
from descant.errors import ConsentInvalid, ConsentMissing, InputNotFound, InvalidOption, OutputError, VoiceNotFound
from humming import hum

ORIGIN = Origin('Ana "la Voz" \u00d1 \U0001f3a4\x7f', "cd" * 32, "CC BY 4.0", "https://example.org/a\nb", 2)


@pytest.fixture
def store(home: Path) -> VoiceStore:
    return VoiceStore.load()


@pytest.fixture
def ana(store: VoiceStore, voice: Voice) -> StoredVoice:
    return store.add("Ana 2", voice, ORIGIN)


def test_a_voice_comes_back_as_it_was(ana: StoredVoice, store: VoiceStore, voice: Voice) -> None:
    back = store.get("Ana 2")
    assert np.array_equal(back.voice.speaker, voice.speaker)
    assert np.array_equal(back.voice.pool, voice.pool)
    facts = ("middle", "low", "high", "is_sung")
    assert [getattr(back.voice, name) for name in facts] == [getattr(voice, name) for name in facts]
    assert back.origin == ORIGIN
    assert back.consent is None
    assert back.decoder is None
    assert store.names() == ("Ana 2",)
    assert sorted(p.name for p in store.folder.iterdir()) == ["Ana 2"]


def test_without_consent_there_is_no_permit(ana: StoredVoice) -> None:
    with pytest.raises(ConsentMissing, match="Ana 2"):
        ana.permit()


def test_with_consent_there_is_one(ana: StoredVoice, store: VoiceStore, authority: Authority) -> None:
    record = give_consent(authority, ana.subject, Terms("licence", licence="CC0", source="here"))
    store.set_phrase("Ana 2", Phrase.new())
    store.set_consent("Ana 2", record)
    back = store.get("Ana 2")
    back.permit().require(back.voice)
    assert back.consent == record
    with pytest.raises(ConsentMissing, match="No phrase"):
        store.phrase("Ana 2")


def test_a_phrase_waits(ana: StoredVoice, store: VoiceStore) -> None:
    store.set_phrase("Ana 2", Phrase.new())
    newest = Phrase.new()
    store.set_phrase("Ana 2", newest)
    assert store.phrase("Ana 2").words == newest.words


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../x", ".hidden", "-x", "a\0b", "a:b", "x ", "CON\n"])
def test_names_that_are_none(name: str, store: VoiceStore, voice: Voice) -> None:
    for work in (lambda: store.add(name, voice, ORIGIN), lambda: store.get(name), lambda: store.delete(name)):
        with pytest.raises(InvalidOption):
            work()
    assert not store.folder.exists() or not list(store.folder.iterdir())


def test_a_name_is_taken_once(ana: StoredVoice, store: VoiceStore) -> None:
    with pytest.raises(InvalidOption, match="already"):
        store.add("Ana 2", voice_of_nobody(3), ORIGIN)
    assert np.array_equal(store.get("Ana 2").voice.speaker, ana.voice.speaker)


def test_what_is_not_there(store: VoiceStore, tmp_path: Path) -> None:
    for work in (store.get, store.delete, store.phrase, lambda n: store.export(n, tmp_path / "x")):
        with pytest.raises(VoiceNotFound, match="no voice named Bo"):
            work("Bo")
    assert store.names() == ()


@pytest.mark.parametrize("file", ["voice.toml", "voice.safetensors"])
@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"format = 99\n", b"x" * 1000])
def test_damaged_voices(file: str, content: bytes, ana: StoredVoice, store: VoiceStore) -> None:
    (ana.folder / file).write_bytes(content)
    with pytest.raises(VoiceNotFound, match="damaged"):
        store.get("Ana 2")
    store.delete("Ana 2")
    assert store.names() == ()


def test_numbers_that_make_no_voice(store: VoiceStore, voice: Voice) -> None:
    broken = Voice(np.full(256, np.nan, np.float32), voice.pool, 57.0, 50.0, 64.0, is_sung=True)
    with pytest.raises(VoiceNotFound, match="damaged"):
        store.add("broken", broken, ORIGIN)


def test_a_damaged_consent(ana: StoredVoice, store: VoiceStore) -> None:
    (ana.folder / "consent.json").write_text("{")
    with pytest.raises(ConsentInvalid):
        store.get("Ana 2")


def test_to_another_machine(
    ana: StoredVoice, store: VoiceStore, authority: Authority, tmp_path: Path, voice: Voice
) -> None:
    store.set_consent("Ana 2", give_consent(authority, ana.subject, Terms("synthetic", source="numbers")))
    store.set_phrase("Ana 2", Phrase.new())
    out = store.export("Ana 2", tmp_path / "stick" / "ana")
    assert sorted(p.name for p in out.iterdir()) == ["consent.json", "voice.safetensors", "voice.toml"]
    there = VoiceStore(tmp_path / "there")
    stranger = Authority(tmp_path / "other config")
    back = there.bring(out)
    assert back.name == "ana"
    with pytest.raises(ConsentInvalid, match="not trusted"):
        back.permit(stranger).require(back.voice)
    stranger.folder.mkdir(exist_ok=True)
    (stranger.folder / "trusted.txt").write_text(authority.public_key)
    back.permit(stranger).require(back.voice)
    with pytest.raises(InvalidOption, match="already"):
        there.bring(out)
    with pytest.raises(InvalidOption, match="already"):
        store.export("Ana 2", out)


def test_what_is_no_export(store: VoiceStore, tmp_path: Path) -> None:
    (tmp_path / "junk").mkdir()
    with pytest.raises(VoiceNotFound):
        store.bring(tmp_path / "junk")
    assert not store.folder.exists() or not list(store.folder.iterdir())


def test_weights_of_its_own(store: VoiceStore, voice: Voice, tmp_path: Path) -> None:
    weights = tmp_path / "weights"
    weights.mkdir()
    (weights / "config.json").write_text("{}")
    assert store.add("trained", voice, ORIGIN, decoder=weights).decoder == store.folder / "trained" / "decoder"
    with pytest.raises((OutputError, InvalidOption, VoiceNotFound)):
        store.add("lost", voice, ORIGIN, decoder=tmp_path / "nowhere")
    assert store.names() == ("trained",)
    assert sorted(p.name for p in store.folder.iterdir()) == ["trained"]


def test_references_are_joined_and_their_digest_is_that_of_the_files(tmp_path: Path) -> None:
    one = write(tmp_path / "one.wav", hum(1.0, rate=16_000))
    two = write(tmp_path / "two.flac", hum(0.5, rate=48_000, channels=2))
    clip, digest = read_reference([one, two])
    assert (clip.frames, clip.channels, clip.sample_rate) == (66_150, 1, 44_100)
    _, single = read_reference([one])
    assert single == hashlib.sha256(one.read_bytes()).hexdigest()
    assert digest not in {single, hashlib.sha256(two.read_bytes()).hexdigest()}


def test_references_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(InvalidOption):
        read_reference([])
    with pytest.raises(InputNotFound):
        read_reference([tmp_path / "no.wav"])


def test_at_most_ten_minutes_are_read(tmp_path: Path) -> None:
    long = write(tmp_path / "long.wav", Clip(np.zeros((1, 8_000 * 500), np.float32) + 0.1, 8_000), subtype="PCM_16")
    assert read_reference([long, long])[0].duration_s == 600.0


@pytest.mark.parametrize("name", ["robin", "yuki"])
def test_voices_that_come_with_descant_have_a_consent_that_holds(home: Path, name: str) -> None:
    store = VoiceStore.load()
    assert name in store.known()
    assert name not in store.names()
    stored = store.get(name)
    assert stored.consent is not None
    assert stored.consent.terms.kind == "licence"
    assert stored.origin.licence
    stored.permit().require(stored.voice)
    assert store.get(name).consent == stored.consent  # one record, whenever it is asked for
    assert 40 < stored.voice.low <= stored.voice.middle <= stored.voice.high < 80
    assert abs(float(np.linalg.norm(stored.voice.speaker)) - 1) < 1e-3
    store.delete(name)
    assert name not in store.names()


def test_what_a_voice_was_trained_from_goes_with_it(ana: StoredVoice, store: VoiceStore) -> None:
    run = store.training("Ana 2")
    (run / "checkpoint").mkdir(parents=True)
    (run / "pieces.npz").write_bytes(b"what Ana said")
    store.delete("Ana 2")
    assert not run.exists()


def test_a_folder_of_recordings_is_its_files_in_order(tmp_path: Path) -> None:
    files = [write(tmp_path / "clips" / f"{name}.wav", hum(1.0, base_hz)) for name, base_hz in (("b", 220), ("a", 330))]
    (tmp_path / "clips/notes.txt").write_text("no recording")
    clip, digest = read_reference([tmp_path / "clips"])
    same, expected = read_reference(files[::-1])
    assert digest == expected
    assert np.array_equal(clip.samples, same.samples)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidOption, match="no recordings"):
        read_reference([tmp_path / "empty"])


def test_a_folder_that_is_not_there_is_not_made(store: VoiceStore, tmp_path: Path) -> None:
    with pytest.raises(InputNotFound, match="no folder"):
        store.bring(tmp_path / "stick/yuki")
    assert not (tmp_path / "stick").exists()


@pytest.mark.parametrize("name", ["x" * 201, "é" * 101, "x" * 5000])
def test_names_that_are_too_long_for_a_folder(name: str, store: VoiceStore) -> None:
    for refused in (store.get, store.require_free, store.delete):
        with pytest.raises(InvalidOption):
            refused(name)


@pytest.mark.parametrize("text", ["P\udcff", "\ud800"])
def test_bytes_that_are_no_text_leave_nothing_half_written(text: str, store: VoiceStore, voice: Voice) -> None:
    with pytest.raises(InvalidOption):
        Origin(text, "ab" * 32)
    with pytest.raises(InvalidOption):
        Terms("synthetic", source=text)
    with pytest.raises(InvalidOption):
        subject_of(text, voice, Origin("Ana", "ab" * 32))
    assert store.names() == ()


@pytest.mark.parametrize("line", ["layer = inf", "layer = nan", "x = " + "[" * 5000, "person = 5", "format = []"])
def test_hostile_descriptions(line: str, ana: StoredVoice, store: VoiceStore) -> None:
    text = (ana.folder / "voice.toml").read_text(encoding="utf-8")
    key = line.split(" = ")[0]
    kept = [old for old in text.splitlines() if not old.startswith(f"{key} ")]
    (ana.folder / "voice.toml").write_text("\n".join([*kept, line]), encoding="utf-8")
    with pytest.raises(VoiceNotFound):
        store.get(ana.name)


def test_a_voice_is_never_there_without_the_consent_it_comes_with(
    store: VoiceStore, voice: Voice, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin = Origin("Ana", "ab" * 32)
    consent = give_consent(authority, subject_of("ana", voice, origin), Terms("synthetic", source="test"))

    def broken(*_: object, **__: object) -> None:
        raise AssertionError("nothing may be left to do when the voice is there")

    monkeypatch.setattr(VoiceStore, "set_consent", broken)
    stored = store.add("ana", voice, origin, consent=consent)
    assert stored.consent == consent
    stored.permit(authority).require(voice)
