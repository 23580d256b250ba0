"""The language in which songs are continued: bars of several parts as one stream of tokens, and back.

After REMI (arXiv 2002.00212), with the part in the pitch token, so that all parts of a moment stand together:

    Start Key_0_major Tempo_3                                  once: home key, tempo
    Bar_4 Density_4 Level_3 Cast_13                            a bar: beats, notes a quarter, loudness, who plays
    Pos_0 Bass_36 Sound_24_3 Chords_55 Sound_12_2 Melody_72 Sound_6_4 Pos_6 Chords_60 Sound_6_2 ...
    Close                                                      the bar is full
    ...
    End                                                        the song is over

At one place notes go from bass to melody and from low to high. Each token is read together with companions
(`companions_of`): the place in the bar where it stands, the bar's turn in a period of eight, and the bar's last notes
of bass, second voice and melody, so that the model need not search its context for them.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from descant.compose.continuation.sheet import ROLES, Parts, Sheet, SheetBar
from descant.compose.grid import BAR_BEATS, TICKS, GridNote
from descant.compose.network import feature_table
from descant.compose.tokens import DURATIONS, POSITIONS, VELOCITIES, canonical
from descant.errors import ScoreReadError
from descant.score.harmony import Key

RANGES = (range(24, 61), range(28, 101), range(36, 97), range(43, 97))
"""The pitches of each of `ROLES`; others are moved into them by octaves."""
DENSITY_EDGES = (0.01, 2.0, 3.0, 4.0, 5.0, 6.0, 7.5)
"""Notes a quarter at which the next class of density begins."""
LEVEL_EDGES = (62.0, 70.0, 77.0, 84.0, 90.0, 97.0, 104.0)
"""Mean velocities at which the next class of loudness begins."""
TEMPO_EDGES = (60.0, 72.0, 84.0, 96.0, 112.0, 130.0, 155.0)
"""Quarters a minute at which the next class of tempo begins."""
PERIOD = 8
"""Bars in a period."""
_MODES = ("major", "minor")


@dataclass(frozen=True, slots=True)
class Head:
    """What is said of a bar before its notes.

    Attributes:
        beats: 1 to `BAR_BEATS`.
        density: Class of notes a quarter, 0 (none) to 7.
        level: Class of loudness, 0 to 7; 0 where nothing sounds.
        cast: Who plays: bit i is `ROLES[i]`.
    """

    beats: int
    density: int
    level: int
    cast: int


def _names() -> Iterator[str]:
    yield from ("Pad", "Start", "Close", "End")
    yield from (f"Key_{tonic}_{mode}" for mode in _MODES for tonic in range(12))
    yield "Key_?"
    yield from (f"Tempo_{number}" for number in range(len(TEMPO_EDGES) + 1))
    yield from (f"Turn_{number}" for number in range(PERIOD))
    yield from (f"Bar_{beats}" for beats in range(1, BAR_BEATS + 1))
    yield from (f"Density_{number}" for number in range(len(DENSITY_EDGES) + 1))
    yield from (f"Level_{number}" for number in range(len(LEVEL_EDGES) + 1))
    yield from (f"Cast_{number}" for number in range(2 ** len(ROLES)))
    yield from (f"Pos_{tick}" for tick in POSITIONS)
    for role, pitches in zip(ROLES, RANGES, strict=True):
        yield from (f"{role.title()}_{pitch}" for pitch in pitches)
    yield from (f"Sound_{duration}_{level}" for duration in DURATIONS for level in range(len(VELOCITIES)))


NAMES = tuple(_names())
"""Names of all tokens; a token is an index into it."""
ID = {name: number for number, name in enumerate(NAMES)}
"""Numbers of the tokens by name."""
VOCABULARY = len(NAMES)
PAD, START, CLOSE, END = (ID[name] for name in ("Pad", "Start", "Close", "End"))
FIRST_BAR, FIRST_DENSITY, FIRST_LEVEL, FIRST_CAST, FIRST_TURN = (
    ID[name] for name in ("Bar_1", "Density_0", "Level_0", "Cast_0", "Turn_0")
)
FIRST_POSITION = ID["Pos_0"]
FIRST_NOTES = tuple(ID[f"{role.title()}_{pitches[0]}"] for role, pitches in zip(ROLES, RANGES, strict=True))
"""The lowest note of each of `ROLES`; notes follow each other from there, and then the next role's."""
FIRST_SOUND = ID[f"Sound_{DURATIONS[0]}_0"]
NOTE_ROLES = np.array([role for role, pitches in enumerate(RANGES) for _ in pitches])
"""[notes] the role of each note token, counted from the first one."""
NOTE_PITCHES = np.array([pitch for pitches in RANGES for pitch in pitches])
"""[notes] its pitch."""
HEADER = 3
"""Tokens before the first bar."""
HEAD = 4
"""Tokens before a bar's notes."""


def is_note(token: int) -> bool:
    """Whether a token says who plays which pitch."""
    return FIRST_NOTES[0] <= token < FIRST_SOUND


def is_position(token: int) -> bool:
    """Whether a token says where in the bar the next notes start."""
    return FIRST_POSITION <= token < FIRST_POSITION + len(POSITIONS)


def header(key: Key | None, bpm: float) -> list[int]:
    """The tokens before the first bar."""
    name = "Key_?" if key is None else f"Key_{key.tonic}_{key.mode}"
    return [START, ID[name], ID[f"Tempo_{bisect_right(TEMPO_EDGES, bpm)}"]]


