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
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from descant.errors import InvalidOption
from descant.nets.sing import (
    SAMPLE_RATE,
    NoteEncoder,
    Sing,
    SingConfig,
    log_spectral_distance,
    pad_note,
    returned_part,
)
from descant.train.config import check_numbers
from descant.train.lesson import Picture, Player, Sound, on_device_of
from descant.train.sing_notes import Notes, floats
from descant.train.sing_start import start_as_copy

Stage = Literal["autoencoder", "sequence", "end_to_end"]
MEASURES = ("spectral", "wave_mse", "silence")
_VALIDATION_BATCH = 8
_ENCODED_AT_ONCE = 16
_LEAST_EXCERPT = 16  # a decoder's context of 9, and a window of the loss


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
    excerpt: int = 0
    """Frames of each note that are compared in a step of the other stages, from a random place; 0 takes the whole note,
    as published."""
    begin: Literal["published", "copy"] = "published"
    """Weights that the autoencoder begins with: PyTorch's, or those of `train.sing_start`."""
    validation_notes: int = 128
    """Held-out notes to measure on."""

    def __post_init__(self) -> None:
        check_numbers(self, at_least={"time_dim": 0, "excerpt": 0})
        if self.stage not in ("autoencoder", "sequence", "end_to_end"):
            raise InvalidOption(f"There is no stage {self.stage!r}.", "Use autoencoder, sequence or end_to_end.")
        if self.loss not in ("spectral", "wave") or self.source not in ("notes", "tones"):
            raise InvalidOption("loss is spectral or wave, source is notes or tones.")
        if self.begin not in ("published", "copy"):
            raise InvalidOption(f"There is no beginning {self.begin!r}.", "Use published or copy.")
        if 0 < self.excerpt < _LEAST_EXCERPT:
            raise InvalidOption(
                f"excerpt = {self.excerpt} is too short.", f"Use {_LEAST_EXCERPT} frames or more, or 0."
            )

    def network(self, instruments: int) -> SingConfig:
        """Shape of the net for so many instruments."""
        return SingConfig(
            instruments=instruments,
            channels=self.channels,
            hidden=self.hidden,
            layers=self.layers,
            time_dim=self.time_dim,
        )


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
        if config.begin == "copy":
            start_as_copy(self.model.encoder, self.model.sing.decoder, self._shape, seed)
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
        """Symbols [batch, 3]; what is to be made; each note's first step, [batch].

        The stage `sequence` makes frames, [batch, code, steps]; the others make sound, 16 bit, [batch, 64,000].
        """
        if self.config.stage == "sequence":
            rows, starts = self._next_chunk(generator)
            stop = int(starts[0]) + self.config.steps_back
            return self._symbols(rows), self._codes[torch.from_numpy(rows), :, int(starts[0]) : stop].float(), starts
        rows = self._draw(generator)
        starts = torch.from_numpy(generator.integers(0, self._shape.steps - self._frames + 1, len(rows)))
        return self._symbols(rows), torch.from_numpy(self._training.samples[rows]), starts

    def _symbols(self, rows: NDArray[np.int64]) -> Tensor:
        return torch.from_numpy(self._training.symbols[rows])

    def _draw(self, generator: np.random.Generator) -> NDArray[np.int64]:
        count = min(self.config.batch, len(self._training))
        return generator.choice(len(self._training), count, replace=False)

    def _next_chunk(self, generator: np.random.Generator) -> tuple[NDArray[np.int64], Tensor]:
        """The chunk after the last one of the same notes, or the first one of others."""
        if self._rows is None or self._chunk * self.config.steps_back >= self._shape.steps:
            self._rows, self._chunk = self._draw(generator), 0
        start = self._chunk * self.config.steps_back
        self._chunk += 1
        return self._rows, torch.full((len(self._rows),), start)

    @cached_property
    @torch.no_grad()
    def _codes(self) -> Tensor:
        """The frozen encoder's frames of all training notes, computed once; float16, [notes, code, steps]."""
        device = next(self.model.parameters()).device
        parts = []
        for start in range(0, len(self._training), _ENCODED_AT_ONCE):
            samples = torch.from_numpy(self._training.samples[start : start + _ENCODED_AT_ONCE]).to(device)
            parts.append(self.model.encoder(pad_note(floats(samples), self._shape)).half().cpu())
        return torch.cat(parts)

    @property
    def _frames(self) -> int:
        """Of a note in a step of the stages that compare sound."""
        steps = self._shape.steps
        return min(self.config.excerpt, steps) if self.config.excerpt else steps

    def loss(self, batch: tuple[Tensor, ...]) -> Tensor:
        """Of the stage."""
        symbols, wanted, starts = batch
        if self.config.stage == "sequence":
            return self._sequence_loss(symbols, wanted, int(starts[0]))
        true, found = self._compared(symbols, pad_note(floats(wanted), self._shape), starts)
        with torch.autocast(true.device.type, enabled=False):  # a Fourier transform in bfloat16 is noise
            if self.config.loss == "wave":
                return (true - found.float()).abs().mean()
            return log_spectral_distance(true, found.float()).mean()

    def _compared(self, symbols: Tensor, padded: Tensor, starts: Tensor) -> tuple[Tensor, Tensor]:
        """True sound and that of the stage, [batch, samples]: of excerpts, or of whole notes."""
        if self._frames == self._shape.steps:
            return returned_part(padded, self._shape), self._made(symbols, padded)
        steps = starts.unsqueeze(1) + torch.arange(self._frames, device=starts.device)
        samples = (self._frames - 1) * self._shape.stride + self._shape.window
        places = self._shape.stride * starts.unsqueeze(1) + torch.arange(samples, device=starts.device)
        heard, sing = padded.gather(1, places), self.model.sing
        if self.config.stage == "autoencoder":
            frames = self.model.encoder(heard)
        else:
            whole, _ = sing.generator(symbols)
            frames = whole.gather(2, steps.unsqueeze(1).expand(-1, whole.shape[1], -1))
        return returned_part(heard, self._shape), sing.decoder(frames)

    def _made(self, symbols: Tensor, padded: Tensor) -> Tensor:
        sing = self.model.sing
        sound: Tensor = (
            sing.decoder(self.model.encoder(padded)) if self.config.stage == "autoencoder" else sing(symbols)
        )
        return sound

    def _sequence_loss(self, symbols: Tensor, wanted: Tensor, start: int) -> Tensor:
        """Mean squared distance to the encoder's frames of one chunk; the state goes on, its history does not."""
        hidden = self._hidden if start else None
        if hidden is not None and hidden[0].shape[1] != len(symbols):
            hidden = None  # a resumed run begins in the middle of notes it does not remember
        frames, after = self.model.sing.generator(symbols, start, start + wanted.shape[2], hidden)
        self._hidden = (after[0].detach(), after[1].detach())
        distance: Tensor = (frames.float() - wanted).square().mean()
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
            padded = pad_note(floats(samples), self._shape)
            true, found = returned_part(padded, self._shape), self._made(symbols, padded).float()
            silence = log_spectral_distance(true, torch.zeros_like(true))
            wave = (true - found).square().mean(dim=1)
            rows.append(torch.stack((log_spectral_distance(true, found), wave, silence)))
        means = torch.cat(rows, dim=1).mean(dim=1)
        return dict(zip(MEASURES, map(float, means), strict=True))

    @torch.no_grad()
    def examples(self) -> Sequence[Sound | Picture]:
        """Two held-out notes, true and made."""
        shown: list[Sound | Picture] = []
        symbols, samples = on_device_of(self.model, self._held_out[0])
        padded = pad_note(floats(samples), self._shape)
        made = self._made(symbols, padded).float().clamp(-1, 1)
        for row in range(min(2, len(symbols))):
            shown.append(Sound(f"{row} true", returned_part(padded, self._shape)[row].cpu().numpy(), SAMPLE_RATE))
            shown.append(Sound(f"{row} made", made[row].cpu().numpy(), SAMPLE_RATE))
        return shown
