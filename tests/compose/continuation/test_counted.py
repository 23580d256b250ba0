"""Counted models against Witten and Bell's formula by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from descant.compose.continuation.counted import CountedModel, CountedReader

A, B, C, D = range(4)


def test_by_hand() -> None:
    model = CountedModel([[A, B, A, B, A, C]], 4, 1)
    # Unigram: 6 tokens of 3 kinds; the shortest context of all gives each of 4 tokens a quarter of 3 in 9.
    single = {A: (3 + 3 / 4) / 9, B: (2 + 3 / 4) / 9, C: (1 + 3 / 4) / 9, D: (3 / 4) / 9}
    # After A: B twice, C once; 3 seen, 2 kinds.
    assert model.odds([A])[B] == pytest.approx((2 + 2 * single[B]) / 5)
    assert model.odds([A])[D] == pytest.approx(2 * single[D] / 5)
    assert model.odds([B])[A] == pytest.approx((2 + 1 * single[A]) / 3)
    # C was never followed by anything: the unigram decides.
    assert model.odds([C])[A] == pytest.approx(single[A])
    assert model.nats([A, B, D])[0] == pytest.approx(-math.log((2 + 2 * single[B]) / 5))
    assert model.nats([A, B, D])[1] == pytest.approx(-math.log(1 * single[D] / 3))


@given(st.lists(st.lists(st.integers(0, 5), min_size=1, max_size=30), min_size=1, max_size=4), st.integers(0, 3),
       st.lists(st.integers(0, 5), min_size=2, max_size=12))  # fmt: skip
def test_odds_sum_to_one_and_agree_with_nats(streams: list[list[int]], order: int, text: list[int]) -> None:
    model = CountedModel(streams, 6, order)
    nats = model.nats(text)
    for place in range(1, len(text)):
        odds = model.odds(text[:place])
        assert odds.sum() == pytest.approx(1.0)
        assert (odds > 0).all()
        assert nats[place - 1] == pytest.approx(-math.log(odds[text[place]]))


def test_longer_contexts_tell_more_where_there_is_something_to_tell() -> None:
    text = [A, A, B, B] * 50
    nats = [CountedModel([text], 4, order).nats(text)[8:].mean() for order in (0, 1, 2)]
    assert nats[2] < 0.1 < nats[1] + 0.1 <= nats[0] + 0.2


def test_a_reader_forgets() -> None:
    reader = CountedReader(CountedModel([[A, B, A, B, A, C]], 4, 1))
    (first,) = reader.read([[A, B, A]])
    assert reader.lengths == [3]
    reader.read([[C]])
    reader.rewind(0, 2)
    (again,) = reader.read([[A]])
    assert np.array_equal(first, again)
    reader.forget(0)
    assert reader.lengths == [0]
