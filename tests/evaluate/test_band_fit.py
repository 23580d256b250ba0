"""Measures of how a band fits a melody: right on what is known, and able to tell good from bad."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from descant.compose.api import Composer
from descant.compose.config import BandOptions
from descant.compose.grid import bars_of
from descant.evaluate.accompany import Song, chord_overlap, evaluate_accompany, lay_under, retrieve
from descant.evaluate.band_fit import (
    beat_f,
    chord_agreement,
    key_agreement,
    likelihood,
    measure_fit,
    melody_agreement,
    overlap,
)
from descant.score.harmony import Chord, ChordSpan, Key
from descant.score.notes import Note, Score, Track
from descant.score.tempo import TempoMap


def song(root: int = 0, bpm: float = 100.0, bars: int = 8) -> Score:
    """Triads on every beat under their own roots."""
    melody, piano, chords = [], [], []
    for index in range(bars):
        low = (root + (0, 5, 7, 0)[index % 4]) % 12
        chords.append(ChordSpan(4.0 * index, 4.0 * index + 4, Chord(low)))
        melody += [Note(4.0 * index + beat, 1, 72 + low) for beat in range(4)]
        piano += [Note(4.0 * index + beat, 1, 48 + low + i) for beat in range(4) for i in (0, 4, 7)]
    tracks = (Track("melody", tuple(melody)), Track("piano", tuple(piano)))
    return Score(tracks, TempoMap.constant(bpm), key=Key(root, "major"), chords=tuple(chords))


def moved(score: Score, semitones: int, quarters: float = 0.0) -> Score:
    piano = score.track("piano")
    notes = tuple(replace(n, pitch=n.pitch + semitones, start=n.start + quarters) for n in piano.notes)
    return score.with_tracks([score.tracks[0], replace(piano, notes=notes)])


def test_a_perfect_band_has_perfect_marks_and_a_wrong_key_does_not() -> None:
    right, wrong = bars_of(song()), bars_of(moved(song(), 1))
    assert melody_agreement(right) == chord_agreement(right) == key_agreement(right, Key(0, "major")) == 1.0
    assert melody_agreement(wrong) == 0.0
    assert chord_agreement(wrong) < 0.2
    assert key_agreement(wrong, Key(0, "major")) < 0.5


def test_beat_f_hears_a_band_that_is_off_the_beat() -> None:
    assert beat_f(song(), song()) == pytest.approx(1.0)
    assert beat_f(moved(song(), 0, 0.4), song()) < 0.1
    assert beat_f(song(bpm=100).with_tracks([]), song()) == 0.0


def test_overlap_of_histograms() -> None:
    assert overlap(np.array([1.0, 1]), np.array([5.0, 5])) == pytest.approx(1.0)
    assert overlap(np.array([1.0, 0]), np.array([0.0, 1])) == 0.0


def test_chord_overlap_counts_beats() -> None:
    bars = bars_of(song())
    assert chord_overlap(bars, [bar.chords for bar in bars]) == (1.0, 1.0)
    minor = [((0, Chord(bar.chords[0][1].root, "min")),) for bar in bars]
    assert chord_overlap(bars, minor) == (0.0, 1.0)


def test_retrieval_takes_the_nearest_tempo_and_moves_it_to_the_key() -> None:
    asked = Song("a", song(0, 100))
    library = [Song("b", song(4, 140)), Song("c", song(9, 104)), Song("d", song(2, 70))]
    found = retrieve(asked, library)
    assert found.tempo == asked.score.tempo
    assert chord_agreement(bars_of(replace(found, chords=asked.score.chords))) == 1.0
    strange = lay_under(asked, library[1], 0)
    assert {n.pitch % 12 for n in strange.track("piano").notes} != {n.pitch % 12 for n in found.track("piano").notes}


def test_every_band_has_a_row_of_its_own() -> None:
    """Two songs and a library: the rows are what each band gives, measured one by one."""
    composer = Composer.load()
    songs, library = [Song("a", song(0, 100, 4)), Song("b", song(5, 90, 4))], [Song("c", song(4, 140, 4))]
    report = evaluate_accompany(composer, songs, library, options=BandOptions(seed=1))
    means, tests = report.tables[:2]
    rows = {str(row[0]).split(" (")[0]: row[1:] for row in means.rows}
    assert list(rows) == ["Descant", "retrieval", "shuffled pairing", "human arrangement"]
    makers = {
        "retrieval": lambda each: retrieve(each, library),
        "shuffled pairing": lambda each: lay_under(each, library[0], 0),
        "human arrangement": lambda each: each.score,
    }
    for name, make in makers.items():
        fits = [measure_fit(composer, each.score, make(each)).cells() for each in songs]
        assert rows[name] == pytest.approx(tuple(np.mean(fits, axis=0)))
    against = {str(row[0]).split(", against ")[1].split(" (")[0] for row in tests.rows}
    assert against == {"retrieval", "shuffled pairing"}


def test_the_model_prefers_what_fits() -> None:
    composer = Composer.load()
    right = likelihood(composer, bars_of(song()), chords=True)
    wrong = likelihood(composer, bars_of(moved(song(), 1)), chords=True, shift=0)
    assert right[1] < wrong[1]
    fit = measure_fit(composer, song(), song())
    assert fit.pitch_classes == fit.onsets == 1.0
