"""How sure a comparison is: bootstrap intervals over songs, and paired tests of two systems on the same songs.

A song is the unit, never a window or a note: windows of one song resemble each other, and counting them as independent
makes intervals far too narrow. Songs without a value (None or NaN) are left out, in pairs if either side lacks it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student
from scipy.stats import wilcoxon

Floats = NDArray[np.float64]
Summary = Literal["mean", "median"]

_SUMMARIES: dict[Summary, Callable[..., Floats]] = {"mean": np.mean, "median": np.median}
_EXACT_SONGS = 15  # 32,768 sign patterns are counted one by one
_TIE = 1e-12


@dataclass(frozen=True, slots=True)
class Interval:
    """A summary over songs and how far it would move with other songs.

    Attributes:
        value: Mean or median over the songs.
        low: Lower end of the interval; None with fewer than two songs.
        high: Upper end.
        songs: How many songs had a value.
    """

    value: float
    low: float | None
    high: float | None
    songs: int


@dataclass(frozen=True, slots=True)
class PairedTest:
    """Two systems on the same songs.

    Attributes:
        difference: Mean of second minus first over the songs, with its bootstrap interval.
        wins: Songs on which the second is larger.
        losses: Songs on which the first is larger.
        p_sign_flip: Two-sided p of the sign-flip permutation test of the mean difference; None without songs.
        p_wilcoxon: Two-sided p of the signed-rank test; None when no song differs.
    """

    difference: Interval
    wins: int
    losses: int
    p_sign_flip: float | None
    p_wilcoxon: float | None


def bootstrap_interval(
    values: Sequence[float | None],
    *,
    summary: Summary = "mean",
    level: float = 0.95,
    resamples: int = 4_000,
    seed: int = 0,
) -> Interval | None:
    """Percentile bootstrap of a summary over songs (Efron 1979).

    Args:
        values: One per song; None and NaN are left out.
        summary: What is summarised by.
        level: Coverage of the interval.
        resamples: How often songs are drawn with replacement.
        seed: Same seed, same interval.

    Returns:
        None when no song has a value. With fewer than ten songs such intervals are too narrow; treat them as hints.
    """
    known = _known(values)
    if not len(known):
        return None
    apply = _SUMMARIES[summary]
    value = float(apply(known))
    if len(known) < 2:
        return Interval(value, None, None, len(known))
    draws = np.random.default_rng(seed).integers(len(known), size=(resamples, len(known)))
    found = apply(known[draws], axis=1)
    low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2])
    return Interval(value, float(low), float(high), len(known))


def jackknife_interval(value: float, without: Sequence[float], *, level: float = 0.95) -> Interval:
    """Jackknife interval of a quantity that is one number of all songs together, such as a distance of sets.

    A bootstrap would draw songs twice, and distances of sets take equal items for a lack of variety. The error is
    Tukey's: the root of (n - 1) / n times the summed squares about the mean of the values without one song each (Efron
    and Stein 1981); the interval is Student's with n - 1 degrees of freedom.

    Args:
        value: Of all songs.
        without: What it is without each song.
        level: Coverage of the interval.

    Returns:
        No ends with fewer than two songs.
    """
    count = len(without)
    if count < 2:
        return Interval(value, None, None, count)
    left_out = np.asarray(without, float)
    error = float(np.sqrt((count - 1) / count * np.square(left_out - left_out.mean()).sum()))
    reach = error * float(student.ppf((1 + level) / 2, count - 1))
    return Interval(value, value - reach, value + reach, count)


def paired_test(
    first: Sequence[float | None], second: Sequence[float | None], *, permutations: int = 20_000, seed: int = 0
) -> PairedTest | None:
    """Compare two systems song by song.

    The sign-flip test asks how often chance, turning the sign of each song's difference by a coin, makes the mean
    difference as large; up to 15 songs all patterns are counted, beyond that `permutations` random ones, and the
    observed one is one of them (so p is never 0; Phipson and Smyth 2010).

    Args:
        first: One value per song.
        second: Of the same songs, in the same order.
        permutations: Random patterns when there are too many to count.
        seed: Of bootstrap and patterns.

    Returns:
        None when no song has both values.
    """
    if len(first) != len(second):
        raise ValueError(f"Paired values must be of the same songs; got {len(first)} and {len(second)}.")
    pairs = [b - a for a, b in zip(first, second, strict=True) if a is not None and b is not None]
    differences = _known(pairs)
    interval = bootstrap_interval(differences.tolist(), seed=seed)
    if interval is None:
        return None
    differs = np.abs(differences) > _TIE
    p_rank = float(wilcoxon(differences[differs]).pvalue) if differs.any() else None
    return PairedTest(
        interval,
        int((differences > _TIE).sum()),
        int((differences < -_TIE).sum()),
        sign_flip_p(differences, permutations=permutations, seed=seed),
        p_rank,
    )


def sign_flip_p(differences: Floats, *, permutations: int = 20_000, seed: int = 0) -> float:
    """Two-sided p of the mean of paired differences under random signs, shape [songs]."""
    songs = len(differences)
    observed = abs(float(differences.sum()))
    tolerance = _TIE * max(1.0, float(np.abs(differences).sum()))
    if songs <= _EXACT_SONGS:
        bits = (np.arange(2**songs)[:, np.newaxis] >> np.arange(songs)) & 1
        sums = (1.0 - 2.0 * bits) @ differences
        return float((np.abs(sums) >= observed - tolerance).mean())
    signs = np.random.default_rng(seed).integers(0, 2, size=(permutations, songs)) * 2.0 - 1.0
    as_large = int((np.abs(signs @ differences) >= observed - tolerance).sum())
    return (as_large + 1) / (permutations + 1)


def _known(values: Sequence[float | None]) -> Floats:
    return np.asarray([v for v in values if v is not None and not math.isnan(v)], float)
