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

NEVER = np.float32(-np.inf)
_CELLS = 12 << 20
_SHORTEST_BLOCK = 64
_JUMP = 4


@dataclass(frozen=True, slots=True, eq=False)
class Moves:
    """Where a path may go.

    Attributes:
        optional: States that may be passed over, bool, shape [states].
        jumps: (from, to) pairs, int32, shape [jumps, 2].
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

    Raises:
        ValueError: No path leads through; `fewest_moves` tells it beforehand.
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
        last = min(frames, first + block)
        columns.append(column)
        column, back = search.run(column, scores(first, last), is_start=not first, keep=last == frames)
    ends = [states - 1, states - 2] if states > 1 and moves.optional[-1] else [states - 1]
    state = max(ends, key=lambda end: column[end])
    if column[state] == NEVER:
        raise ValueError("no path leads through the chain in so many frames, or past the scores")
    path = np.empty(frames, np.int32)
    for number in reversed(range(len(columns))):
        _check(cancel)
        first = number * block
        last = min(frames, first + block)
        if last < frames:  # the moves of the last block are known
            _, back = search.run(columns[number], scores(first, last), is_start=not number, keep=True)
        for frame in range(last - 1, first - 1, -1):
            path[frame] = state
            state = search.before(state, int(back[frame - first, state]))
    return path


def fewest_moves(moves: Moves, first: int, last: int) -> int:
    """Moves of the shortest way from one state to a later one: so many frames lie between them at least."""
    far = len(moves.optional)
    counts = [far] * (last - first + 1)
    counts[0] = 0
    sources: dict[int, list[int]] = {}
    for source, target in moves.jumps.tolist():
        sources.setdefault(target - first, []).append(source - first)
    for at in range(1, len(counts)):
        ways = [counts[at - 1]]
        if at > 1 and moves.optional[first + at - 1]:
            ways.append(counts[at - 2])
            if at > 2 and moves.optional[first + at - 2]:
                ways.append(counts[at - 3])
        ways += [counts[source] for source in sources.get(at, ()) if source >= 0]
        counts[at] = min(ways) + 1
    return counts[-1]


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
        self.jumps = [_Jumps(moves, chosen) for chosen in _one_for_each_target(moves.jumps[:, 1])]

    def run(self, column: Floats, scores: Floats, *, is_start: bool, keep: bool) -> tuple[Floats, NDArray[np.int8]]:
        """Scores after the last frame, and (where kept) by which move each state was reached in each frame."""
        ways = np.full((_JUMP + len(self.jumps), self.states), NEVER, np.float32)
        back = np.zeros((len(scores) if keep else 0, self.states), np.int8)
        everywhere = np.arange(self.states)
        reached = np.empty(self.states, np.intp)
        for frame, heard in enumerate(scores):
            if is_start and not frame:
                column = column + heard
                continue
            ways[0] = column
            ways[1, 1:] = column[:-1]
            np.add(column[:-2], self.over_one[2:], out=ways[2, 2:])
            np.add(column[:-3], self.over_two[3:], out=ways[3, 3:])
            for row, jumps in enumerate(self.jumps, _JUMP):
                ways[row, jumps.targets] = column[jumps.sources] + jumps.scores
            if keep:
                chosen = ways.argmax(axis=0, out=reached)
                back[frame] = chosen
                column = ways[chosen, everywhere] + heard
            else:
                column = ways.max(axis=0) + heard
        return column, back

    def before(self, state: int, move: int) -> int:
        """The state from which a move led here."""
        return state - move if move < _JUMP else self.jumps[move - _JUMP].source_of[state]


class _Jumps:
    """Some jumps, no two of which lead to one state."""

    def __init__(self, moves: Moves, chosen: NDArray[np.intp]) -> None:
        self.sources, self.targets = moves.jumps[chosen].T
        self.scores = moves.jump_scores[chosen]
        self.source_of = dict(zip(self.targets.tolist(), self.sources.tolist(), strict=True))


def _one_for_each_target(targets: NDArray[np.int32]) -> list[NDArray[np.intp]]:
    """Numbers of the jumps, parted so that a target comes once in a part: as few parts as it comes at most."""
    seen: dict[int, int] = {}
    parts: list[list[int]] = []
    for number, target in enumerate(targets.tolist()):
        rank = seen[target] = seen.get(target, -1) + 1
        if rank == len(parts):
            parts.append([])
        parts[rank].append(number)
    return [np.array(part, np.intp) for part in parts]
