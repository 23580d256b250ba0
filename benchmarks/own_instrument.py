"""A new instrument from a few recorded notes, against a sampler of the same notes and the nearest stock instrument.

    python benchmarks/own_instrument.py --data NOTESET --model NET [--instruments NAME,NAME] [--notes 6]

NOTESET is a set of `descant data notes`: it holds only pitches that were really recorded. NET is a card, or a folder as
`descant export` writes it, that has not learned from these instruments: the shipped net has, so train one without them.
Some notes of each instrument, spread over its range, are given to `descant instrument train` under names that do not
tell their pitches. All other recorded pitches of the same velocity are then played by the instrument that was learned,
by a sampler that has the same few notes, and by the stock instrument that is nearest; lower is nearer.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from descant.audio.clip import Clip
from descant.data.notes.note_set import NoteItem, NoteSet
from descant.data.notes.rendering import HELD_S
from descant.evaluate.instrument_metrics import HIGH_RATE, Heard, Judge, heard
from descant.evaluate.nearest_pitch import NearestPitch
from descant.instrument.neural import CARD, NeuralInstruments, NeuralPlayer
from descant.instrument.own.recordings import Recordings, read_recordings
from descant.nets.swift_f0 import SwiftF0
from descant.train.own_instrument import LearningOptions, learn_instrument

MEASURES = ("SING 16k", "SING 48k", "multi-resolution", "level, dB")
VELOCITY = 127

System = Callable[[NoteItem, float], Clip]


def chosen(items: Sequence[NoteItem], count: int) -> tuple[list[NoteItem], list[NoteItem]]:
    """Notes to learn from, the lowest and the highest among them, and all others."""
    known = {int(row) for row in np.linspace(0, len(items) - 1, min(count, len(items))).round()}
    return [item for row, item in enumerate(items) if row in known], [
        item for row, item in enumerate(items) if row not in known
    ]


def listened(items: Sequence[NoteItem], tracker: SwiftF0) -> Recordings:
    """Recordings as a user has them: the name tells how hard a key was struck, its pitch is heard."""
    with tempfile.TemporaryDirectory() as folder:
        for number, item in enumerate(items):
            assert item.high is not None
            (Path(folder) / f"take{chr(97 + number)}_v{item.velocity}.flac").symlink_to(item.high.resolve())
        return read_recordings(folder, tracker)


def played(player: NeuralPlayer, gain_db: float = 0.0) -> System:
    """Its notes, made softer by what recordings were made louder by."""
    gain = np.float32(10.0 ** (-gain_db / 20.0))
    return lambda item, length_s: Clip(player.note(item.pitch, item.velocity, HELD_S, length_s) * gain, HIGH_RATE)


def sampled(items: Sequence[NoteItem]) -> System:
    """The nearest of some notes, played faster or slower."""
    sampler = NearestPitch(items, high=True)
    return lambda item, _length_s: sampler.play(item.instrument, item.pitch, item.velocity)


def measured(systems: Sequence[System], items: Sequence[NoteItem]) -> np.ndarray:
    """Means over notes, [systems, measures]."""
    rows = []
    for item in items:
        truth = Heard(item.read(), item.read(high=True))
        judge = Judge(truth, item.pitch)
        scores = [judge(heard(system(item, truth.full.duration_s), truth.full)) for system in systems]
        rows.append([[score[name] for name in MEASURES] for score in scores])
    means: np.ndarray = np.array(rows, np.float64).mean(axis=0)
    return means


def cpu_s() -> float:
    """Seconds of all threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Print a table."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--data", required=True)
    asked.add_argument("--model", default=CARD)
    asked.add_argument("--instruments", default="reed_acoustic_010,brass_acoustic_001")
    asked.add_argument("--notes", type=int, default=6)
    asked.add_argument("--seed", type=int, default=0)
    given = asked.parse_args()
    place = Path(given.model)
    start = NeuralInstruments.from_folder(place) if place.is_dir() else NeuralInstruments.load(given.model)
    tracker, notes = SwiftF0.load(), NoteSet(Path(given.data)).notes
    print(f"| instrument, notes | system | {' | '.join(MEASURES)} |\n|---|---|{'---|' * len(MEASURES)}")
    for name in given.instruments.split(","):
        items = sorted((n for n in notes if n.instrument == name and n.velocity == VELOCITY), key=lambda n: n.pitch)
        known, unknown = chosen(items, given.notes)
        recordings = listened(known, tracker)
        began, cpu = time.perf_counter(), cpu_s()
        learned = learn_instrument(recordings.notes, start, "own", LearningOptions(seed=given.seed), check=False)
        took, cpu = time.perf_counter() - began, cpu_s() - cpu
        systems = {
            "learned": played(learned.instruments.player("own"), recordings.gain_db),
            "sampler": sampled(known),
            f"stock: {learned.nearest[0]}": played(start.player(learned.nearest[0])),
        }
        for which, group in ((f"{len(known)} learned from", known), (f"{len(unknown)} others", unknown)):
            for system, row in zip(systems, measured(list(systems.values()), group), strict=True):
                cells = " | ".join(f"{value:.4f}" for value in row)
                print(f"| {name}, {which} | {system} | {cells} |", flush=True)
        print(f"| {name} | learned in {took:.0f} s ({cpu:.0f} s of CPU) |", flush=True)


if __name__ == "__main__":
    main()
