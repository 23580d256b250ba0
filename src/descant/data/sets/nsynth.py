"""NSynth (Engel et al., ICML 2017): 305,979 single notes of four seconds at 16 kHz, with what plays them and how.

The split is the publishers': instruments of the training part do not appear in the other two. The index of the
training part is one large JSON file; it is read when its items are asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from descant.data.sets.dataset import Dataset
from descant.data.sets.item import SPLITS, AudioRef, Facts, Item, Split
from descant.data.sets.layout import read_json, wrong_folder
from descant.errors import TextReadError

_PARTS: dict[Split, str] = {"train": "nsynth-train", "validation": "nsynth-valid", "test": "nsynth-test"}


class NSynth(Dataset):
    """The folder with nsynth-train, nsynth-valid and nsynth-test, or one of these three itself."""

    name = "nsynth"
    title = "NSynth"

    @property
    def splits(self) -> tuple[Split, ...]:
        """The parts that are there."""
        return tuple(split for split in SPLITS if self._part(split) is not None)

    def _open(self) -> None:
        if not self.splits:
            raise wrong_folder(self.title, self.root, "nsynth-train, nsynth-valid or nsynth-test with examples.json")

    def _part(self, split: Split) -> Path | None:
        for folder in (self.root / _PARTS[split], self.root):
            if folder.name == _PARTS[split] and (folder / "examples.json").is_file():
                return folder
        return None

    def _read(self, split: Split | None) -> Iterator[Item]:
        for part in self.splits if split is None else (split,):
            folder = self._part(part)
            assert folder is not None
            index = folder / "examples.json"
            for name, note in sorted(read_json(index).items()):
                yield _item(name, note, folder, part, index)


def _item(name: str, note: Any, folder: Path, split: Split, index: Path) -> Item:
    if not isinstance(note, Mapping) or "/" in name:
        raise TextReadError(f"{index}: the note {name[:60]!r} is not described by an object.", "Download it again.")
    return Item(
        id=name,
        dataset=NSynth.name,
        split=split,
        mix=AudioRef(folder / "audio" / f"{name}.wav", stated_rate=_whole(note, "sample_rate", name, index)),
        facts=Facts(
            instrument=str(note.get("instrument_str", "")),
            family=str(note.get("instrument_family_str", "")),
            source=str(note.get("instrument_source_str", "")),
            pitch=_whole(note, "pitch", name, index),
            velocity=_whole(note, "velocity", name, index),
            tags=tuple(str(tag) for tag in note.get("qualities_str", ())),
        ),
    )


def _whole(note: Mapping[str, Any], field: str, name: str, index: Path) -> int:
    value = note.get(field)
    if not isinstance(value, int):
        raise TextReadError(f"{index}: the note {name} has no whole number as its {field}.", "Download it again.")
    return value