def loudness(bar: SheetBar) -> float:
    """Mean velocity of a bar's notes; 0 where there are none."""
    return sum(note.velocity for part in bar.parts for note in part) / max(1, bar.count)


def said_of(bar: SheetBar) -> Head:
    """The head that describes a bar."""
    return Head(
        beats=bar.span.beats,
        density=bisect_right(DENSITY_EDGES, bar.count / bar.span.quarters),
        level=bisect_right(LEVEL_EDGES, loudness(bar)),
        cast=sum(1 << role for role, part in enumerate(bar.parts) if part),
    )


def head_tokens(head: Head) -> list[int]:
    """A bar's tokens before its notes."""
    return [
        FIRST_BAR + head.beats - 1, FIRST_DENSITY + head.density, FIRST_LEVEL + head.level, FIRST_CAST + head.cast
    ]  # fmt: skip


def spoken(bar: SheetBar) -> SheetBar:
    """The bar as the language can say it: places, pitches, lengths and velocities that it has."""
    parts = tuple(tuple(canonical(part, pitches)) for part, pitches in zip(bar.parts, RANGES, strict=True))
    return SheetBar(bar.span, parts)


def encode_bar(bar: SheetBar) -> list[int]:
    """A bar from its first token to "Close"."""
    said = spoken(bar)
    notes = sorted((note.position, role, note.pitch, note) for role, part in enumerate(said.parts) for note in part)
    tokens = head_tokens(said_of(said))
    last = -1
    for position, role, pitch, note in notes:
        if position != last:
            tokens.append(FIRST_POSITION + POSITIONS.index(position))
            last = position
        sound = DURATIONS.index(note.duration) * len(VELOCITIES) + VELOCITIES.index(note.velocity)
        tokens += [FIRST_NOTES[role] + pitch - RANGES[role][0], FIRST_SOUND + sound]
    return [*tokens, CLOSE]


def decode_bar(tokens: Sequence[int]) -> Parts:
    """Inverse of `encode_bar`: the notes of each of `ROLES`.

    Raises:
        ScoreReadError: The tokens are not what `encode_bar` writes.
    """
    parts: tuple[list[GridNote], ...] = tuple([] for _ in ROLES)
    position, note = -1, -1
    for token in tokens[HEAD:-1]:
        if is_position(token) and note < 0:
            position = POSITIONS[token - FIRST_POSITION]
        elif is_note(token) and position >= 0 and note < 0:
            note = token - FIRST_NOTES[0]
        elif token >= FIRST_SOUND and note >= 0:
            length, level = divmod(token - FIRST_SOUND, len(VELOCITIES))
            made = GridNote(position, int(NOTE_PITCHES[note]), DURATIONS[length], VELOCITIES[level])
            parts[int(NOTE_ROLES[note])].append(made)
            note = -1
        else:
            raise ScoreReadError(f"The token {NAMES[token]} cannot stand here.", "The sequence is damaged.")
    if note >= 0 or len(tokens) <= HEAD or tokens[-1] != CLOSE:
        raise ScoreReadError("The bar has no end.", "The sequence is damaged.")
    return tuple(map(tuple, parts))


def companions_of(tokens: Sequence[int], turn: int) -> list[tuple[int, ...]]:
    """The `COMPANIONS` of a bar's tokens; those that are not there yet, or not any more, are `PAD`.

    Args:
        tokens: Of one bar, or the first ones of it.
        turn: Number of the bar, counted from any bar of the song.
    """
    place = PAD
    last = [PAD] * len(_LINES)
    read = []
    for token in tokens:
        if is_position(token):
            place = token
        elif is_note(token) and (role := int(NOTE_ROLES[token - FIRST_NOTES[0]])) in _LINES:
            last[_LINES.index(role)] = token
        read.append((PAD if token == CLOSE else place, FIRST_TURN + turn % PERIOD, *last))
    return read


_LINES = tuple(role for role, name in enumerate(ROLES) if name != "chords")
COMPANIONS = 2 + len(_LINES)
"""A token's place in the bar, the bar's turn, and the last notes of bass, second voice and melody in the bar."""
ALONE = (PAD,) * COMPANIONS
"""The companions of a token that has none."""


def at_home(sheet: Sheet, shift: int) -> tuple[tuple[SheetBar, ...], Key | None]:
    """The bars and the key of a sheet moved by semitones."""
    key = None if sheet.key is None else Key((sheet.key.tonic + shift) % 12, sheet.key.mode)
    return tuple(bar.transpose(shift) for bar in sheet.bars), key


def token_features() -> NDArray[np.float32]:
    """[VOCABULARY, F]: what tokens have in common (family, part, pitch class, octave, place in the beat)."""
    return feature_table([_described(name) for name in NAMES])


def _described(name: str) -> list[str]:
    family, *values = re.split("_", name)
    features = [f"family {family}"]
    if family.lower() in ROLES:
        pitch = int(values[0])
        features += ["family Note", f"class {pitch % 12}", f"octave {pitch // 12}", f"pitch {pitch}"]
    elif family == "Pos":
        features += [f"beat {int(values[0]) // TICKS}", f"offset {int(values[0]) % TICKS}"]
    elif family == "Sound":
        features += [f"duration {values[0]}", f"level {values[1]}"]
    elif family == "Cast":
        features += [f"plays {role}" for bit, role in enumerate(ROLES) if int(values[0]) >> bit & 1]
    elif family in ("Density", "Level", "Tempo"):
        features += [f"{family} at least {step}" for step in range(1, int(values[0]) + 1)]
    return features
