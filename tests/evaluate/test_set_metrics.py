"""Distances of sets against closed forms, plain double sums and SciPy's matrix root."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given
from hypothesis import strategies as st

from descant.errors import InvalidAudio
from descant.evaluate.set_metrics import (
    METRICS,
    evaluate,
    frechet_distance,
    frechet_infinity,
    frechet_interval,
    kernel_distance,
    kernel_interval,
    median_distance,
    speaker_cosine,
    validate,
)


def _items(seed: int, count: int, dimensions: int = 8, shift: float = 0.0, scale: float = 1.0) -> np.ndarray:
    return shift + scale * np.random.default_rng(seed).standard_normal((count, dimensions))


@given(st.integers(0, 1_000), st.integers(12, 40), st.integers(2, 6))
def test_frechet_equals_the_formula_with_scipys_root(seed: int, count: int, dimensions: int) -> None:
    a, b = _items(seed, count, dimensions), _items(seed + 1, count + 3, dimensions, 0.5, 2.0)
    c1, c2 = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    root = scipy.linalg.sqrtm(c1 @ c2).real
    expected = np.square(a.mean(0) - b.mean(0)).sum() + np.trace(c1 + c2 - 2 * root)
    assert frechet_distance(a, b) == pytest.approx(expected, rel=1e-6)


def test_frechet_by_hand() -> None:
    a = np.array([[0.0], [2.0]])  # mean 1, variance 2
    b = np.array([[3.0], [7.0]])  # mean 5, variance 8
    assert frechet_distance(a, b) == pytest.approx(16 + (np.sqrt(8) - np.sqrt(2)) ** 2)
    assert frechet_distance(a, a) == pytest.approx(0.0, abs=1e-9)


def test_fewer_items_than_dimensions_stay_real_and_not_negative() -> None:
    few = _items(0, 10, 64)
    assert frechet_distance(few, few) == pytest.approx(0.0, abs=1e-5)
    assert frechet_distance(few, _items(1, 10, 64)) > 0


def test_the_extrapolation_removes_most_of_the_bias_of_few_items() -> None:
    reference = _items(0, 20_000, 16)
    plain = [frechet_distance(reference, _items(seed, 300, 16)) for seed in range(1, 6)]
    corrected = [frechet_infinity(reference, _items(seed, 300, 16), fewest=60, seed=seed) for seed in range(1, 6)]
    assert np.mean(plain) > 0.1  # the truth is 0
    assert abs(np.mean(corrected)) < 0.2 * np.mean(plain)


@pytest.mark.parametrize(("items", "smallest"), [(1_200, 500), (1_001, 500), (800, 400), (41, 20)])
def test_the_line_is_laid_from_500_items_or_half_of_them(items: int, smallest: int) -> None:
    """Against the definition, written out: 25 sizes, a distance each, a straight line over one over the size."""
    reference, estimated = _items(0, 60, 2), _items(1, items, 2, 0.3)
    random = np.random.default_rng(5)
    sizes = [int(smallest + (items - smallest) * step / 24) for step in range(25)]
    sizes = list(dict.fromkeys(sizes))
    found = [frechet_distance(reference, estimated[random.permutation(items)[:size]]) for size in sizes]
    slope_and_end = np.linalg.lstsq(np.array([[1 / size, 1.0] for size in sizes]), np.array(found))[0]
    assert frechet_infinity(reference, estimated, seed=5) == pytest.approx(slope_and_end[1], rel=1e-9)


def test_two_items_have_nothing_to_extrapolate_from() -> None:
    reference, few = _items(0, 60, 2), _items(1, 2, 2)
    assert frechet_infinity(reference, few) == pytest.approx(frechet_distance(reference, few))


def test_distances_grow_with_noise() -> None:
    """The sheet's claim: a set against itself 0, more with noise."""
    reference = _items(0, 400)
    noisy = [reference + _items(1, 400, scale=level) for level in (0.0, 0.5, 1.0, 2.0)]
    for distance in (frechet_distance, kernel_distance):
        values = [distance(reference, each) for each in noisy]
        assert all(a < b for a, b in itertools.pairwise(values)), values
    assert frechet_distance(reference, reference) == pytest.approx(0.0, abs=1e-6)


