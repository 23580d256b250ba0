"""Notes in memory, as SING's lesson reads them: of a set, or made by arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from descant.nets.sing import NOTE_SAMPLES, SAMPLE_RATE, symbols_of

if TYPE_CHECKING:
    from descant.data.notes.note_set import NoteItem

_PARTIALS, _TONE_PITCHES = 12, tuple(range(48, 73, 3))
TONES = ("tone 0", "tone 1", "tone 2", "tone 3")
"""Instruments of `made_tones`."""


@dataclass(frozen=True, slots=True, eq=False)
class Notes:
    """Notes in memory.

    Attributes:
        symbols: Rows of velocity, instrument and pitch, [notes, 3].
        samples: int16 at 16 kHz, [notes, 64,000].
    """

    symbols: NDArray[np.int64]
    samples: NDArray[np.int16]

    def __len__(self) -> int:
        return len(self.symbols)


def floats(samples: Tensor) -> Tensor:
    """16-bit samples as the published code reads them."""
    return samples.float() / 32767.0


def load_notes(items: Sequence[NoteItem], instruments: Sequence[str]) -> Notes:
    """The low files of notes; what is shorter than four seconds is followed by silence.

    Raises:
        DescantError: A file cannot be read.
    """
    places = {name: place for place, name in enumerate(instruments)}
    symbols = np.array([symbols_of(n.velocity, places[n.instrument], n.pitch) for n in items], np.int64).reshape(-1, 3)
    samples = np.zeros((len(items), NOTE_SAMPLES), np.int16)
    for row, item in enumerate(items):
        mono = item.read().samples.mean(axis=0)[:NOTE_SAMPLES]
        samples[row, : len(mono)] = np.round(mono.clip(-1, 1) * 32767).astype(np.int16)
    return Notes(symbols, samples)


def made_tones(seed: int) -> tuple[Notes, Notes]:
    """Notes of instruments made by arithmetic: decaying partials, each instrument with its own balance."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(NOTE_SAMPLES) / SAMPLE_RATE
    balance = rng.uniform(0.1, 1.0, (len(TONES), _PARTIALS)) / np.arange(1, _PARTIALS + 1)
    symbols, samples = [], []
    for instrument in range(len(TONES)):
        for pitch in _TONE_PITCHES:
            hz = 440.0 * 2.0 ** ((pitch - 69) / 12.0)
            partials = sum(
                share * np.sin(2 * np.pi * hz * (n + 1) * time_s) for n, share in enumerate(balance[instrument])
            )
            sound = 0.5 * np.asarray(partials) * np.exp(-0.5 * time_s * (1.0 + instrument)) * (time_s < 3.0)
            symbols.append(symbols_of(100, instrument, pitch))
            samples.append(np.round(sound.clip(-1, 1) * 32767).astype(np.int16))
    held = np.arange(len(symbols)) % 5 == 2
    rows, sounds = np.array(symbols, np.int64), np.stack(samples)
    return Notes(rows[~held], sounds[~held]), Notes(rows[held], sounds[held])
