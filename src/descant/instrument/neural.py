"""Descant's own instruments: one net, many players, any note, at 48 kHz in stereo."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from descant.errors import CheckpointError
from descant.hub.checkpoint import check_shapes, load_tensors
from descant.hub.store import fetch
from descant.instrument.neural_note import Event, render
from descant.instrument.roster import Player, Roster
from descant.nets.neural_instrument import InstrumentConfig, NeuralInstrument
from descant.nets.partial_synth import SAMPLE_RATE
from descant.progress import CancelToken, ProgressSink

CARD = "descant-instruments"
CONFIG, WEIGHTS = "config.json", "weights.safetensors"
ROSTER = "roster"
_WIDEST = 4096
_LEVELS = "recorded"
_TABLES, _FARTHEST = ("vibrato", "flutter", "stiffness", "extra_place", "extra_there", _LEVELS), 64.0
"""What is known of instruments, rates of vibrato and logarithms: no number in it is far from 0."""
_STRETCH = 6
"""Semitones beyond the recorded range in which an instrument still sounds like itself."""


class NeuralInstruments:
    """The instruments of a net.

    Args:
        net: The net.
        roster: Who its rows are.
    """

    def __init__(self, net: NeuralInstrument, roster: Roster) -> None:
        self.net = net.eval().requires_grad_(requires_grad=False)
        self.roster = roster

    @classmethod
    def load(
        cls, name: str = CARD, *, progress: ProgressSink | None = None, cancel: CancelToken | None = None
    ) -> NeuralInstruments:
        """Those of a card.

        Raises:
            DescantError: As `fetch` and `from_folder` do.
        """
        return cls.from_folder(fetch(name, progress=progress, cancel=cancel))

    @classmethod
    def from_folder(cls, folder: Path) -> NeuralInstruments:
        """Those of a card's folder, as `descant export` writes it; kept in memory.

        Raises:
            CheckpointError: The weights or their configuration are damaged or of another kind.
        """
        return _from_folder(folder.resolve())

    @staticmethod
    def forget() -> None:
        """Let go of what is kept in memory: a folder's contents have changed."""
        _from_folder.cache_clear()

    def player(self, name: str) -> NeuralPlayer:
        """An instrument by name.

        Raises:
            InvalidOption: There is none of that name.
        """
        return NeuralPlayer(self, self.roster.row(name))

    def player_for(self, program: int) -> NeuralPlayer:
        """Who plays a General MIDI program: its own instrument, else the nearest of its family."""
        return NeuralPlayer(self, self.roster.row_for(program))


class NeuralPlayer:
    """One instrument: a `Playable`.

    Args:
        instruments: Of which it is one.
        row: Which.
    """

    def __init__(self, instruments: NeuralInstruments, row: int) -> None:
        self.instruments = instruments
        self.row = row

    @property
    def player(self) -> Player:
        """What is known of it."""
        return self.instruments.roster.players[self.row]

    @property
    def name(self) -> str:
        """Its name."""
        return self.player.name

    @property
    def sample_rate(self) -> int:
        """48,000 Hz."""
        return SAMPLE_RATE

    @property
    def pitches(self) -> range:
        """Those that were recorded, and six semitones more on both sides."""
        return range(max(self.player.lowest - _STRETCH, 0), min(self.player.highest + _STRETCH, 127) + 1)

    def note(self, pitch: float, velocity: int, held_s: float, length_s: float | None = None) -> NDArray[np.float32]:
        """One note; see `Playable`."""
        event = Event(self.row, pitch, velocity, held_s, length_s=length_s)
        sound = render(self.instruments.net, [event])[0]
        if length_s is not None:
            wanted = max(1, round(length_s * SAMPLE_RATE))
            sound = np.pad(sound, ((0, 0), (0, wanted - sound.shape[1])))
        return sound


@lru_cache(maxsize=2)
def _from_folder(folder: Path) -> NeuralInstruments:
    path = folder / WEIGHTS
    tensors = load_tensors(path)
    if ROSTER not in tensors:
        raise CheckpointError(f"{path} holds no instruments.", "Export a run of the lesson instrument.")
    if _LEVELS not in tensors:
        raise CheckpointError(
            f"{path} comes from an older Descant: it does not say how loud keys were recorded.",
            "Train the instrument again: `descant instrument train`.",
        )
    roster = Roster.unpacked(tensors.pop(ROSTER), where=str(path))
    config = _config(folder / CONFIG, len(roster.players))
    with torch.device("meta"):
        net = NeuralInstrument(config)
    check_shapes(tensors, {name: tuple(value.shape) for name, value in net.state_dict().items()}, where=str(path))
    _check_numbers(tensors, path)
    net.load_state_dict({name: value.float() for name, value in tensors.items()}, assign=True)
    return NeuralInstruments(net, roster)


def _check_numbers(tensors: Mapping[str, Tensor], path: Path) -> None:
    """A damaged number would be heard as noise at full scale, or sought as a frequency that does not exist."""
    for name, value in tensors.items():
        if not value.is_floating_point() or not value.isfinite().all():
            raise CheckpointError(f"{path}: {name} holds what are no finite numbers.", "Export the model again.")
        if name in _TABLES and value.numel() and float(value.abs().max()) > _FARTHEST:
            raise CheckpointError(f"{path}: {name} holds impossible numbers.", "Export the model again.")


def _config(path: Path, instruments: int) -> InstrumentConfig:
    """Sizes of the net, as the lesson's export writes them."""
    try:
        stated = json.loads(path.read_text(encoding="utf-8"))
        sizes = {field.name: stated[field.name] for field in fields(InstrumentConfig) if field.name in stated}
        config = InstrumentConfig(**{**sizes, "instruments": instruments})
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise CheckpointError(f"{path} cannot be used: {error}.", "Export the model again.") from error
    if any(type(v) is not int or not 1 <= v <= _WIDEST for v in sizes.values()):
        raise CheckpointError(f"{path} states impossible sizes.", "Export the model again.")
    return config
