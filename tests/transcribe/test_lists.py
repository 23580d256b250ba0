from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from descant.errors import InputNotFound, ScoreReadError
from descant.score.notes import Bend, Note, Track
from descant.score.tempo import TempoMap
from descant.transcribe.beats_file import read_beats
from descant.transcribe.note_list import ListedNote, exact_pitch, listed_notes, read_note_list, write_note_list
from descant.transcribe.placing import bend_curve, place

TRACK = Track("melody", (Note(0.0, 1.0, 60, 90, (Bend(0.0, 0.25), Bend(1.0, 0.25))), Note(2.0, 0.5, 64)))


def test_note_lists_are_read_back(tmp_path: Path) -> None:
    tempo = TempoMap.constant(90.0)
    path = write_note_list(tmp_path / "new" / "notes.csv", [TRACK], tempo)
    assert path.read_text().splitlines()[0] == "onset_s,offset_s,pitch,pitch_exact,frequency_hz,velocity,track"
    back = read_note_list(path)
    for read, true in zip(back, listed_notes(TRACK, tempo), strict=True):
        assert (read.start_s, read.end_s, read.pitch) == pytest.approx((true.start_s, true.end_s, true.pitch), abs=1e-3)
    assert exact_pitch(TRACK.notes[0]) == 60.25


@pytest.mark.parametrize(
    "text",
    [
        "1.0,440,0.5\n2.0,220,1.0\n",  # vocadito, Tony: onset, Hz, duration
        "1.0\t69\t0.5\n2.0\t57\t1.0\n",
        "1.0 1.5 440\n2.0 3.0 220\n",  # Molina: onset, offset, pitch
        "1.0;1.5;69\n2.0;3.0;57\n",
        "onset,offset,number,pitch\n1.0,1.5,69,69.0\n2.0,3.0,57,57.0\n",
    ],
)
def test_annotations_of_data_sets(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text)
    assert [(n.start_s, n.end_s, round(n.pitch, 6)) for n in read_note_list(path)] == [
        (1.0, 1.5, 69.0),
        (2.0, 3.0, 57.0),
    ]


@pytest.mark.parametrize("text", ["a,b,c\n", "1.0,440\n", "1.0,440,-1.0\n", "nan,1,2\n", "\x00\xff"])
def test_other_files_are_no_lists(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ScoreReadError):
        read_note_list(path)


def test_empty_and_missing_lists(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_text("")
    assert read_note_list(tmp_path / "empty.csv") == ()
    with pytest.raises(InputNotFound):
        read_note_list(tmp_path / "none.csv")


def test_beats_from_analysis_and_from_lines(tmp_path: Path) -> None:
    path = tmp_path / "analysis.json"
    path.write_text(json.dumps({"beats": [{"time_s": 0.5 * i, "position": i % 3 + 1} for i in range(7)]}))
    assert read_beats(path).beats_per_bar == 3
    path = tmp_path / "beats.txt"
    path.write_text("time_s,position\n0.5,1\n1.0,2\n1.5,1\n2.0,2\n")
    assert read_beats(path).bar_positions == (1, 2, 1, 2)
    path.write_text("0.5\t0.5\t1.1\n1.0\t1.0\t1.2\n1.6\t1.6\t1.3\n")
    assert read_beats(path).bar_positions == (1, 2, 3)
    path.write_text("0.5 4\n1.0 5\n1.4 1\n2.0 2\n")
    assert read_beats(path).bar_positions == (4, 5, 1, 2)
    path.write_text("0.5 40\n1.0 41\n1.4 42\n2.0 43\n")  # numbers, and no places in a bar
    assert read_beats(path).bar_positions == (1, 2, 3, 4)
    path.write_text("0.5\n1.0\n1.4\n2.0\n2.5\n")
    assert read_beats(path).bar_positions == (1, 2, 3, 4, 1)


@pytest.mark.parametrize(
    "text", ["", "1.0\n", "2.0\n1.0\n", "words\nmore words\n", "{}", '{"beats": [1]}', "{", "inf\n1\n"]
)
def test_other_files_are_no_beats(tmp_path: Path, text: str) -> None:
    path = tmp_path / "beats.txt"
    path.write_text(text)
    with pytest.raises(ScoreReadError):
        read_beats(path)


def test_missing_beats(tmp_path: Path) -> None:
    with pytest.raises(InputNotFound):
        read_beats(tmp_path / "none.json")


def test_bend_curves_keep_their_shape() -> None:
    offsets = np.arange(8) * 0.1
    values = [0.0, 0.0, 0.0, 0.5, 1.0, 1.0, 1.0, 0.0]
    curve = bend_curve(offsets.tolist(), values)
    again = np.interp(offsets, [b.offset for b in curve], [b.semitones for b in curve])
    assert again.tolist() == values
    assert len(curve) < len(values)
    assert bend_curve(offsets.tolist(), [0.0] * 8) == ()


def test_placed_notes_are_always_possible() -> None:
    note = place(-0.1, -0.05, 60, 2.0, ())
    assert note.start == 0.0
    assert note.duration > 0.0
    assert note.velocity == 127
    assert place(1.0, 2.0, 60, 0.0, ()).velocity == 1
    assert ListedNote(0.0, 1.0, 60.0) == ListedNote(0.0, 1.0, 60.0)
