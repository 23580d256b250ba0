"""Who plays: the names of the instruments in a net, their families and ranges, and who stands in for a program.

The roster travels in the weights themselves, as bytes of JSON: rows of a net without names would be of no use.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

import torch
from torch import Tensor

from descant.errors import CheckpointError, InvalidOption

_MOST_PLAYERS = 4096
_MOST_BYTES = 512 * _MOST_PLAYERS
_PROGRAM = re.compile(r"^(\d{3}) (.+)$")
_FAMILY_PROGRAMS = {
    "bass": 32, "brass": 61, "flute": 73, "guitar": 25, "keyboard": 0, "mallet": 11, "organ": 19, "reed": 65,
    "string": 48, "synth_lead": 80, "vocal": 52,
}  # fmt: skip
_FAMILY_OF_EIGHT = (
    "keyboard", "mallet", "organ", "guitar", "bass", "string", "string", "brass", "reed", "flute",
    "synth_lead", "synth_lead", "synth_lead", "guitar", "mallet", "synth_lead",
)  # fmt: skip
_MOST_DB = 24.0
_STAND_INS = {
    1: (0,), 3: (0, 1), 14: (9, 11), 16: (17, 18), 23: (21, 22), 25: (24, 27), 38: (33, 34), 39: (34, 33), 40: (110,),
    47: (32,), 48: (49, 50, 51, 44, 42), 49: (48, 50, 51, 44), 51: (50, 48), 55: (61,), 62: (61, 63), 63: (61, 62),
    76: (75, 73), 77: (75, 74), 78: (74, 73), 79: (75, 74), 82: (75, 80), 83: (80, 81), 84: (30, 29, 81), 87: (81, 80),
    91: (52, 54), 92: (54, 52), 98: (8, 10), 99: (24, 27), 107: (106, 46), 110: (40,), 112: (9, 8), 114: (108, 11),
}  # fmt: skip
"""Programs that sound most like a program."""
_FAMILY_STAND_INS = {11: (50, 54, 48, 52), 12: (54, 50, 52)}
"""Pads and effects: strings and voices."""


@dataclass(frozen=True, slots=True)
class Player:
    """An instrument of a net.

    Attributes:
        name: "nylon-string-guitar".
        family: One of NSynth's families.
        program: General MIDI program; -1 for none of its own.
        lowest: Lowest MIDI number that was recorded.
        highest: Highest.
        made_from: Where its recordings come from.
        level_db: What brings its notes to the loudness of the others' in a score.
    """

    name: str
    family: str
    program: int
    lowest: int
    highest: int
    made_from: str = ""
    level_db: float = 0.0

    @property
    def gain(self) -> float:
        """`level_db` as a factor."""
        return float(10.0 ** (self.level_db / 20.0))

    @property
    def title(self) -> str:
        """Its name for reading."""
        return self.name.replace("-", " ")


def described(made_from: str, name: str, family: str, pitches: Sequence[int], level_db: float = 0.0) -> Player:
    """What a set of notes tells about an instrument.

    Args:
        made_from: "FluidR3_GM/000/024 Nylon String Guitar"; may be empty.
        name: Its name in the set, for want of a better one.
        family: NSynth's.
        pitches: MIDI numbers of its notes.
        level_db: See `Player`.
    """
    last = made_from.rsplit("/", 1)[-1] or name
    found = _PROGRAM.match(last)
    title, program = (found[2], int(found[1])) if found else (last, -1)
    slug = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "instrument"
    return Player(slug, family, program, min(pitches), max(pitches), made_from, level_db)


class Roster:
    """The instruments of a net, in the order of its rows.

    Args:
        players: Two of one name are numbered.
    """

    def __init__(self, players: Iterable[Player]) -> None:
        self._players: list[Player] = []
        taken: set[str] = set()
        for player in players:
            name, number = player.name, 1
            while name in taken:
                number += 1
                name = f"{player.name}-{number}"
            taken.add(name)
            self._players.append(Player(**{**asdict(player), "name": name}))

    @property
    def players(self) -> tuple[Player, ...]:
        """All of them."""
        return tuple(self._players)

    @property
    def names(self) -> tuple[str, ...]:
        """All names."""
        return tuple(player.name for player in self._players)

    def row(self, name: str) -> int:
        """The row of a name; case, blanks and underscores do not matter.

        Raises:
            InvalidOption: There is none; the nearest names are said.
        """
        wanted = re.sub(r"[\s_]+", "-", name.strip().lower())
        names = self.names
        if wanted in names:
            return names.index(wanted)
        within = [number for number, known in enumerate(names) if wanted in known]
        if len(within) == 1:
            return within[0]
        near = [names[row] for row in within] or difflib.get_close_matches(wanted, names, 4, 0.4)
        hint = f"Perhaps {', '.join(near[:6])}." if near else "`descant instrument list` names them all."
        raise InvalidOption(f"There is no instrument {name!r}.", hint)

    def row_for(self, program: int) -> int:
        """The row that plays a General MIDI program: its own, else who stands in for it, else the nearest program."""
        rows = {player.program: row for row, player in reversed(list(enumerate(self._players))) if player.program >= 0}
        wanted = (program, *_STAND_INS.get(program, ()), *_FAMILY_STAND_INS.get(program // 8, ()))
        found = next((rows[other] for other in wanted if other in rows), None)
        if found is not None:
            return found
        return min(range(len(self._players)), key=lambda row: self._distance(row, program))

    def _distance(self, row: int, program: int) -> tuple[bool, int]:
        player = self._players[row]
        own = player.program if player.program >= 0 else _FAMILY_PROGRAMS.get(player.family, 0)
        return player.family != _FAMILY_OF_EIGHT[program // 8], abs(own - program)

    def packed(self) -> Tensor:
        """As bytes, for the weights' file."""
        text = json.dumps([asdict(player) for player in self._players], separators=(",", ":"))
        return torch.tensor(list(text.encode()), dtype=torch.uint8)

    @classmethod
    def unpacked(cls, packed: Tensor, *, where: str) -> Roster:
        """From a weights' file.

        Raises:
            CheckpointError: It is no roster.
        """
        if packed.dtype != torch.uint8 or packed.numel() > _MOST_BYTES:
            raise CheckpointError(f"{where} has an impossible roster.", "Export the model again.")
        try:
            players = [Player(**row) for row in json.loads(bytes(packed.tolist()))]
        except (ValueError, TypeError, RecursionError) as error:
            raise CheckpointError(f"{where} has no readable roster: {error}.", "Export the model again.") from error
        if not 0 < len(players) <= _MOST_PLAYERS or not all(map(_is_possible, players)):
            raise CheckpointError(f"{where} has an impossible roster.", "Export the model again.")
        return cls(players)


def _is_possible(player: Player) -> bool:
    """Whether what a file says of a player has the types and the ranges that it should have."""
    texts, numbers = (player.name, player.family, player.made_from), (player.program, player.lowest, player.highest)
    if any(type(text) is not str for text in texts) or any(type(number) is not int for number in numbers):
        return False
    in_range = -1 <= player.program <= 127 and 0 <= player.lowest <= player.highest <= 127
    if type(player.level_db) not in (float, int) or not abs(player.level_db) <= _MOST_DB:
        return False
    return in_range and bool(player.name) and all(text.isprintable() for text in texts)
