"""What needs no training: silence, and a sampler that plays the nearest recorded pitch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from descant.evaluate.nearest_pitch import NearestPitch
from descant.nets.sing import NOTE_SAMPLES, SingConfig, pad_note, returned_part
from descant.reproduce.sing.measures import Maker, distances, rows_of, silence, some

if TYPE_CHECKING:
    from torch import Tensor

    from descant.reproduce.sing.material import Material


def measure_silence(material: Material, config: SingConfig, most: int) -> dict[str, Any]:
    """Distances of silence, of training and test notes."""
    notes = material.notes
    most = most or len(notes["test"])
    found = {split: distances(silence, some(notes[split], most), config) for split in ("train", "test")}
    return {f"{split}_{measure}": value for split, measures in found.items() for measure, value in measures.items()}


def measure_sampler(material: Material, config: SingConfig, most: int) -> dict[str, Any]:
    """Distances of the sampler, which has the training notes, of test notes, and how far it had to transpose."""
    import torch

    sampler = NearestPitch(material.items["train"])
    items = material.items["test"]
    order = rows_of(len(items), most or len(items))
    moved = []
    played = {}
    for row in order:
        note = items[row]
        moved.append(abs(sampler.nearest(note.instrument, note.pitch, note.velocity).pitch - note.pitch))
        samples = sampler.play(note.instrument, note.pitch, note.velocity).samples.mean(axis=0)[:NOTE_SAMPLES]
        played[row] = np.pad(samples, (0, NOTE_SAMPLES - len(samples)))
    left = iter(order)

    def make(symbols: Tensor, _padded: Tensor) -> Tensor:
        sounds = np.stack([played[next(left)] for _ in range(len(symbols))])
        return returned_part(pad_note(torch.from_numpy(sounds.astype(np.float32)), config), config)

    maker: Maker = make
    found = distances(maker, some(material.notes["test"], most or len(items)), config)
    return {
        **{f"test_{measure}": value for measure, value in found.items()},
        "notes": len(order),
        "semitones_moved": float(np.mean(moved)),
    }