def _plain_kernel_distance(a: np.ndarray, b: np.ndarray) -> float:
    def distance(x: np.ndarray, y: np.ndarray) -> float:
        return float(np.linalg.norm(x - y))

    pairs = [(i, j) for i in range(len(a)) for j in range(i + 1, len(a))]
    width = float(np.median([distance(a[i], a[j]) for i, j in pairs]))

    def k(x: np.ndarray, y: np.ndarray) -> float:
        return float(np.exp(-(distance(x, y) ** 2) / (2 * width**2)))

    m, n = len(a), len(b)
    within_a = sum(k(a[i], a[j]) for i in range(m) for j in range(m) if i != j) / (m * (m - 1))
    within_b = sum(k(b[i], b[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    across = sum(k(x, y) for x in a for y in b) / (m * n)
    return 100.0 * (within_a + within_b - 2.0 * across)


@given(st.integers(0, 1_000), st.integers(3, 9), st.integers(3, 9), st.floats(0.0, 2.0))
def test_kernel_distance_equals_its_double_sum(seed: int, m: int, n: int, shift: float) -> None:
    a, b = _items(seed, m, 3), _items(seed + 1, n, 3, shift)
    assert kernel_distance(a, b) == pytest.approx(_plain_kernel_distance(a, b), rel=1e-6, abs=1e-9)


def test_kernel_distance_is_unbiased() -> None:
    """Two halves of one set: 0 on average, and negative about half of the time."""
    values = [kernel_distance(_items(seed, 40), _items(seed + 1_000, 40)) for seed in range(200)]
    error = np.std(values) / np.sqrt(len(values))
    assert abs(np.mean(values)) < 3 * error
    assert 0.3 < np.mean(np.array(values) < 0) < 0.8


def _by_the_book(values: list[float]) -> float:
    """Half the width of a 95 % jackknife interval of eleven songs: t(10) = 2.228139."""
    mean = sum(values) / 11
    return 2.228139 * float(np.sqrt(10 / 11 * sum((value - mean) ** 2 for value in values)))


def test_the_interval_of_kad_leaves_out_a_song_at_a_time() -> None:
    reference = _items(0, 30, 3)
    songs = [_items(seed, 2 + seed % 3, 3, shift=0.3) for seed in range(1, 12)]
    found = kernel_interval(reference, songs)
    rests = [np.concatenate(songs[:left] + songs[left + 1 :]) for left in range(11)]
    half = _by_the_book([_plain_kernel_distance(reference, rest) for rest in rests])
    assert found.value == pytest.approx(_plain_kernel_distance(reference, np.concatenate(songs)))
    assert (found.low, found.high) == pytest.approx((found.value - half, found.value + half))
    assert (found.songs, kernel_interval(reference, songs[:1]).low) == (11, None)


def test_the_interval_of_fad_leaves_out_a_song_at_a_time() -> None:
    reference = _items(0, 30, 3)
    songs = [_items(seed, 2 + seed % 3, 3, shift=0.3) for seed in range(1, 12)]
    found = frechet_interval(reference, songs)
    rests = [np.concatenate(songs[:left] + songs[left + 1 :]) for left in range(11)]
    half = _by_the_book([frechet_distance(reference, rest) for rest in rests])
    assert found.value == pytest.approx(frechet_distance(reference, np.concatenate(songs)))
    assert (found.low, found.high) == pytest.approx((found.value - half, found.value + half))
    assert frechet_interval(reference, [songs[0], songs[1][:1]]).low is None  # without the first, one item is left


def test_the_interval_of_fad_holds_what_other_songs_give() -> None:
    """Coverage with songs that differ: 95 % is promised for the distance of as many other songs."""
    random = np.random.default_rng(0)
    reference = random.standard_normal((300, 4))

    def songs() -> list[np.ndarray]:
        return [0.3 + 0.6 * random.standard_normal(4) + random.standard_normal((6, 4)) for _ in range(12)]

    usual = np.mean([frechet_distance(reference, np.concatenate(songs())) for _ in range(300)])
    intervals = [frechet_interval(reference, songs()) for _ in range(150)]
    assert 0.88 <= np.mean([(each.low or 0.0) <= usual <= (each.high or 0.0) for each in intervals]) <= 0.99


def test_equal_items_have_a_bandwidth() -> None:
    assert median_distance(np.ones((5, 3))) == 1.0
    assert median_distance(np.array([[0.0], [1.0], [3.0]])) == 2.0


def test_speaker_cosine() -> None:
    assert speaker_cosine(np.array([1.0, 0.0]), np.array([[5.0, 0.0], [0.1, 0.0]])) == pytest.approx(1.0)
    assert speaker_cosine(np.array([[1.0, 0.0]]), np.array([[1.0, 1.0]])) == pytest.approx(np.sqrt(0.5))
    assert speaker_cosine(np.array([1.0, 0.0]), np.array([-2.0, 0.0])) == pytest.approx(-1.0)
    assert np.isnan(speaker_cosine(np.zeros(2), np.array([1.0, 0.0])))


@pytest.mark.parametrize(
    ("reference", "estimated", "said"),
    [
        (np.zeros((1, 4)), np.zeros((5, 4)), "reference's embeddings"),
        (np.zeros((5, 4)), np.zeros((5, 3)), "4 and 3 dimensions"),
        (np.zeros((5, 4)), np.full((5, 4), np.nan), "estimate's embeddings hold NaN"),
    ],
)
def test_what_cannot_be_compared_is_named(reference: np.ndarray, estimated: np.ndarray, said: str) -> None:
    with pytest.raises(InvalidAudio, match=said):
        validate(reference, estimated)


def test_all_measures() -> None:
    assert list(evaluate(_items(0, 50), _items(1, 50))) == [metric.name for metric in METRICS]
