"""Instruments to make notes of: presets of SoundFonts, sample sets (.sfz), and folders of named recordings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from descant.data.notes.families import family_of_name, family_of_program, is_played, source_of_program
from descant.errors import InputNotFound
from descant.score.render import Sounds
from descant.score.sfz import SampleSet, find_sample_sets
from descant.score.soundfont import Preset, open_soundfont
from descant.score.tuned import Tuned
from descant.score.wav_folder import WavFolder
from descant.score.zones import DRUM_BANK, Region

_DETUNED_CENTS = 50
"""Recordings are tuned a little; what is further away counts as transposed."""


@dataclass(frozen=True, slots=True)
class NoteSource:
    """Where an instrument's sound comes from; a value that another process can open, too.

    Attributes:
        name: "FluidR3_GM/000/024 Nylon String Guitar", "weresax/Programs/sax", "my notes".
        family: One of `families.FAMILIES`.
        source: One of `families.SOURCES`.
        path: SoundFont, mapping or folder.
        place: Bank and program in a SoundFont; None elsewhere.
    """

    name: str
    family: str
    source: str
    path: Path
    place: tuple[int, int] | None = None

    def open(self) -> Sounds:
        """Its sounds.

        Raises:
            DescantError: It cannot be read.
        """
        if self.place is not None:
            font = open_soundfont(self.path)
            return Tuned(font, font.presets[self.place], 0.0)
        return WavFolder(self.path) if self.path.is_dir() else SampleSet(self.path)


def find_sources(
    soundfonts: Sequence[Path] = (), samples: Sequence[Path] = (), folders: Sequence[Path] = ()
) -> tuple[NoteSource, ...]:
    """All instruments, drums and sound effects left out.

    Args:
        soundfonts: .sf2 and .sf3 files.
        samples: .sfz files, and folders that are searched for them.
        folders: Folders of recordings whose names tell their pitch, an instrument each.

    Raises:
        InputNotFound: There are none.
        DescantError: One cannot be read.
    """
    found: list[NoteSource] = []
    for path in soundfonts:
        font = open_soundfont(path)
        found += [_of_preset(path, place, font.presets[place]) for place in sorted(font.presets) if _is_played(place)]
    for path in samples:
        mappings = find_sample_sets(path) if path.is_dir() else [path]
        for mapping in mappings:
            SampleSet(mapping)  # what maps nothing is said now
            name = mapping.relative_to(path.parent).with_suffix("").as_posix()
            found.append(NoteSource(name, family_of_name(name), "acoustic", mapping))
    for folder in folders:
        WavFolder(folder)
        found.append(NoteSource(folder.name, family_of_name(folder.name), "acoustic", folder))
    if not found:
        raise InputNotFound(
            "There are no instruments to make notes of.",
            "Give --soundfont FILE, --samples FOLDER (with .sfz files) or --folder FOLDER (of named recordings).",
        )
    return tuple(found)


def recordings(regions: Sequence[Region]) -> frozenset[tuple[int, str]]:
    """The recordings behind regions."""
    return frozenset((region.sample.row, region.sample.name) for region in regions)


def playable(regions: Sequence[Region], stretch: int) -> dict[int, tuple[int, ...]]:
    """The keys that regions reach without being stretched too far, each with the velocities at which layers end.

    Args:
        regions: Of one preset.
        stretch: Semitones that a recording may be transposed by.

    Returns:
        Key to the highest velocities of its layers, rising.
    """
    tops: dict[int, set[int]] = {}
    for region in regions:
        if region.cents_per_key <= 0 or region.fixed_key >= 0:
            continue  # an effect that sounds the same on all keys has no pitch
        for key in range(max(region.keys[0], 0), min(region.keys[1], 127) + 1):
            cents = (key - region.root_key) * region.cents_per_key + region.tuning_cents
            if abs(cents) < 100 * stretch + _DETUNED_CENTS:
                tops.setdefault(key, set()).add(region.velocities[1])
    return {key: tuple(sorted(found)) for key, found in sorted(tops.items())}


def _is_played(place: tuple[int, int]) -> bool:
    return place[0] < DRUM_BANK and is_played(place[1])


def _of_preset(path: Path, place: tuple[int, int], preset: Preset) -> NoteSource:
    bank, program = place
    name = f"{path.stem}/{bank:03d}/{program:03d} {preset.name.strip()}"
    return NoteSource(name, family_of_program(program), source_of_program(program), path, place)
