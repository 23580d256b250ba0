"""Chunks: a plan that covers everything, and reassembly that changes nothing."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from descant.audio.chunks import OverlapAdd, plan_chunks, slide
from descant.audio.clip import Clip
from descant.errors import InvalidOption


@st.composite
def _sizes(draw: st.DrawFn) -> tuple[int, int, int]:
    size = draw(st.integers(1, 400))
    return draw(st.integers(0, 3_000)), size, draw(st.integers(0, size - 1))


def _blocks(samples: np.ndarray, frames: int) -> Iterator[Clip]:
    for start in range(0, samples.shape[1], frames):
        yield Clip(samples[:, start : start + frames], 44_100)


@given(_sizes())
def test_plan_covers_every_frame_and_overlaps_exactly(sizes: tuple[int, int, int]) -> None:
    frames, size, overlap = sizes
    plan = plan_chunks(frames, size, overlap)
    assert [chunk.index for chunk in plan] == list(range(len(plan)))
    if frames == 0:
        assert plan == ()
        return
    assert plan[0].start == 0
    assert plan[-1].stop == frames
    assert all(chunk.frames == size for chunk in plan[:-1])
    assert 0 < plan[-1].frames <= size
    for left, right in pairwise(plan):
        assert left.stop - right.start == overlap
        assert right.stop > left.stop


@given(_sizes(), st.integers(1, 700))
def test_sliding_gives_the_planned_chunks(sizes: tuple[int, int, int], block: int) -> None:
    frames, size, overlap = sizes
    samples = np.arange(frames, dtype=np.float32)[np.newaxis]
    slid = list(slide(_blocks(samples, block), size, overlap))
    assert tuple(chunk for chunk, _ in slid) == plan_chunks(frames, size, overlap)
    for chunk, part in slid:
        np.testing.assert_array_equal(part, samples[:, chunk.start : chunk.stop])


@given(_sizes(), st.integers(0, 2**31))
def test_overlap_add_of_unchanged_chunks_is_the_identity(sizes: tuple[int, int, int], seed: int) -> None:
    frames, size, overlap = sizes
    samples = np.random.default_rng(seed).uniform(-4, 4, (3, 2, frames)).astype(np.float32)
    joined = OverlapAdd(overlap)
    plan = plan_chunks(frames, size, overlap)
    parts = [joined.push(samples[..., chunk.start : chunk.stop], chunk.start) for chunk in plan]
    if not plan:
        return
    result = np.concatenate([*parts, joined.finish()], axis=-1)
    assert result.shape == samples.shape
    assert result.dtype == np.float32
    assert np.abs(result - samples).max() < 1e-6 * 4


def test_cross_fade_is_linear_and_monotone() -> None:
    joined = OverlapAdd(99)
    parts = [joined.push(np.zeros((1, 300)), 0), joined.push(np.ones((1, 300)), 201), joined.finish()]
    fade = np.concatenate(parts, axis=1)[0]
    np.testing.assert_array_equal(fade[:201], 0)
    np.testing.assert_allclose(fade[201:300], np.arange(1, 100) / 100, atol=1e-6)
    np.testing.assert_array_equal(fade[300:], 1)


def test_memory_is_bounded_by_the_chunk() -> None:
    def peak(chunks: int) -> int:
        silence = Clip(np.broadcast_to(np.zeros((2, 1), np.float32), (2, 8_000)), 44_100)
        joined = OverlapAdd(1_000)
        tracemalloc.start()
        for chunk, samples in slide((silence for _ in range(chunks)), 10_000, 1_000):
            joined.push(samples, chunk.start)
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    assert peak(80) < 1.05 * peak(8)


def test_impossible_plans_are_refused() -> None:
    for frames, size, overlap in ((10, 0, 0), (10, 5, 5), (10, 5, -1), (-1, 5, 1)):
        with pytest.raises(InvalidOption):
            plan_chunks(frames, size, overlap)
    with pytest.raises(InvalidOption):
        OverlapAdd(-1)


def test_gaps_and_steps_back_are_refused() -> None:
    for start in (301, -1):
        joined = OverlapAdd(10)
        joined.push(np.zeros((1, 300)), 0)
        with pytest.raises(InvalidOption, match="in order and without gaps"):
            joined.push(np.zeros((1, 300)), start)
    assert OverlapAdd(3).finish().shape == (1, 0)
