from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from descant.audio.clip import Clip
from descant.audio.io import write
from descant.data.resinging import SAMPLE_RATE, TrueNote, VoiceBank, as_phone_recording, fit_to_voice, resing
from descant.dsp.pitch import hz_to_midi
from descant.errors import InputNotFound

F0_HZ = 220.0


@pytest.fixture
def bank(tmp_path: Path) -> VoiceBank:
    """Two syllables on one pitch: noise, then a vowel that starts at 300 ms."""
    at = np.arange(round(1.2 * SAMPLE_RATE)) / SAMPLE_RATE
    rng = np.random.default_rng(0)
    for name, tilt in (("sa", 1.0), ("so", 1.6)):
        vowel = sum(np.sin(2 * np.pi * k * F0_HZ * at) / k**tilt for k in range(1, 12)) * (at >= 0.3)
        hiss = np.diff(rng.normal(0, 0.1, len(at) + 1)) * ((at > 0.2) & (at < 0.3))
        write(tmp_path / f"{name}.wav", Clip((0.2 * (vowel + hiss)).astype(np.float32), SAMPLE_RATE))
    (tmp_path / "voice.json").write_text(json.dumps({"f0_median_hz": F0_HZ}))
    lines = [
        "sa.wav=sa,180,200,-950,120,50",
        "so.wav=so,180,200,50,125,50",
        "lost.wav=x,1,2,3,4,5",
        "not a line",
        "sa.wav=- R,1,2,3,4,5",
    ]
    (tmp_path / "oto.ini").write_text("\n".join(lines), encoding="utf-8")
    return VoiceBank(tmp_path)


def pitch_at(clip: Clip, start_s: float) -> float:
    part = clip.samples[0, round(start_s * SAMPLE_RATE) :][: SAMPLE_RATE // 10].astype(float)
    lags = np.arange(SAMPLE_RATE // 400, SAMPLE_RATE // 150)
    similar = [np.dot(part[:-lag], part[lag:]) / (len(part) - lag) for lag in lags]
    return float(hz_to_midi(SAMPLE_RATE / lags[int(np.argmax(similar))]))


def test_syllables_start_their_vowels_where_the_voice_starts(bank: VoiceBank) -> None:
    syllable = bank.draw(np.random.default_rng(1))
    level = np.abs(syllable.samples)
    assert level[syllable.vowel + 600 :][:2000].max() > 0.1
    periods = np.diff(syllable.marks[syllable.marks > syllable.vowel + 1000])
    assert np.median(periods) == pytest.approx(SAMPLE_RATE / F0_HZ, abs=1.5)


def test_the_sung_notes_are_where_the_truth_says(bank: VoiceBank) -> None:
    line = [TrueNote(0.5, 1.0, 57.0), TrueNote(1.2, 1.7, 61.0), TrueNote(1.9, 2.6, 54.0)]
    clip, truth = resing(line, bank, 3.0, np.random.default_rng(2))
    assert clip.frames == 3 * SAMPLE_RATE
    assert len(truth) == 3
    for note, asked in zip(truth, line, strict=True):
        assert note.start_s == pytest.approx(asked.start_s, abs=0.1)
        assert pitch_at(clip, note.start_s + 0.2) == pytest.approx(note.pitch, abs=1.0)
    sounding = np.abs(clip.samples[0]).reshape(-1, 320).max(axis=1)
    assert sounding[: round(0.3 * 100)].max() < 0.01
    assert sounding[round((truth[0].start_s + 0.05) * 100)] > 0.05


def test_the_same_seed_sings_the_same(bank: VoiceBank) -> None:
    line = [TrueNote(0.5, 1.0, 57.0), TrueNote(1.0, 1.7, 61.0)]
    (one, true_one), (two, true_two) = (resing(line, bank, 2.0, np.random.default_rng(3)) for _ in range(2))
    assert one.samples.tobytes() == two.samples.tobytes()
    assert true_one == true_two
    other, _ = resing(line, bank, 2.0, np.random.default_rng(4))
    assert other.samples.tobytes() != one.samples.tobytes()
    phone = as_phone_recording(one, np.random.default_rng(5), room=Clip.silence(100, SAMPLE_RATE))
    assert phone.frames == one.frames
    assert phone.peak <= 0.7


def test_nothing_to_sing_is_silence(bank: VoiceBank) -> None:
    clip, truth = resing([], bank, 1.0, np.random.default_rng(0))
    assert truth == ()
    assert clip.peak == 0.0


def test_melodies_move_by_octaves_to_the_voice() -> None:
    assert [n.pitch for n in fit_to_voice([TrueNote(0, 1, 72.0), TrueNote(1, 2, 74.0)], F0_HZ)] == [60.0, 62.0]
    assert fit_to_voice([], F0_HZ) == []


def test_other_folders_are_no_voice_banks(tmp_path: Path) -> None:
    with pytest.raises(InputNotFound):
        VoiceBank(tmp_path)
    (tmp_path / "oto.ini").write_text("gone.wav=a,1,2,-3,4,5")
    (tmp_path / "voice.json").write_text('{"f0_median_hz": 200}')
    with pytest.raises(InputNotFound, match="no usable"):
        VoiceBank(tmp_path).draw(np.random.default_rng(0))
