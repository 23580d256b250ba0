from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from descant.analyze.analysis import Analysis, LoudnessCurve, Span
from descant.analyze.export import write_csv, write_json, write_labels
from descant.dsp.pitch import PitchTrack
from descant.errors import DescantError
from descant.score.harmony import Chord, ChordSpan, Key
from descant.score.notes import Section
from descant.score.tempo import BeatGrid


@pytest.fixture
def analysis() -> Analysis:
    grid = BeatGrid(tuple(i * 0.5 for i in range(9)), tuple(i % 4 + 1 for i in range(9)))
    times = np.arange(4) * 0.016
    return Analysis(
        4.5,
        PitchTrack(times, np.array([220.0, 221.0, 0.0, 230.0]), np.full(4, 0.9), np.array([1, 1, 0, 1], bool)),
        grid,
        0.7,
        grid.bpm,
        Key(10, "major"),
        0.8,
        (ChordSpan(0.0, 4.0, Chord(10)), ChordSpan(4.0, 8.0, Chord(3, "maj7", 10))),
        (Section(0.0, 8.0, "A"),),
        LoudnessCurve(np.array([0.2, 0.3]), np.array([-20.0, -19.0])),
        (Span(0.0, 1.5),),
        False,
        -3.2,
        ("All is well.",),
    )


@pytest.fixture
def nothing() -> Analysis:
    empty = np.zeros(0)
    track = PitchTrack(empty, empty, empty, np.zeros(0, bool))
    curve = LoudnessCurve(empty, empty)
    return Analysis(0.1, track, BeatGrid((), ()), 0.0, 0.0, None, 0.0, (), (), curve, (), False, 0.0, ("No beats.",))


def test_json_holds_everything_in_seconds_and_quarters(tmp_path: Path, analysis: Analysis) -> None:
    found = json.loads(write_json(tmp_path / "new" / "analysis.json", analysis).read_text(encoding="utf-8"))
    assert found["bpm"] == 120.0
    assert found["key"] == "Bb major"
    assert found["chords"][1] == {
        "start_quarter": 4.0, "end_quarter": 8.0, "start_s": 2.0, "end_s": 4.0,
        "chord": "Eb:maj7/Bb", "symbol": "Ebmaj7/Bb",
    }  # fmt: skip
    assert found["beats"][4] == {"time_s": 2.0, "position": 1}
    assert found["melody"]["f0_hz"] == [220.0, 221.0, None, 230.0]
    assert found["remarks"] == ["All is well."]


def test_csv_tables(tmp_path: Path, analysis: Analysis) -> None:
    files = write_csv(tmp_path, analysis, stem="lied é🎵")
    assert {f.name for f in files} == {
        f"lied é🎵.{kind}.csv" for kind in ("melody", "beats", "chords", "sections", "vocals", "loudness")
    }
    with (tmp_path / "lied é🎵.chords.csv").open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [
            ["start_s", "end_s", "chord"], ["0.0", "2.0", "Bb:maj"], ["2.0", "4.0", "Eb:maj7/Bb"],
        ]  # fmt: skip


def test_audacity_labels_are_three_columns(tmp_path: Path, analysis: Analysis) -> None:
    for file in write_labels(tmp_path, analysis):
        for line in file.read_text(encoding="utf-8").splitlines():
            start, end, label = line.split("\t")
            assert 0.0 <= float(start) <= float(end)
            assert label


def test_an_empty_analysis_writes_too(tmp_path: Path, nothing: Analysis) -> None:
    assert json.loads(write_json(tmp_path / "a.json", nothing).read_text(encoding="utf-8"))["key"] is None
    assert all(len(f.read_text(encoding="utf-8").splitlines()) == 1 for f in write_csv(tmp_path, nothing))
    assert all(f.read_text(encoding="utf-8") == "" for f in write_labels(tmp_path, nothing))


def test_a_file_where_a_folder_is_needed(tmp_path: Path, analysis: Analysis) -> None:
    (tmp_path / "taken").write_text("mine", encoding="utf-8")
    with pytest.raises(DescantError):
        write_json(tmp_path / "taken" / "analysis.json", analysis)
    assert (tmp_path / "taken").read_text(encoding="utf-8") == "mine"
