"""`BarGrammar`: which tokens may follow inside a bar, so that whatever is sampled is well-formed and fits the song.

Time goes forward; at one place notes go from bass to melody and from low to high; only who was asked plays; notes keep
to the song's `Habits`. As many notes are written as were asked for, spread over the bar: it cannot close while it has
far fewer, nor leap over places when it is far behind an even pace, and a place takes no more notes once it is far
ahead. Once it is too loud or too soft on average it takes no louder or softer notes.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from descant.compose.continuation.habits import Habits
from descant.compose.continuation.outline import Asked
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
from descant.compose.tokens import DURATIONS, POSITIONS, VELOCITIES

_FEWEST = 0.8
_MOST = 1.15
_AHEAD = 5
_BEHIND, _BEHIND_SHARE = 2.0, 0.2
_MOST_AT_ONCE = 8
_MOST_NOTES = 64
_ALL_SOUNDS = np.arange(FIRST_SOUND, VOCABULARY)
_SOUND_VELOCITIES = np.tile(VELOCITIES, len(DURATIONS))
_TICKS = np.array(POSITIONS)
_NOTES_TO_JUDGE = 3
_VELOCITY_SLACK = 3.0


class BarGrammar:
    """The state of one bar.

    Args:
        head: What the bar begins with; only its players may play.
        ticks: Length of the bar.
        asked: How many notes are wanted, and how loud; None leaves it open.
        habits: See `Habits`.
    """

    def __init__(self, head: Head, ticks: int, asked: Asked | None, habits: Habits) -> None:
        self.tokens = head_tokens(head)
        self._ticks, self._habits = ticks, habits
        self._fewest = 0 if asked is None else math.floor(_FEWEST * asked.notes)
        self._most = _MOST_NOTES if asked is None else math.ceil(_MOST * asked.notes)
        self._velocity = None if asked is None else asked.velocity
        self._velocities: list[int] = []
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
            return self._balanced(_ALL_SOUNDS[self._habits.sounds[role]])
        if is_position(last):
            return self._playable + FIRST_NOTES[0]
        places = np.flatnonzero(np.less(_TICKS, self._ticks) & self._habits.places)
        later = self._in_pace(places[places > self._place])
        if not len(self._playable) or self._count >= self._most:
            later = later[:0]
        choices = [later + FIRST_POSITION]
        if last >= FIRST_SOUND and self._at_once < _MOST_AT_ONCE and not self._is_ahead():
            choices.append(self._playable[self._playable > self._note] + FIRST_NOTES[0])
        found = np.concatenate(choices)
        if self._count >= self._fewest or not len(found):
            found = np.append(found, CLOSE)
        return found

    def _in_pace(self, later: NDArray[np.int64]) -> NDArray[np.int64]:
        """Without the places at which the bar would have far fewer notes than an even pace brings; never empty."""
        due = self._fewest * _TICKS[later] / self._ticks - (_BEHIND + _BEHIND_SHARE * self._fewest)
        kept = later[due <= self._count]
        return kept if len(kept) else later[:1]

    def _is_ahead(self) -> bool:
        """Whether the bar has far more notes than an even pace has brought by now."""
        passed = POSITIONS[self._place] / self._ticks
        return self._count >= min(self._most, self._most * passed + _AHEAD)

    def _balanced(self, sounds: NDArray[np.int64]) -> NDArray[np.int64]:
        """Without those that take a bar farther from the loudness asked for, where it is off and there are others."""
        if self._velocity is None or len(self._velocities) < _NOTES_TO_JUDGE:
            return sounds
        excess = sum(self._velocities) / len(self._velocities) - self._velocity
        if abs(excess) <= _VELOCITY_SLACK:
            return sounds
        levels = _SOUND_VELOCITIES[sounds - FIRST_SOUND]
        kept = sounds[levels <= self._velocity] if excess > 0 else sounds[levels >= self._velocity]
        return kept if len(kept) else sounds

    def bias(self, tokens: NDArray[np.int64], *, push: float, pull: float) -> NDArray[np.float64]:
        """What the song's habits add to the logits of tokens: notes alone have any."""
        found = np.zeros(len(tokens))
        is_a_note = (tokens >= FIRST_NOTES[0]) & (tokens < FIRST_SOUND)
        notes = tokens[is_a_note] - FIRST_NOTES[0]
        found[is_a_note] = pull * self._habits.pull[notes] - push * self._habits.strange[notes]
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
            self._velocities.append(int(_SOUND_VELOCITIES[token - FIRST_SOUND]))
            self._at_once += 1
