"""Weights of sounds at a point."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from descant.errors import InvalidOption
from descant.instrument.blend.weights import grid_points, weights_at

UNIT = st.floats(0.0, 1.0)


def test_the_middle_is_a_quarter_of_each() -> None:
    assert weights_at(4, (0.5, 0.5)) == (0.25, 0.25, 0.25, 0.25)
    assert weights_at(4) == (0.25, 0.25, 0.25, 0.25)
    assert weights_at(2) == (0.5, 0.5)


def test_corners_are_north_west_north_east_south_west_south_east() -> None:
    assert weights_at(4, (0, 0)) == (1, 0, 0, 0)
    assert weights_at(4, (1, 0)) == (0, 1, 0, 0)
    assert weights_at(4, (0, 1)) == (0, 0, 1, 0)
    assert weights_at(4, (1, 1)) == (0, 0, 0, 1)


def test_an_edge_holds_nothing_of_the_others() -> None:
    np.testing.assert_allclose(weights_at(4, (0.3, 0)), (0.7, 0.3, 0, 0))


@given(UNIT, UNIT)
def test_weights_sum_to_one(x: float, y: float) -> None:
    weights = weights_at(4, (x, y))
    assert abs(sum(weights) - 1) < 1e-12
    assert min(weights) >= 0


def test_two_sounds_take_a_share_or_two_weights() -> None:
    np.testing.assert_allclose(weights_at(2, (0.3,)), (0.7, 0.3))
    np.testing.assert_allclose(weights_at(2, (0.7, 0.3)), (0.7, 0.3))
    np.testing.assert_allclose(weights_at(3, (0.2, 0.3, 0.5)), (0.2, 0.3, 0.5))


@pytest.mark.parametrize(
    ("sounds", "at"),
    [
        (1, None), (5, None), (2, (1.2,)), (2, (-0.1,)), (2, (float("nan"),)), (2, (0.5, 0.6)), (4, (0.5,)),
        (4, (0.5, 0.5, 0.5, 0.5)), (4, (0.5, 0.5, 0.5)), (3, (0.5, 0.5)), (2, ()),
    ],
)  # fmt: skip
def test_what_means_nothing_is_refused(sounds: int, at: tuple[float, ...] | None) -> None:
    with pytest.raises(InvalidOption):
        weights_at(sounds, at)


def test_a_grid_goes_row_by_row() -> None:
    points = grid_points(4, 3)
    assert [(p.x, p.y) for p in points[:4]] == [(0.0, 0.0), (0.5, 0.0), (1.0, 0.0), (0.0, 0.5)]
    assert points[4].weights == (0.25, 0.25, 0.25, 0.25)
    assert [p.weights for p in grid_points(2, 3)] == [(1.0, 0.0), (0.5, 0.5), (0.0, 1.0)]
    for sounds, size in ((3, 3), (4, 1), (4, 99)):
        with pytest.raises(InvalidOption):
            grid_points(sounds, size)
