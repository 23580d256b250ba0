"""Who plays what in a score: one instrument for all, General MIDI's own places, or a map in a TOML file."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from descant.errors import InvalidOption
from descant.files import PathLike, as_path, text_of
from descant.score.notes import Score
from descant.score.render import stem_names

if TYPE_CHECKING:  # its module needs PyTorch, and a SoundFont plays without
    from descant.instrument.neural import NeuralInstruments, NeuralPlayer
    from descant.instrument.sampled import Sampled

GENERAL = "general"
"""Whoever General MIDI names: the instrument of the track's program, or the nearest of its family."""
SOUNDFONT = "soundfont"
"""The SoundFont plays."""

Sound = Literal["soundfont", "neural"]
"""What plays a band that nobody has cast by hand."""

_MAP_SUFFIX = ".toml"
_EXAMPLE = 'A map looks like: others = "general", [tracks] "lead" = "violin", [programs] 24 = "nylon-string-guitar".'


@dataclass(frozen=True, slots=True)
class LineUp:
    """Who plays, by what `find.find_player` finds, `GENERAL` or `SOUNDFONT`. A track's name counts before its program.

    Attributes:
        others: Who plays all tracks that nothing else names.
        tracks: Names of stems to who plays them.
        programs: General MIDI programs to who plays them.
    """

    others: str = GENERAL
    tracks: Mapping[str, str] = field(default_factory=dict)
    programs: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Seat:
    """Who plays a track.

    Attributes:
        track: Name of the track's stem.
        program: What the track asks for.
        player: Who.
        is_substitute: Whether it stands in for the instrument that the program names.
    """

    track: str
    program: int
    player: NeuralPlayer | Sampled
    is_substitute: bool

    @property
    def name(self) -> str:
        """Of who plays."""
        return self.player.name


def line_up_of(asked: str | PathLike | LineUp) -> LineUp:
    """What `--instrument` says: the name of an instrument, "general", "soundfont", or the path of a map.

    Raises:
        InvalidOption: The map is no map.
        InputNotFound, PermissionRefused: Its file cannot be read.
    """
    if isinstance(asked, LineUp):
        return asked
    if str(asked).lower().endswith(_MAP_SUFFIX):
        return read_line_up(as_path(asked))
    return LineUp(others=str(asked))


def read_line_up(path: Path) -> LineUp:
    """A map of who plays; docs/play.md shows one.

    Raises:
        InvalidOption: It is not TOML, has a key that means nothing, or a value of the wrong kind.
        InputNotFound, PermissionRefused: The file cannot be read.
    """
    try:
        found = tomllib.loads(text_of(path))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InvalidOption(f"{path} is not TOML: {error}.", _EXAMPLE) from error
    unknown = found.keys() - {"others", "drums", "tracks", "programs"}
    if unknown:
        raise InvalidOption(
            f"{path}: unknown key(s): {', '.join(sorted(unknown))}.", "Known: others, drums, [tracks], [programs]."
        )
    if found.get("drums", SOUNDFONT) != SOUNDFONT:
        raise InvalidOption(
            f"{path}: drums is {found['drums']!r}.", 'Drums have no pitches to learn: only drums = "soundfont" works.'
        )
    programs = {}
    for key, name in _names(path, found, "programs").items():
        if not key.isdecimal() or len(key) > 3 or int(key) > 127:
            raise InvalidOption(f"{path}: {key!r} is no program of General MIDI.", "Programs are 0 to 127.")
        programs[int(key)] = name
    others = found.get("others", GENERAL)
    if not isinstance(others, str):
        raise InvalidOption(f"{path}: others is {others!r}.", "Give it the name of an instrument.")
    return LineUp(others, _names(path, found, "tracks"), programs)


def _names(path: Path, found: Mapping[str, object], table: str) -> dict[str, str]:
    rows = found.get(table, {})
    if not isinstance(rows, dict):
        raise InvalidOption(f"{path}: {table} is no table.", f"Write [{table}] on a line of its own.")
    for key, name in rows.items():
        if not isinstance(name, str):
            raise InvalidOption(f"{path}: {key} in [{table}] is {name!r}.", "Give it the name of an instrument.")
    return dict(rows)


def line_up_for(sound: Sound) -> LineUp | None:
    """What `play` is asked for a kind of sound: None for the SoundFont.

    Raises:
        InvalidOption: There is no such kind.
    """
    if sound not in get_args(Sound):
        raise InvalidOption(f"There is no sound {sound!r}.", f"Choose from {', '.join(get_args(Sound))}.")
    return LineUp() if sound == "neural" else None


def needs_roster(line_up: LineUp) -> bool:
    """Whether anyone but the SoundFont may play."""
    return any(name != SOUNDFONT for name in _all_names(line_up))


def seats(
    score: Score,
    instruments: NeuralInstruments,
    line_up: LineUp,
    find: Callable[[str], NeuralPlayer | Sampled] | None = None,
) -> dict[int, Seat]:
    """Who plays which track. Drum tracks and what the SoundFont plays are left out.

    Args:
        score: The score.
        instruments: Those that General MIDI's programs are played by.
        line_up: Who is wanted.
        find: Who is meant by a name or a path; None finds those of the net alone.

    Returns:
        Places of tracks to seats.

    Raises:
        InvalidOption: An instrument, or a track that the line-up names, does not exist.
    """
    names = stem_names(score)
    strangers = [name for name in line_up.tracks if name not in names]
    if strangers:
        raise InvalidOption(f"The score has no track {strangers[0]!r}.", f"It has {', '.join(map(repr, names[:12]))}.")
    named = {*_all_names(line_up)} - {GENERAL, SOUNDFONT}
    # A name that no track needs is wrong all the same.
    players = {name: (find or instruments.player)(name) for name in sorted(named)}
    found = {}
    for place, (name, track) in enumerate(zip(names, score.tracks, strict=True)):
        asked = line_up.tracks.get(name, line_up.programs.get(track.program, line_up.others))
        if track.is_drum:
            if line_up.tracks.get(name, SOUNDFONT) != SOUNDFONT:
                raise InvalidOption(f"{name!r} is a drum track.", "Only the SoundFont plays drums; leave it out.")
            continue
        if asked != SOUNDFONT:
            if asked == GENERAL:
                nearest = instruments.player_for(track.program)
                found[place] = Seat(name, track.program, nearest, nearest.player.program != track.program)
            else:
                found[place] = Seat(name, track.program, players[asked], is_substitute=False)
    return found


def _all_names(line_up: LineUp) -> Iterable[str]:
    return (line_up.others, *line_up.tracks.values(), *line_up.programs.values())
