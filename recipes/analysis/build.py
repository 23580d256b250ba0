"""Render the training songs of the analysis net and store their features.

python recipes/analysis/build.py --data DATA --soundfont FluidR3_GM.sf2 --out FEATURES/train --songs 1200
"""

import argparse
from pathlib import Path

import numpy as np
import soundfile
import soxr

from descant.data.album import VALIDATION, album_songs
from descant.data.arrange import excerpt
from descant.data.groove import Groove
from descant.data.invent import invent_song
from descant.data.listening_item import item_from_album, item_from_song
from descant.data.pop909 import Pop909
from descant.data.resinging import VoiceBank
from descant.data.songs import SAMPLE_RATE, Band, make_a_cappella, make_song
from descant.score.notes import Score

INVENTED = 0.45
BARS = 18


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--soundfont", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--songs", type=int, default=1200)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--split", choices=("train", "validation"), default="train")
    parser.add_argument("--album-mixes", type=int, default=10, help="mixes of each album song")
    parser.add_argument("--sung", type=int, default=150, help="melodies sung by a recorded voice alone")
    parser.add_argument("--only", choices=("all", "rendered", "sung", "album"), default="all")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    if args.only in ("album", "all"):
        build_album(args)
    if args.only in ("sung", "all"):
        build_sung(args)
    if args.only in ("rendered", "all"):
        build_rendered(args)


def build_rendered(args: argparse.Namespace) -> None:
    pop = Pop909(args.data / "pop909.zip")
    ids = list(pop.songs(args.split))
    groove = Groove(args.data / "symbolic" / "groove.zip")
    rows = [p for p in groove.performances(args.split, fills=False) if (p.beats_per_bar, p.beat_unit) == (4, 4)]
    grooves = [groove.load(p).tracks[0].notes for p in rows]
    grooves = [notes for notes in grooves if len(notes) > 16]
    band = Band(args.soundfont)
    voices = [
        _mono(path)
        for path in sorted((args.data / "singing" / "yuki").glob("*.opus"))[:: 1 if args.split == "train" else 9]
    ]
    for number in range(args.first, args.first + args.songs):
        path = args.out / f"song{number:05d}.npz"
        if path.exists():
            continue
        rng = np.random.default_rng([909, number, args.split == "train"])
        sheet = invent_song(rng, bars=BARS) if rng.random() < INVENTED else _excerpt(pop, ids, rng)
        if not any(t.name == "melody" and len(t.notes) > 20 for t in sheet.tracks):
            continue
        item_from_song(make_song(path.stem, sheet, band, rng, grooves=grooves, voices=voices)).save(path)
        if number % 50 == 0:
            print(number, flush=True)


def build_sung(args: argparse.Namespace) -> None:
    """Real syllables on real melodies, a voice alone: the hardest beats. Another singer is kept for validation."""
    pop = Pop909(args.data / "pop909.zip")
    ids = list(pop.songs(args.split))
    bank = VoiceBank(args.data / "singing" / ("yuki" if args.split == "train" else "erithacus"))
    for number in range(args.sung):
        path = args.out / f"sung{number:05d}.npz"
        if path.exists():
            continue
        rng = np.random.default_rng([77, number, args.split == "train"])
        sheet = invent_song(rng, bars=BARS) if rng.random() < 0.25 else _excerpt(pop, ids, rng)
        if any(t.name == "melody" and len(t.notes) > 20 for t in sheet.tracks):
            item_from_song(make_a_cappella(path.stem, sheet, bank, rng)).save(path)


def _excerpt(pop: Pop909, ids: list[str], rng: np.random.Generator) -> Score:
    sheet = pop.load(ids[rng.integers(len(ids))])
    bars = int(sheet.end // sheet.time_signatures[0].bar_quarters)
    return excerpt(sheet, int(rng.integers(0, max(1, bars - BARS))), BARS)


def _mono(path: Path) -> np.ndarray:
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return np.asarray(soxr.resample(samples.mean(axis=1), rate, SAMPLE_RATE), np.float32)


def build_album(args: argparse.Namespace) -> None:
    for song in album_songs(args.data / "album"):
        if (song.title == VALIDATION) != (args.split == "validation"):
            continue
        stems = {name: song.stem(name, SAMPLE_RATE) for name in ("vocals", "drums", "bass", "other")}
        rng = np.random.default_rng([6, int(song.bpm * 10), song.key.tonic])
        for mix in range(args.album_mixes):
            path = args.out / f"album_{song.title.lower()}_{mix:02d}.npz"
            if path.exists():
                continue
            if mix == 0:
                gains = dict.fromkeys(stems, 1.0)
            elif mix % 4 == 1:
                gains = {"vocals": 1.0}
            else:
                gains = {name: float(rng.uniform(0.3, 1.6)) for name in stems if rng.random() < 0.7} or {"other": 1.0}
            speed = 1.0 if mix < 2 else float(np.exp(rng.uniform(-0.22, 0.22)))
            item_from_album(song, stems, gains, speed=speed).save(path)


if __name__ == "__main__":
    main()
