"""Instruments: presets of SoundFonts, recorded sample sets and made drum kits, shared out to the splits.

Presets that share a recording are one instrument family and go to the same split.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from descant.data.arrange import BASS_PROGRAMS, COMP_PROGRAMS, LEAD_PROGRAMS, PAD_PROGRAMS
from descant.data.band.kits import DrumMachine
from descant.data.band.splits import share_out
from descant.data.splits import Split, split_of
from descant.mix.roles import role_of
from descant.score.render import Sounds
from descant.score.sfz import SampleSet, find_sample_sets
from descant.score.soundfont import Preset, SoundFont, open_soundfont
from descant.score.tuned import Tuned
from descant.score.zones import DRUM_BANK

GUITAR_PROGRAMS = tuple(range(24, 32))
_ROLES: Mapping[str, tuple[int, ...]] = {
    "comp": COMP_PROGRAMS, "guitar": GUITAR_PROGRAMS, "bass": BASS_PROGRAMS, "pad": PAD_PROGRAMS,
    "lead": LEAD_PROGRAMS,
}  # fmt: skip
_OF_PART = {"piano": "comp", "guitar": "guitar", "bass": "bass", "drums": "drums", "pad": "pad", "answer": "lead",
            "bridge": "lead", "melody": "lead"}  # fmt: skip
_KITS = 40


@dataclass(frozen=True, slots=True)
class Instrument:
    """A sound of the band.

    Attributes:
        name: Its id: "FluidR3_GM/0/25 Acoustic Guitar", "samples/Sax", "machine/07".
        roles: What it may play: "comp", "guitar", "bass", "pad", "lead", "drums".
        path: SoundFont or mapping; None for a made kit.
        place: Bank and program.
        program: General MIDI number written into the score.
        split: Where it may be heard.
    """

    name: str
    roles: frozenset[str]
    path: Path | None
    place: tuple[int, int]
    program: int
    split: Split

    def sounds(self, cents: float) -> Sounds:
        """Its sounds, tuned by some cents."""
        if self.path is None:
            return _machine(self.name)
        source: Sounds = _sample_set(self.path) if self.path.suffix.lower() == ".sfz" else open_soundfont(self.path)
        return Tuned(source, Preset(*self.place, self.name), cents)


def find_instruments(soundfonts: Sequence[Path], samples: Path | None) -> tuple[Instrument, ...]:
    """All instruments with their splits; drum machines are always among them.

    Raises:
        InputNotFound, ScoreReadError: A SoundFont or sample set cannot be read.
    """
    found: list[tuple[Instrument, str]] = []
    for path in soundfonts:
        found += _of_font(path)
    for mapping in find_sample_sets(samples) if samples is not None else []:
        roles = {"keys": {"comp", "lead"}, "guitar": {"guitar", "comp"}, "bass": {"bass"}, "pad": {"pad"}}
        name = mapping.relative_to(samples).as_posix() if samples is not None else mapping.name
        kind = role_of(name).name
        program = {"keys": 0, "guitar": 25, "bass": 33, "pad": 48}.get(kind, 65)
        _sample_set(mapping)
        one = Instrument(f"samples/{name}", frozenset(roles.get(kind, {"lead"})), mapping, (0, 0), program, "train")
        found.append((one, one.name))
    kinds: dict[str, set[str]] = {}
    for instrument, group in found:
        kinds.setdefault(group, set()).update(instrument.roles)
    splits = share_out(kinds)
    machines = [f"machine/{number:02d}" for number in range(_KITS)]
    return (
        *(replace(instrument, split=splits[group]) for instrument, group in found),
        *(Instrument(name, frozenset({"drums"}), None, (DRUM_BANK, 0), 0, split_of(name)) for name in machines),
    )


def for_part(instruments: Sequence[Instrument], part: str, rng: np.random.Generator) -> Instrument | None:
    """An instrument that can play a part of the band; None where there is none."""
    wanted = _OF_PART.get(part, "comp")
    fitting = [i for i in instruments if wanted in i.roles]
    if not fitting and wanted == "guitar":
        fitting = [i for i in instruments if "comp" in i.roles]
    if not fitting:
        return None
    # A large SoundFont is drawn from more often than a small set, but not as much more often as it is larger.
    homes = [i.name.split("/")[0] for i in fitting]
    weights = np.array([homes.count(home) ** -0.5 for home in homes])
    return fitting[int(rng.choice(len(fitting), p=weights / weights.sum()))]


def _of_font(path: Path) -> list[tuple[Instrument, str]]:
    font = open_soundfont(path)
    chosen = [(place, roles) for place, roles in ((p, _roles_of(p)) for p in sorted(font.presets)) if roles]
    groups = _families(font, [place for place, _ in chosen])
    return [
        (
            Instrument(
                f"{path.stem}/{place[0]}/{place[1]} {font.presets[place].name.strip()}",
                roles,
                path,
                place,
                place[1],
                "train",
            ),
            f"{path.stem}/{groups[place]}",
        )
        for place, roles in chosen
    ]


def _roles_of(place: tuple[int, int]) -> frozenset[str]:
    bank, program = place
    if bank == DRUM_BANK:
        return frozenset({"drums"})
    return frozenset(role for role, programs in _ROLES.items() if bank < DRUM_BANK and program in programs)


def _families(font: SoundFont, places: Sequence[tuple[int, int]]) -> dict[tuple[int, int], str]:
    """Presets joined wherever they share a recording, named by their first member."""
    parent: dict[object, object] = {}

    def root(node: object) -> object:
        while parent.setdefault(node, node) != node:
            node = parent[node]
        return node

    for place in places:
        for region in font.regions(font.presets[place]):
            parent[root(region.sample.row)] = root(place)
    first: dict[object, str] = {}
    return {place: first.setdefault(root(place), f"{place[0]}/{place[1]}") for place in places}


@lru_cache(maxsize=8)
def _sample_set(path: Path) -> SampleSet:
    return SampleSet(path)


@lru_cache(maxsize=_KITS)
def _machine(name: str) -> DrumMachine:
    return DrumMachine(name)
