from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from descant.data.tunes import Tune, hear, sheet_tunes, tune_from_score
from descant.nets.meter_reader import ELSEWHERE, place_range
from descant.score.musicxml import write_musicxml
from descant.score.notes import Note, Score, Track
from descant.score.tempo import TempoMap, TimeSignature


def lead_sheet(bar: int = 4, bars: int = 10, bpm: float = 96.0) -> Score:
    starts = [bar * i + s for i in range(bars) for s in (0.0, 1.0, 1.75, bar - 0.5)]
    notes = tuple(Note(s, 0.25, 60 + int(4 * s) % 9, lyric="la") for s in starts)
    return Score((Track("melody", notes),), TempoMap.constant(bpm), (TimeSignature(0.0, bar, 4),))


def tune(bar: int = 4) -> Tune:
    score = lead_sheet(bar)
    found = tune_from_score(score, score.tracks[0], tempo_is_known=True)
    assert found is not None
    return found


@pytest.mark.parametrize("bar", [3, 4])
def test_places_of_a_tune(bar: int) -> None:
    first, end = place_range(bar)
    assert tune(bar).places[:4].tolist() == [first, first + 4, first + 7, end - 2]
    assert tune(bar).bpm == pytest.approx(96.0)


def test_other_metres_and_scraps_are_left_out() -> None:
    score = lead_sheet()
    assert tune_from_score(lead_sheet(bar=5), lead_sheet(bar=5).tracks[0], tempo_is_known=True) is None
    assert tune_from_score(score, Track("melody", score.tracks[0].notes[:9]), tempo_is_known=True) is None


def test_the_upper_line_is_the_tune() -> None:
    score = lead_sheet()
    both = (*score.tracks[0].notes, *(Note(n.start, n.duration, n.pitch - 7) for n in score.tracks[0].notes))
    found = tune_from_score(score, Track("melody", both), tempo_is_known=False)
    assert found is not None
    assert found.pitches.tolist() == tune().pitches.tolist()
    assert found.bpm is None


def test_triplets_are_elsewhere() -> None:
    score = lead_sheet()
    notes = tuple(
        Note(n.start + (1 / 3 if i % 4 == 1 else 0.0), 0.2, n.pitch) for i, n in enumerate(score.tracks[0].notes)
    )
    found = tune_from_score(score, Track("melody", notes), tempo_is_known=True)
    assert found is not None
    assert (found.places == ELSEWHERE).mean() == pytest.approx(0.25)


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.integers(10, 128))
def test_what_is_heard_is_well_formed(seed: int, notes: int) -> None:
    heard = hear(tune(), np.random.default_rng(seed), notes=notes)
    assert 1 <= len(heard.starts_s) <= notes
    assert heard.starts_s[0] == 0.0
    assert (np.diff(heard.starts_s) > 0).all()
    assert (heard.ends_s > heard.starts_s).all()
    assert (heard.ends_s[:-1] <= heard.starts_s[1:] + 1e-9).all()
    assert ((heard.places >= 0) & (heard.places <= ELSEWHERE)).all()
    assert ((heard.bpm > 40.0) & (heard.bpm < 200.0)).all()


def test_hearing_errs_about_as_much_as_the_segmentation_does() -> None:
    rng = np.random.default_rng(1)
    many = [hear(tune(), rng, notes=36) for _ in range(300)]
    imagined = np.mean([(h.places == ELSEWHERE).mean() for h in many])
    assert 0.04 < imagined < 0.2
    again = hear(tune(), np.random.default_rng(5), notes=36)
    np.testing.assert_array_equal(again.starts_s, hear(tune(), np.random.default_rng(5), notes=36).starts_s)


def test_tempo_labels_follow_the_singer() -> None:
    """The steps between two notes a quarter apart give the tempo that the labels state."""
    plain = tune()
    for seed in range(20):
        heard = hear(plain, np.random.default_rng(seed), notes=36)
        first, _ = place_range(4)
        on = np.flatnonzero(heard.places == first)
        bars = np.diff(heard.starts_s[on])
        implied = 240.0 / np.median(bars)
        assert implied / np.median(heard.bpm) == pytest.approx(round(implied / np.median(heard.bpm) * 4) / 4, rel=0.1)


def test_sheets_of_a_collection(tmp_path: Path) -> None:
    write_musicxml(tmp_path / "a.musicxml", lead_sheet())
    with zipfile.ZipFile(tmp_path / "a.mxl", "w") as inner:
        inner.writestr(
            "META-INF/container.xml",
            '<container><rootfiles><rootfile full-path="a.musicxml"/></rootfiles></container>',
        )
        inner.write(tmp_path / "a.musicxml", "a.musicxml")
    with zipfile.ZipFile(tmp_path / "sheets.zip", "w") as sheets:
        sheets.write(tmp_path / "a.mxl", "dataset/a.mxl")
        sheets.writestr("dataset/broken.mxl", b"not a score")
        sheets.writestr("dataset/readme.txt", "text")
    (found,) = sheet_tunes(tmp_path / "sheets.zip")
    assert found.places.tolist() == tune().places.tolist()
    assert found.bpm is None
