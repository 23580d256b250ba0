"""Captions in the form of MusicCaps (Agostinelli et al. 2023): ten-second stretches of videos, described by musicians.

The CSV is the set; the audio has to be fetched from video sites, where a part of it has vanished. So an item whose
recording is not there has no `mix`, and the set still counts as whole. Split: clips of AudioSet's evaluation part
are "test", the others "train" (the publishers' column `is_audioset_eval`).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

from descant.audio.formats import AUDIO_SUFFIXES
from descant.data.sets.dataset import Dataset
from descant.data.sets.item import AudioRef, Facts, Item, Split, known
from descant.data.sets.layout import file_names, number, read_csv, wrong_folder

_COLUMNS = ("ytid", "start_s", "end_s", "aspect_list", "caption")
_FOLDERS = ("audio", "wav", "clips", "data", ".")


class MusicCaps(Dataset):
    """The folder with musiccaps-public.csv, and recordings in it or in audio/.

    A recording named `<ytid>` is the whole video, of which the described stretch is taken; one named with its
    stretch as well (`<ytid>_30_40`, `[<ytid>]-[30-40]`) is that stretch already.
    """

    name = "musiccaps"
    title = "MusicCaps"

    @property
    def splits(self) -> tuple[Split, ...]:
        """Train and test."""
        return ("train", "test")

    def _open(self) -> None:
        found = sorted(self.root.glob("*musiccaps*.csv")) if self.root.is_dir() else []
        if not found:
            raise wrong_folder(self.title, self.root, "musiccaps-public.csv, and recordings in audio/")
        self._index = found[0]

    def _read(self, split: Split | None) -> Iterator[Item]:
        recordings = {
            Path(name).stem: self.root / folder / name
            for folder in reversed(_FOLDERS)
            for name in sorted(file_names(self.root / folder))
            if Path(name).suffix.lower() in AUDIO_SUFFIXES
        }
        for row in read_csv(self._index, (*_COLUMNS, "is_audioset_eval")):
            place: Split = "test" if row["is_audioset_eval"].strip().lower() == "true" else "train"
            if split in (None, place):
                start, end = (number(row[field], self._index, field) for field in ("start_s", "end_s"))
                yield Item(
                    id=f"{row['ytid']}_{start:g}_{end:g}",
                    dataset=self.name,
                    split=place,
                    mix=_audio(recordings, row["ytid"], start, end),
                    captions=known((row["caption"].strip(),)),
                    facts=Facts(tags=_aspects(row["aspect_list"])),
                )


def _audio(recordings: Mapping[str, Path], ytid: str, start: float, end: float) -> AudioRef | None:
    for name in (f"{ytid}_{start:g}_{end:g}", f"{ytid}-{start:g}-{end:g}", f"[{ytid}]-[{start:g}-{end:g}]"):
        if name in recordings:
            return AudioRef(recordings[name])
    return AudioRef(recordings[ytid], start_s=start, end_s=end) if ytid in recordings else None


def _aspects(text: str) -> tuple[str, ...]:
    """The list is written as Python writes it ("['pop', 'mellow piano']"); anything else counts as one aspect."""
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        value = None
    if isinstance(value, list):
        return tuple(str(each) for each in value)
    return (text.strip(),) if text.strip() else ()
