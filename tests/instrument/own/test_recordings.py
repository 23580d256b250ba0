"""A folder of recordings as notes, and each thing that can be wrong with it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from descant.errors import Cancelled, InputNotFound, NothingHeard
from descant.instrument.own.recordings import LOUDEST_DB, Recordings, read_recordings
from descant.progress import CancelToken
from own_sounds import RATE, Ear, odd_note, save


def read(path: Path) -> Recordings:
    return read_recordings(path, Ear())


def said(found: Recordings) -> str:
    return "\n".join(map(str, found.remarks))


def test_notes_are_heard_trimmed_and_levelled(tmp_path: Path) -> None:
    silence = np.zeros((2, RATE // 4), np.float32)
    save(tmp_path / "a.wav", np.concatenate((silence, odd_note(57.2, 0.8)), axis=1))
    save(tmp_path / "b.wav", odd_note(64, 0.6, level=0.15))
    save(tmp_path / "deep" / "c.wav", odd_note(69, 1.0))
    found = read(tmp_path)
    assert [note.pitch for note in found.notes] == pytest.approx([57.2, 64, 69], abs=0.05)
    assert [note.held_s for note in found.notes] == pytest.approx([0.8, 0.6, 1.0], abs=0.03)
    assert all(note.is_released for note in found.notes)
    first = np.abs(found.notes[0].samples[0])
    assert first[:96].max() < 0.1 * first.max() < first[: RATE // 20].max()
    assert [note.velocity for note in found.notes] == [127, 127, 127]  # keys differ
    assert found.remarks == ()
    loudest = found.notes[2].samples[:, RATE // 4 : RATE // 2]
    assert 10 * np.log10(np.square(loudest).mean()) == pytest.approx(LOUDEST_DB, abs=0.5)


def test_velocities_are_of_names_and_of_levels_within_a_key(tmp_path: Path) -> None:
    for name, key, level in (("a", 57, 0.3), ("b", 57, 0.15), ("c", 64, 0.15), ("d", 69, 0.3 / 8), ("e_v33", 72, 0.3)):
        save(tmp_path / f"{name}.wav", odd_note(key, level=level))
    found = {note.file[0]: note.velocity for note in read(tmp_path).notes}
    # 6.02 dB softer: 127 / 10^(6.02 / 40); 18.06 dB softer, of which 12 may be the key's
    assert found == {"a": 127, "b": 90, "c": 127, "d": 90, "e": 33}


def test_a_phrase_is_cut_into_its_notes(tmp_path: Path) -> None:
    keys = (57, 61, 64, 64, 69)
    phrase = np.zeros((2, 4 * RATE), np.float32)
    for number, key in enumerate(keys):
        note = odd_note(key, 0.5, tail_s=0.15)
        start = round((0.2 + 0.7 * number) * RATE)
        phrase[:, start : start + note.shape[1]] += note
    found = read(save(tmp_path / "phrase.wav", phrase))
    assert sorted(round(note.pitch) for note in found.notes) == sorted(keys)
    assert [note.held_s for note in found.notes] == pytest.approx([0.5] * 5, abs=0.06)
    assert "phrase" in said(found)


def test_a_decaying_note_has_no_release(tmp_path: Path) -> None:
    note = odd_note(60, 2.0, tail_s=0.0)
    note *= 10.0 ** (-20.0 * np.arange(note.shape[1]) / RATE / 20.0)
    found = read(save(tmp_path / "bell.wav", note.astype(np.float32)))
    assert not found.notes[0].is_released
    assert found.notes[0].held_s == pytest.approx(2.0, abs=0.05)


def test_a_name_that_is_wrong_is_said_and_one_that_is_right_is_not(tmp_path: Path) -> None:
    save(tmp_path / "sax_C4_v90.wav", odd_note(60))
    save(tmp_path / "sax_D4.wav", odd_note(69))
    save(tmp_path / "sax_E5.wav", odd_note(64))
    found = read(tmp_path)
    assert [round(note.pitch) for note in found.notes] == [60, 64, 69]
    assert found.notes[0].velocity == 90
    assert "sax_D4.wav: its name says D4, but A4 is heard" in said(found)
    assert "sax_E5.wav: its name says E5, but it sounds 1 octave lower" in said(found)
    assert "C4" not in said(found)


def _noise() -> np.ndarray:
    return (0.2 * np.random.default_rng(0).normal(size=(2, RATE))).astype(np.float32)


FAULTS = {
    "silent": (np.zeros((2, RATE), np.float32), "is silent"),
    "noise": (_noise(), "no pitch is heard"),
    "short": (odd_note(60, 0.08, tail_s=0.0), "lasts 0.08 s"),
    "chord": (odd_note(57, even=1.0) + odd_note(63, even=1.0), "two pitches sound at once"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_cannot_be_used_is_said_and_the_rest_is_used(tmp_path: Path, fault: str) -> None:
    samples, words = FAULTS[fault]
    save(tmp_path / f"{fault}.wav", samples)
    with pytest.raises(NothingHeard, match=words):
        read(tmp_path)
    save(tmp_path / "good.wav", odd_note(60))
    found = read(tmp_path)
    assert [note.file for note in found.notes] == ["good.wav"]
    assert [(r.file, r.is_fault) for r in found.remarks if words in r.text] == [(f"{fault}.wav", True)]


def test_all_faults_are_said_at_once(tmp_path: Path) -> None:
    for fault, (samples, _) in FAULTS.items():
        save(tmp_path / f"{fault}.wav", samples)
    (tmp_path / "broken.wav").write_bytes(b"RIFF\x00\x00")
    (tmp_path / "empty.flac").write_bytes(b"")
    with pytest.raises(NothingHeard) as error:
        read(tmp_path)
    for words in (*(words for _, words in FAULTS.values()), "broken.wav: cannot be read", "empty.flac: cannot be read"):
        assert words in error.value.message


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda x: np.clip(4.0 * x, -0.9, 0.9), "is clipped"),
        (lambda x: x + 0.2, "off the zero line"),
        (lambda x: x * np.array([[1.0], [0.0]]), "silent on the right"),
    ],
)  # fmt: skip
def test_what_can_be_mended_or_learned_is_said_and_used(tmp_path: Path, change, words: str) -> None:
    for key in (57, 60, 64):
        save(tmp_path / f"{key}.wav", change(odd_note(key)).astype(np.float32))
    found = read(tmp_path)
    assert len(found.notes) == 3
    assert sum(words in remark.text for remark in found.remarks) == 3
    left, right = np.sqrt(np.square(found.notes[0].samples).mean(axis=1))
    assert left == pytest.approx(right, rel=1e-3)
    assert abs(float(found.notes[0].samples.mean())) < 1e-3


def test_a_telephone_is_a_caveat(tmp_path: Path) -> None:
    for key in (57, 60, 64):
        soundfile.write(tmp_path / f"{key}.wav", odd_note(key, even=1.0)[0, ::6], 8_000)
    found = read(tmp_path)
    assert len(found.notes) == 3
    assert said(found).count("nothing above 4 kHz") == 3


def test_few_pitches_are_a_caveat(tmp_path: Path) -> None:
    found = read(save(tmp_path / "one.wav", odd_note(60)))
    assert "Only C4 can be heard" in said(found)


def test_folders_without_recordings(tmp_path: Path) -> None:
    with pytest.raises(InputNotFound, match="does not exist"):
        read(tmp_path / "nowhere")
    with pytest.raises(InputNotFound, match="is empty"):
        read(tmp_path)
    (tmp_path / "notes.txt").write_text("C4")
    with pytest.raises(InputNotFound, match=r"holds no audio: notes\.txt"):
        read(tmp_path)


def test_it_can_be_cancelled(tmp_path: Path) -> None:
    save(tmp_path / "a.wav", odd_note(60))
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        read_recordings(tmp_path, Ear(), cancel=token)
