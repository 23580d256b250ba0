"""GiantSteps (Knees et al., ISMIR 2015): two-minute previews of dance music with keys, and others with tempi.

Both are for evaluation: all items are "test". Tempi are those of the second annotation (Schreiber and Müller, ISMIR
2018) where `annotations_v2/` is there; it found three previews without tempo, which then carry no tempo.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from descant.data.sets.dataset import Dataset
from descant.data.sets.item import AudioRef, Item, Later, Split
from descant.data.sets.layout import file_names, number, read_text, wrong_folder
from descant.errors import ScoreReadError
from descant.score.harmony import Key

_WITHOUT_TEMPO = frozenset(("3041381.LOFI", "3041383.LOFI", "1327052.LOFI"))
_SUFFIXES = (".mp3", ".wav")


class _GiantSteps(Dataset):
    label: ClassVar[str]

    @property
    def splits(self) -> tuple[Split, ...]:
        """Only "test"."""
        return ("test",)

    def _open(self) -> None:
        if not self._annotated():
            raise wrong_folder(
                self.title, self.root, f"annotations/{'key' if self.label == '.key' else 'tempo'}/ and audio/"
            )

    @abstractmethod
    def _folders(self) -> tuple[Path, ...]:
        """Where annotations may lie, the newest first."""

    def _annotated(self) -> dict[str, Path]:
        """Annotation file of each preview, from the first of the folders that has any."""
        for folder in self._folders():
            names = sorted(name for name in file_names(folder) if name.endswith(self.label))
            if names:
                return {name.removesuffix(self.label): folder / name for name in names}
        return {}

    def _audio(self, name: str, there: frozenset[str]) -> AudioRef:
        suffix = next((suffix for suffix in _SUFFIXES if name + suffix in there), _SUFFIXES[0])
        return AudioRef(self.root / "audio" / (name + suffix))

    def _genre(self, name: str, there: frozenset[str]) -> Later[str] | None:
        path = self.root / "annotations" / "genre" / f"{name}.genre"
        return Later(_line, (path,)) if path.name in there else None


class GiantStepsKey(_GiantSteps):
    """604 previews with their keys: annotations/key/<id>.LOFI.key and audio/<id>.LOFI.mp3 (or .wav)."""

    name = "giantsteps-key"
    title = "GiantSteps (key)"
    published: ClassVar = {None: 604, "test": 604}
    label = ".key"

    def _folders(self) -> tuple[Path, ...]:
        return (self.root / "annotations" / "key",)

    def _read(self, split: Split | None) -> Iterator[Item]:
        assert split in (None, "test")
        audio, genres = file_names(self.root / "audio"), file_names(self.root / "annotations" / "genre")
        for name, path in self._annotated().items():
            yield Item(
                id=name,
                dataset=self.name,
                split="test",
                mix=self._audio(name, audio),
                key=Later(read_key, (path,)),
                genre=self._genre(name, genres),
            )


class GiantStepsTempo(_GiantSteps):
    """664 previews with their tempi: annotations_v2/tempo/<id>.LOFI.bpm (or annotations/tempo) and audio/."""

    name = "giantsteps-tempo"
    title = "GiantSteps (tempo)"
    published: ClassVar = {None: 664, "test": 664}
    label = ".bpm"

    def _folders(self) -> tuple[Path, ...]:
        return (self.root / "annotations_v2" / "tempo", self.root / "annotations" / "tempo")

    def _read(self, split: Split | None) -> Iterator[Item]:
        assert split in (None, "test")
        audio, genres = file_names(self.root / "audio"), file_names(self.root / "annotations" / "genre")
        for name, path in self._annotated().items():
            known_none = name in _WITHOUT_TEMPO and path.parent.parent.name == "annotations_v2"
            yield Item(
                id=name,
                dataset=self.name,
                split="test",
                mix=self._audio(name, audio),
                tempo_bpm=None if known_none else Later(read_tempo, (path,)),
                genre=self._genre(name, genres),
            )


def read_key(path: Path) -> Key:
    """A key in words ("Eb minor"), at the start of a text file.

    Raises:
        ScoreReadError: It is none.
    """
    try:
        return Key.parse(_line(path).split("\t")[0])
    except ScoreReadError as error:
        raise ScoreReadError(f"{path}: {error.message}", error.hint) from error


def read_tempo(path: Path) -> float:
    """Beats per minute, in a text file.

    Raises:
        TextReadError: It is no number.
        ScoreReadError: It is not positive.
    """
    value = number(_line(path), path, "the tempo")
    if value <= 0:
        raise ScoreReadError(f"{path}: a tempo of {value:g} is impossible.", "Get the annotations again.")
    return value


def _line(path: Path) -> str:
    return next(iter(read_text(path).splitlines()), "").strip()
