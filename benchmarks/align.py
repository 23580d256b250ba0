"""How `descant align` places words in real songs whose stems are known.

    python benchmarks/align.py songs ALBUM      # the album of the data folder: what agrees with what, how fast
    python benchmarks/align.py fit ALBUM        # the confidences' logistic regression, fitted anew

Nobody timed the album's words by hand. Three things can still be measured: how far the words move when the mix, or what
Spleeter takes out of it, is listened to instead of the clean voice; how far a word that follows a silence of the clean
voice is from the moment at which that voice sets in; and whether the words of another song are told apart.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from descant.align.api import Aligner, Alignment
from descant.align.config import AlignOptions
from descant.audio.clip import Clip
from descant.audio.io import read
from descant.audio.resample import resample
from descant.separate.api import Separator
from descant.text.sheet import Sheet, read_sheet

STEMS = ("vocals", "drums", "bass", "other")
WAYS = ("voice", "separated", "mix")
ANY_FIT = AlignOptions(lowest_fit=0.0)
HOP_S = 0.01
SILENCE_DB, SILENCE_S, NEAR_S = -40.0, 0.8, 0.5


@dataclass(frozen=True)
class Song:
    """A song, its words as published, and what may be listened to."""

    name: str
    sheet: Sheet
    heard: dict[str, Clip]


def songs(album: Path) -> Iterator[Song]:
    """The album's songs: clean voice, voice as Spleeter separates it, mix."""
    separator = Separator.load()
    for folder in sorted(path.parent for path in album.glob("*/song.json")):
        told = json.loads((folder / "song.json").read_text(encoding="utf-8"))
        stems = [read(folder / f"{name}.opus") for name in STEMS]
        mix = Clip(sum(stem.samples for stem in stems), stems[0].sample_rate)
        heard = {"voice": stems[0], "mix": mix, "separated": separator(mix)["vocals"]}
        yield Song(told["title"], read_sheet("\n".join(told["lyrics"]), language="en"), heard)


def starts(alignment: Alignment) -> np.ndarray:
    """Starts of all words."""
    return np.array([word.start_s for word in alignment.lyrics.words])


def entries(voice: Clip) -> np.ndarray:
    """Moments at which a clean voice sets in after a silence, in seconds."""
    mono = resample(voice.to_mono(), 16_000).samples[0]
    hop = round(HOP_S * 16_000)
    power = np.square(mono[: len(mono) // hop * hop]).reshape(-1, hop).mean(axis=1)
    sounds = 10.0 * np.log10(power + 1e-12) > 10.0 * np.log10(np.percentile(power, 99)) + SILENCE_DB
    silent = round(SILENCE_S / HOP_S)
    return np.array([n * HOP_S for n in np.flatnonzero(sounds) if n >= silent and not sounds[n - silent : n].any()])


def after_silence(alignment: Alignment, moments: np.ndarray) -> np.ndarray:
    """Signed distance of the first word that starts near each entry."""
    times = starts(alignment)
    near = [times[np.abs(times - moment).argmin()] - moment for moment in moments]
    return np.array([distance for distance in near if abs(distance) <= NEAR_S])


def measure(album: Path) -> None:
    """Print the table of docs/align.md."""
    aligner = Aligner.load()
    found = list(songs(album))
    print("| song | listened to | moved, s | over 0.3 s | after silence: bias, mean | heard | another's | took, s |")
    print("|---|---|---|---|---|---|---|---|")
    for number, song in enumerate(found):
        other = found[(number + 1) % len(found)].sheet
        moments = entries(song.heard["voice"])
        clean = None
        for way in WAYS:
            begun = time.perf_counter()
            own = aligner(song.heard[way], song.sheet, options=ANY_FIT)
            took = time.perf_counter() - begun
            clean = starts(own) if clean is None else clean
            moved = np.abs(starts(own) - clean)
            late = after_silence(own, moments)
            wrong = aligner(song.heard[way], other, options=ANY_FIT)
            entered = f"{np.median(late):+.3f}, {np.abs(late).mean():.3f}" if len(late) else "-"
            print(
                f"| {song.name} | {way} | {moved.mean():.3f} | {(moved > 0.3).mean():.0%} | "
                f"{entered}, {len(late)} of {len(moments)} | "
                f"{own.fit:.0%} | {wrong.fit:.0%} | {took:.1f} |"
            )


def fit(album: Path) -> None:
    """Fit "is this word sung here" on the album's own words against those of another song; print the three numbers."""
    aligner = Aligner.load()
    found = list(songs(album))
    rows, truth = [], []
    for number, song in enumerate(found):
        for sheet, is_own in ((song.sheet, 1.0), (found[(number + 1) % len(found)].sheet, 0.0)):
            for way in WAYS:
                said = aligner(song.heard[way], sheet, options=ANY_FIT).said
                rows += [(word.heard, word.looks, 1.0) for word in said if word is not None]
                truth += [is_own] * (len(rows) - len(truth))
    table, truth = np.array(rows), np.array(truth)
    weights = np.zeros(3)
    for _ in range(30):  # Newton's method
        odds = 1.0 / (1.0 + np.exp(-table @ weights))
        curvature = (table * (odds * (1.0 - odds))[:, np.newaxis]).T @ table
        weights += np.linalg.solve(curvature, table.T @ (truth - odds))
    sure = table @ weights > 0
    print(f"heard {weights[0]:.2f}, looks {weights[1]:.2f}, odds {weights[2]:.2f}")
    print(f"own words taken for heard: {sure[truth == 1].mean():.1%}, another song's: {sure[truth == 0].mean():.1%}")


def main() -> None:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("songs", "fit"))
    parser.add_argument("album", type=Path)
    asked = parser.parse_args()
    measure(asked.album) if asked.what == "songs" else fit(asked.album)


if __name__ == "__main__":
    main()
