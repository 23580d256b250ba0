"""Neural instruments: how soon they sound, and how much faster than time. `--json` for machines.

Usage: python benchmarks/instrument.py [FOLDER] [--name NAME] [--threads N] [--json]
FOLDER is a card's folder as `descant export` writes it; without it the instruments that come with Descant.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from descant.instrument.live import LiveInstrument

PUBLISHED = "SING's published code: 29 s of 16 kHz mono per second of two such cores, four seconds at a time"
ROUNDS = 3


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--name", default="violin")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    start = time.perf_counter()
    from descant.instrument.live import LiveInstrument
    from descant.instrument.neural import NeuralInstruments
    from descant.instrument.neural_note import Event, render

    instruments = NeuralInstruments.load() if asked.folder is None else NeuralInstruments.from_folder(asked.folder)
    player = instruments.player(asked.name)
    LiveInstrument(player)
    found = {"instrument": player.name, "threads": asked.threads, "load_s": time.perf_counter() - start}
    found |= {f"live_{key}": value for key, value in live_numbers(lambda: LiveInstrument(player)).items()}

    def score(voices: int, length_s: float = 4.0) -> float:
        notes = [Event(player.row, 48 + 2 * k, 90, length_s - 1.0, length_s=length_s) for k in range(voices)]
        sounds = render(instruments.net, notes)
        return max(sound.shape[1] for sound in sounds) / player.sample_rate

    found["score_1_voice_x_real_time"] = best(lambda: score(1))
    found["score_1_voice_60_s_x_real_time"] = best(lambda: score(1, 60.0))
    found["score_16_voices_x_real_time"] = best(lambda: score(16))
    if asked.json:
        print(json.dumps(found, indent=1))
        return
    for name, value in found.items():
        print(f"{name:34} {value:.4g}" if isinstance(value, float) else f"{name:34} {value}")
    print(PUBLISHED)


def live_numbers(fresh: Callable[[], LiveInstrument]) -> dict[str, float]:
    """First sound and speed of live playing; the time from a key to its first block, and what a block holds."""
    block, rate = 256, 48_000
    firsts = []
    for pitch in range(50, 50 + 4 * ROUNDS, 4):
        live = fresh()
        live.note_on(pitch, 100)
        start, blocks = time.perf_counter(), 0
        while not np.abs(live.read(block)).max() > 1e-4:
            blocks += 1
        firsts.append(time.perf_counter() - start + block / rate)

    def played(voices: int) -> Callable[[], float]:
        live = fresh()
        for k in range(voices):
            live.note_on(48 + 2 * k, 90)

        def play() -> float:
            for _ in range(rate // block):
                live.read(block)
            return 1.0

        return play

    return {
        "first_sound_ms": 1000 * statistics.median(firsts),
        "first_sound_worst_ms": 1000 * max(firsts),
        "1_voice_x_real_time": best(played(1)),
        "16_voices_x_real_time": best(played(16)),
    }


def best(work: Callable[[], float]) -> float:
    """Seconds of sound per second of work, the best of some rounds after one that warms up."""
    work()
    rates = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        rates.append(work() / (time.perf_counter() - start))
    return max(rates)


if __name__ == "__main__":
    main()
