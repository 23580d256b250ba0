"""Given texts on given evidence: Viterbi for CTC, the monotone path through a similarity matrix, and the line mask.

Pure functions on matrices of frames and tokens. The CTC search is that of Stoller et al. (arXiv 1902.06797), the
monotone path and the mask of a second pass are those of Durand et al. (arXiv 2306.07744). Equal paths are told apart by
rule and not by noise: a path goes on as late as it can, so the same evidence always gives the same times.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from descant.errors import InvalidOption

Floats = NDArray[np.floating]
Numbers = NDArray[np.int64]

_LEAST = 1e-10
"""Probabilities count as at least this much, so that nothing is impossible."""
_NEVER = -np.inf


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """Where the tokens of a text lie.

    Attributes:
        starts: First frame of each token, [tokens].
        ends: The frame after its last, [tokens].
        score: Of the whole path.
    """

    starts: Numbers
    ends: Numbers
    score: float


def monotone_path(scores: Floats, *, staying: float = 1.0) -> Path:
    """The path of greatest summed score that gives each frame to one token, in order, and passes none over.

    Args:
        scores: Of frames and tokens, [frames, tokens].
        staying: How much a frame counts in which a token merely goes on: 1 counts all frames alike, as published; 0
            counts a token's first frame alone, so that long notes are neither rewarded nor punished.

    Raises:
        InvalidOption: There are fewer frames than tokens, or none of either.
    """
    frames, tokens = scores.shape
    _check(frames, tokens, tokens)
    best = np.full(tokens, _NEVER)
    best[0] = scores[0, 0]
    moved = np.zeros((frames, tokens), bool)
    for frame in range(1, frames):
        on = best + staying * scores[frame]
        new = np.full(tokens, _NEVER)
        new[1:] = best[:-1] + scores[frame, 1:]
        moved[frame] = new >= on
        moved[frame, 0] = False
        best = np.where(moved[frame], new, on)
    starts, token = np.zeros(tokens, np.int64), tokens - 1
    for frame in range(frames - 1, 0, -1):
        if moved[frame, token]:
            starts[token] = frame
            token -= 1
    return Path(starts, np.append(starts[1:], frames), float(best[-1]))


def ctc_path(log_probabilities: Floats, labels: Numbers, blank: int, *, mask: Floats | None = None) -> Path:
    """The likeliest way to read a text out of CTC's frames.

    Args:
        log_probabilities: Of symbols, [frames, symbols].
        labels: The text's symbols, [tokens]; none is the blank.
        blank: Which symbol is CTC's blank.
        mask: What each token's probability is multiplied by, [frames, tokens]; None is 1 everywhere.

    Returns:
        The frames in which each token is told; blanks around it belong to no token.

    Raises:
        InvalidOption: There are too few frames for the text (equal neighbours need one between them), or none.
    """
    frames, tokens = len(log_probabilities), len(labels)
    repeats = int((labels[1:] == labels[:-1]).sum())
    _check(frames, tokens, tokens + repeats)
    states = 2 * tokens + 1
    least = np.log(_LEAST)
    emitted = np.empty((frames, states))
    emitted[:, ::2] = np.maximum(log_probabilities[:, blank], least)[:, np.newaxis]
    told = np.maximum(log_probabilities[:, labels], least)
    if mask is not None:
        told = np.maximum(told + np.log(np.maximum(mask, _LEAST)), least)
    emitted[:, 1::2] = told
    may_skip = np.zeros(states, bool)
    may_skip[3::2] = labels[1:] != labels[:-1]
    return _ctc_search(emitted, may_skip)


def _ctc_search(emitted: Floats, may_skip: NDArray[np.bool_]) -> Path:
    frames, states = emitted.shape
    best = np.full(states, _NEVER)
    best[:2] = emitted[0, :2]
    steps = np.zeros((frames, states), np.uint8)
    for frame in range(1, frames):
        ways = np.full((3, states), _NEVER)
        ways[2] = best  # the last of equals wins below: skip, then step, then stay, each as late as it can be
        ways[1, 1:] = best[:-1]
        ways[0, 2:] = np.where(may_skip[2:], best[:-2], _NEVER)
        steps[frame] = 2 - ways.argmax(0)
        best = ways.max(0) + emitted[frame]
    state = states - 1 if best[-1] >= best[-2] else states - 2
    score = float(best[state])
    visited = np.empty(frames, np.int64)
    for frame in range(frames - 1, -1, -1):
        visited[frame] = state
        state -= int(steps[frame, state])
    wanted = np.arange(1, states, 2)
    starts = np.searchsorted(visited, wanted, side="left")
    return Path(starts, np.searchsorted(visited, wanted, side="right"), score)


def line_mask(
    path: Path, line_of_token: Numbers, frames: int, *, token_frames: float, ramp_frames: float
) -> NDArray[np.float32]:
    """Where the tokens of each line may lie, by where a first pass put the line's middle.

    Args:
        path: Of the first pass.
        line_of_token: Number of each token's line, rising, [tokens].
        frames: How many there are.
        token_frames: How long a token lasts on average (0.2 s of a character, 0.4 s of a phoneme).
        ramp_frames: Over how many frames the mask falls to 0 on each side (2.5 s).

    Returns:
        0..1, [frames, tokens]: 1 within as much time as the line's tokens take on average, around its middle token.
    """
    firsts = np.flatnonzero(np.diff(line_of_token, prepend=line_of_token[0] - 1))
    counts = np.diff(np.append(firsts, len(line_of_token)))
    middles = path.starts[firsts + counts // 2].astype(float)
    lasting = counts * token_frames
    lows, highs = middles - 0.5 * (lasting - token_frames), middles + 0.5 * (lasting + token_frames)
    at = np.arange(frames)[:, np.newaxis]
    away = np.maximum(np.maximum(lows - at, at - highs), 0.0)
    of_lines = np.clip(1.0 - away / ramp_frames, 0.0, 1.0).astype(np.float32)
    return np.repeat(of_lines, counts, axis=1)


def two_passes(
    search: Callable[[NDArray[np.float32] | None], Path],
    line_of_token: Numbers,
    frames: int,
    *,
    token_frames: float,
    ramp_frames: float,
) -> Path:
    """Search twice: freely, and with each line held near where the first search put its middle.

    Args:
        search: Finds a path under a mask, or under none.
        line_of_token: As for `line_mask`.
        frames: Likewise.
        token_frames: Likewise.
        ramp_frames: Likewise.
    """
    first = search(None)
    return search(line_mask(first, line_of_token, frames, token_frames=token_frames, ramp_frames=ramp_frames))


def _check(frames: int, tokens: int, needed: int) -> None:
    if not tokens or frames < needed:
        raise InvalidOption(
            f"A text of {tokens} symbols does not fit into {frames} frames; it needs {needed}.",
            "Is the text of another, longer recording?",
        )
