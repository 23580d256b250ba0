"""How far made notes are from true ones: SING's loss, and the mean squared error of samples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from descant.nets.sing import SingConfig, log_spectral_distance, pad_note, returned_part
from descant.train.sing_notes import Notes, floats

_BATCH = 8
_SUBSET_SEED = 0

Maker = Callable[[Tensor, Tensor], Tensor]
"""(symbols [batch, 3], padded notes [batch, samples]) -> made sound, [batch, 65,024]."""


def rows_of(count: int, most: int) -> NDArray[np.int64]:
    """At most so many places out of `count`, in order, drawn once and for all."""
    return np.sort(np.random.default_rng(_SUBSET_SEED).permutation(count)[:most])


def some(notes: Notes, most: int) -> Notes:
    """At most so many notes."""
    rows = rows_of(len(notes), most)
    return Notes(notes.symbols[rows], notes.samples[rows])


def silence(_symbols: Tensor, padded: Tensor) -> Tensor:
    """The maker that a sceptic asks for first."""
    return torch.zeros_like(returned_part(padded, SingConfig()))


@torch.no_grad()
def distances(make: Maker, notes: Notes, config: SingConfig) -> dict[str, Any]:
    """Means over notes: `spectral` (SING's loss) and `wave_mse`."""
    found = []
    for start in range(0, len(notes), _BATCH):
        rows = slice(start, start + _BATCH)
        padded = pad_note(floats(torch.from_numpy(notes.samples[rows])), config)
        true, made = returned_part(padded, config), make(torch.from_numpy(notes.symbols[rows]), padded).float()
        found.append(torch.stack((log_spectral_distance(true, made), (true - made).square().mean(dim=1))))
    spectral, wave = torch.cat(found, dim=1).mean(dim=1).tolist()
    return {"spectral": spectral, "wave_mse": wave}
