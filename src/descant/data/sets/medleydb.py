"""MedleyDB 1 and 2 (Bittner et al., ISMIR 2014, 2016): multitracks with instruments and melody annotations.

No split is published. Metadata lie with the tracks or in a `Metadata` folder (as in the publishers' repository).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from descant.data.sets.dataset import Dataset
from descant.data.sets.item import AudioRef, Facts, Item, Later, Split, Stem, known, pitch_track
from descant.data.sets.layout import file_names, folders_in, number, read_text, read_yaml, wrong_folder
from descant.dsp.pitch import PitchTrack
from descant.errors import TextReadError

_AUDIO = ("Audio", "V1", "V2", ".")
_METADATA = ("Metadata", "METADATA", "medleydb/data/Metadata")
_MELODIES = ("Annotations/Melody_Annotations/MELODY2", "Annotations/Melody_Annotations/Melody2", "melody2")


class MedleyDb(Dataset):
    """The folder with Audio/<Artist_Title>/ (or V1/, V2/), and, where it was fetched, Annotations/.

    The melody is the publishers' second definition: the most prominent source at each time, which may change.
    """

    name = "medleydb"
    title = "MedleyDB"

    @property
    def splits(self) -> tuple[Split, ...]:
        """None are published."""
        return ()

    def _open(self) -> None:
        if next(self._tracks(), None) is None:
            raise wrong_folder(
                self.title, self.root, "Audio/<Artist_Title>/<Artist_Title>_METADATA.yaml, _MIX.wav and _STEMS/"
            )

    def _tracks(self) -> Iterator[tuple[Path, Path]]:
        """Each track's folder and its metadata file."""
        metadata = {file: self.root / folder for folder in _METADATA for file in file_names(self.root / folder)}
        seen: set[str] = set()
        for place in _AUDIO:
            for track in folders_in(self.root / place):
                name = f"{track.name}_METADATA.yaml"
                own = name in file_names(track)
                if track.name not in seen and (own or name in metadata):
                    seen.add(track.name)
                    yield track, (track if own else metadata[name]) / name

    def _read(self, split: Split | None) -> Iterator[Item]:
        assert split is None
        for track, path in sorted(self._tracks()):
            facts = read_yaml(path)
            melody = next(
                (
                    self.root / folder / f"{track.name}_MELODY2.csv"
                    for folder in _MELODIES
                    if (self.root / folder / f"{track.name}_MELODY2.csv").is_file()
                ),
                None,
            )
            yield Item(
                id=track.name,
                dataset=self.name,
                mix=AudioRef(track / _file(facts, "mix_filename", path)),
                stems=tuple(_stems(facts, track, path)),
                melody=Later(read_melody, (melody,)) if melody else None,
                genre=known(str(facts["genre"])) if facts.get("genre") else None,
                facts=Facts(title=str(facts.get("title") or ""), artist=str(facts.get("artist") or "")),
            )


def read_melody(path: Path) -> PitchTrack:
    """Rows of time in seconds and f0 in Hz, 0 where no melody sounds.

    Raises:
        TextReadError: A row is something else.
    """
    times, f0 = [], []
    for row in read_text(path, max_bytes=1 << 26).splitlines():
        cells = row.split(",")
        if len(cells) < 2:
            raise TextReadError(f"{path}: {row[:40]!r} is not a time with an f0.", "Download it again.")
        times.append(number(cells[0], path, "the time"))
        f0.append(number(cells[1], path, "the f0"))
    return pitch_track(times, f0)


def _stems(facts: dict[str, Any], track: Path, path: Path) -> Iterator[Stem]:
    stems = facts.get("stems")
    if not isinstance(stems, dict) or not all(isinstance(stem, dict) for stem in stems.values()):
        raise TextReadError(f"{path} has no table of stems.", "Download the metadata again.")
    folder = track / str(facts.get("stem_dir") or f"{track.name}_STEMS")
    for name, stem in sorted(stems.items()):
        played = stem.get("instrument") or ""
        yield Stem(
            name=str(name),
            audio=AudioRef(folder / _file(stem, "filename", path)),
            instrument=", ".join(str(each) for each in played) if isinstance(played, list) else str(played),
            role=str(stem.get("component") or ""),
            is_drum=played == "drum set",
        )


def _file(facts: dict[str, Any], field: str, path: Path) -> str:
    name = facts.get(field)
    if not isinstance(name, str) or not name or Path(name).name != name:
        raise TextReadError(f"{path} names no file as its {field}.", "Download the metadata again.")
    return name
