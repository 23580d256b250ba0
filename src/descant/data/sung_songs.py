"""A folder of songs whose words are known to the sound, as `descant evaluate align --data` reads them, too.

NAME.flac is the song, vocals/NAME.flac its voice, NAME.txt its words, NAME.reference.json when each is sung.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from descant.audio.clip import Clip
from descant.audio.io import read, write
from descant.audio.resample import resample
from descant.text.formats import read_lyrics, write_lyrics
from descant.text.lyrics import Lyrics

Floats = NDArray[np.float32]

_TIMES, _VOICES = ".reference.json", "vocals"


@dataclass(frozen=True, slots=True, eq=False)
class SungSong:
    """A song with the times of its words.

    Attributes:
        name: Of its files.
        lyrics: Every word timed.
        voice: Mono, [frames].
        mix: The whole song, [frames].
        sample_rate: Of both, in Hz.
    """

    name: str
    lyrics: Lyrics
    voice: Floats
    mix: Floats
    sample_rate: int


def write_song(root: Path, song: SungSong) -> None:
    """Write a song's four files; the folders are made.

    Raises:
        OutputError, PermissionRefused: They cannot be written.
    """
    (root / _VOICES).mkdir(parents=True, exist_ok=True)
    write(root / f"{song.name}.flac", Clip(song.mix[np.newaxis], song.sample_rate))
    write(root / _VOICES / f"{song.name}.flac", Clip(song.voice[np.newaxis], song.sample_rate))
    write_lyrics(root / f"{song.name}{_TIMES}", song.lyrics)
    (root / f"{song.name}.txt").write_text(song.lyrics.text + "\n", encoding="utf-8")


def sung_songs(root: Path, sample_rate: int) -> Iterator[SungSong]:
    """The songs of a folder by their names.

    Args:
        root: The folder; of one that is not there no song comes.
        sample_rate: In which they are wanted.

    Raises:
        DescantError: A song's file is missing or damaged.
    """
    for path in sorted(root.glob(f"*{_TIMES}")):
        name = path.name.removesuffix(_TIMES)
        files = root / _VOICES / f"{name}.flac", root / f"{name}.flac"
        voice, mix = (resample(read(file, channels=1), sample_rate).samples[0] for file in files)
        yield SungSong(name, read_lyrics(path), voice, mix, sample_rate)
