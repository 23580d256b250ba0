"""The best path against a search through all paths, whatever the block size."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from descant.align import lattice
from descant.align.lattice import Moves, best_path, fewest_moves
from descant.errors import Cancelled
from descant.progress import CancelToken

Case = tuple[np.ndarray, Moves]


@st.composite
def _cases(draw: st.DrawFn, longest: int = 7) -> Case:
    """Scores that are whole numbers, so that sums are exact, and moves with skips and jumps."""
    states, frames = draw(st.integers(1, 6)), draw(st.integers(1, longest))
    row = st.lists(st.integers(-9, 3), min_size=states, max_size=states)
    scores = np.array(draw(st.lists(row, min_size=frames, max_size=frames)), np.float32)
    optional = np.array(draw(st.lists(st.booleans(), min_size=states, max_size=states)))
    pairs = [(a, b) for b in range(states) for a in range(b) if b - a > 1]
    chosen = draw(st.lists(st.sampled_from(pairs), max_size=3)) if pairs else []
    prices = [-float(draw(st.integers(0, 9))) for _ in chosen]
    jumps = np.array(chosen, np.int32).reshape(-1, 2)
    return scores, Moves(optional, jumps, np.array(prices, np.float32))


def _followers(state: int, moves: Moves) -> Iterator[tuple[int, float]]:
    """Where a path may go from a state, and what that costs, as the module's docstring tells."""
    states = len(moves.optional)
    yield state, 0.0
    for target in (state + 1, state + 2, state + 3):
        if target < states and all(moves.optional[state + 1 : target]):
            yield target, 0.0
    for (source, target), price in zip(moves.jumps.tolist(), moves.jump_scores.tolist(), strict=True):
        if source == state:
            yield target, price


def _paths(frames: int, moves: Moves) -> Iterator[tuple[list[int], float]]:
    states = len(moves.optional)
    open_states = [0, 1] if states > 1 and moves.optional[0] else [0]
    unfinished = [([state], 0.0) for state in open_states]
    for _ in range(frames - 1):
        unfinished = [
            ([*path, target], price + more)
            for path, price in unfinished
            for target, more in _followers(path[-1], moves)
        ]
    ends = {states - 1, states - 2} if states > 1 and moves.optional[-1] else {states - 1}
    yield from (each for each in unfinished if each[0][-1] in ends)


def _found(scores: np.ndarray, moves: Moves) -> list[int]:
    return best_path(lambda first, last: scores[first:last], len(scores), moves).tolist()


@given(_cases())
def test_no_path_is_better(case: Case) -> None:
    scores, moves = case
    frames = np.arange(len(scores))
    worth: dict[tuple[int, ...], float] = {}
    for path, price in _paths(len(scores), moves):
        total = float(scores[frames, path].sum()) + price
        worth[tuple(path)] = max(total, worth.get(tuple(path), -np.inf))
    if worth:
        assert worth[tuple(_found(scores, moves))] == max(worth.values())
    else:  # the recording is too short for the chain
        with pytest.raises(ValueError, match="no path"):
            _found(scores, moves)


@given(_cases(), st.integers(0, 5))
def test_as_few_moves_as_the_shortest_of_all_paths(case: Case, first: int) -> None:
    _, moves = case
    first = min(first, len(moves.optional) - 1)
    reached, count = {first}, 0
    for last in range(first, len(moves.optional)):
        reached, count = {first}, 0
        while last not in reached:
            reached = {target for state in reached for target, _ in _followers(state, moves)}
            count += 1
        assert fewest_moves(moves, first, last) == count


@given(_cases(), st.data())
def test_the_same_path_whatever_all_states_hear_alike(case: Case, data: st.DataObject) -> None:
    scores, moves = case
    assume(any(True for _ in _paths(len(scores), moves)))
    offsets = data.draw(st.lists(st.integers(-50, 50), min_size=len(scores), max_size=len(scores)))
    assert _found(scores + np.array(offsets, np.float32)[:, np.newaxis], moves) == _found(scores, moves)


@pytest.fixture(scope="module")
def song() -> Case:
    rng = np.random.default_rng(5)
    states, frames = 60, 700
    jumps = np.array([(5, 11), (20, 26), (26, 32)], np.int32)
    scores = rng.normal(-2.0, 1.5, (frames, states)).astype(np.float32)
    return scores, Moves(rng.random(states) < 0.3, jumps, np.full(3, -4.0, np.float32))


@pytest.mark.parametrize("block", [1, 2, 64, 699, 700])
def test_the_same_path_whatever_the_block(song: Case, block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    scores, moves = song
    whole = _found(scores, moves)
    asked = []

    def heard(first: int, last: int) -> np.ndarray:
        asked.append(last - first)
        return scores[first:last]

    monkeypatch.setattr(lattice, "_CELLS", block * len(moves.optional))
    monkeypatch.setattr(lattice, "_SHORTEST_BLOCK", 1)
    assert best_path(heard, len(scores), moves).tolist() == whole
    assert max(asked) == block
    assert len(asked) == 2 * -(-len(scores) // block) - 1  # the last one is gone through once


def test_goes_forward_only_and_from_end_to_end(song: Case) -> None:
    scores, moves = song
    path = _found(scores, moves)
    assert path[0] in (0, 1)
    assert path[-1] >= len(moves.optional) - 2
    steps = np.diff(path)
    assert steps.min() == 0
    for before, after in pairwise(path):
        assert after in {target for target, _ in _followers(before, moves)}


def test_memory_does_not_grow_with_the_recording(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table of all moves would take more than the bound."""
    states, frames = 200, 8_000
    moves = Moves(np.zeros(states, bool), np.empty((0, 2), np.int32), np.empty(0, np.float32))
    monkeypatch.setattr(lattice, "_CELLS", 250 * states)
    likely = np.arange(frames) * states // frames

    def heard(first: int, last: int) -> np.ndarray:
        return -np.abs(likely[first:last, np.newaxis] - np.arange(states)).astype(np.float32)

    tracemalloc.start()
    path = best_path(heard, frames, moves)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert np.array_equal(path, likely)
    assert peak < frames * states


def test_cancel_stops_it() -> None:
    token = CancelToken()
    moves = Moves(np.zeros(4, bool), np.empty((0, 2), np.int32), np.empty(0, np.float32))
    calls = []

    def heard(first: int, last: int) -> np.ndarray:
        calls.append(first)
        token.cancel()
        return np.zeros((last - first, 4), np.float32)

    with pytest.raises(Cancelled):
        best_path(heard, 10, moves, cancel=token)
    assert calls == [0]
