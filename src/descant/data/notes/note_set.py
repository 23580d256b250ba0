"""`NoteSet`: single notes of instruments, NSynth's own or those of `descant data notes`, and their splits."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from descant.audio.clip import Clip
from descant.audio.io import read
from descant.data.notes.build import HIGH, INDEX, LOW
from descant.data.sets.layout import read_json, wrong_folder
from descant.data.splits import SPLITS, Split
from descant.errors import InvalidOption, TextReadError

_PUBLISHED: Mapping[str, Split] = {"nsynth-train": "train", "nsynth-valid": "validation", "nsynth-test": "test"}
_SEED, _SHARE = 42, 0.1


@dataclass(frozen=True, slots=True)
class NoteItem:
    """A recorded note.

    Attributes:
        name: "guitar_acoustic_003-060-075".
        instrument: "guitar_acoustic_003".
        family: "guitar".
        source: "acoustic".
        pitch: MIDI number.
        velocity: 1 to 127.
        qualities: NSynth's words for its sound.
        low: The file at 16 kHz, mono.
        high: The file at 48 kHz, stereo; None where there is none.
        made_from: Where its sound comes from ("FluidR3_GM/000/024 Nylon String Guitar"), where the set tells.
    """

    name: str
    instrument: str
    family: str
    source: str
    pitch: int
    velocity: int
    qualities: tuple[str, ...]
    low: Path
    high: Path | None
    made_from: str = ""

    def read(self, *, high: bool = False) -> Clip:
        """Its sound.

        Args:
            high: 48 kHz stereo instead of 16 kHz mono.

        Raises:
            InvalidOption: There is none at 48 kHz.
            DescantError: The file cannot be read.
        """
        if high and self.high is None:
            raise InvalidOption(f"{self.name} is there at 16 kHz only.", "Build the set with `descant data notes`.")
        return read(self.high if high and self.high is not None else self.low)


class NoteSet:
    """Notes of a folder.

    Args:
        root: A folder that `descant data notes` wrote, one of nsynth-train, nsynth-valid and nsynth-test, or the one
            that holds these three.

    Raises:
        InputNotFound: It is something else.
        TextReadError: Its index is damaged.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        own = root / INDEX
        parts = [root / name for name in _PUBLISHED if (root / name / INDEX).is_file()]
        if own.is_file():
            self._parts: tuple[Path, ...] = (root,)
        elif parts:
            self._parts = tuple(parts)
        else:
            raise wrong_folder("a set of notes", root, f"{INDEX}, or nsynth-train with {INDEX}")
        self.notes = tuple(note for part in self._parts for note in _notes(part))

    def splits(self, rule: str = "pitches") -> Mapping[Split, tuple[NoteItem, ...]]:
        """The notes in three parts.

        Args:
            rule: "pitches" holds out some pitches of every instrument, as SING does (its exact draw); "instruments"
                is NSynth's own, by folder, and needs its folders.

        Raises:
            InvalidOption: There is no such rule, or the set has no such folders.
        """
        if rule == "pitches":
            return split_pitches(self.notes)
        if rule != "instruments":
            raise InvalidOption(f"There is no rule {rule!r}.", "Use pitches or instruments.")
        if not {part.name for part in self._parts} <= {*_PUBLISHED}:
            raise InvalidOption(f"{self.root} has no splits by instrument.", "Use the rule pitches.")
        shares: dict[Split, tuple[NoteItem, ...]] = dict.fromkeys(SPLITS, ())
        for part in self._parts:
            shares[_PUBLISHED[part.name]] = tuple(n for n in self.notes if n.low.is_relative_to(part))
        return shares


def split_pitches(notes: Iterable[NoteItem]) -> Mapping[Split, tuple[NoteItem, ...]]:
    """SING's split (Défossez et al., NeurIPS 2018): some pitches of every instrument are held out.

    About 10 % of them, with all their velocities, are for validation and as many for the test.
    Pairs of instrument and pitch are drawn in the order in which they first come when names are sorted, by Python's
    generator with the seed 42: the same notes go to the same part as in the published code.
    """
    ordered = sorted(notes, key=lambda note: note.name)
    generator = random.Random(_SEED)
    places: dict[tuple[str, int], Split] = {}
    shares: dict[Split, list[NoteItem]] = {split: [] for split in SPLITS}
    for note in ordered:
        pair = (note.instrument, note.pitch)
        if pair not in places:
            drawn = generator.random()
            places[pair] = "validation" if drawn < _SHARE else "test" if drawn < 2 * _SHARE else "train"
        shares[places[pair]].append(note)
    return {split: tuple(found) for split, found in shares.items()}


def _notes(folder: Path) -> Iterator[NoteItem]:
    index = read_json(folder / INDEX)
    if not isinstance(index, Mapping):
        raise TextReadError(f"{folder / INDEX} is no index of notes.", "Download or build the set again.")
    has_high = (folder / HIGH).is_dir()
    for name, note in sorted(index.items()):
        try:
            yield _note(name, note, folder, has_high=has_high)
        except (KeyError, TypeError, ValueError) as error:
            raise TextReadError(
                f"{folder / INDEX}: the note {name[:60]!r} is not described as NSynth describes notes ({error}).",
                "Download or build the set again.",
            ) from error


def _note(name: str, note: Mapping[str, Any], folder: Path, *, has_high: bool) -> NoteItem:
    pitch, velocity = note["pitch"], note["velocity"]
    if not (isinstance(pitch, int) and isinstance(velocity, int) and 0 <= pitch <= 127 and 0 <= velocity <= 127):
        raise ValueError("pitch or velocity is no MIDI number")
    if "/" in name or "\\" in name:
        raise ValueError("its name is a path")
    return NoteItem(
        name=name,
        instrument=str(note["instrument_str"]),
        family=str(note["instrument_family_str"]),
        source=str(note["instrument_source_str"]),
        pitch=pitch,
        velocity=velocity,
        qualities=tuple(str(word) for word in note.get("qualities_str", ())),
        low=folder / LOW / f"{name}.wav",
        high=folder / HIGH / f"{name}.flac" if has_high else None,
        made_from=str(note.get("made_from", "")),
    )
