"""What `remix` hears of songs whose stems are known: `python benchmarks/remix_hearing.py ALBUM`.

ALBUM holds folders with song.json and stems. Each whole song: its tempo, from the mix alone and as `remix` hears it
with the voice separated. The two stretches of 40 s with most voice, that do not overlap, as they are and without their
vocals: whether a singer is found.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from descant.analyze.api import analyze
from descant.audio.clip import Clip
from descant.audio.io import read
from descant.data.album import album_songs
from descant.pipelines.remix.listening import VOCALS, voice_in
from descant.separate.api import Separator

STRETCH_S, STRETCHES = 40, 2


def stretches(vocals: Clip) -> Iterator[float]:
    """Where they begin, in seconds, most voice first."""
    rate = vocals.sample_rate
    seconds = vocals.frames // rate
    power = (
        np.square(vocals.samples.mean(axis=0)[: seconds * rate], dtype=np.float64).reshape(seconds, rate).mean(axis=1)
    )
    filled = np.convolve(power, np.ones(STRETCH_S), "valid")
    for _ in range(STRETCHES):
        start = int(np.argmax(filled))
        yield float(start)
        filled[max(0, start - STRETCH_S) : start + STRETCH_S] = -1.0


def main() -> None:
    """Print two tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("album", type=Path)
    parser.add_argument("--no-tempo", action="store_true", help="leave the whole songs out")
    asked = parser.parse_args()
    separator = Separator.load()
    voices: list[str] = []
    print("| song | BPM | of the mix alone | in a remix | voice | remarks |\n|---|---|---|---|---|---|")
    for song in album_songs(asked.album):
        parts = {name: read(song.folder / f"{name}.opus") for name in (VOCALS, "drums", "bass", "other")}
        frames = min(part.frames for part in parts.values())
        rate = parts[VOCALS].sample_rate
        band = Clip(sum(part.samples[:, :frames] for name, part in parts.items() if name != VOCALS), rate)
        mix = Clip(band.samples + parts[VOCALS].samples[:, :frames], rate)
        if not asked.no_tempo:
            stems = separator(mix)
            alone, heard = analyze(mix), analyze(mix, vocals=stems[VOCALS])
            found = "found" if voice_in(stems, heard).is_there else "missed"
            remarks = " ".join(heard.remarks)
            print(
                f"| {song.title} | {song.bpm:g} | {alone.bpm:.1f} | {heard.bpm:.1f} | {found} | {remarks} |", flush=True
            )
        for start_s in stretches(parts[VOCALS]):
            for name, whole in (("", mix), (", no vocals", band)):
                clip = whole.slice(start_s, start_s + STRETCH_S)
                stems = separator(clip)
                voice = voice_in(stems, analyze(clip, vocals=stems[VOCALS]))
                voices.append(
                    f"| {song.title}, {start_s:.0f} s{name} | {voice.sung_s:.1f} | {voice.over_band_lu:.1f} | "
                    f"{voice.confirmed_s or 0.0:.1f} | {'yes' if voice.is_there else 'no'} |"
                )
    print("\n| stretch | sung s | LU over the band | confirmed s | a singer |\n|---|---|---|---|---|")
    print("\n".join(voices))


if __name__ == "__main__":
    main()
