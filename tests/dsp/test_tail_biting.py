from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from descant.dsp.tail_biting import RATE, decode, encode

BITS = st.lists(st.integers(0, 1), min_size=16, max_size=60).map(lambda bits: np.array(bits, np.int8))


@given(BITS)
def test_what_is_encoded_decodes(bits: np.ndarray) -> None:
    assert (decode(encode(bits).astype(float)) == bits).all()


@given(BITS, st.integers(0, 60))
def test_it_has_no_beginning(bits: np.ndarray, turn: int) -> None:
    assert (encode(np.roll(bits, turn)) == np.roll(encode(bits), RATE * turn)).all()


def test_against_the_generators_by_hand() -> None:
    # One bit alone writes each generator's taps, one lag after the other.
    bits = np.zeros(20, np.int8)
    bits[0] = 1
    coded = (encode(bits).reshape(20, RATE) + 1) // 2
    for column, generator in enumerate((0o463, 0o535, 0o733, 0o745)):
        assert [int(bit) for bit in coded[:9, column]] == [generator >> lag & 1 for lag in range(9)]
    assert not coded[9:].any()


def test_its_free_distance_is_24() -> None:
    one = np.zeros(48, np.int8)
    weights = []
    for pattern in range(1, 512, 2):
        one[:9] = [pattern >> lag & 1 for lag in range(9)]
        weights.append(int((encode(one) > 0).sum()))
    assert min(weights) == 24


def test_eleven_wrong_of_192_are_corrected() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        bits = rng.integers(0, 2, 48).astype(np.int8)
        doubts = encode(bits).astype(float)
        doubts[rng.choice(192, 11, replace=False)] *= -1
        assert (decode(doubts) == bits).all()
