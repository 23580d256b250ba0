"""How alike two *sets* of recordings are, on given embeddings: Frechet and kernel audio distance, speaker cosine.

Conventions: an embedding matrix has the shape [items, dimensions]; items are short windows of recordings, and scores
under different embeddings, window lengths or lists of clips cannot be compared: state them. FAD is Kilgour et al.
(2019), its extrapolation to endless samples Chong and Forsyth (2020) and Gui et al. (2024); KAD is Chung et al.
(2025, arXiv 2502.15602): unbiased squared MMD, usable from a few dozen items, not symmetric, slightly negative for
equal sets.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from descant.errors import InvalidAudio
from descant.evaluate.scores import Metric
from descant.evaluate.statistics import Interval, jackknife_interval

Floats = NDArray[np.float64]

KAD_SCALE = 100.0
INFINITY_STEPS = 25
ADVISED_ITEMS = 500
"""From so many items on FAD's bias falls nearly as one over their number, and FAD is worth reading."""

METRICS = (
    Metric("FAD", "Frechet distance of the embeddings as they are (biased upwards by few items)", False),
    Metric("FAD infinity", "the same, extrapolated to endlessly many items of the estimate", False),
    Metric("KAD", "unbiased kernel distance x 100, Gaussian, median bandwidth", False),
)

_MOST_FOR_BANDWIDTH = 2_000
_BLOCK_ITEMS = 1_024


def validate(reference: Floats, estimated: Floats) -> None:
    """Refuse matrices that are no embeddings of the same kind.

    Raises:
        InvalidAudio: Not [items, dimensions], fewer than two items, other dimensions, or values that are not finite.
    """
    for side, matrix in (("reference", reference), ("estimate", estimated)):
        if matrix.ndim != 2 or len(matrix) < 2:
            raise InvalidAudio(
                f"The {side}'s embeddings have the shape {list(matrix.shape)}.", "Two items or more are needed."
            )
        if not np.isfinite(matrix).all():
            raise InvalidAudio(f"The {side}'s embeddings hold NaN or infinity.", "Check the embedder.")
    if reference.shape[1] != estimated.shape[1]:
        raise InvalidAudio(
            f"The embeddings have {reference.shape[1]} and {estimated.shape[1]} dimensions.",
            "Use one embedder for both.",
        )


def frechet_distance(reference: Floats, estimated: Floats) -> float:
    """|m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^1/2) of two embedding matrices; 0 for equal ones, never negative.

    The root's trace is that of the symmetric C1^1/2 C2 C1^1/2, which stays real when items are fewer than dimensions.
    """
    return _frechet_from(reference)(estimated)


