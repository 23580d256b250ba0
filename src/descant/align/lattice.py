"""The best path of a chain of states through a recording (Viterbi 1967), in memory that does not grow with its length.

A path stays in a state, goes on to the next, passes over one or two optional ones, or takes a jump. Only the scores at
the borders of blocks are kept; each block is gone through again, backwards, to find the way inside it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from descant.progress import CancelToken

Floats = NDArray[np.float32]
Scores = Callable[[int, int], Floats]
"""Scores of frames first..last (the last left out) in all states: float32, [frames, states]."""

NEVER = np.float32(-1e9)
_CELLS = 32 << 20
_SHORTEST_BLOCK = 64
_JUMP = 4


@dataclass(frozen=True, slots=True, eq=False)
class Moves:
    """Where a path may go.

    Attributes:
        optional: States that may be passed over, bool, shape [states].
        jumps: (from, to) pairs, one for each `to` at most, int32, shape [jumps, 2].
        jump_scores: What each costs, not positive, float32, shape [jumps].
    """

    optional: NDArray[np.bool_]
    jumps: NDArray[np.int32]
    jump_scores: Floats


def best_path(scores: Scores, frames: int, moves: Moves, *, cancel: CancelToken | None = None) -> NDArray[np.int32]:
    """The state of each frame on the best path from the chain's first states to its last ones.

    Args:
        scores: Of every frame in every state.
        frames: Length of the recording.
        moves: Where a path may go.
        cancel: Stops the work.

    Returns:
        int32, shape [frames].
    """
    states = len(moves.optional)
    block = max(_SHORTEST_BLOCK, _CELLS // states)
    search = _Search(moves)
    column = np.full(states, NEVER, np.float32)
    open_to = 2 if states > 1 and moves.optional[0] else 1
    column[:open_to] = 0.0
    columns = []
    for first in range(0, frames, block):
        _check(cancel)
        columns.append(column)
        column, _ = search.run(column, scores(first, min(frames, first + block)), is_start=not first, keep=False)
    ends = [states - 1, states - 2] if states > 1 and moves.optional[-1] else [states - 1]
    state = max(ends, key=lambda end: column[end])
    path = np.empty(frames, np.int32)
    for number in reversed(range(len(columns))):
        _check(cancel)
        first = number * block
        last = min(frames, first + block)
        _, back = search.run(columns[number], scores(first, last), is_start=not number, keep=True)
        for frame in range(last - 1, first - 1, -1):
            path[frame] = state
            state = search.before(state, int(back[frame - first, state]))
    return path


def _check(cancel: CancelToken | None) -> None:
    if cancel is not None:
        cancel.check()


class _Search:
    def __init__(self, moves: Moves) -> None:
        states = len(moves.optional)
        self.states = states
        self.over_one = np.full(states, NEVER, np.float32)
        self.over_two = np.full(states, NEVER, np.float32)
        self.over_one[2:][moves.optional[1:-1]] = 0.0
        self.over_two[3:][moves.optional[1:-2] & moves.optional[2:-1]] = 0.0
        self.sources, self.targets = moves.jumps[:, 0], moves.jumps[:, 1]
        self.jump_scores = moves.jump_scores
        self.source_of = dict(zip(self.targets.tolist(), self.sources.tolist(), strict=True))

    def run(self, column: Floats, scores: Floats, *, is_start: bool, keep: bool) -> tuple[Floats, NDArray[np.int8]]:
        """Scores after the last frame, and (where kept) by which move each state was reached in each frame."""
        ways = np.full((_JUMP + 1 if len(self.targets) else _JUMP, self.states), NEVER, np.float32)
        back = np.zeros((len(scores) if keep else 0, self.states), np.int8)
        everywhere = np.arange(self.states)
        for frame, heard in enumerate(scores):
            if is_start and not frame:
                column = column + heard
                continue
            ways[0] = column
            ways[1, 1:] = column[:-1]
            np.add(column[:-2], self.over_one[2:], out=ways[2, 2:])
            np.add(column[:-3], self.over_two[3:], out=ways[3, 3:])
            if len(self.targets):
                ways[_JUMP, self.targets] = column[self.sources] + self.jump_scores
            chosen = ways.argmax(axis=0)
            if keep:
                back[frame] = chosen
            column = ways[chosen, everywhere] + heard
        return column, back

    def before(self, state: int, move: int) -> int:
        """The state from which a move led here."""
        return self.source_of[state] if move == _JUMP else state - move
