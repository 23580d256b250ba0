"""Which phone sounds in which frame, as far as a text and a reader say: hard expectation maximisation.

Texts of utterances are known, times of their phones are not. They are guessed (evenly spread), a reader learns the
guess, and the likeliest path of the text through what the reader then says is the next guess: Viterbi training (Juang
and Rabiner, "The segmental K-means algorithm for estimating parameters of hidden Markov models", 1990).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from descant.align.chain import WORDLESS, Chain, Kind, SungWord, build_chain
from descant.align.lattice import Moves, best_path, fewest_moves
from descant.data.phone_windows import PhoneWindow

Floats = NDArray[np.float32]
Labels = NDArray[np.int8]
"""Class of each frame; `IGNORED` where nobody knows."""

IGNORED = -100
CLASSES = WORDLESS + 1

_SHORTEST = 2
_EDGE = 0.06
"""Share of an utterance that is taken for the breath before it, and for its fading after it, in the first guess."""
_UNSEEN = 10.0
"""Frames that each class is counted as having been seen in before any was."""


@dataclass(frozen=True, slots=True, eq=False)
class Spoken:
    """An utterance of a window.

    Attributes:
        frames: Where it is.
        chain: Its phones, with rests at both ends and gaps between words, all of which may be passed over; None where
            its text has no phone.
    """

    frames: slice
    chain: Chain | None


def spoken_in(window: PhoneWindow) -> tuple[Spoken, ...]:
    """The utterances of a window."""
    found = []
    for one in window.said:
        chain = build_chain([SungWord(word, 0) for word in one.text.split()], window.language)
        found.append(Spoken(one.frames(len(window.states)), chain if len(chain) > 1 else None))
    return tuple(found)


def first_labels(frames: int, spoken: Sequence[Spoken]) -> Labels:
    """Labels of a window when nothing is known: phones evenly spread over their utterance.

    Args:
        frames: Of the window.
        spoken: Its utterances.
    """
    labels = np.full(frames, WORDLESS, np.int8)
    for one in spoken:
        length = one.frames.stop - one.frames.start
        labels[one.frames] = IGNORED if one.chain is None or length < _SHORTEST else spread(length, one.chain)
    return labels


def spread(frames: int, chain: Chain) -> Labels:
    """The phones of a chain, each as long as the others, but for a little silence at both ends."""
    phones = chain.phones[chain.kinds == Kind.PHONE]
    first, last = int(frames * _EDGE), int(frames * (1.0 - _EDGE))
    labels = np.full(frames, WORDLESS, np.int8)
    labels[first:last] = phones[np.arange(last - first) * len(phones) // max(1, last - first)]
    return labels


def heard_labels(likelihoods: Floats, spoken: Sequence[Spoken]) -> Labels:
    """Labels of a window by the likeliest path of each text through its utterance.

    Args:
        likelihoods: Logarithms, up to a constant in each frame, [frames, classes].
        spoken: The window's utterances; outside of them is the absence of words.
    """
    labels = np.full(len(likelihoods), WORDLESS, np.int8)
    for one in spoken:
        found = None if one.chain is None else placed(likelihoods[one.frames], one.chain)
        labels[one.frames] = IGNORED if found is None else found
    return labels


def placed(likelihoods: Floats, chain: Chain) -> Labels | None:
    """The likeliest path of a chain: a class for each frame; None where the utterance is too short for its text.

    Args:
        likelihoods: Of the utterance, [frames, classes].
        chain: Its text.
    """
    frames = len(likelihoods)
    if frames < _SHORTEST:
        return None
    moves = Moves(chain.optional, np.zeros((0, 2), np.int32), np.zeros(0, np.float32))
    shortest = min(fewest_moves(moves, first, len(chain) - 1 - left) for first in (0, 1) for left in (0, 1))
    if shortest >= frames:
        return None
    path = best_path(lambda first, last: likelihoods[first:last, chain.phones], frames, moves)
    return chain.phones[path].astype(np.int8)


def log_prior(labels: Sequence[Labels]) -> Floats:
    """Logarithm of how often each class is seen in some windows, [classes]."""
    counts = np.full(CLASSES, _UNSEEN)
    for some in labels:
        counts += np.bincount(some[some >= 0], minlength=CLASSES)
    logs: Floats = np.log(counts / counts.sum()).astype(np.float32)
    return logs


def read_freely(likelihoods: Floats, change: float) -> tuple[int, ...]:
    """The phones that are heard when no text is known: the best path that pays for each change.

    Args:
        likelihoods: [frames, classes].
        change: Price of a change.

    Returns:
        Phones in order, absence of words and repetitions left out.
    """
    if not len(likelihoods):
        return ()
    score = likelihoods[0]
    came_from = np.zeros(likelihoods.shape, np.int64)
    own = np.arange(likelihoods.shape[1])
    for frame in range(1, len(likelihoods)):
        best = int(score.argmax())
        is_change = score[best] - change > score
        came_from[frame] = np.where(is_change, best, own)
        score = np.where(is_change, score[best] - change, score) + likelihoods[frame]
    state = int(score.argmax())
    path = [state]
    for frame in range(len(likelihoods) - 1, 0, -1):
        state = int(came_from[frame, state])
        path.append(state)
    path.reverse()
    return tuple(c for n, c in enumerate(path) if c != WORDLESS and (not n or path[n - 1] != c))


def phone_errors(read: Sequence[int], chain: Chain) -> tuple[int, int]:
    """How far what was read is from a text: insertions, deletions and substitutions, and how many phones there were.

    A phone that may stay silent costs nothing when it is not read, and is not counted; of two equal neighbours, which
    nobody can tell from one, only one is.
    """
    sung = np.flatnonzero(chain.kinds == Kind.PHONE)
    phones, optional = chain.phones[sung], chain.optional[sung]
    alone = np.append(True, phones[1:] != phones[:-1]) if len(phones) else np.zeros(0, bool)
    wanted = list(zip(phones[alone].tolist(), optional[alone].tolist(), strict=True))
    column = list(range(len(read) + 1))
    for phone, may_miss in wanted:
        missed = 0 if may_miss else 1
        after = [column[0] + missed]
        for n, own in enumerate(read):
            after.append(min(column[n] + (own != phone), column[n + 1] + missed, after[n] + 1))
        column = after
    return column[-1], sum(not may_miss for _, may_miss in wanted)
