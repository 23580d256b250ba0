"""The album *Everything is Free* as aligned stems: real music on a known grid, with a known key (CC0)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from descant.errors import InputNotFound
from descant.score.harmony import Key

STEMS = ("vocals", "drums", "bass", "other")
VALIDATION = "Sodium"


@dataclass(frozen=True, slots=True)
class AlbumSong:
    """One song of the album.

    Attributes:
        title: Its name.
        bpm: Constant tempo; beat 0 is the first downbeat and lies on sample 0.
        key: Its key.
        folder: Where its stems lie.
    """

    title: str
    bpm: float
    key: Key
    folder: Path

    def stem(self, name: str, sample_rate: int) -> NDArray[np.float32]:
        """One stem as mono float32 samples at a rate."""
        samples, rate = soundfile.read(self.folder / f"{name}.opus", dtype="float32", always_2d=True)
        mono = np.ascontiguousarray(samples.mean(axis=1))
        return mono if rate == sample_rate else np.asarray(soxr.resample(mono, rate, sample_rate), np.float32)


def album_songs(folder: Path) -> tuple[AlbumSong, ...]:
    """All songs below a folder.

    Raises:
        InputNotFound: There are none.
    """
    songs = []
    for path in sorted(folder.glob("*/song.json")):
        facts = json.loads(path.read_text(encoding="utf-8"))
        songs.append(
            AlbumSong(facts["title"], float(facts["bpm"]), Key.parse(facts["key"].replace("M", "m")), path.parent)
        )
    if not songs:
        raise InputNotFound(f"{folder} holds no album.", "Expected folders with song.json and stems.")
    return tuple(songs)
