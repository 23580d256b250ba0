"""`Habits`: what a song does and does not do, so that what follows keeps to its key, grid, registers and loudness."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from descant.compose.continuation.sheet import ROLES, SheetBar
from descant.compose.continuation.tokens import NOTE_PITCHES, NOTE_ROLES, spoken
from descant.compose.grid import OFFSETS, TICKS
from descant.compose.tokens import DURATIONS, POSITIONS, VELOCITIES
from descant.score.harmony import Key

_RARE_PLACE = 0.01
_RARE_LEVEL = 0.02
_RARE_PITCH_CLASS = 0.02
_REACH = 4
_SMOOTH = 0.02
_STRAIGHT = (0, TICKS // 2)


@dataclass(frozen=True, slots=True)
class Habits:
    """What is allowed, and what is rare.

    Attributes:
        places: [positions] whether notes may start at each of `POSITIONS`.
        notes: [notes] whether each note token is within reach of the registers of its part.
        sounds: For each role [sounds] whether it plays as loud as that.
        strange: [notes] whether a note's pitch class is outside of the key and hardly used by the song.
        pull: [notes] how much more than others the song dwells on a note's pitch class, -1 to 1.
        velocities: Mean velocity of the song's notes for each (role, one of `VELOCITIES`).
    """

    places: NDArray[np.bool_]
    notes: NDArray[np.bool_]
    sounds: tuple[NDArray[np.bool_], ...]
    strange: NDArray[np.bool_]
    pull: NDArray[np.float64]
    velocities: Mapping[tuple[int, int], int]


def habits_of(bars: Sequence[SheetBar], key: Key | None) -> Habits:
    """The habits of a song.

    Args:
        bars: With at least one note, in the key they will be continued in.
        key: That key.
    """
    said = [spoken(bar) for bar in bars]
    parts = [[note for bar in said for note in bar.parts[role]] for role in range(len(ROLES))]
    notes = [note for part in parts for note in part]
    offsets = np.array([note.position % TICKS for note in notes])
    used = {offset for offset in OFFSETS if offset in _STRAIGHT or (offsets == offset).mean() > _RARE_PLACE}
    lasting = np.asarray(np.bincount([n.pitch % 12 for n in notes], [n.duration for n in notes], 12), np.float64)
    at_home = set(range(12)) if key is None else set(key.scale)
    rare = [c not in at_home and lasting[c] < _RARE_PITCH_CLASS * lasting.sum() for c in range(12)]
    within = np.zeros(len(NOTE_PITCHES), bool)
    for role, part in enumerate(parts):
        if part:
            low, high = min(n.pitch for n in part) - _REACH, max(n.pitch for n in part) + _REACH
            within |= np.equal(NOTE_ROLES, role) & np.isin(NOTE_PITCHES, range(low, high + 1))
    return Habits(
        places=np.array([tick % TICKS in used for tick in POSITIONS]),
        notes=within,
        sounds=tuple(_sounds([note.velocity for note in part]) for part in parts),
        strange=np.array(rare)[NOTE_PITCHES % 12],
        pull=_pull(lasting)[NOTE_PITCHES % 12],
        velocities=_velocities(bars, said),
    )


def free_habits() -> Habits:
    """Everything is allowed."""
    sounds = np.ones(len(DURATIONS) * len(VELOCITIES), bool)
    notes = np.ones(len(NOTE_PITCHES), bool)
    return Habits(np.ones(len(POSITIONS), bool), notes, (sounds,) * len(ROLES), ~notes, np.zeros(len(notes)), {})


def _pull(lasting: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logarithm of each pitch class's share against an even one, smoothed and limited."""
    shares = lasting / lasting.sum()
    found: NDArray[np.float64] = np.clip(np.log((shares + _SMOOTH) / (1 / 12 + _SMOOTH)), -1.0, 1.0)
    return found


def _sounds(velocities: Sequence[int]) -> NDArray[np.bool_]:
    shares = [velocities.count(level) / max(1, len(velocities)) for level in VELOCITIES]
    is_used = np.array([share > _RARE_LEVEL for share in shares])
    return np.tile(is_used if is_used.any() else np.ones(len(VELOCITIES), bool), len(DURATIONS))


def _velocities(bars: Sequence[SheetBar], said: Sequence[SheetBar]) -> dict[tuple[int, int], int]:
    """Mean velocity behind each spoken one; doubled notes count once, as they are spoken."""
    found: dict[tuple[int, int], list[int]] = defaultdict(list)
    for bar, heard in zip(bars, said, strict=True):
        for role in range(len(ROLES)):
            spoken_at = {(note.position, note.pitch): note.velocity for note in heard.parts[role]}
            for note in bar.parts[role]:
                level = spoken_at.get((note.position, note.pitch))
                if level is not None:
                    found[role, level].append(note.velocity)
    return {place: round(sum(values) / len(values)) for place, values in found.items()}
