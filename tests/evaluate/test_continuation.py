"""Measures of continuations on songs whose behaviour is known, and the whole report on a model that knows nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from continuation_songs import song, untrained

from descant.cli.evaluate import MEASURED
from descant.compose.continuation.tokens import VOCABULARY, token_features
from descant.evaluate.continuation import Primed, evaluate_continuation, primed
from descant.evaluate.continuation_metrics import COLUMNS, behaviour
from descant.nets.token_lstm import TokenLstm, TokenLstmConfig
from descant.score.harmony import Key
from descant.score.notes import Note, Score, Track

HOME = Key(0, "major")


def again(score: Score, bars: int, change: object = None) -> Score:
    """A score of `bars` bars, and the same once more, each note of the second time changed."""

    def moved(note: Note) -> Note:
        later = replace(note, start=note.start + 4.0 * bars)
        return later if change is None else change(later)  # type: ignore[operator]

    return score.with_tracks(replace(t, notes=(*t.notes, *map(moved, t.notes))) for t in score.tracks)


def test_the_same_again_is_a_copy_without_drift() -> None:
    found, curve = behaviour(again(song(16), 16), 16, 16, HOME)
    assert found.copied == 1.0
    assert found.metre == pytest.approx(1.0, abs=0.06)
    assert found.density_drift == pytest.approx(0.0, abs=0.1)
    assert found.level_drift < 1.0
    assert found.repetition > 0.9
    assert found.in_scale == found.key == 1.0
    assert found.loop == 1.0
    assert found.empty == 0.0
    assert np.mean(curve.density) == pytest.approx(1.0)


def test_louder_and_higher_is_seen() -> None:
    louder, curve = behaviour(again(song(8), 8, lambda n: replace(n, velocity=n.velocity + 20)), 8, 8, HOME)
    assert louder.level_drift == pytest.approx(20.0)
    assert curve.level == pytest.approx((20.0,))
    up, _ = behaviour(again(song(8), 8, lambda n: replace(n, pitch=n.pitch + 6)), 8, 8, HOME)
    assert up.in_scale < 0.5
    assert up.key == 0.0
    assert up.copied == 0.0


def test_silence_and_doubling_are_seen() -> None:
    silent, curve = behaviour(song(8), 8, 8, HOME)
    assert silent.empty == 1.0
    assert curve.density == (0.0,)
    assert silent.density_drift == 1.0
    assert np.isnan(silent.level_drift)
    assert silent.metre == 0.0
    octaves = [Track("Piano", tuple(replace(n, pitch=n.pitch + 12) for n in song(8).tracks[1].notes))]
    thick = again(song(8), 8)
    later = [replace(t, notes=tuple(replace(n, start=n.start + 32.0) for n in t.notes)) for t in octaves]
    dense, _ = behaviour(thick.with_tracks([*thick.tracks, *later]), 8, 8, HOME)
    assert dense.density_drift == pytest.approx(96 / (18.0625 * 8), rel=0.1)


def test_off_the_beat_is_another_metre() -> None:
    late, _ = behaviour(again(song(8), 8, lambda n: replace(n, start=n.start + 0.25)), 8, 8, HOME)
    assert late.metre == 0.0


def test_a_loop_is_counted() -> None:
    bar = [Note(32.0 + 4.0 * i, 1.0, 60) for i in range(5)] + [Note(52.0 + 4.0 * i, 1.0, 62 + i) for i in range(3)]
    score = song(8, drums=False)
    score = score.with_tracks([replace(score.tracks[0], notes=(*score.tracks[0].notes, *bar)), *score.tracks[1:]])
    assert behaviour(score, 8, 8, HOME)[0].loop == 5.0


def test_primers() -> None:
    whole = song(20)
    found = primed("x", whole, 8, 12)
    assert found is not None
    assert found.bars == 8
    assert found.primer.end == 32.0
    assert found.key == HOME
    assert primed("x", whole, 8, 13) is None
    late = whole.with_tracks(replace(t, notes=tuple(n for n in t.notes if n.start >= 40.0)) for t in whole.tracks)
    assert primed("x", late, 8, 12) is None  # nothing to go on from


def test_the_report(tmp_path: Path) -> None:
    songs = [p for s in (1, 2) if isinstance(p := primed(str(s), song(20, seed=s, drums=False), 8, 8), Primed)]
    lstm = TokenLstm(TokenLstmConfig(VOCABULARY, 1, 16), torch.from_numpy(token_features()))
    report = evaluate_continuation(untrained(), 128, songs, [song(12, seed=s) for s in range(3, 6)], bars=8, lstm=lstm)
    means, drift, likelihood, tests = report.tables
    rows = {row[0]: dict(zip(COLUMNS, row[1:], strict=True)) for row in means.rows}
    assert rows["the primer again and again"]["copied"] == 1.0
    assert rows["Descant"]["copied"] == 0.0
    assert rows["the song itself"]["in scale"] == 1.0
    assert rows["Descant"]["density drift"] < rows["unigram without safeguards"]["density drift"]
    assert len(drift.rows) == 2 * len(rows)
    nats = {row[0]: row[1] for row in likelihood.rows}
    assert nats["order-2 Markov"] < nats["unigram"] < nats["LSTM"]  # the LSTM has learned nothing
    assert list(nats) == ["unigram", "order-2 Markov", "LSTM", "Descant", "Descant, reading twice its length"]
    assert tests.rows
    report.save(tmp_path)
    assert "continuation" in MEASURED
