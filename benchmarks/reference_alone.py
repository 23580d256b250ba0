"""Whether references are told from music: `python benchmarks/reference_alone.py --data DATA`.

Voices alone: 15 s of each speaker of GCompris' words and of each singer. Music: 15 s from two places of each song of
the album, with and without its vocals, where a melody is heard for 3 s or more of them.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from descant.audio.clip import Clip
from descant.audio.io import read
from descant.convert.alone import aloneness
from descant.convert.features import HIGHEST_HZ, LOWEST_HZ, frame_count, level_frames, pitch_frames
from descant.data.voices import find_voices
from descant.evaluate.report import Report, Table
from descant.nets.swift_f0 import SwiftF0

RATE, SECONDS, PLACES_S = 16_000, 15.0, (60.0, 120.0)


def row(name: str, mono: np.ndarray, tracker: SwiftF0) -> tuple[str, float, float, str] | None:
    """Both shares of a recording; None where hardly anything has a pitch, which is refused anyway."""
    clip = Clip(np.ascontiguousarray(mono[np.newaxis], np.float32), RATE)
    f0_hz, voiced = pitch_frames(tracker(clip, lowest_hz=LOWEST_HZ, highest_hz=HIGHEST_HZ), frame_count(clip))
    level = level_frames(clip.samples[0], frame_count(clip))
    is_voiced = (voiced > 0.5) & (level > np.quantile(level, 0.95) - 35.0)
    if is_voiced.sum() < 300:
        return None
    found = aloneness(clip.samples[0], f0_hz, is_voiced)
    return name, found.harmonic, found.below, "voice" if found.is_alone else "music"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    data = parser.parse_args().data
    tracker, rows = SwiftF0.load(), []
    for folder in (data / "speech" / "gcompris", data / "singing"):
        for voice in find_voices(folder):
            parts = [piece.samples[0] for piece in voice.pieces(sample_rate=RATE, most_s=SECONDS)]
            if parts:
                rows.append(row(f"voice: {voice.name}", np.concatenate(parts), tracker))
    for song in sorted((data / "album").glob("*_*")):
        for place in PLACES_S:
            stems = {
                path.stem: read(path, start_s=place, end_s=place + SECONDS, sample_rate=RATE, channels=1).samples[0]
                for path in sorted(song.glob("*.opus"))
            }
            band = sum(sound for name, sound in stems.items() if name != "vocals")
            rows.append(row(f"song: {song.name} {place:.0f} s", band + stems.get("vocals", 0.0), tracker))
            rows.append(row(f"band: {song.name} {place:.0f} s", band, tracker))
    found = tuple(one for one in rows if one is not None)
    columns = ("recording", "harmonic", "below", "taken for")
    command = f"python benchmarks/reference_alone.py --data {data}"
    print(Report("One voice alone, or music", command, (Table("shares", columns, found),)).to_markdown())


if __name__ == "__main__":
    main()