def frechet_infinity(
    reference: Floats, estimated: Floats, *, fewest: int | None = None, steps: int = INFINITY_STEPS, seed: int = 0
) -> float:
    """FAD extrapolated to endlessly many items of the estimate.

    FAD is biased upwards by about c / n. It is measured on random subsets of rising size n, a line is laid through
    FAD over 1 / n, and its value at 0 is the answer. The reference keeps its own bias: make it large.

    Args:
        reference: Shape [items, dimensions].
        estimated: Shape [items, dimensions].
        fewest: Size of the smallest subset; `ADVISED_ITEMS`, or half the items where those are fewer.
        steps: How many sizes.
        seed: Of the subsets.
    """
    items = len(estimated)
    smallest = min(ADVISED_ITEMS, items // 2) if fewest is None else min(fewest, items)
    sizes = np.unique(np.linspace(max(2, smallest), items, steps).astype(int))
    random = np.random.default_rng(seed)
    distance = _frechet_from(reference)
    distances = [distance(estimated[random.permutation(items)[:size]]) for size in sizes]
    if len(sizes) < 2:
        return distances[-1]
    return float(np.polyfit(1.0 / sizes, distances, 1)[1])


def kernel_distance(reference: Floats, estimated: Floats, *, bandwidth: float | None = None) -> float:
    """Kernel audio distance: unbiased squared maximum mean discrepancy times 100 (Gretton et al. 2012).

    Args:
        reference: Shape [items, dimensions].
        estimated: Shape [items, dimensions].
        bandwidth: Of the Gaussian kernel exp(-d^2 / (2 b^2)); the median distance in the reference if None.
    """
    width = median_distance(reference) if bandwidth is None else bandwidth
    m, n = len(reference), len(estimated)
    within = (_kernel_sum(reference, reference, width) - m) / (m * (m - 1))
    within += (_kernel_sum(estimated, estimated, width) - n) / (n * (n - 1))
    return KAD_SCALE * (within - 2.0 * _kernel_sum(reference, estimated, width) / (m * n))


def median_distance(items: Floats, *, seed: int = 0) -> float:
    """Median Euclidean distance of two different items (of at most 2,000 of them); 1 if all are equal."""
    if len(items) > _MOST_FOR_BANDWIDTH:
        items = items[np.random.default_rng(seed).permutation(len(items))[:_MOST_FOR_BANDWIDTH]]
    squares = _squared_distances(items, items)
    middle = float(np.median(np.sqrt(squares[np.triu_indices(len(items), 1)])))
    return middle if middle > 0 else 1.0


def frechet_interval(reference: Floats, songs: Sequence[Floats]) -> Interval:
    """FAD of a set of songs, with a 95 % jackknife interval over them (songs are the units).

    It says how far FAD would move with other songs, as many as these: the bias of few items is in the value and is not
    in the interval. `FAD infinity` has none: its subsets are drawn at random, and the jackknife would multiply that.

    Args:
        reference: Shape [items, dimensions]; taken as it is.
        songs: The estimate's embeddings song by song.
    """
    return _set_interval(_frechet_from(reference), songs)


def kernel_interval(reference: Floats, songs: Sequence[Floats]) -> Interval:
    """KAD of a set of songs, with a 95 % jackknife interval over them (songs are the units).

    Args:
        reference: Shape [items, dimensions]; taken as it is.
        songs: The estimate's embeddings song by song.
    """
    width = median_distance(reference)
    return _set_interval(lambda items: kernel_distance(reference, items, bandwidth=width), songs)


def speaker_cosine(reference: Floats, estimated: Floats) -> float:
    """Cosine of two speakers' mean embeddings, each item scaled to length one first; -1..1.

    Args:
        reference: Embeddings of the one voice, [items, dimensions] (or [dimensions]).
        estimated: Of the other.

    Returns:
        NaN if either mean vanishes.
    """
    first, second = (_mean_direction(np.atleast_2d(np.asarray(each, float))) for each in (reference, estimated))
    length = float(np.linalg.norm(first) * np.linalg.norm(second))
    return float(first @ second) / length if length > 0 else float("nan")


def evaluate(reference: Floats, estimated: Floats, *, seed: int = 0) -> dict[str, float]:
    """All measures of two sets by the names in `METRICS`.

    Raises:
        InvalidAudio: The matrices cannot be compared (see `validate`).
    """
    validate(reference, estimated)
    return {
        "FAD": frechet_distance(reference, estimated),
        "FAD infinity": frechet_infinity(reference, estimated, seed=seed),
        "KAD": kernel_distance(reference, estimated),
    }


def _set_interval(distance: Callable[[Floats], float], songs: Sequence[Floats]) -> Interval:
    value = distance(np.concatenate(songs))
    rests = [np.concatenate([s for i, s in enumerate(songs) if i != left]) for left in range(len(songs)) if songs[1:]]
    if not rests or min(map(len, rests)) < 2:
        return Interval(value, None, None, len(songs))
    return jackknife_interval(value, [distance(rest) for rest in rests])


def _frechet_from(reference: Floats) -> Callable[[Floats], float]:
    """Distance from a reference whose moments are worked out once."""
    centre, first = reference.mean(axis=0), np.atleast_2d(np.cov(reference, rowvar=False))
    root = _square_root(first)

    def distance(estimated: Floats) -> float:
        means = centre - estimated.mean(axis=0)
        second = np.atleast_2d(np.cov(estimated, rowvar=False))
        shared = np.sqrt(np.maximum(scipy.linalg.eigvalsh(root @ second @ root), 0.0)).sum()
        return max(0.0, float(means @ means + np.trace(first) + np.trace(second) - 2.0 * shared))

    return distance


def _square_root(matrix: Floats) -> Floats:
    values, vectors = scipy.linalg.eigh(matrix)
    root: Floats = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    return root


def _kernel_sum(first: Floats, second: Floats, width: float) -> float:
    total = 0.0
    for start in range(0, len(first), _BLOCK_ITEMS):
        squares = _squared_distances(first[start : start + _BLOCK_ITEMS], second)
        total += float(np.exp(squares / (-2.0 * width * width)).sum())
    return total


def _squared_distances(first: Floats, second: Floats) -> Floats:
    squares = np.square(first).sum(axis=1)[:, np.newaxis] + np.square(second).sum(axis=1)
    distances: Floats = np.maximum(squares - 2.0 * (first @ second.T), 0.0)
    return distances


def _mean_direction(items: Floats) -> Floats:
    norms = np.linalg.norm(items, axis=1, keepdims=True)
    mean: Floats = (items / np.where(norms > 0, norms, 1.0)).mean(axis=0)
    return mean
