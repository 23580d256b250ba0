"""How even the keys of neural instruments are: steps in level from key to key, and notes over full scale.

Usage: python benchmarks/instrument_keys.py [FOLDER] [--velocity 127] [--unlimited] [--worst 10] [--json]
FOLDER is a card's folder as `descant export` writes it; without it the instruments that come with Descant.
A level is the mean power of a key's first second, which is held. --unlimited says what peaks would be without the
limiter: it lowers what is played by 40 dB and counts them back.
"""

from __future__ import annotations

import argparse
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from descant.instrument.neural import NeuralInstruments

HELD_S, LOWERED_DB = 1.0, 40.0
STEP_DB = 6.0
SILENCE = 1e-12


@dataclass(frozen=True, slots=True)
class Keys:
    """One instrument.

    Attributes:
        name: Its name.
        first: Its lowest key.
        level_db: Of each key.
        peak: Of each key, 1 at full scale.
    """

    name: str
    first: int
    level_db: np.ndarray
    peak: np.ndarray

    @property
    def steps_db(self) -> np.ndarray:
        """From each key to the next."""
        return np.abs(np.diff(self.level_db))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--velocity", type=int, default=127)
    parser.add_argument("--unlimited", action="store_true")
    parser.add_argument("--worst", type=int, default=10)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    from descant.instrument.neural import NeuralInstruments

    instruments = NeuralInstruments.load() if asked.folder is None else NeuralInstruments.from_folder(asked.folder)
    if asked.unlimited:
        cast("Tensor", instruments.net.recorded).sub_(LOWERED_DB * math.log(10.0) / 10.0)
    raised = 10.0 ** (LOWERED_DB / 20.0) if asked.unlimited else 1.0
    rows = range(len(instruments.roster.players))
    measured = [keys_of(instruments, row, asked.velocity, raised) for row in rows]
    steps = np.concatenate([keys.steps_db for keys in measured])
    peaks = np.concatenate([keys.peak for keys in measured])
    over_db = 20.0 * np.log10(peaks[peaks > 1.0])
    found = {
        "velocity": asked.velocity,
        "notes": len(peaks),
        "steps_over_6_db": int((steps > STEP_DB).sum()),
        "largest_step_db": float(steps.max()),
        "median_step_db": float(np.median(steps)),
        "notes_over_full_scale": len(over_db),
        "median_over_db": float(np.median(over_db)) if len(over_db) else 0.0,
        "most_over_db": float(over_db.max(initial=0.0)),
    }
    if asked.json:
        print(json.dumps(found, indent=1))
        return
    for name, value in found.items():
        print(f"{name:24} {value:.4g}")
    for keys in sorted(measured, key=lambda one: -one.steps_db.max())[: asked.worst]:
        place = int(keys.steps_db.argmax())
        over = int((keys.peak > 1.0).sum())
        print(f"{keys.name:24} step {keys.steps_db[place]:.1f} dB after key {keys.first + place}, {over} notes over")


def keys_of(instruments: NeuralInstruments, row: int, velocity: int, raised: float) -> Keys:
    """Every key that an instrument plays, counted so many times as large."""
    from descant.instrument.neural_note import Event, render

    player = instruments.player(instruments.roster.players[row].name)
    events = [Event(row, pitch, velocity, HELD_S, length_s=HELD_S) for pitch in player.pitches]
    sounds = render(instruments.net, events)
    energy = np.array([float(np.square(sound, dtype=np.float64).sum()) for sound in sounds])
    power = energy / (2 * HELD_S * player.sample_rate)  # a note that has rung out sooner is silent after it
    peak = np.array([float(np.abs(sound).max()) for sound in sounds])
    return Keys(player.name, player.pitches[0], 10.0 * np.log10(raised**2 * power + SILENCE), raised * peak)


if __name__ == "__main__":
    main()
