"""What is compared on held-out notes: a neural instrument, SING as published, a sampler, and the two ends of the scale.

A system is anything with a name that plays a note of an instrument by the instrument's name in the set of notes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import torch

from descant.audio.clip import Clip
from descant.audio.io import read
from descant.data.notes.note_set import NoteItem
from descant.data.notes.rendering import HELD_S, LENGTH_S
from descant.errors import CheckpointError, InputNotFound
from descant.hub.checkpoint import load_into, load_tensors
from descant.instrument.neural import NeuralInstruments
from descant.instrument.neural_note import Event, render
from descant.instrument.playable import Playable
from descant.nets.partial_synth import SAMPLE_RATE as NEURAL_RATE
from descant.nets.sing import NOTE_SAMPLES, Sing, SingConfig, symbols_of
from descant.nets.sing import SAMPLE_RATE as SING_RATE

_SUFFIXES = (".flac", ".wav")
_SING_PREFIX = "sing."


class NoteMaker(Protocol):
    """A system under test."""

    @property
    def name(self) -> str:
        """For tables and files."""
        ...

    def play(self, instrument: str, pitch: int, velocity: int) -> Clip:
        """Four seconds of a note, the key let go after three; any rate, one or two channels.

        Args:
            instrument: Its name in the set.
            pitch: MIDI number.
            velocity: 1 to 127.

        Raises:
            InputNotFound: The system does not play that instrument.
        """
        ...


@runtime_checkable
class ChordMaker(Protocol):
    """A system that makes several notes at once sooner than one after the other."""

    def play_together(self, instrument: str, pitches: Sequence[int], velocity: int) -> Clip:
        """A chord of one instrument: the sum of its notes."""
        ...


class PlayableMaker:
    """Instruments of Descant as a system.

    Args:
        name: Of the system.
        instruments: By their names in the set of notes.
    """

    def __init__(self, name: str, instruments: Mapping[str, Playable]) -> None:
        self.name = name
        self._instruments = dict(instruments)

    def play(self, instrument: str, pitch: int, velocity: int) -> Clip:
        """See `NoteMaker`."""
        own = self._instruments.get(instrument)
        if own is None:
            raise _not_played(self.name, instrument)
        return Clip(own.note(pitch, velocity, HELD_S, LENGTH_S), own.sample_rate)


class NeuralMaker:
    """Descant's neural instruments.

    Args:
        instruments: The net.
        rows: Names in the set of notes to rows of the net; see `rows_of`.
        name: Of the system.
    """

    def __init__(self, instruments: NeuralInstruments, rows: Mapping[str, int], *, name: str = "neural") -> None:
        self.name = name
        self._net = instruments.net
        self._rows = dict(rows)

    def play(self, instrument: str, pitch: int, velocity: int) -> Clip:
        """See `NoteMaker`."""
        return self.play_together(instrument, (pitch,), velocity)

    def play_together(self, instrument: str, pitches: Sequence[int], velocity: int) -> Clip:
        """See `ChordMaker`."""
        if instrument not in self._rows:
            raise _not_played(self.name, instrument)
        row, frames = self._rows[instrument], round(LENGTH_S * NEURAL_RATE)
        sounds = render(self._net, [Event(row, pitch, velocity, HELD_S, length_s=LENGTH_S) for pitch in pitches])
        whole = np.zeros((2, frames), np.float32)
        for sound in sounds:
            whole[:, : sound.shape[1]] += sound
        return Clip(whole, NEURAL_RATE)


def rows_of(notes: Iterable[NoteItem], instruments: NeuralInstruments) -> dict[str, int]:
    """Which row of a net plays which instrument of a set: the one that was made from the same recordings."""
    rows = {player.made_from: row for row, player in enumerate(instruments.roster.players)}
    return {note.instrument: rows[note.made_from] for note in notes if note.made_from in rows}


class SingMaker:
    """SING as published, at 16 kHz.

    Args:
        net: With its weights.
        instruments: Their names; the row of a name is its place.
        name: Of the system.
    """

    def __init__(self, net: Sing, instruments: Sequence[str], *, name: str = "SING as published") -> None:
        self.name = name
        self._net = net.eval()
        self._rows = {instrument: row for row, instrument in enumerate(instruments)}

    def play(self, instrument: str, pitch: int, velocity: int) -> Clip:
        """See `NoteMaker`."""
        return Clip(self._notes(instrument, [pitch], velocity)[0].numpy(), SING_RATE)

    def play_together(self, instrument: str, pitches: Sequence[int], velocity: int) -> Clip:
        """See `ChordMaker`."""
        return Clip(self._notes(instrument, pitches, velocity).sum(dim=0).numpy(), SING_RATE)

    @torch.no_grad()
    def _notes(self, instrument: str, pitches: Sequence[int], velocity: int) -> torch.Tensor:
        if instrument not in self._rows:
            raise _not_played(self.name, instrument)
        rows = [symbols_of(velocity, self._rows[instrument], pitch) for pitch in pitches]
        return self._net.notes(torch.tensor(rows))


def load_sing(weights: Path, instruments: Sequence[str], *, name: str = "SING as published") -> SingMaker:
    """SING with the weights that `descant train` left; the sizes of the net are those of its tensors.

    Args:
        weights: The safetensors file of a checkpoint.
        instruments: Names of the instruments of the set it was trained on, sorted.
        name: Of the system.

    Raises:
        CheckpointError: The file is damaged, holds something else, or knows another number of instruments.
    """
    tensors = load_tensors(weights, prefix=_SING_PREFIX)
    try:
        net = Sing(_sizes(tensors))
    except (KeyError, RuntimeError) as error:
        raise CheckpointError(f"{weights} holds no SING.", "Give a run of recipes/sing.") from error
    load_into(net, weights, prefix=_SING_PREFIX)
    if net.config.instruments != len(instruments):
        raise CheckpointError(
            f"{weights} knows {net.config.instruments} instruments, the set has {len(instruments)}.",
            "Give the set that it was trained on.",
        )
    return SingMaker(net, instruments, name=name)


def _sizes(tensors: Mapping[str, torch.Tensor]) -> SingConfig:
    tables = {name: tensors[f"generator.{name}.weight"].shape for name in ("velocity", "instrument", "pitch")}
    time = tensors.get("generator.time.weight")
    code, hidden = tensors["generator.linear.weight"].shape
    channels, _, context = tensors["decoder.inner.0.weight"].shape
    window = tensors["decoder.outer.weight"].shape[2]
    return SingConfig(
        velocities=tables["velocity"][0],
        velocity_dim=tables["velocity"][1],
        instruments=tables["instrument"][0],
        instrument_dim=tables["instrument"][1],
        pitches=tables["pitch"][0],
        pitch_dim=tables["pitch"][1],
        time_dim=0 if time is None else time.shape[1],
        hidden=hidden,
        layers=sum(name.startswith("generator.lstm.weight_ih_l") for name in tensors),
        code=code,
        channels=channels,
        context=context,
        rewrites=sum(name.startswith("decoder.inner.") and name.endswith(".weight") for name in tensors) - 1,
        window=window,
        stride=window // 4,
    )


class RenderedNotes:
    """Notes that any program has rendered, one file each, named as in the set ("guitar_acoustic_003-060-075.wav").

    Args:
        folder: Where they lie; its name is the system's.
    """

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise InputNotFound(f"There is no folder {folder}.", "Give one with a WAV or FLAC file for each note.")
        self.name = folder.resolve().name
        self._folder = folder

    def play(self, instrument: str, pitch: int, velocity: int) -> Clip:
        """See `NoteMaker`.

        Raises:
            InputNotFound: There is no such file.
            DescantError: It cannot be read.
        """
        name = f"{instrument}-{pitch:03d}-{velocity:03d}"
        for suffix in _SUFFIXES:
            if (self._folder / f"{name}{suffix}").is_file():
                return read(self._folder / f"{name}{suffix}")
        raise InputNotFound(f"{self._folder} has no {name}{_SUFFIXES[-1]}.", "Render every held-out note.")


class Copy:
    """The recordings themselves: what no system can do better than.

    Args:
        notes: Those that will be asked for.
        high: The recordings at 48 kHz in stereo.
    """

    name = "perfect copy"

    def __init__(self, notes: Iterable[NoteItem], *, high: bool) -> None:
        self._notes = {(note.instrument, note.pitch, note.velocity): note for note in notes}
        self._high = high

    def play(self, instrument: str, pitch: int, velocity: int) -> Clip:
        """See `NoteMaker`."""
        found = self._notes.get((instrument, pitch, velocity))
        if found is None:
            raise _not_played(self.name, instrument)
        return found.read(high=self._high)


class Silence:
    """Nothing at all: what every system must beat by far."""

    name = "silence"

    def play(self, instrument: str, pitch: int, velocity: int) -> Clip:
        """See `NoteMaker`."""
        del instrument, pitch, velocity
        return Clip.silence(NOTE_SAMPLES, SING_RATE)


def _not_played(system: str, instrument: str) -> InputNotFound:
    return InputNotFound(f"{system} does not play {instrument}.", "Was it made from another set of notes?")
