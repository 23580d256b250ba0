"""The voice lesson, finished against critics, and on conversions as well as on returns.

`train.voice` asks only that a voice comes back as it was. Here the decoder also sings what one person sang with the
voice of another, which nobody has recorded: ears (`train.ears`) say whether it is the other's voice and still the same
words, and critics (`nets.spectrum_critic`) whether it could be a recording of the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from descant.convert.content import LAYER, ContentEncoder
from descant.convert.speaker import SpeakerEmbedder
from descant.errors import InvalidOption
from descant.nets.spectrum_critic import CriticConfig, Heard, SpectrumCritics
from descant.train import voice
from descant.train.config import Optimiser
from descant.train.ears import Ears, lowered
from descant.train.lesson import Player
from descant.train.spectral_loss import spectrograms
from descant.train.voice import Row, VoiceLesson, VoiceLessonConfig, cut, stacked, top_of
from descant.train.voice_pieces import Piece

WINDOWS = (1024, 512)
"""Spectrograms that the critics see, in samples."""

_STRANGERS = 0.5
_SAME = 0.999
_COLUMNS = 8
"""Of a row; see `train.voice.Row`."""


@dataclass(frozen=True, slots=True)
class AdversarialVoiceConfig(VoiceLessonConfig):
    """Net, batches, and what counts how much beside the spectral distance."""

    batch: int = 6
    seconds: float = 1.6
    """As long as the speaker encoder's window."""
    conversions: int = 3
    """Stretches of a batch that are also sung with the voice of another stretch's person."""
    belief: float = 0.1
    """Weight of what the critics believe."""
    inside: float = 0.5
    """Weight of the distance of what the critics hear inside (feature matching)."""
    likeness: float = 0.8
    """Weight of the distance to the other's voice."""
    content: float = 1.0
    """Weight of the distance to what was sung."""
    critic_rate: float = 4e-4
    """Learning rate of the critics."""
    critic_widths: tuple[int, ...] = (16, 32, 48, 64)
    """See `nets.spectrum_critic.CriticConfig`."""

    def __post_init__(self) -> None:
        super(AdversarialVoiceConfig, self).__post_init__()
        if not 2 <= self.conversions <= self.batch:
            raise InvalidOption(
                f"conversions = {self.conversions} does not fit a batch of {self.batch}.", "Use 2 to batch."
            )


