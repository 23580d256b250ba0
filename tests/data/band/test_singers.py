"""Recorded singers, from banks and word lists made here in the layout of the real ones."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from descant.data.band.formants import SyntheticSinger
from descant.data.band.singers import BankSinger, LexiconSinger, find_singers
from descant.data.band.units import Asked
from descant.data.band.vocoder import HOP_S, SAMPLE_RATE, synthesise
from descant.errors import InputNotFound

VOICE = SyntheticSinger(5)
WORDS = ["sun", "moon", "water", "garden", "paper", "river", "yellow", "home", "stone", "music", *(
    f"{c}{v}" for c in ("b", "d", "g", "k", "m", "n", "p", "t") for v in ("ay", "ee", "oo", "ow")
)]  # fmt: skip


def spoken(syllables: list[str], hz: float) -> np.ndarray:
    rng = np.random.default_rng(0)
    parts = [np.zeros(4_000, np.float32)]
    for syllable in syllables:
        unit = VOICE.unit(Asked(syllable, syllable, 0, "ja"), rng)
        parts.append(0.05 * synthesise(unit.envelopes, np.full(unit.envelopes.frames, hz), rng))
    return np.concatenate([*parts, np.zeros(4_000, np.float32)])


@pytest.fixture(scope="module")
def voices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("voices")
    bank = root / "singing" / "kana"
    bank.mkdir(parents=True)
    lines = []
    for alias, syllable in (("- か", "ka"), ("a", "a"), ("- し", "si"), ("e", "e"), ("u", "u"), ("o", "o"), ("i", "i")):
        sound = spoken([syllable], 220.0)
        soundfile.write(bank / f"{syllable}.wav", sound, SAMPLE_RATE)
        lines.append(f"{syllable}.wav={alias},90,100,-{round(1000 * len(sound) / SAMPLE_RATE) - 100},60,20")
    (bank / "oto.ini").write_text("\n".join([*lines, "gone.wav=ta,0,1,-5,1,1", "nonsense"]), encoding="utf-8")
    (bank / "voice.json").write_text(json.dumps({"name": "Kana, DB 1", "f0_median_hz": 220.0, "licence": "CC0"}))
    speech = root / "speech"
    speech.mkdir()
    rows, sounds, at = ["language,start_s,end_s,category,text,speaker,licence"], [], 0.0
    for word in WORDS:
        sound = spoken(["ka", "ma"] if word in ("water", "garden") else ["ma"], 180.0)
        rows.append(f"en,{at:.4f},{at + len(sound) / SAMPLE_RATE:.4f},words,{word},Somebody,CC0")
        sounds.append(sound)
        at += len(sound) / SAMPLE_RATE
    rows.append(f"en,{at:.4f},{at + 0.5:.4f},words,silence,Somebody,CC0")
    sounds.append(np.zeros(SAMPLE_RATE, np.float32))
    import soxr

    soundfile.write(speech / "en.opus", soxr.resample(np.concatenate(sounds), SAMPLE_RATE, 16_000), 16_000,
                    format="OGG", subtype="OPUS")  # fmt: skip
    (speech / "index.csv").write_text("\n".join(rows), encoding="utf-8")
    return root


def test_banks_and_speakers_are_found_by_what_their_folders_hold(voices: Path) -> None:
    found = find_singers(voices)
    assert [(s.name, s.kind) for s in found] == [("Kana", "bank"), ("en/Somebody", "lexicon")]
    assert found[0].licence == "CC0"
    assert found[0].vocabulary() == ()
    assert len(found[1].vocabulary()) == len(WORDS) + 1


def test_a_recorded_syllable_is_itself_with_its_vowel_marked(voices: Path) -> None:
    singer = BankSinger("Kana", [voices / "singing" / "kana"])
    rng = np.random.default_rng(0)
    unit = singer.unit(Asked("ka", "ka", 0, "ja"), rng)
    assert 0 < unit.vowel * HOP_S < 0.12
    assert unit.envelopes.voiced[unit.vowel + 10 : unit.vowel + 40].mean() > 0.95
    missing = singer.unit(Asked("ta", "ta", 0, "ja"), rng)  # its file is gone: the bare vowel
    assert missing.envelopes.frames > 40
    assert singer.pronounces("ja") == "native"
    assert singer.pronounces("de") == "approximate"


def test_a_recorded_word_falls_into_its_syllables(voices: Path) -> None:
    singer = find_singers(voices)[1]
    assert isinstance(singer, LexiconSinger)
    words = {w.text: w for w in singer.vocabulary()}
    assert words["water"].syllables == ("wa", "ter")
    rng = np.random.default_rng(0)
    first, second = (singer.unit(Asked(s, "water", i, "en"), rng) for i, s in enumerate(words["water"].syllables))
    for unit in (first, second):
        assert unit.vowel < unit.coda <= unit.envelopes.frames
        assert 0.15 < unit.envelopes.frames * HOP_S < 0.8
    assert singer.can_sing(words["sun"])
    assert not singer.can_sing(words["silence"])


def test_folders_without_voices_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputNotFound, match="no voice"):
        find_singers(tmp_path)
    with pytest.raises(InputNotFound, match="not a folder"):
        find_singers(tmp_path / "gone")
