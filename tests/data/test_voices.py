"""Recordings of voices: found by their indexes, cut into pieces, held out by name."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from descant.audio.clip import Clip
from descant.audio.io import write
from descant.data.voices import HELD_OUT, find_voices
from descant.errors import InputNotFound, TextReadError

RATE = 16_000


def tone(seconds: float, level: float) -> np.ndarray:
    return (level * np.sin(2 * np.pi * 200 * np.arange(round(seconds * RATE)) / RATE)).astype(np.float32)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    speech = tmp_path / "speech"
    speech.mkdir()
    sounds = [tone(0.5, 0.1), np.zeros(4000, np.float32), tone(0.75, 0.2), np.zeros(4000, np.float32), tone(0.1, 0.4)]
    write(speech / "xx.flac", Clip(np.concatenate(sounds)[None], RATE))
    (speech / "xx.flac").rename(speech / "xx.opus")
    rows = [
        {"language": "xx", "start_s": "0", "end_s": "0.5", "speaker": "Ana", "licence": "CC0"},
        {"language": "xx", "start_s": "0.75", "end_s": "1.5", "speaker": "Ben", "licence": "CC0"},
        {"language": "xx", "start_s": "1.75", "end_s": "1.85", "speaker": "Ana", "licence": "CC0"},
    ]
    with (speech / "index.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    bank = tmp_path / "singing" / "erithacus"
    bank.mkdir(parents=True)
    (bank / "voice.json").write_text(json.dumps({"licence": "CC BY 4.0"}))
    for number in range(3):
        write(bank / f"{number}.flac", Clip(tone(6.0, 0.1)[None], RATE))
        (bank / f"{number}.flac").rename(bank / f"{number}.opus")
    return tmp_path


def test_speakers_and_banks_are_told_apart_and_held_out_by_name(folder: Path) -> None:
    found = {voice.name: voice for voice in find_voices(folder)}
    assert set(found) == {"xx/Ana", "xx/Ben", "erithacus"}
    assert (found["xx/Ana"].kind, found["erithacus"].kind) == ("speech", "singing")
    assert found["erithacus"].is_held_out
    assert not found["xx/Ana"].is_held_out
    assert found["xx/Ben"].licence == "CC0"
    assert "album/3_sodium" in HELD_OUT


def test_pieces_hold_the_spans_of_one_person(folder: Path) -> None:
    found = {voice.name: voice for voice in find_voices(folder)}
    (ben,) = found["xx/Ben"].pieces(sample_rate=RATE)
    assert ben.peak == pytest.approx(0.2, abs=0.01)
    (ana,) = found["xx/Ana"].pieces(sample_rate=RATE)
    assert ana.peak == pytest.approx(0.1, abs=0.01)  # her second word is too short to be one
    pieces = list(found["erithacus"].pieces(sample_rate=RATE))
    assert [round(piece.duration_s) for piece in pieces] == [6, 6, 6]
    assert len(list(found["erithacus"].pieces(sample_rate=RATE, most_s=5.0))) == 1


def test_what_holds_no_voices_is_said(tmp_path: Path, folder: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InputNotFound, match="no voices"):
        find_voices(empty)
    index = folder / "speech" / "index.csv"
    index.write_text(index.read_text().replace("0.75", "soon"))
    with pytest.raises(TextReadError, match=r"index\.csv"):
        find_voices(folder)