class AdversarialVoiceLesson(VoiceLesson):
    """See the module.

    Args:
        config: Net, batches and weights.
        training: Pieces of each voice.
        validation: Pieces to measure on.
        seed: Of the nets' first weights.
        embedder: Who says whose voice it is.
        encoder: Who says what is sung.
    """

    def __init__(
        self,
        config: AdversarialVoiceConfig,
        training: Sequence[Sequence[Piece]],
        validation: Sequence[Piece],
        seed: int,
        embedder: SpeakerEmbedder,
        encoder: ContentEncoder,
    ) -> None:
        super().__init__(config, training, validation, seed, embedder)
        self._asked = config
        speaker = self.model.config.speaker
        self.critics = SpectrumCritics(CriticConfig(speaker, len(WINDOWS), config.critic_widths))
        self._ears = Ears.of(embedder, encoder)

    def players(self) -> Sequence[Player]:
        """The decoder, and its critics."""
        return (
            Player("model", self.model, self.loss),
            Player("critics", self.critics, self.critics_loss, self._critics_optimiser),
        )

    @cached_property
    def _critics_optimiser(self) -> Optimiser:
        return Optimiser(learning_rate=self._asked.critic_rate, weight_decay=0.0, betas=(0.8, 0.99))

    def batch(self, generator: np.random.Generator) -> tuple[Tensor, ...]:
        """The plain lesson's columns of stretches to return, then the same of stretches to convert.

        In the latter content, level and sound are the source's, speaker and top the target's, and f0 is the source's
        moved to where the target sings.
        """
        drawn = []
        for _ in range(self.config.batch):
            piece = self._draw(generator)
            drawn.append(Stretch(piece, *self._place(piece, generator)))
        returned = [cut(one.piece, one.start, one.frames, one.version, generator) for one in drawn]
        return (*stacked(returned), *stacked(self._to_convert(drawn, generator)))

    def _to_convert(self, drawn: Sequence[Stretch], generator: np.random.Generator) -> list[Row]:
        """The first stretches, each for the voice of the next one's person."""
        some = drawn[: self._asked.conversions]
        return [converted_to(target, one, generator) for one, target in zip(some, [*some[1:], some[0]], strict=True)]

    def loss(self, batch: tuple[Tensor, ...]) -> Tensor:
        """Of the decoder."""
        asked = self._asked
        plain, other = batch[:_COLUMNS], batch[_COLUMNS:]
        _, _, _, _, speaker, sound, top, _ = plain
        _, _, _, _, target, source, target_top, _ = other
        back, distance = self.returned(plain)
        converted = self.made(other)
        with torch.no_grad():
            wanted = self._hear(sound, top)
            said = self._ears.what(lowered(source))
        heard, heard_converted = self._hear(back, top), self._hear(converted, target_top)
        believed = _distance_to(1.0, self.critics.scores(heard, speaker))
        believed = believed + _distance_to(1.0, self.critics.scores(heard_converted, target))
        likeness, content = self._heard_as(converted, target, said)
        return (
            distance
            + asked.belief * 0.5 * believed
            + asked.inside * _distance_inside(wanted, heard)
            + asked.likeness * (1.0 - likeness)
            + asked.content * (1.0 - content)
        )

    def _heard_as(self, converted: Tensor, target: Tensor, said: Tensor) -> tuple[Tensor, Tensor]:
        """Cosines to the voice that it should be, and to what the source said."""
        low = lowered(converted)
        likeness = (self._ears.whose(low) * target).sum(dim=1).mean()
        return likeness, (self._ears.what(low) * said).sum(dim=-1).mean()

    def conversion(self, rows: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
        """How alike conversions (`converted_to`) are to the voice asked for, and to what was said; cosines."""
        _, _, _, _, target, source, _, _ = rows
        return self._heard_as(self.made(rows), target, self._ears.what(lowered(source)))

    def critics_loss(self, batch: tuple[Tensor, ...]) -> Tensor:
        """Of the critics: recordings to 1; what the decoder made, and recordings said to be another's, to 0."""
        plain, other = batch[:_COLUMNS], batch[_COLUMNS:]
        _, _, _, _, speaker, sound, top, _ = plain
        some = tuple(column[self._asked.conversions :] for column in plain)
        columns = tuple(torch.cat(pair) for pair in zip(other, some, strict=True))
        with torch.no_grad():
            made = self.made(columns)
        true, false = self._hear(sound, top), self._hear(made, columns[6])
        loss = _distance_to(1.0, self.critics.scores(true, speaker))
        loss = loss + _distance_to(0.0, self.critics.scores(false, columns[4]))
        stranger = speaker.roll(1, dims=0)
        is_other = (speaker * stranger).sum(dim=1) < _SAME
        if bool(is_other.any()):
            wrong = [score[is_other] for score in self.critics.scores(true, stranger)]
            loss = loss + _STRANGERS * _distance_to(0.0, wrong)
        return loss

    def _hear(self, samples: Tensor, top: Tensor) -> tuple[Heard, ...]:
        with torch.autocast(samples.device.type, enabled=False):  # a Fourier transform in bfloat16 is noise
            shown = spectrograms(samples.float(), WINDOWS)
        heard: tuple[Heard, ...] = self.critics(shown, top)
        return heard


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """A part of a piece: see `train.voice.cut`."""

    piece: Piece
    start: int
    frames: int
    version: int = 0


def converted_to(target: Stretch, source: Stretch, generator: np.random.Generator) -> Row:
    """The row of a stretch to be sung with the voice of another one's person, and about as high as they do."""
    # A conversion begins with what the source's own throat said: version 0.
    content, f0, voiced, level, _, sound, _, noise = cut(source.piece, source.start, source.frames, 0, generator)
    span = slice(target.start, target.start + target.frames)
    away = _middle_octave(target.piece.f0_hz[span], target.piece.voiced[span]) - _middle_octave(f0, voiced)
    moved = (f0 * 2.0 ** np.clip(away, -1.0, 1.0)).astype(np.float32)
    return content, moved, voiced, level, target.piece.speaker, sound, top_of(target.piece), noise


def _middle_octave(f0_hz: NDArray[np.float32], voiced: NDArray[np.float32]) -> float:
    """Mean pitch in octaves of what is voiced; of everything where nothing is."""
    return float(np.average(np.log2(f0_hz), weights=voiced + 1e-3))


def _distance_to(wanted: float, scores: Sequence[Tensor]) -> Tensor:
    """Least squares (Mao et al., ICCV 2017), over places and critics."""
    return torch.stack([(score.float() - wanted).square().mean() for score in scores]).mean()


def _distance_inside(wanted: Sequence[Heard], found: Sequence[Heard]) -> Tensor:
    """L1 of activations, each against its own size (Larsen et al., ICML 2016), over layers and critics."""
    parts = [
        (layer.float() - other.float()).abs().mean() / layer.float().abs().mean().clamp_min(1e-3)
        for one, two in zip(wanted, found, strict=True)
        for layer, other in zip(one.layers, two.layers, strict=True)
    ]
    return torch.stack(parts).mean()


def build_lesson(config: AdversarialVoiceConfig, data: Path | None, seed: int) -> AdversarialVoiceLesson:
    """The lesson on what recipes/voice/build.py has stored; raises as `train.voice.build_lesson`."""
    training, validation = voice.pieces_of(config, data, seed)
    return AdversarialVoiceLesson(
        config, training, validation, seed, SpeakerEmbedder.load(), ContentEncoder.load(LAYER)
    )


PLAN = replace(voice.PLAN, config=AdversarialVoiceConfig, build=build_lesson)
