"""Content moved towards the target's own: against the definition, written out."""

from __future__ import annotations

import numpy as np
import pytest

from descant.convert.retrieval import Pool


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_content_moves_towards_the_mean_of_its_four_nearest_by_cosine(share: float) -> None:
    rng = np.random.default_rng(0)
    frames = rng.normal(size=(40, 8)).astype(np.float16)
    content = 3.0 * rng.normal(size=(700, 8)).astype(np.float32)  # more than are asked for at a time
    moved = Pool(frames)(content, share)
    pool = frames.astype(np.float64)
    for k in (0, 511, 512, 699):
        cosines = pool @ content[k] / np.linalg.norm(pool, axis=1)
        mean = pool[np.argsort(-cosines)[:4]].mean(axis=0)
        np.testing.assert_allclose(moved[k], (1 - share) * content[k] + share * mean, atol=1e-5)


def test_a_large_pool_is_thinned_over_its_whole_length() -> None:
    """Four sounds after each other in 24,000 frames: each is still found."""
    frames = np.repeat(np.eye(4, dtype=np.float16), 6_000, axis=0)
    np.testing.assert_allclose(Pool(frames)(5.0 * np.eye(4, dtype=np.float32), 1.0), np.eye(4), atol=1e-6)


def test_fewer_frames_than_neighbours_move_nothing() -> None:
    content = np.ones((3, 2), np.float32)
    np.testing.assert_array_equal(Pool(np.ones((3, 2), np.float16) * 2)(content, 1.0), content)
