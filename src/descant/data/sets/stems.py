"""Folders of stems, and MUSDB18 (Rafii, Liutkus, Stöter, Mimilakis, Bittner 2017) as MP4 stems and as WAV ("-HQ").

The train and test folders are the publishers'. Their validation split is 14 songs of the training folder, named in
the configuration of their package `musdb` (`mus.yaml`); those songs are not in "train" here.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

from descant.audio.formats import AUDIO_SUFFIXES
from descant.data.sets.dataset import Dataset
from descant.data.sets.item import SPLITS, AudioRef, Item, Split, Stem
from descant.data.sets.layout import file_names, folders_in, wrong_folder

MUSDB_STEMS = ("vocals", "drums", "bass", "other")
MUSDB_VALIDATION = frozenset(
    (
        "ANiMAL - Rockshow",
        "Actions - One Minute Smile",
        "Alexander Ross - Goodbye Bolero",
        "Clara Berry And Wooldog - Waltz For My Victims",
        "Fergessen - Nos Palpitants",
        "James May - On The Line",
        "Johnny Lokke - Promises & Lies",
        "Leaf - Summerghost",
        "Meaxic - Take A Step",
        "Patrick Talbot - A Reason To Leave",
        "Skelpolu - Human Mistakes",
        "Traffic Experiment - Sirens",
        "Triviul - Angelsaint",
        "Young Griffo - Pennies",
    )
)
"""The publishers' validation songs."""

_MUSDB_RATE = 44_100
_MP4_STREAMS = {"mixture": 0, "drums": 1, "bass": 2, "other": 3, "vocals": 4}
_MIXES = ("mixture", "mix")
_SPLIT_FOLDERS: dict[Split, tuple[str, ...]] = {
    "train": ("train",),
    "validation": ("validation", "valid", "val"),
    "test": ("test",),
}


def split_folders(root: Path) -> dict[Split, Path]:
    """The folders of `root` that are named as splits are."""
    return {split: root / name for split in SPLITS for name in _SPLIT_FOLDERS[split] if (root / name).is_dir()}


class StemFolders(Dataset):
    """Any collection laid out as MUSDB18-HQ is: a folder per song, an audio file per stem, perhaps in split folders.

    A file named `mixture` or `mix` is the mix; without one `Item.mix` is None, and the sum of the stems is it. Files
    may be of any format; in each song they must agree in rate, channels and length.
    """

    name = "stems"
    title = "a folder of stems"

    @property
    def splits(self) -> tuple[Split, ...]:
        """The split folders that are there."""
        return tuple(split_folders(self.root))

    def _open(self) -> None:
        if next(self._songs(None), None) is None:
            raise wrong_folder(
                self.title,
                self.root,
                "a folder per song with an audio file per stem (mixture.wav, vocals.wav, ...), "
                "perhaps inside train/ and test/",
            )

    def _songs(self, split: Split | None) -> Iterator[tuple[Split | None, Path, dict[str, Path]]]:
        places: dict[Split | None, Path] = dict(split_folders(self.root).items()) or {None: self.root}
        for name, place in places.items():
            for song in folders_in(place) if split in (None, name) else ():
                files = {
                    Path(file).stem: song / file
                    for file in sorted(file_names(song))
                    if Path(file).suffix.lower() in AUDIO_SUFFIXES and not file.startswith(".")
                }
                if len(files) > 1:
                    yield name, song, files

    def _read(self, split: Split | None) -> Iterator[Item]:
        for name, song, files in self._songs(split):
            mix = next((files[stem] for stem in _MIXES if stem in files), None)
            yield Item(
                id=song.name if name is None else f"{name}/{song.name}",
                dataset=self.name,
                split=name,
                mix=AudioRef(mix) if mix else None,
                stems=tuple(Stem(stem, AudioRef(path)) for stem, path in files.items() if stem not in _MIXES),
            )


class _Musdb(Dataset):
    """What both forms of MUSDB18 share."""

    published: ClassVar = {None: 150, "train": 100 - len(MUSDB_VALIDATION), "validation": 14, "test": 50}

    @property
    def splits(self) -> tuple[Split, ...]:
        """Those whose folders are there; validation is a part of train/."""
        folders = split_folders(self.root)
        return tuple(s for s in SPLITS if ("train" if s == "validation" else s) in folders)

    def _names(self, split: Split | None) -> Iterator[tuple[Split, Path, str]]:
        folders = split_folders(self.root)
        for published in (each for each in SPLITS if each in folders and each != "validation"):
            for name in self._songs_in(folders[published]):
                place: Split = "validation" if published == "train" and name in MUSDB_VALIDATION else published
                if split in (None, place):
                    yield place, folders[published], name

    def _item(self, name: str, split: Split, refs: Mapping[str, AudioRef]) -> Item:
        stems = tuple(Stem(stem, refs[stem]) for stem in MUSDB_STEMS)
        return Item(id=name, dataset=self.name, split=split, mix=refs["mixture"], stems=stems)

    @abstractmethod
    def _songs_in(self, folder: Path) -> list[str]:
        """Names of the songs in a split's folder, in order."""


class MusdbHq(_Musdb):
    """MUSDB18-HQ: 150 songs as five WAV files each, 44.1 kHz stereo."""

    name = "musdb18-hq"
    title = "MUSDB18-HQ"

    def _open(self) -> None:
        songs = [song for place in split_folders(self.root).values() for song in folders_in(place)]
        if not any(file_names(song) & {"mixture.wav", "vocals.wav"} for song in songs):
            raise wrong_folder(
                self.title, self.root, "train/<song>/mixture.wav, vocals.wav, drums.wav, bass.wav, other.wav and test/"
            )

    def _songs_in(self, folder: Path) -> list[str]:
        return [song.name for song in folders_in(folder)]

    def _read(self, split: Split | None) -> Iterator[Item]:
        for place, folder, name in self._names(split):
            refs = {
                stem: AudioRef(folder / name / f"{stem}.wav", stated_rate=_MUSDB_RATE, stated_channels=2)
                for stem in ("mixture", *MUSDB_STEMS)
            }
            yield self._item(name, place, refs)


class Musdb18(_Musdb):
    """MUSDB18 as published first: 150 `<song>.stem.mp4`, five AAC streams each (band-limited to 16 kHz).

    Streams are decoded from their start, so a crop near the end of a song costs the whole song: convert to WAV for
    training. The stems of compressed songs do not sum to the mixture exactly.
    """

    name = "musdb18"
    title = "MUSDB18"

    def _open(self) -> None:
        if not any(self._songs_in(place) for place in split_folders(self.root).values()):
            raise wrong_folder(self.title, self.root, "train/<song>.stem.mp4 and test/<song>.stem.mp4")

    def _songs_in(self, folder: Path) -> list[str]:
        suffix = ".stem.mp4"
        return sorted(name.removesuffix(suffix) for name in file_names(folder) if name.endswith(suffix))

    def _read(self, split: Split | None) -> Iterator[Item]:
        for place, folder, name in self._names(split):
            path = folder / f"{name}.stem.mp4"
            refs = {
                stem: AudioRef(path, stream=stream, stated_rate=_MUSDB_RATE, stated_channels=2)
                for stem, stream in _MP4_STREAMS.items()
            }
            yield self._item(name, place, refs)
