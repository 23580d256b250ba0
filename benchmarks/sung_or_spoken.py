"""How well `convert` tells singing from speech, on the pieces that recipes/voice/build.py made.

    python benchmarks/sung_or_spoken.py VOICES

Every sixth piece of each voice counts (at most twelve of a voice), as it is and, if sung, with a vibrato of half a
semitone added to its pitch.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from descant.convert.voice import is_sung
from descant.train.voice_pieces import load_pieces

EVERY, MOST = 6, 12
RATE_HZ, SEMITONES = 5.5, 0.5


def main() -> None:
    """Count and print."""
    found: dict[str, list[bool]] = {"spoken": [], "sung": [], "sung with vibrato": []}
    for path in sorted(Path(sys.argv[1]).glob("*.npz")):
        for piece in load_pieces(path)[::EVERY][:MOST]:
            answer = is_sung(piece.f0_hz, piece.voiced)
            if not piece.is_sung:
                found["spoken"].append(not answer)
                continue
            time_s = np.arange(piece.frames) / 100.0
            shaken = piece.f0_hz * 2.0 ** (SEMITONES * np.sin(2 * np.pi * RATE_HZ * time_s) / 12.0)
            found["sung"].append(answer)
            found["sung with vibrato"].append(is_sung(shaken.astype(np.float32), piece.voiced))
    print("| kind | pieces | told rightly |\n|---|---|---|")
    for kind, right in found.items():
        print(f"| {kind} | {len(right)} | {100 * np.mean(right):.0f} % |")


if __name__ == "__main__":
    main()
