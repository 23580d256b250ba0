"""Covers and strangers of real songs, for `descant evaluate similarity`: `python benchmarks/covers.py ALBUM OUT`.

ALBUM holds a folder a song with vocals, drums, bass and other as Opus files. OUT gets `songs` (60 s of each mix),
`covers` (its band alone, three semitones up, 5 percent faster) and `strangers` (the next song in its place). Then:

    descant evaluate similarity --reference OUT/songs --estimate OUT/covers OUT/strangers
"""

from __future__ import annotations

import argparse
from pathlib import Path

from descant.audio.clip import Clip
from descant.audio.io import read, write
from descant.audio.resample import resample
from descant.audio.stretch import time_stretch

START_S, END_S = 60.0, 120.0
SEMITONES, SPEED = 3, 1.05
BAND = ("drums", "bass", "other")


def cover(band: Clip) -> Clip:
    """The band read faster, which raises it, and slowed down again as far as the speed asks."""
    raised = 2.0 ** (SEMITONES / 12)
    slower = time_stretch(band, raised / SPEED)
    return resample(Clip(slower.samples, round(band.sample_rate * raised)), band.sample_rate)


def main() -> None:
    """Write the three folders."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("album", type=Path)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    songs = sorted(path for path in arguments.album.iterdir() if path.is_dir())
    mixes = []
    for song in songs:
        stems = {
            name: read(song / f"{name}.opus", start_s=START_S, end_s=END_S, channels=1) for name in ("vocals", *BAND)
        }
        rate = stems["vocals"].sample_rate
        mixes.append(Clip(sum(stem.samples for stem in stems.values()), rate))
        write(arguments.out / "songs" / f"{song.name}.flac", mixes[-1])
        band = Clip(sum(stems[name].samples for name in BAND), rate)
        write(arguments.out / "covers" / f"{song.name}.flac", cover(band))
    for song, stranger in zip(songs, mixes[1:] + mixes[:1], strict=True):
        write(arguments.out / "strangers" / f"{song.name}.flac", stranger)


if __name__ == "__main__":
    main()
