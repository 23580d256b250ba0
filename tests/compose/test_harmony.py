"""Chords for a melody alone."""

from __future__ import annotations

import numpy as np
import pytest
from folk_tune import tune

from descant.compose.api import Composer
from descant.compose.grid import bars_of
from descant.compose.harmony import harmonise, steps_of
from descant.score.harmony import Chord, ChordSpan, Key
from descant.score.notes import Note, Score, Track
from descant.score.tempo import TempoMap, TimeSignature


@pytest.mark.parametrize("tonic", [57, 60, 66])
def test_a_folk_tune_gets_its_key_and_chords_that_hold_its_notes(composer: Composer, tonic: int) -> None:
    score = tune(tonic)
    found = composer.harmonise(score)
    assert found.key == Key(tonic % 12, "major")
    bars = bars_of(score)
    hits = [
        note.pitch % 12 in next(c for t, c in reversed(found.chords[i]) if t <= note.position).pitch_classes
        for i, bar in enumerate(bars)
        for note in bar.melody
        if note.position in (0, 24)
    ]
    assert np.mean(hits) >= 0.8
    assert {c.root for bar in found.chords for _, c in bar} >= {tonic % 12, (tonic + 7) % 12}


def test_transposing_the_melody_transposes_the_chords(composer: Composer) -> None:
    low, high = composer.harmonise(tune(60)), composer.harmonise(tune(64))
    assert [[(t, c.transpose(4)) for t, c in bar] for bar in low.chords] == [list(bar) for bar in high.chords]


def test_wrong_notes_do_not_change_the_key(composer: Composer) -> None:
    generator = np.random.default_rng(3)
    melody = tune(62).tracks[0].notes
    wrong = [
        Note(n.start, n.duration, n.pitch + (int(generator.choice([-1, 1])) if generator.random() < 0.12 else 0))
        for n in melody
    ]
    found = composer.harmonise(Score((Track("melody", tuple(wrong)),), TempoMap.constant(90)))
    assert found.key.tonic == 2


def test_a_minor_tune_is_heard_as_minor(composer: Composer) -> None:
    steps = [0, 3, 7, 7, 8, 7, 5, 3, 2, 3, 5, 2, 0, 0, -1, 0, 3, 3, 5, 7, 8, 7, 5, 3, 2, -1, 2, 5, 3, 2, 0, None]
    found = composer.harmonise(tune(57, steps=[*steps, *steps]))
    assert found.key == Key(9, "minor")


def test_heard_chords_win_where_they_are_trusted(composer: Composer) -> None:
    bars = bars_of(tune())
    heard = [ChordSpan(bar.span.start, bar.span.end, Chord(9, "min")) for bar in bars]
    alone = harmonise(bars, composer.tables)
    trusted = harmonise(bars, composer.tables, heard=heard, trust=30.0)
    assert all(c.root == 9 for bar in trusted.chords for _, c in bar)
    assert alone.chords != trusted.chords
    assert harmonise(bars, composer.tables, heard=heard, trust=0.0).chords == alone.chords


def test_three_four_has_one_step_a_bar_and_four_four_two(composer: Composer) -> None:
    score = tune()
    waltz = Score(score.tracks, score.tempo, (TimeSignature(0, 3, 4),))
    assert len(steps_of(bars_of(waltz))) == len(bars_of(waltz))
    assert len(steps_of(bars_of(score))) == 2 * len(bars_of(score))
    assert len(composer.harmonise(waltz).chords) == len(bars_of(waltz))
