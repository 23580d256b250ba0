"""The SING lesson: the three published stages of Défossez et al. (NeurIPS 2018), each a training of its own.

1. `autoencoder`: encoder and decoder return notes; spectral loss (or, as the paper's ablation, on samples).
2. `sequence`: the generator learns the frozen encoder's frames, 32 steps at a time (truncated backpropagation).
3. `end_to_end`: generator and decoder together, spectral loss on the sound.

A stage begins with the weights of the one before (`descant train ... --start RUN/checkpoint`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from descant.data.notes.note_set import NoteItem, NoteSet
from descant.errors import InputNotFound, InvalidOption
from descant.nets.sing import (
    NOTE_SAMPLES,
    SAMPLE_RATE,
    NoteEncoder,
    Sing,
    SingConfig,
    log_spectral_distance,
    pad_note,
    returned_part,
    symbols_of,
)
from descant.train.config import check_numbers
from descant.train.lesson import Picture, Player, Sound, on_device_of
from descant.train.plan import Plan, required

Stage = Literal["autoencoder", "sequence", "end_to_end"]
_MEASURES = ("spectral", "wave_mse", "silence")
_VALIDATION_BATCH = 8
_TONES, _PARTIALS, _TONE_PITCHES = 4, 12, tuple(range(48, 73, 3))


@dataclass(frozen=True, slots=True)
class SingLessonConfig:
    """Net, stage and batches."""

    stage: Stage = "end_to_end"
    """Which of the three."""
    loss: Literal["spectral", "wave"] = "spectral"
    """What sound is compared by; wave is the paper's ablation, the mean absolute difference of samples."""
    source: Literal["notes", "tones"] = "notes"
    """A set of `descant data notes`, or NSynth; or tones made by arithmetic, which need no data."""
    channels: int = 4096
    """See `nets.sing.SingConfig`."""
    hidden: int = 1024
    """Likewise."""
    layers: int = 3
    """Likewise."""
    time_dim: int = 4
    """Likewise; 0 is the paper's ablation."""
    batch: int = 64
    """Notes in a batch."""
    steps_back: int = 32
    """Steps that the stage `sequence` goes back at a time."""
    validation_notes: int = 128
    """Held-out notes to measure on."""

    def __post_init__(self) -> None:
        check_numbers(self, at_least={"time_dim": 0})
        if self.stage not in ("autoencoder", "sequence", "end_to_end"):
            raise InvalidOption(f"There is no stage {self.stage!r}.", "Use autoencoder, sequence or end_to_end.")
        if self.loss not in ("spectral", "wave") or self.source not in ("notes", "tones"):
            raise InvalidOption("loss is spectral or wave, source is notes or tones.")

    def network(self, instruments: int) -> SingConfig:
        """Shape of the net for so many instruments."""
        return SingConfig(
            instruments=instruments,
            channels=self.channels,
            hidden=self.hidden,
            layers=self.layers,
            time_dim=self.time_dim,
        )


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


class SingNets(nn.Module):
    """Everything that the stages train, so that each finds what the one before has learned.

    Args:
        config: Sizes.
    """

    def __init__(self, config: SingConfig) -> None:
        super().__init__()
        self.sing = Sing(config)
        self.encoder = NoteEncoder(config)


