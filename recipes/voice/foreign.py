"""Cut what others say and sing, for voices in training (`descant.train.foreign`).

    python recipes/voice/foreign.py --data DATA

writes src/descant/train/foreign/{orders,lead}.opus from pieces that the shipped decoder was trained on, too: nothing of
what voices are measured on.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from descant.audio.clip import Clip
from descant.audio.io import write
from descant.data.voices import HELD_OUT, Voice, find_voices
from descant.evaluate.convert import sung_stretches
from descant.nets.source_filter import SAMPLE_RATE

FOLDER = Path(__file__).parents[2] / "src/descant/train/foreign"
SPOKEN, SUNG = "orders/early", "album/1_hydrogen"
SPOKEN_S, SUNG_S = 80, 20
BITS = {"orders": 20_000, "lead": 48_000}


def spread(voice: Voice, seconds: int) -> Clip:
    """Pieces from all over a recording, so that many of its speakers are heard."""
    pieces = list(voice.pieces(sample_rate=48_000))
    step = max(1, len(pieces) * 10 // seconds)
    samples = np.concatenate([piece.samples for piece in pieces[::step]], axis=1)
    return Clip(samples[:, : seconds * 48_000], 48_000)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    found = {voice.name: voice for voice in find_voices(parser.parse_args().data)}
    assert not {SPOKEN, SUNG} & HELD_OUT
    sung = np.concatenate([clip.samples for clip in sung_stretches(found[SUNG], 2)], axis=1)
    lead = Clip(sung[:, : SUNG_S * SAMPLE_RATE], SAMPLE_RATE)
    for name, clip in (("orders", spread(found[SPOKEN], SPOKEN_S)), ("lead", lead)):
        path = FOLDER / f"{name}.opus"
        write(path, clip, bitrate=BITS[name])
        print(path.name, path.stat().st_size, f"{clip.duration_s:.1f} s")


if __name__ == "__main__":
    main()
