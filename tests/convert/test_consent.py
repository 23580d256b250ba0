from __future__ import annotations

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from nobody import subject_of, voice_of_nobody
from hypothesis import given
from hypothesis import strategies as st

from descant.audio.clip import Clip
from descant.convert.consent import SAME_SPEAKER, Consent, Evidence, Permit, Terms, give_consent
from descant.convert.signing import Authority
from descant.convert.spoken import FRESH, WORDS, Phrase, check_recording, share_heard
from descant.convert.voice import Voice
from descant.errors import (
    ConsentExpired,
    ConsentInvalid,
    ConsentMissing,
    ConsentRefused,
    InvalidOption,
    PermissionRefused,
)

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def test_the_key_is_made_once_and_for_its_owner_alone(authority: Authority) -> None:
    key = authority.public_key
    path = authority.folder / "consent.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert Authority.load().public_key == key
    assert [p.name for p in authority.folder.iterdir()] == ["consent.key"]


def test_many_that_make_a_key_at_once_agree(authority: Authority) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = list(pool.map(lambda _: Authority(authority.folder).public_key, range(16)))
    assert len(set(keys)) == 1


@pytest.mark.parametrize(
    "content", [b"", b"not a key", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"]
)
def test_a_damaged_key(authority: Authority, content: bytes) -> None:
    authority.folder.mkdir(parents=True)
    (authority.folder / "consent.key").write_bytes(content)
    with pytest.raises(ConsentInvalid, match="no Ed25519 key"):
        _ = authority.public_key


def test_a_key_is_not_made_where_nothing_may_be_written(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "refused")

    monkeypatch.setattr("os.open", refuse)
    with pytest.raises(PermissionRefused):
        _ = authority.public_key


@given(data=st.data())
def test_each_changed_value_is_noticed(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    from nobody import voice_of_nobody

    authority = Authority(tmp_path_factory.mktemp("config"))
    voice = voice_of_nobody()
    record = give_consent(authority, subject_of(voice), Terms("synthetic", source="numbers", days=9))
    facts = json.loads(record.to_json())
    part, key = data.draw(
        st.sampled_from(
            [(facts, k) for k in ("number", "given", "expires", "public_key", "signature")]
            + [(facts["subject"], k) for k in facts["subject"]]
            + [(facts["terms"], k) for k in ("kind", "days", "licence", "source")]
            + [(facts["evidence"], k) for k in facts["evidence"]]
        )
    )
    part[key] = data.draw(st.sampled_from(["", "x", "own", "2099-01-01T00:00:00+00:00", 3, None, [], "ab" * 32]))
    text = json.dumps(facts)
    if json.loads(record.to_json()) == facts:
        return
    with pytest.raises((ConsentInvalid, ConsentMissing)):
        Permit(Consent.from_json(text), authority).require(voice)


@pytest.mark.parametrize(
    "text", ["", "[]", "null", '"x"', "{}", '{"format": "descant consent 1"}', '{"format": "other"}', "[" * 100_000]
)
def test_what_is_no_record(text: str) -> None:
    with pytest.raises(ConsentInvalid):
        Consent.from_json(text)


def test_it_ends_when_it_says(authority: Authority, voice: Voice) -> None:
    record = give_consent(authority, subject_of(voice), Terms("synthetic", source="numbers", days=10), now=NOW)
    permit = Permit(record, authority)
    permit.require(voice, now=NOW + timedelta(days=10, seconds=-1))
    with pytest.raises(ConsentExpired, match="2026-12-01"):
        permit.require(voice, now=NOW + timedelta(days=10))


def test_scope(authority: Authority, voice: Voice) -> None:
    record = give_consent(authority, subject_of(voice), Terms("synthetic", scope=("convert",), source="numbers"))
    Permit(record, authority).require(voice)
    with pytest.raises(ConsentMissing, match="train"):
        Permit(record, authority).require(voice, "train")


@pytest.mark.parametrize(
    "facts",
    [
        {"kind": "licence"},
        {"kind": "licence", "licence": "CC0", "source": "  "},
        {"kind": "synthetic"},
        {"kind": "own", "scope": ()},
        {"kind": "own", "days": 0},
    ],
)
def test_terms_that_are_none(facts: dict[str, object]) -> None:
    with pytest.raises(InvalidOption):
        Terms(**facts)


@pytest.mark.parametrize("kind", ["spoken", "own"])
@pytest.mark.parametrize("evidence", [Evidence(), Evidence("words", "words", SAME_SPEAKER - 0.01, "ab")])
def test_nobody_speaks_without_evidence(kind: str, evidence: Evidence, authority: Authority, voice: Voice) -> None:
    with pytest.raises(ConsentMissing):
        give_consent(authority, subject_of(voice), Terms(kind), evidence)


# --- the spoken check ---------------------------------------------------------------------------------------------


class Knows:
    """An embedder that has made up its mind."""

    def __init__(self, vector: np.ndarray) -> None:
        self.vector = vector

    def __call__(self, clip: Clip) -> np.ndarray:
        return self.vector


def at_cosine(speaker: np.ndarray, cosine: float) -> np.ndarray:
    other = np.zeros_like(speaker)
    other[0] = 1.0
    across = other - (other @ speaker) * speaker
    return cosine * speaker + np.sqrt(1 - cosine**2) * across / np.linalg.norm(across)


CLIP = Clip(np.ones((1, 16_000), np.float32), 16_000)
PHRASE = Phrase("apple river seven mirror tiger window orange paper", NOW)


@pytest.mark.parametrize(
    "heard",
    [
        "Apple, river, seven. Mirror tiger window orange paper!",
        "apple river seven mirror Tyger window orange paper",
        "um apple river seven uh mirror tiger window orange",
    ],
)
def test_a_reading_passes(heard: str, voice: Voice) -> None:
    embedder = Knows(at_cosine(voice.speaker, SAME_SPEAKER + 0.01))
    evidence = check_recording(CLIP, PHRASE, voice.speaker, embedder, lambda _: heard, now=NOW + timedelta(minutes=5))
    assert evidence.likeness == pytest.approx(SAME_SPEAKER + 0.01, abs=1e-3)
    assert (evidence.phrase, evidence.heard) == (PHRASE.words, heard)


@pytest.mark.parametrize(
    "heard", ["", "paper orange window tiger mirror seven river apple", "some other words", "apple river seven mirror"]
)
def test_other_words_are_refused(heard: str, voice: Voice) -> None:
    with pytest.raises(ConsentRefused, match="words"):
        check_recording(CLIP, PHRASE, voice.speaker, Knows(voice.speaker), lambda _: heard, now=NOW)


def test_another_speaker_is_refused(voice: Voice) -> None:
    embedder = Knows(at_cosine(voice.speaker, SAME_SPEAKER - 0.01))
    with pytest.raises(ConsentRefused, match="speaker"):
        check_recording(CLIP, PHRASE, voice.speaker, embedder, lambda _: PHRASE.words, now=NOW)


@pytest.mark.parametrize("after", [FRESH + timedelta(seconds=1), timedelta(days=3), timedelta(seconds=-1)])
def test_an_old_phrase_is_refused(after: timedelta, voice: Voice) -> None:
    with pytest.raises(ConsentExpired):
        check_recording(CLIP, PHRASE, voice.speaker, Knows(voice.speaker), lambda _: PHRASE.words, now=NOW + after)


def test_phrases_are_random_and_survive_their_file() -> None:
    phrases = {Phrase.new().words for _ in range(50)}
    assert len(phrases) == 50
    assert all(word in WORDS for words in phrases for word in words.split())
    assert len(set(WORDS)) == len(WORDS) == 143
    assert Phrase.from_json(PHRASE.to_json()) == PHRASE


@pytest.mark.parametrize("text", ["", "[]", '{"words": ""}', '{"words": "a", "shown": "2026-01-01"}', "null"])
def test_what_is_no_phrase(text: str) -> None:
    with pytest.raises(ConsentInvalid):
        Phrase.from_json(text)


def test_share_heard_by_hand() -> None:
    assert share_heard("one two three four", "one two four") == 0.75
    assert share_heard("one two", "two one") == 0.5
    assert share_heard("", "one") == 0.0
