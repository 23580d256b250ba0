"""A new instrument from five notes, against a sampler's nearest note and the nearest stock instrument.

    python benchmarks/own_instrument.py [--model CARD_OR_FOLDER] [--programs 24,40,56,65,73]

The notes are of TimGM6mb, which the shipped net has not heard, at keys that were really recorded; the middle one is
held back. Distances are SING's log-spectral loss over the held-back note (lower is nearer).
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from descant.audio.clip import Clip
from descant.audio.io import write
from descant.data.notes.sources import NoteSource, find_sources
from descant.hub.card import load_card
from descant.hub.store import fetch
from descant.instrument.neural import CARD, NeuralInstruments
from descant.instrument.neural_note import render
from descant.instrument.own.recordings import OwnNote, read_recordings
from descant.instrument.sampled import Sampled
from descant.nets.swift_f0 import SwiftF0
from descant.train.own_instrument import event_of, learn_instrument, note_distance, transposed

LOWEST, HIGHEST, MOST = 40, 90, 6
HELD_S, VELOCITY = 1.5, 100


def recorded_keys(source: NoteSource) -> list[int]:
    """Keys that a preset holds recordings of, spread over its range."""
    sounds = source.open()
    regions = sounds.regions(sounds.choose(0, is_drum=False))
    roots = sorted({r.root_key - round(r.tuning_cents / 100) for r in regions if r.cents_per_key == 100})
    roots = [key for key in roots if LOWEST <= key <= HIGHEST]
    return [roots[k] for k in np.unique(np.linspace(0, len(roots) - 1, min(MOST, len(roots))).round().astype(int))]


def recorded(source: NoteSource, folder: Path, tracker: SwiftF0) -> tuple[OwnNote, ...]:
    """Its notes, written to files and heard from there."""
    player = Sampled(source.name, source.open())
    for key in recorded_keys(source):
        write(folder / f"{key:03d}_v{VELOCITY:03d}.wav", Clip(player.note(key, VELOCITY, HELD_S), player.sample_rate))
    return read_recordings(folder, tracker).notes


def main() -> None:
    """Print a table."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--model", default=CARD)
    asked.add_argument("--programs", default="24,40,56,65,73")
    given = asked.parse_args()
    place = Path(given.model)
    start = NeuralInstruments.from_folder(place) if place.is_dir() else NeuralInstruments.load(given.model)
    card, tracker = "timgm6mb", SwiftF0.load()
    sources = find_sources(soundfonts=[fetch(card) / load_card(card).files[0].path])
    by_program = {source.place[1]: source for source in sources if source.place and source.place[0] == 0}
    print("| preset | held back | learned | sampler | stock | silence | s | CPU s |\n|---|---|---|---|---|---|---|---|")
    for program in map(int, given.programs.split(",")):
        source = by_program[program]
        with tempfile.TemporaryDirectory() as folder:
            notes = recorded(source, Path(folder), tracker)
        held_back = notes[len(notes) // 2]
        known = [note for note in notes if note is not held_back]
        began, cpu = time.perf_counter(), time.process_time()
        learned = learn_instrument(known, start, "own", check=False)
        took, cpu = time.perf_counter() - began, time.process_time() - cpu
        nearest = min(known, key=lambda note: abs(note.pitch - held_back.pitch))
        stock = start.roster.row(learned.nearest[0])
        found = (
            render(learned.instruments.net, [event_of(held_back)])[0],
            transposed(nearest, held_back),
            render(start.net, [event_of(held_back, stock)])[0],
            np.zeros((2, 1), np.float32),
        )
        cells = " | ".join(f"{note_distance(held_back, sound):.4f}" for sound in found)
        print(f"| {source.name} | {held_back.pitch:.0f} | {cells} | {took:.0f} | {cpu:.0f} |", flush=True)


if __name__ == "__main__":
    main()
