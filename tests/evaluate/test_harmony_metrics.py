from __future__ import annotations

import itertools

import mir_eval
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from descant.dsp.pitch import PitchTrack
from descant.evaluate.harmony_metrics import (
    key_score,
    majmin_overlap,
    raw_pitch_accuracy,
    span_f,
    voicing_scores,
)
from descant.score.harmony import FLAT_NAMES, Chord, Key

KEYS = [Key(tonic, mode) for tonic in range(12) for mode in ("major", "minor")]


def test_every_pair_of_keys_scores_as_in_mir_eval() -> None:
    for true, found in itertools.product(KEYS, KEYS):
        names = [f"{FLAT_NAMES[k.tonic]} {k.mode}" for k in (true, found)]
        assert key_score(true, found) == mir_eval.key.weighted_score(*names)
    assert key_score(KEYS[0], None) == 0.0


chords = st.builds(
    Chord,
    st.integers(0, 11),
    st.sampled_from(["maj", "min", "7", "maj7", "min7", "dim", "hdim7", "aug", "sus4"]),
) | st.just(Chord(None))


@given(st.lists(chords, min_size=1, max_size=12), st.lists(chords, min_size=1, max_size=12))
def test_overlap_equals_mir_eval(true: list[Chord], found: list[Chord]) -> None:
    length = float(len(true) * 2)
    reference = [(2.0 * i, 2.0 * i + 2.0, c) for i, c in enumerate(true)]
    edges = np.linspace(0.0, length, len(found) + 1)
    estimated = list(zip(edges[:-1], edges[1:], found, strict=True))
    merged = mir_eval.util.merge_labeled_intervals(
        np.asarray([r[:2] for r in reference]), [r[2].label() for r in reference],
        np.asarray([e[:2] for e in estimated]), [e[2].label() for e in estimated],
    )  # fmt: skip
    intervals, labels, found_labels = merged
    durations = mir_eval.util.intervals_to_durations(intervals)
    comparisons = mir_eval.chord.majmin(labels, found_labels)
    counted = comparisons >= 0
    weight = durations[counted].sum()
    expected = (durations[counted] * comparisons[counted]).sum() / weight if weight else 0.0
    assert majmin_overlap(reference, estimated) == pytest.approx(expected, abs=1e-9)


def test_nothing_found_is_wrong() -> None:
    assert majmin_overlap([(0.0, 4.0, Chord(0))], []) == 0.0
    assert majmin_overlap([(0.0, 4.0, Chord(0))], [(1.0, 2.0, Chord(0, "7"))]) == pytest.approx(0.25)


def test_raw_pitch_accuracy_equals_mir_eval() -> None:
    rng = np.random.default_rng(3)
    times = np.arange(400) * 0.01
    true = PitchTrack(times, 220 * 2 ** (np.sin(times) / 4), np.ones(400), rng.random(400) < 0.7)
    found_hz = true.f0_hz * 2 ** (rng.normal(0, 0.6, 400) / 12)
    found = PitchTrack(times, found_hz, np.ones(400), rng.random(400) < 0.8)
    rv, rc, ev, ec = mir_eval.melody.to_cent_voicing(
        times, np.where(true.voiced, true.f0_hz, 0), times, np.where(found.voiced, found_hz, -found_hz)
    )
    assert raw_pitch_accuracy(true, found) == pytest.approx(
        mir_eval.melody.raw_pitch_accuracy(rv, rc, ev, ec), abs=0.01
    )
    recall, alarm = voicing_scores(true, found)
    assert (recall, alarm) == pytest.approx(mir_eval.melody.voicing_measures(rv, ev), abs=1e-6)


def test_activity() -> None:
    some, none = np.array([True, False, True, True]), np.zeros(4, bool)
    assert span_f(some, some) == 1.0
    assert span_f(none, none) == 1.0
    assert span_f(some, none) == 0.0
    assert span_f(some, ~none) == pytest.approx(6 / 7)
