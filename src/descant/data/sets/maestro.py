"""MAESTRO (Hawthorne et al., ICLR 2019): competition piano performances as audio with MIDI aligned to about 3 ms.

The split is the publishers', a column of the set's CSV. Their MIDI-only download is read too: then no item has audio.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from descant.data.sets.dataset import Dataset
from descant.data.sets.item import SPLITS, AudioRef, Facts, Item, Later, Split
from descant.data.sets.layout import read_csv, wrong_folder
from descant.errors import TextReadError
from descant.score.midi import read_midi
from descant.score.notes import Score

_COLUMNS = ("canonical_composer", "canonical_title", "split", "midi_filename", "audio_filename")


class Maestro(Dataset):
    """The folder with maestro-v*.csv and a folder per year. Scores are as played: the pedal holds notes."""

    name = "maestro"
    title = "MAESTRO"

    @property
    def splits(self) -> tuple[Split, ...]:
        """All three."""
        return SPLITS

    def _open(self) -> None:
        indexes = sorted(self.root.glob("maestro-v*.csv")) if self.root.is_dir() else []
        if not indexes:
            raise wrong_folder(self.title, self.root, "maestro-v3.0.0.csv and a folder per year")
        self._index = indexes[-1]  # the newest, should several versions lie here

    def _read(self, split: Split | None) -> Iterator[Item]:
        rows = sorted(read_csv(self._index, _COLUMNS), key=lambda row: row["midi_filename"])
        with_audio = any(self._inside(row["audio_filename"]).exists() for row in rows)
        for row in rows:
            place = next((each for each in SPLITS if each == row["split"]), None)
            if place is None:
                raise TextReadError(f"{self._index}: {row['split'][:40]!r} is not a split.", "Download it again.")
            if split not in (None, place):
                continue
            yield Item(
                id=str(PurePosixPath(row["midi_filename"]).with_suffix("")),
                dataset=self.name,
                split=place,
                mix=AudioRef(self._inside(row["audio_filename"])) if with_audio else None,
                score=Later(_performance, (self._inside(row["midi_filename"]),)),
                facts=Facts(title=row["canonical_title"], artist=row["canonical_composer"], family="keyboard"),
            )

    def _inside(self, name: str) -> Path:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts:
            raise TextReadError(f"{self._index} names a file outside of the set: {name[:80]}.", "Download it again.")
        return self.root / path


def _performance(path: Path) -> Score:
    return read_midi(path, as_played=True)
