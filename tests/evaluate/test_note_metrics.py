from __future__ import annotations

import mir_eval
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from descant.dsp.pitch import midi_to_hz
from descant.errors import ScoreReadError
from descant.evaluate.note_metrics import METRICS, NoteScores, evaluate, mean_scores, note_scores
from descant.transcribe.note_list import ListedNote

notes = st.lists(
    st.tuples(st.integers(0, 300), st.integers(2, 60), st.integers(550, 580)).map(
        # A grid of 7 ms and 0.1 semitones puts no distance exactly on a tolerance, where rounding would decide.
        lambda n: ListedNote(n[0] * 0.007, (n[0] + n[1]) * 0.007, n[2] * 0.1 + 0.03 * (n[0] % 2))
    ),
    min_size=1,
    max_size=30,
)


@given(notes, notes, st.booleans())
def test_scores_equal_mir_eval(reference: list[ListedNote], estimated: list[ListedNote], ends: bool) -> None:
    tables = [
        (np.asarray([(n.start_s, n.end_s) for n in each]), midi_to_hz([n.pitch for n in each]))
        for each in (reference, estimated)
    ]
    expected = mir_eval.transcription.precision_recall_f1_overlap(
        *tables[0], *tables[1], offset_ratio=0.2 if ends else None
    )[:3]
    scores = note_scores(reference, estimated, with_offsets=ends)
    assert (scores.precision, scores.recall, scores.f) == pytest.approx(expected)


def test_each_note_counts_once() -> None:
    truth = [ListedNote(1.0, 2.0, 60.0)]
    twice = [ListedNote(0.98, 2.0, 60.2), ListedNote(1.02, 2.0, 59.8)]
    assert note_scores(truth, twice) == NoteScores(0.5, 1.0, pytest.approx(2 / 3))
    assert note_scores(truth, []) == note_scores([], truth) == NoteScores(0.0, 0.0, 0.0)
    assert note_scores(truth, [ListedNote(1.0, 1.5, 60.0)], with_offsets=True).f == 0.0


@pytest.mark.parametrize(
    ("found", "counts"),
    [
        (ListedNote(1.049, 3.0, 60.0), True),
        (ListedNote(1.051, 3.0, 60.0), False),
        (ListedNote(1.0, 3.0, 60.49), True),
        (ListedNote(1.0, 3.0, 60.51), False),
        (ListedNote(1.0, 3.399, 60.0), True),  # of 2 s a fifth
        (ListedNote(1.0, 3.401, 60.0), False),
        (ListedNote(1.0, 2.601, 60.0), True),
        (ListedNote(1.0, 2.599, 60.0), False),
    ],
)
def test_a_note_is_right_up_to_its_tolerances(found: ListedNote, counts: bool) -> None:
    assert note_scores([ListedNote(1.0, 3.0, 60.0)], [found], with_offsets=True).f == float(counts)


@pytest.mark.parametrize(("end_s", "counts"), [(1.149, True), (1.151, False), (1.051, True), (1.049, False)])
def test_the_end_of_a_short_note_may_be_50_ms_off(end_s: float, counts: bool) -> None:
    short = [ListedNote(1.0, 1.1, 60.0)]  # a fifth of it is 20 ms
    assert note_scores(short, [ListedNote(1.0, end_s, 60.0)], with_offsets=True).f == float(counts)


def test_mean_over_pieces() -> None:
    assert mean_scores([NoteScores(1.0, 0.5, 0.6), NoteScores(0.0, 0.5, 0.2)]) == NoteScores(
        0.5, 0.5, pytest.approx(0.4)
    )
    assert mean_scores([]) == NoteScores(0.0, 0.0, 0.0)


@given(notes, notes)
def test_onsets_alone_equal_mir_eval(reference: list[ListedNote], estimated: list[ListedNote]) -> None:
    intervals = [np.asarray([(n.start_s, n.end_s) for n in each]) for each in (reference, estimated)]
    expected = mir_eval.transcription.onset_precision_recall_f1(*intervals)[2]
    assert evaluate(reference, estimated)["onset F"] == pytest.approx(expected)


def test_empty_lists() -> None:
    note = [ListedNote(0.0, 1.0, 60.0)]
    assert set(evaluate([], []).values()) == {None}
    assert set(evaluate(note, []).values()) == {0.0}
    assert list(evaluate(note, note)) == [metric.name for metric in METRICS]
    assert set(evaluate(note, note).values()) == {1.0}


@pytest.mark.parametrize(
    ("note", "said"),
    [
        (ListedNote(0.0, float("nan"), 60.0), "Note 2: its end is nan"),
        (ListedNote(1.0, 1.0, 60.0), "Note 2 ends at 1 s"),
        (ListedNote(1.0, 2.0, float("inf")), "Note 2: its pitch"),
    ],
)
def test_impossible_notes_are_named(note: ListedNote, said: str) -> None:
    good = ListedNote(0.0, 1.0, 60.0)
    with pytest.raises(ScoreReadError, match=said):
        evaluate([good], [good, note])
