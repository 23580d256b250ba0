"""GTZAN (Tzanetakis and Cook 2002): a thousand excerpts of 30 s in ten genres, with beats where they were fetched.

The set has no split of its own. The one in use is the "fault-filtered" split of Kereliuk, Sturm and Larsen (2015),
three lists of files that are published apart from it (train_filtered.txt, valid_filtered.txt, test_filtered.txt, rows
such as blues/blues.00029.wav). Put them beside the genres and they are the splits; files in none of them then carry
no split. The lists are not part of Descant. Of the copies in circulation some have a damaged jazz.00054.wav.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from descant.data.sets.dataset import Dataset
from descant.data.sets.giantsteps import read_tempo
from descant.data.sets.item import SPLITS, AudioRef, Item, Later, Split, known
from descant.data.sets.layout import file_names, number, read_text, wrong_folder
from descant.errors import ScoreReadError
from descant.score.tempo import BeatGrid

GENRES = ("blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock")
_PER_GENRE = 100
_SUFFIXES = (".wav", ".au")
_LISTS: dict[Split, str] = {
    "train": "train_filtered.txt",
    "validation": "valid_filtered.txt",
    "test": "test_filtered.txt",
}
_ANNOTATIONS = ("gtzan_tempo_beat-main", "gtzan_tempo_beat", ".")


class Gtzan(Dataset):
    """The folder with genres/ (or genres_original/, or the ten genres themselves); gtzan_tempo_beat/ beside them."""

    name = "gtzan"
    title = "GTZAN"

    @property
    def splits(self) -> tuple[Split, ...]:
        """The lists that lie in the folder."""
        return tuple(split for split in SPLITS if (self.root / _LISTS[split]).is_file())

    def _open(self) -> None:
        places = (self.root / name for name in ("genres", "genres_original", "."))
        found = next((p for p in places if any((p / genre).is_dir() for genre in GENRES)), None)
        if found is None:
            raise wrong_folder(self.title, self.root, "genres/blues/blues.00000.wav and nine more genres")
        self._genres = found

    def _read(self, split: Split | None) -> Iterator[Item]:
        listed = self._listed()
        annotations = next((self.root / n for n in _ANNOTATIONS if (self.root / n / "beats").is_dir()), self.root)
        beats = {Path(n).stem: annotations / "beats" / n for n in file_names(annotations / "beats")}
        tempi = {Path(n).stem: annotations / "tempo" / n for n in file_names(annotations / "tempo")}
        for genre in GENRES:
            there = file_names(self._genres / genre)
            for index in range(_PER_GENRE):
                name = f"{genre}.{index:05}"
                if split not in (None, listed.get(name)):
                    continue
                suffix = next((suffix for suffix in _SUFFIXES if name + suffix in there), _SUFFIXES[0])
                annotation = f"gtzan_{genre}_{index:05}"
                yield Item(
                    id=name,
                    dataset=self.name,
                    split=listed.get(name),
                    mix=AudioRef(self._genres / genre / (name + suffix)),
                    beats=Later(read_beats, (beats[annotation],)) if annotation in beats else None,
                    tempo_bpm=Later(read_tempo, (tempi[annotation],)) if annotation in tempi else None,
                    genre=known(genre),
                )

    def _listed(self) -> dict[str, Split]:
        found: dict[str, Split] = {}
        for split in self.splits:
            for row in read_text(self.root / _LISTS[split]).splitlines():
                if row.strip():
                    found[Path(row.strip()).stem] = split
        return found


def read_beats(path: Path) -> BeatGrid:
    """Rows of a time in seconds and a place in the bar.

    Raises:
        TextReadError: A row is no such thing.
        ScoreReadError: Times do not rise.
    """
    rows = [row.split() for row in read_text(path).splitlines() if row.strip()]
    times = tuple(number(row[0], path, "a beat's time") for row in rows)
    positions = tuple(round(number(row[1], path, "a beat's place")) if len(row) > 1 else 0 for row in rows)
    if any(b <= a for a, b in pairwise(times)):
        raise ScoreReadError(f"{path}: the beats do not rise in time.", "Get the annotations again.")
    return BeatGrid(times, positions)
