"""Alignment and error rates against mir_eval, jiwer and hand-computed cases."""

from __future__ import annotations

import jiwer
import mir_eval
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from descant.errors import TextReadError
from descant.evaluate.alignment_metrics import share_in_segments, share_within, validate
from descant.evaluate.lyrics_metrics import (
    METRICS,
    character_error_rate,
    edit_distance,
    evaluate,
    parting,
    plain_words,
    word_error_rate,
)
from descant.text.lyrics import Line, Lyrics, Word

starts = st.lists(st.integers(1, 400), min_size=2, max_size=40).map(lambda steps: np.cumsum(steps) * 0.0137)


@given(starts, st.integers(0, 1_000))
def test_alignment_equals_mir_eval(true: np.ndarray, seed: int) -> None:
    found = np.sort(np.abs(true + np.random.default_rng(seed).normal(0, 0.4, len(true))))
    median, mean = mir_eval.alignment.absolute_error(true, found)
    lyrics = [Lyrics((Line(tuple(Word(f"w{i}", float(t)) for i, t in enumerate(times))),)) for times in (true, found)]
    scores = evaluate(*lyrics)
    assert list(scores) == [metric.name for metric in METRICS]
    assert scores["AAE"] == pytest.approx(mean)
    assert scores["median AE"] == pytest.approx(median)
    assert scores["within 0.3 s"] == pytest.approx(mir_eval.alignment.percentage_correct(true, found))
    assert scores["in segments"] == pytest.approx(mir_eval.alignment.percentage_correct_segments(true, found))
    assert scores["WER"] == scores["CER"] == 0.0


def test_by_hand() -> None:
    assert share_within([1.0, 2.0, 3.0], [1.29, 2.0, 3.4]) == pytest.approx(2 / 3)
    assert share_in_segments([0.0, 2.0], [1.0, 2.0]) == pytest.approx(0.5)
    assert share_in_segments([1.0], [1.0]) is None


def test_words_that_come_late_have_a_positive_bias() -> None:
    true, late = (
        Lyrics((Line(tuple(Word(name, time) for name, time in zip("abc", times, strict=True))),))
        for times in ((1.0, 2.0, 3.0), (1.1, 2.2, 3.9))
    )
    scores = evaluate(true, late)
    assert scores["bias"] == pytest.approx(0.2)  # the median, not the mean
    assert evaluate(late, true)["bias"] == pytest.approx(-0.2)
    assert (scores["AAE"], scores["median AE"]) == (pytest.approx(0.4), pytest.approx(0.2))


words = st.lists(st.sampled_from(["la", "love", "is", "all", "you", "need", "don't"]), max_size=12).map(" ".join)


@given(words.filter(bool), words)
def test_error_rates_equal_jiwer(true: str, found: str) -> None:
    assert word_error_rate(true, found) == pytest.approx(jiwer.wer(true, found))
    assert character_error_rate(true, found) == pytest.approx(jiwer.cer(true, found))


@given(st.text("abc", max_size=12), st.text("abc", max_size=12))
def test_edit_distance_is_a_metric(a: str, b: str) -> None:
    assert edit_distance(a, b) == edit_distance(b, a)
    assert (edit_distance(a, b) == 0) == (a == b)
    assert abs(len(a) - len(b)) <= edit_distance(a, b) <= max(len(a), len(b))


def test_case_and_punctuation_do_not_count() -> None:
    assert plain_words("Don’t stop, me NOW!") == ["don't", "stop", "me", "now"]
    assert plain_words("'cause — (yeah)") == ["cause", "yeah"]
    assert word_error_rate("Hello, world", "hello world") == 0.0
    assert word_error_rate("one two three four", "one too three") == pytest.approx(0.5)
    assert character_error_rate("abcd", "abxd") == pytest.approx(0.25)
    assert word_error_rate("...", "word") is None


def test_other_words_are_not_aligned() -> None:
    true = Lyrics((Line((Word("one", 1.0), Word("two", 2.0))),))
    found = Lyrics((Line((Word("one", 1.0), Word("too", 2.0))),))
    scores = evaluate(true, found)
    assert scores["AAE"] is None
    assert scores["WER"] == pytest.approx(0.5)
    assert evaluate(true, Lyrics.from_text("one two"))["AAE"] is None  # nothing is timed
    bare = Lyrics((Line((Word("", 1.5), Word("", 2.5))),))  # starts alone, as some data sets keep them
    assert evaluate(true, bare)["AAE"] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("true", "found", "index"),
    [
        ("One, two three", "one TWO three", None),
        ("one two three", "one too three", 1),
        ("one two", "one two three", 2),
        ("one two three", "one two", 2),
        ("", "one", 0),
        ("... one", "- one", None),
    ],
)
def test_where_texts_part(true: str, found: str, index: int | None) -> None:
    assert parting(Lyrics.from_text(true), Lyrics.from_text(found)) == index


@pytest.mark.parametrize(
    ("true", "found", "said"),
    [
        ([1.0], [1.0, 2.0], "1 words"),
        ([], [], "0 words"),
        ([1.0, 2.0], [1.0, float("nan")], "Word 2 of the estimate"),
        ([1.0, 0.5], [1.0, 2.0], "Word 2 of the reference"),
        ([-0.5, 0.5], [1.0, 2.0], "Word 1 of the reference starts at -0.5 s"),
        ([1.0, 2.0], [1.0, 0.99], "Word 2 of the estimate starts before"),
    ],
)
def test_what_cannot_be_compared_is_named(true: list[float], found: list[float], said: str) -> None:
    with pytest.raises(TextReadError, match=said):
        validate(true, found)