class SingLesson:
    """See the module.

    Args:
        config: Net, stage and batches.
        instruments: Their names; the row of a name is its place.
        training: Notes to learn from.
        validation: Notes to measure on.
        seed: Of the nets' first weights.
    """

    def __init__(
        self,
        config: SingLessonConfig,
        instruments: Sequence[str],
        training: Notes,
        validation: Notes,
        seed: int,
    ) -> None:
        torch.manual_seed(seed)
        self.config = config
        self.instruments = tuple(instruments)
        self.model = SingNets(config.network(len(self.instruments)))
        self._shape = self.model.sing.config
        self._training, self._validation = training, validation
        self._chunk = 0
        self._rows: NDArray[np.int64] | None = None
        self._hidden: tuple[Tensor, Tensor] | None = None

    def players(self) -> Sequence[Player]:
        """One, with what the stage trains."""
        sing, encoder = self.model.sing, self.model.encoder
        parts: dict[Stage, list[nn.Module]] = {
            "autoencoder": [encoder, sing.decoder],
            "sequence": [sing.generator],
            "end_to_end": [sing],
        }
        return (Player("model", nn.ModuleList(parts[self.config.stage]), self.loss),)

    def batch(self, generator: np.random.Generator) -> tuple[Tensor, ...]:
        """Symbols [batch, 3], samples [batch, 64,000] in 16 bit, and the step at which a chunk begins, [1]."""
        chunks = -(-self._shape.steps // self.config.steps_back) if self.config.stage == "sequence" else 1
        if self._rows is None or self._chunk >= chunks:
            self._rows = generator.choice(len(self._training), min(self.config.batch, len(self._training)), False)
            self._chunk = 0
        start = self._chunk * self.config.steps_back
        self._chunk += 1
        symbols, samples = (column[self._rows] for column in (self._training.symbols, self._training.samples))
        return torch.from_numpy(symbols), torch.from_numpy(samples), torch.tensor([start])

    def loss(self, batch: tuple[Tensor, ...]) -> Tensor:
        """Of the stage."""
        symbols, samples, start = batch
        padded = pad_note(_floats(samples), self._shape)
        if self.config.stage == "sequence":
            return self._sequence_loss(symbols, padded, int(start))
        true, found = returned_part(padded, self._shape), self._made(symbols, padded)
        with torch.autocast(true.device.type, enabled=False):  # a Fourier transform in bfloat16 is noise
            if self.config.loss == "wave":
                return (true - found.float()).abs().mean()
            return log_spectral_distance(true, found.float()).mean()

    def _made(self, symbols: Tensor, padded: Tensor) -> Tensor:
        sing = self.model.sing
        sound: Tensor = (
            sing.decoder(self.model.encoder(padded)) if self.config.stage == "autoencoder" else sing(symbols)
        )
        return sound

    def _sequence_loss(self, symbols: Tensor, padded: Tensor, start: int) -> Tensor:
        """Mean squared distance to the encoder's frames of one chunk; the state goes on, its history does not."""
        stop = min(self._shape.steps, start + self.config.steps_back)
        with torch.no_grad():
            config = self._shape
            first, last = start * config.stride, (stop - 1) * config.stride + config.window
            wanted = self.model.encoder(padded[:, first:last])
        hidden = self._hidden if start else None
        if hidden is not None and hidden[0].shape[1] != len(symbols):
            hidden = None  # a resumed run begins in the middle of notes it does not remember
        frames, after = self.model.sing.generator(symbols, start, stop, hidden)
        self._hidden = (after[0].detach(), after[1].detach())
        distance: Tensor = (frames.float() - wanted.float()).square().mean()
        return distance

    @cached_property
    def _held_out(self) -> tuple[tuple[Tensor, Tensor], ...]:
        order = np.random.default_rng(0).permutation(len(self._validation))[: self.config.validation_notes]
        rows = [order[start : start + _VALIDATION_BATCH] for start in range(0, len(order), _VALIDATION_BATCH)]
        return tuple(
            (torch.from_numpy(self._validation.symbols[r]), torch.from_numpy(self._validation.samples[r])) for r in rows
        )

    @torch.no_grad()
    def validate(self) -> Mapping[str, float]:
        """On held-out pairs of instrument and pitch: SING's spectral loss, the squared error, and the loss of silence.

        In the stage `sequence` the sound is that of the generator through the decoder.
        """
        self.model.eval()
        rows = []
        for part in self._held_out:
            symbols, samples = on_device_of(self.model, part)
            padded = pad_note(_floats(samples), self._shape)
            true, found = returned_part(padded, self._shape), self._made(symbols, padded).float()
            silence = log_spectral_distance(true, torch.zeros_like(true))
            wave = (true - found).square().mean(dim=1)
            rows.append(torch.stack((log_spectral_distance(true, found), wave, silence)))
        means = torch.cat(rows, dim=1).mean(dim=1)
        return dict(zip(_MEASURES, map(float, means), strict=True))

    @torch.no_grad()
    def examples(self) -> Sequence[Sound | Picture]:
        """Two held-out notes, true and made."""
        shown: list[Sound | Picture] = []
        symbols, samples = on_device_of(self.model, self._held_out[0])
        padded = pad_note(_floats(samples), self._shape)
        made = self._made(symbols, padded).float().clamp(-1, 1)
        for row in range(min(2, len(symbols))):
            shown.append(Sound(f"{row} true", returned_part(padded, self._shape)[row].cpu().numpy(), SAMPLE_RATE))
            shown.append(Sound(f"{row} made", made[row].cpu().numpy(), SAMPLE_RATE))
        return shown


def _floats(samples: Tensor) -> Tensor:
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
    balance = rng.uniform(0.1, 1.0, (_TONES, _PARTIALS)) / np.arange(1, _PARTIALS + 1)
    symbols, samples = [], []
    for instrument in range(_TONES):
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


def build_lesson(config: SingLessonConfig, data: Path | None, seed: int) -> SingLesson:
    """The lesson on a set of notes, with SING's split.

    Raises:
        InputNotFound: There is no set, or it is too small to hold pitches out.
        DescantError: A note cannot be read.
    """
    if config.source == "tones":
        training, validation = made_tones(seed)
        return SingLesson(config, [f"tone {n}" for n in range(_TONES)], training, validation, seed)
    notes = NoteSet(required(data, "a set of `descant data notes`, or nsynth-train"))
    instruments = sorted({note.instrument for note in notes.notes})
    shares = notes.splits("pitches")
    if not shares["train"] or not shares["validation"]:
        raise InputNotFound(
            f"{data} has too few notes to hold some pitches out.", "Make a larger set: `descant data notes`."
        )
    training, validation = (load_notes(shares[split], instruments) for split in ("train", "validation"))
    return SingLesson(config, instruments, training, validation, seed)


PLAN = Plan(
    SingLessonConfig,
    build_lesson,
    None,
    None,
    lambda _config: _MEASURES,
)
"""Its weights are measured by `descant reproduce sing`; what `play` uses is trained by another lesson."""
