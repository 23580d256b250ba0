"""Bars and the beat grid."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from descant.compose.grid import OFFSETS, TICKS, bar_spans, bars_of, chord_spans, snap_starts
from descant.score.harmony import Chord, ChordSpan
from descant.score.notes import Note, Score, Track
from descant.score.tempo import TempoMap, TimeSignature


def test_sixteenths_stay_sixteenths_under_human_timing() -> None:
    true = np.arange(0, 8, 0.25)
    played = true + np.random.default_rng(0).normal(0, 0.03, len(true)).clip(-0.06, 0.06)
    assert snap_starts(played.clip(0)).tolist() == (true * TICKS).astype(int).tolist()


def test_a_beat_of_triplets_is_read_as_triplets_and_its_neighbours_are_not() -> None:
    played = np.array([0.0, 0.5, 1.01, 1.34, 1.66, 2.0, 2.25, 2.5])
    assert snap_starts(played).tolist() == [0, 6, 12, 16, 20, 24, 27, 30]


@given(st.lists(st.floats(0, 64), min_size=1, max_size=40))
def test_every_start_lands_on_the_grid_and_near_where_it_was(starts: list[float]) -> None:
    snapped = snap_starts(np.array(starts))
    assert all(tick % TICKS in OFFSETS for tick in snapped.tolist())
    assert np.abs(snapped / TICKS - np.array(starts)).max() <= 0.25


def test_a_note_a_little_before_the_bar_line_belongs_to_the_bar_that_follows() -> None:
    score = Score((Track("melody", (Note(0.0, 1, 60), Note(3.97, 1, 62))),), TempoMap.constant(100))
    bars = bars_of(score)
    assert [n.position for n in bars[1].melody] == [0]


def test_bars_follow_changing_metres_and_long_bars_are_divided() -> None:
    signatures = (TimeSignature(0, 3, 4), TimeSignature(6, 6, 4), TimeSignature(12, 7, 8))
    spans = bar_spans(signatures, 18.9)
    assert [s.quarters for s in spans] == [3, 3, 3, 3, 3.5, 3.5]
    assert spans[-1].end == 19.0


def test_chords_come_back_as_spans() -> None:
    chords = (ChordSpan(0, 6, Chord(0)), ChordSpan(6, 8, Chord(7, "7")), ChordSpan(10, 12, Chord(9, "min")))
    score = Score((Track("melody", (Note(0, 12, 60),)),), TempoMap.constant(100), chords=chords)
    assert chord_spans(bars_of(score, end=12)) == chords


def test_transposing_a_bar_there_and_back_changes_nothing() -> None:
    score = Score(
        (Track("melody", (Note(0, 1, 60),)), Track("piano", (Note(0, 2, 48), Note(1, 1, 55)))),
        TempoMap.constant(90),
        chords=(ChordSpan(0, 4, Chord(2, "min7", 9)),),
    )
    bar = bars_of(score)[0]
    assert bar.transpose(5).transpose(-5) == bar
    assert bar.transpose(5).chords[0][1] == Chord(7, "min7", 2)


@pytest.mark.parametrize("end", [0.0, 4.0, 4.01])
def test_there_is_always_a_bar(end: float) -> None:
    assert len(bar_spans((), end)) == (2 if end > 4 else 1)
