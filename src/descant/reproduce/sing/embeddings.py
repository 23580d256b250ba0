"""What the generator has learned of instruments: a map of its embeddings, and whether families lie together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from descant.errors import MissingDependency

Points = NDArray[np.float64]

_SHUFFLES = 2000
_PERPLEXITY = 12.0


def require_sklearn() -> None:
    """Say before the long work that the map could not be made after it.

    Raises:
        MissingDependency: scikit-learn is not installed.
    """
    try:
        import sklearn.manifold  # type: ignore[import-untyped]  # noqa: F401
    except ImportError as error:
        raise MissingDependency(
            "The map of instruments needs scikit-learn.", 'Install it with: pip install "descant[train]"'
        ) from error


def map_of(table: Points, seed: int = 0) -> Points:
    """t-SNE of embeddings (van der Maaten and Hinton 2008): [instruments, numbers] to [instruments, 2].

    Raises:
        MissingDependency: scikit-learn is not installed.
    """
    require_sklearn()
    from sklearn.manifold import TSNE

    perplexity = min(_PERPLEXITY, (len(table) - 1) / 3)
    found: Points = TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(table).astype(float)
    return found


def family_likeness(table: Points, families: Sequence[str], seed: int = 0) -> dict[str, Any]:
    """How often an instrument's nearest neighbour (by cosine) is of its own family.

    Args:
        table: Embeddings, [instruments, numbers].
        families: Of each instrument.
        seed: Of the shuffles.

    Returns:
        `share`; `chance`, its mean where families are dealt out at random; `p`, how often such dealing does as well;
        `judged`, instruments that are not alone in their family: the others are not counted.
    """
    names = np.asarray(families)
    alike = table / np.maximum(np.linalg.norm(table, axis=1, keepdims=True), 1e-12)
    likeness = alike @ alike.T
    np.fill_diagonal(likeness, -np.inf)
    nearest = likeness.argmax(axis=1)
    share = _share(names, nearest)
    generator = np.random.default_rng(seed)
    dealt = np.array([_share(generator.permutation(names), nearest) for _ in range(_SHUFFLES)])
    return {
        "share": share,
        "chance": float(dealt.mean()),
        "p": float((np.count_nonzero(dealt >= share) + 1) / (_SHUFFLES + 1)),
        "judged": int(_is_judged(names).sum()),
    }


def _is_judged(names: NDArray[np.str_]) -> NDArray[np.bool_]:
    _, place, counts = np.unique(names, return_inverse=True, return_counts=True)
    judged: NDArray[np.bool_] = counts[place] > 1
    return judged


def _share(names: NDArray[np.str_], nearest: NDArray[np.intp]) -> float:
    judged = _is_judged(names)
    return float(np.mean((names == names[nearest])[judged])) if judged.any() else 0.0
