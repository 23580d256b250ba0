"""A tail-biting convolutional code: it has no beginning, so every bit is protected alike; it is read from doubts.

Constraint length 9, rate 1/4, free distance 24 (generators of Larsen, "Short convolutional codes with maximal free
distance for rates 1/2, 1/3, and 1/4", 1973). Decoding is Viterbi's, run round the circle until it closes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Bits = NDArray[np.int8]

RATE = 4
"""Coded bits for each bit."""

_GENERATORS = (0o463, 0o535, 0o733, 0o745)
_MEMORY = 8
_STATES = 1 << _MEMORY
_ROUNDS = 3


def encode(bits: Bits) -> Bits:
    """Coded bits as signs.

    Args:
        bits: 0 or 1, [n], at least eight.

    Returns:
        -1 or 1 (for 0 and 1), [4 n].
    """
    taps = np.array([[generator >> lag & 1 for lag in range(_MEMORY + 1)] for generator in _GENERATORS])
    past = np.stack([np.roll(bits, lag) for lag in range(_MEMORY + 1)])
    return (2 * (taps @ past % 2) - 1).T.ravel().astype(np.int8)


def decode(doubts: NDArray[np.float64]) -> Bits:
    """The likeliest bits.

    Args:
        doubts: For each coded bit how much speaks for 1 (above zero) or 0 (below), [4 n].

    Returns:
        0 or 1, [n].
    """
    steps = doubts.reshape(-1, RATE)
    signs = _signs()
    scores = np.zeros(_STATES)
    choices = np.empty((_ROUNDS * len(steps), _STATES), np.int64)
    for step in range(len(choices)):
        gains = signs @ steps[step % len(steps)]
        # A state is its last eight bits, the newest highest; it comes from two that differ in the oldest.
        older = (np.arange(_STATES) << 1) & (_STATES - 1)
        newest = np.arange(_STATES) >> (_MEMORY - 1)
        options = np.stack([scores[older | lost] + gains[newest << _MEMORY | older | lost] for lost in (0, 1)])
        choices[step] = options.argmax(axis=0)
        scores = options.max(axis=0)
        scores -= scores.max()
    state = int(scores.argmax())
    found = np.empty(len(choices), np.int8)
    for step in range(len(choices) - 1, -1, -1):
        found[step] = state >> (_MEMORY - 1)
        state = (state << 1) & (_STATES - 1) | int(choices[step, state])
    middle = _ROUNDS // 2 * len(steps)
    return found[middle : middle + len(steps)]


def _signs() -> NDArray[np.int8]:
    """Coded bits as signs for each content of the register, the newest bit highest, [512, 4]."""
    register = np.arange(2 * _STATES)
    history = np.stack([register >> (_MEMORY - lag) & 1 for lag in range(_MEMORY + 1)])
    taps = np.array([[generator >> lag & 1 for lag in range(_MEMORY + 1)] for generator in _GENERATORS])
    return (2 * (taps @ history % 2) - 1).T.astype(np.int8)
