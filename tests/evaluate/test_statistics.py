"""Intervals and paired tests against SciPy, by counting, and by coverage."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from descant.evaluate.statistics import bootstrap_interval, jackknife_interval, paired_test, sign_flip_p


def test_the_interval_agrees_with_scipy() -> None:
    values = np.random.default_rng(1).normal(3.0, 2.0, 40)
    ours = bootstrap_interval(values.tolist(), resamples=20_000)
    theirs = scipy.stats.bootstrap(
        (values,), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(2)
    ).confidence_interval
    assert ours is not None
    assert ours.value == pytest.approx(values.mean())
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.03)


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(3)
    hits = 0
    for seed in range(300):
        found = bootstrap_interval(rng.normal(1.0, 1.0, 30).tolist(), resamples=500, seed=seed)
        assert found is not None
        hits += found.low <= 1.0 <= found.high
    assert 0.90 <= hits / 300 <= 0.98


def test_what_has_no_value_is_left_out() -> None:
    found = bootstrap_interval([1.0, None, 3.0, math.nan], summary="median")
    assert found is not None
    assert (found.value, found.songs) == (2.0, 2)
    assert bootstrap_interval([None, math.nan]) is None
    alone = bootstrap_interval([4.0])
    assert alone is not None
    assert (alone.value, alone.low, alone.high) == (4.0, None, None)


def test_the_same_seed_gives_the_same_interval() -> None:
    values = np.random.default_rng(0).normal(size=20).tolist()
    assert bootstrap_interval(values, seed=4) == bootstrap_interval(values, seed=4)
    assert bootstrap_interval(values, seed=4) != bootstrap_interval(values, seed=5)


def test_the_jackknife_by_hand() -> None:
    """Of a mean it is the textbook's standard error: 1, 2, 3, 4 have s = 1.29099, the error 0.64550; t(3) = 3.18245."""
    found = jackknife_interval(2.5, [9 / 3, 8 / 3, 7 / 3, 6 / 3])
    assert (found.value, found.songs) == (2.5, 4)
    assert (found.low, found.high) == (pytest.approx(2.5 - 2.05426, abs=1e-5), pytest.approx(2.5 + 2.05426, abs=1e-5))
    wider = jackknife_interval(2.5, [9 / 3, 8 / 3, 7 / 3, 6 / 3], level=0.99)  # t(3) = 5.84091
    assert wider.high == pytest.approx(2.5 + 3.77029, abs=1e-5)
    alone = jackknife_interval(2.5, [0.0])
    assert (alone.low, alone.high, alone.songs) == (None, None, 1)


@given(st.lists(st.integers(-50, 50), min_size=2, max_size=9))
def test_sign_flips_are_counted_as_scipy_counts_them(differences: list[int]) -> None:
    values = np.asarray(differences, float)
    theirs = scipy.stats.permutation_test(
        (values,), np.mean, permutation_type="samples", n_resamples=np.inf, alternative="two-sided"
    ).pvalue
    ours = sign_flip_p(values)
    # SciPy doubles the smaller tail, which for a symmetric distribution is the same but for a mean of exactly zero.
    assert ours == pytest.approx(min(1.0, float(theirs)), abs=1e-12)


def test_eight_equal_wins_have_a_p_of_two_in_256() -> None:
    test = paired_test([0.0] * 8, [1.0] * 8)
    assert test is not None
    assert test.p_sign_flip == pytest.approx(2 / 256)
    assert (test.wins, test.losses) == (8, 0)
    assert test.difference.value == 1.0
    assert test.p_wilcoxon == pytest.approx(scipy.stats.wilcoxon(np.ones(8)).pvalue)


def test_many_songs_are_sampled_and_p_is_never_zero() -> None:
    differences = np.random.default_rng(0).normal(0.4, 1.0, 40)
    sampled = sign_flip_p(differences, permutations=20_000)
    normal = 2 * scipy.stats.norm.sf(abs(differences.sum()) / np.sqrt(np.square(differences).sum()))
    assert sampled == pytest.approx(normal, rel=0.35)
    assert sign_flip_p(np.ones(40), permutations=1_000) == pytest.approx(1 / 1_001)


def test_equal_systems_are_not_told_apart() -> None:
    test = paired_test([1.0, 2.0, None], [1.0, 2.0, 3.0])
    assert test is not None
    assert (test.wins, test.losses, test.p_sign_flip, test.p_wilcoxon) == (0, 0, 1.0, None)
    assert paired_test([None], [1.0]) is None
    with pytest.raises(ValueError, match="same songs"):
        paired_test([1.0], [1.0, 2.0])
