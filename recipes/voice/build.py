"""Analyse recordings of voices and store what the voice lesson learns from.

python recipes/voice/build.py --data DATA --out VOICES
"""

import argparse
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from descant.data.voices import Voice, find_voices
from descant.errors import InvalidAudio
from descant.nets.source_filter import SAMPLE_RATE
from descant.train.voice_pieces import Analyst, Piece, resized, save_pieces

MOST_S = {"speech": 240.0, "several": 900.0, "singing": 1800.0}
OTHER_SIZES = (0.8, 1.25)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--part", type=int, default=0, help="of --parts processes, each with voices of its own")
    parser.add_argument("--parts", type=int, default=1)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    analyst = Analyst.load()
    for number, voice in enumerate(find_voices(args.data)):
        path = args.out / f"{voice.name.replace('/', '__')}.npz"
        if voice.is_held_out or path.exists() or number % args.parts != args.part:
            continue
        pieces = list(pieces_of(voice, analyst))
        if pieces:
            save_pieces(path, pieces)
            print(voice.name, len(pieces), f"{sum(p.frames for p in pieces) / 6000:.1f} min", flush=True)


def pieces_of(voice: Voice, analyst: Analyst) -> Iterator[Piece]:
    """Each piece as it is, or as a smaller or larger throat would have it; all singing both ways."""
    rng = np.random.default_rng(zlib.crc32(voice.name.encode()))
    most = MOST_S["singing" if voice.kind == "singing" else "speech" if voice.is_one_person else "several"]
    for clip in voice.pieces(sample_rate=SAMPLE_RATE, most_s=most):
        sizes = [1.0] if rng.random() < 0.7 or voice.kind == "singing" else []
        if not sizes or voice.kind == "singing":
            sizes.append(float(np.exp(rng.uniform(*np.log(OTHER_SIZES)))))
        for size in sizes:
            try:
                yield analyst(resized(clip, size), rng, is_sung=voice.kind == "singing")
            except InvalidAudio:
                continue  # too little sound to know whose it is


if __name__ == "__main__":
    main()
