"""The world an item is drawn from: songs, singers, instruments and rooms, each with its split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from descant.compose.api import Composer
from descant.data.band.options import BandOptions
from descant.data.band.singers import Singer, find_singers, synthetic_singers
from descant.data.band.sounds import Instrument, find_instruments
from descant.data.band.sources import Song, find_songs
from descant.data.band.splits import share_out
from descant.data.band.studio import Room, find_rooms
from descant.data.splits import SHARES, SPLITS, Split, split_of
from descant.errors import InvalidOption
from descant.hub.card import load_card
from descant.hub.store import fetch

_SOUNDFONT = "timgm6mb"
_SYNTHETIC_SHARE = 0.25
"""How often the synthetic singers sing where recorded ones are given."""


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """What items are made of.

    Attributes:
        asked: What was asked for.
        songs: By split.
        singers: By split; recorded ones first.
        instruments: By split.
        rooms: For all splits.
        composer: The accompaniment engine.
        splits: Those that have songs and instruments, with how often they are drawn.
    """

    asked: BandOptions
    songs: dict[Split, tuple[Song, ...]]
    singers: dict[Split, tuple[Singer, ...]]
    instruments: dict[Split, tuple[Instrument, ...]]
    rooms: tuple[Room, ...]
    composer: Composer
    splits: dict[Split, float]

    def singer(self, split: Split, rng: np.random.Generator) -> Singer:
        """Someone who sings in a split."""
        recorded = [s for s in self.singers[split] if s.kind != "synthetic"]
        made = [s for s in self.singers[split] if s.kind == "synthetic"]
        chosen = made if not recorded or rng.random() < _SYNTHETIC_SHARE else recorded
        return chosen[int(rng.integers(len(chosen)))]


def resolved(asked: BandOptions) -> BandOptions:
    """The options with the default SoundFont filled in (fetched if need be) and paths made absolute."""
    # Always the same one: what else a machine has installed must not decide on the bytes.
    fonts = asked.soundfonts or (fetch(_SOUNDFONT) / load_card(_SOUNDFONT).files[0].path,)
    scores = tuple(s if s in ("music21", "invented") else str(Path(s).absolute()) for s in asked.scores)
    return replace(
        asked,
        soundfonts=tuple(Path(f).absolute() for f in fonts),
        scores=scores,
        samples=_absolute(asked.samples),
        voices=_absolute(asked.voices),
        rooms=_absolute(asked.rooms),
    )


@lru_cache(maxsize=2)
def open_world(asked: BandOptions) -> World:
    """Find everything a set is made of; kept for the next item.

    Raises:
        DescantError: A source is missing or holds nothing, or no split has both songs and instruments.
    """
    songs = find_songs(asked.scores)
    recorded = find_singers(asked.voices) if asked.voices is not None else ()
    # By person: somebody with words in two languages sings in one split.
    given = share_out({s.person: {"singer"} for s in recorded})
    made = synthetic_singers()
    made_splits = _spread([s.name for s in made])
    instruments = find_instruments(asked.soundfonts, asked.samples)
    by_split: dict[Split, tuple[Song, ...]] = {split: tuple(s for s in songs if s.split == split) for split in SPLITS}
    playable = {split: tuple(i for i in instruments if i.split == split) for split in SPLITS}
    splits = {
        split: SHARES[split]
        for split in SPLITS
        if by_split[split] and all(any(r in i.roles for i in playable[split]) for r in ("comp", "bass"))
    }
    if not splits:
        raise InvalidOption(
            "The songs and the instruments have no split in common, so nothing can be played.",
            "Give more songs, or a SoundFont with more presets.",
        )
    return World(
        asked,
        by_split,
        {
            split: (
                *(s for s in recorded if given[s.person] == split),
                *(s for s in made if made_splits[s.name] == split),
            )
            for split in SPLITS
        },
        playable,
        find_rooms(asked.rooms),
        Composer.load(),
        splits,
    )


def _spread(names: Sequence[str]) -> dict[str, Split]:
    """Splits by name, with someone in each."""
    splits = {name: split_of(name) for name in names}
    for number, split in enumerate(SPLITS):
        if split not in splits.values():
            splits[names[number]] = split
    return splits


def _absolute(path: Path | None) -> Path | None:
    return None if path is None else Path(path).absolute()
