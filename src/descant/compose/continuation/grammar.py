"""`BarGrammar`: which tokens may follow inside a bar, so that whatever is sampled is well-formed and fits the song.

Time goes forward; at one place notes go from bass to melody and from low to high; only who was asked plays; notes keep
to the song's `Habits`. As many notes are written as were asked for, spread over the bar: it cannot close while it has
far fewer, and a place takes no more notes once it is far ahead of an even pace.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from descant.compose.continuation.habits import Habits
from descant.compose.continuation.tokens import (
    CLOSE,
    FIRST_NOTES,
    FIRST_POSITION,
    FIRST_SOUND,
    NOTE_ROLES,
    VOCABULARY,
    Head,
    head_tokens,
    is_note,
    is_position,
)
from descant.compose.tokens import POSITIONS

_FEWEST = 0.75
_MOST = 1.25
_AHEAD = 5
_MOST_AT_ONCE = 8
_MOST_NOTES = 64
_ALL_SOUNDS = np.arange(FIRST_SOUND, VOCABULARY)
_TICKS = np.array(POSITIONS)


class BarGrammar:
    """The state of one bar.

    Args:
        head: Who plays.
        ticks: Length of the bar.
        notes: How many notes are wanted; None leaves it open.
        habits: See `Habits`.
    """

    def __init__(self, head: Head, ticks: int, notes: int | None, habits: Habits) -> None:
        self.tokens = head_tokens(head)
        self._ticks, self._habits = ticks, habits
        self._fewest = 0 if notes is None else math.floor(_FEWEST * notes)
        self._most = _MOST_NOTES if notes is None else math.ceil(_MOST * notes)
        is_playing = np.array([head.cast >> role & 1 for role in range(len(FIRST_NOTES))], bool)
        self._playable = np.flatnonzero(habits.notes & is_playing[NOTE_ROLES])
        self._place = self._note = -1
        self._count = self._at_once = 0

    @property
    def is_closed(self) -> bool:
        """Whether the bar is finished."""
        return self.tokens[-1] == CLOSE

    def allowed(self) -> NDArray[np.int64]:
        """The tokens that may come next; never empty in an open bar."""
        last = self.tokens[-1]
        if is_note(last):
            role = int(NOTE_ROLES[last - FIRST_NOTES[0]])
            return _ALL_SOUNDS[self._habits.sounds[role]]
        if is_position(last):
            return self._playable + FIRST_NOTES[0]
        places = np.flatnonzero((_TICKS < self._ticks) & self._habits.places)
        later = places[places > self._place]
        if not len(self._playable) or self._count >= self._most:
            later = later[:0]
        choices = [later + FIRST_POSITION]
        if last >= FIRST_SOUND and self._at_once < _MOST_AT_ONCE and not self._is_ahead():
            choices.append(self._playable[self._playable > self._note] + FIRST_NOTES[0])
        found = np.concatenate(choices)
        if self._count >= self._fewest or not len(found):
            found = np.append(found, CLOSE)
        return found

    def _is_ahead(self) -> bool:
        """Whether the bar has far more notes than an even pace has brought by now."""
        passed = POSITIONS[self._place] / self._ticks
        return self._count >= min(self._most, self._most * passed + _AHEAD)

    def is_strange(self, tokens: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which tokens are notes that the song's habits are against."""
        found = np.zeros(len(tokens), bool)
        notes = (tokens >= FIRST_NOTES[0]) & (tokens < FIRST_SOUND)
        found[notes] = self._habits.strange[tokens[notes] - FIRST_NOTES[0]]
        return found

    def advance(self, token: int) -> None:
        """Write a token that is allowed."""
        self.tokens.append(token)
        if is_position(token):
            self._place, self._at_once, self._note = token - FIRST_POSITION, 0, -1
        elif is_note(token):
            self._note = token - FIRST_NOTES[0]
        elif token >= FIRST_SOUND:
            self._count += 1
            self._at_once += 1
