"""The accompaniment lesson: given melody and chords of a bar, write the piano and the answering voice.

Songs are cut into crops of a few bars. On the fly a crop is moved to its home key or, less often, to any of the
twelve; some crops lose their chords, so that the melody must be listened to; and what the controls say is left out
of many bars, so that the model can be asked for something or left free.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from descant.compose.crops import Crop, encode_crop, stack
from descant.compose.grid import Bar, bars_of
from descant.compose.tokens import VOCABULARY, Controls, home_shift, measure, token_features
from descant.data.pop909 import Pop909
from descant.hub.card import TrainingData
from descant.nets.relative_transformer import RelativeTransformer, RelativeTransformerConfig
from descant.train.config import check_numbers
from descant.train.lesson import on_device_of
from descant.train.plan import Draft, Plan, copy_shipped, required, shipped_config, write_config
from descant.train.tones import invented_bars

Song = tuple[Bar, ...]

_CONDITIONS = ("true", "shuffled", "silent", "tune_only", "tune_shuffled", "nothing")


@dataclass(frozen=True, slots=True)
class AccompanimentConfig:
    """Model and data of the lesson."""

    source: Literal["pop909", "invented"] = "pop909"
    """Where the songs come from; `invented` needs no data."""
    layers: int = 5
    """Transformer blocks."""
    width: int = 256
    """Size of the residual stream."""
    heads: int = 4
    """Attention heads."""
    feed_forward: int = 768
    """Hidden size of the position-wise network."""
    dropout: float = 0.0
    """In training."""
    length: int = 512
    """Tokens in a crop, and the largest distance with a vector of its own."""
    batch: int = 4
    """Crops in a batch."""
    home_share: float = 0.7
    """Crops in their home key; the others are moved by -6..5 semitones at random."""
    free_share: float = 0.35
    """Crops without any controls."""
    control_share: float = 0.65
    """Probability that a control is stated, in the other crops."""
    chordless_share: float = 0.3
    """Crops without chords."""
    validation_crops: int = 24
    """Crops in a validation."""

    def __post_init__(self) -> None:
        check_numbers(self, at_least={"length": 64})

    def network(self) -> RelativeTransformerConfig:
        """Shape of the model."""
        return RelativeTransformerConfig(
            vocabulary=VOCABULARY,
            layers=self.layers,
            width=self.width,
            heads=self.heads,
            feed_forward=self.feed_forward,
            max_distance=self.length,
            dropout=self.dropout,
        )


def music_loss(model: RelativeTransformer, tokens: Tensor, companions: Tensor, is_music: Tensor) -> Tensor:
    """Mean nats of the tokens that the band plays, each given all before it; [B, L], [B, L, 2] and [B, L]."""
    logits = model(tokens[:, :-1], companions[:, :-1])
    nats = F.cross_entropy(logits.float().flatten(0, 1), tokens[:, 1:].flatten(), reduction="none")
    wanted = is_music[:, 1:].flatten()
    return (nats * wanted).sum() / wanted.sum().clamp(min=1)


@dataclass(eq=False)
class AccompanimentLesson:
    """See the module.

    Args:
        config: Model and data.
        training: Songs to learn from.
        validation: Songs to measure on.
        seed: Of the model's first weights and of the validation's crops.
    """

    config: AccompanimentConfig
    training: Sequence[Song]
    validation: Sequence[Song]
    seed: int = 0
    model: RelativeTransformer = field(init=False)

    def __post_init__(self) -> None:
        torch.manual_seed(self.seed)
        features = torch.from_numpy(token_features())
        self.model = RelativeTransformer(self.config.network(), features)
        self._homes = [home_shift(song) for song in self.training]
        counts = np.array([len(song) for song in self.training], float)
        self._odds = counts / counts.sum()

    def batch(self, generator: np.random.Generator) -> tuple[Tensor, ...]:
        """[batch, length + 1] tokens, their companions and whether the band plays them."""
        return stack([self._crop(generator) for _ in range(self.config.batch)], self.config.length + 1)

    def loss(self, batch: tuple[Tensor, ...]) -> Tensor:
        """Mean nats a token."""
        return music_loss(self.model, *batch)

    def _crop(self, generator: np.random.Generator) -> Crop:
        index = int(generator.choice(len(self.training), p=self._odds))
        song = self.training[index]
        start = int(generator.integers(0, max(1, len(song) - 4)))
        at_home = generator.random() < self.config.home_share
        shift = self._homes[index] if at_home else int(generator.integers(-6, 6))
        without_chords = generator.random() < self.config.chordless_share
        # A bar has ten tokens or more.
        bars = [bar.transpose(shift) for bar in song[start : start + self.config.length // 10]]
        if without_chords:
            bars = [replace(bar, chords=()) for bar in bars]
        return encode_crop(bars, self.config.length + 1, self._controls(bars, generator))

    def _controls(self, bars: Sequence[Bar], generator: np.random.Generator) -> list[Controls]:
        share = 0.0 if generator.random() < self.config.free_share else self.config.control_share
        names = [control.name for control in fields(Controls)]
        stated = generator.random((len(bars), len(names))) < share
        return [
            Controls(**{name: getattr(found, name) if keep else None for name, keep in zip(names, row, strict=True)})
            for row, found in zip(stated, map(measure, bars), strict=True)
        ]

    def validate(self) -> Mapping[str, float]:
        """Nats a token with the true condition, with a stranger's melody, with none, and without chords."""
        self.model.eval()
        results = {}
        for name in _CONDITIONS:
            generator = np.random.default_rng(self.seed)
            crops = [self._validation_crop(i, name, generator) for i in range(self.config.validation_crops)]
            sums = []
            with torch.no_grad():
                for first in range(0, len(crops), self.config.batch):
                    batch = stack(crops[first : first + self.config.batch], self.config.length + 1)
                    sums.append(float(self.loss(on_device_of(self.model, batch))))
            results[name] = float(np.mean(sums))
        return results

    def _validation_crop(self, number: int, condition: str, generator: np.random.Generator) -> Crop:
        song = self.validation[number % len(self.validation)]
        other = self.validation[(number + 1) % len(self.validation)]
        start = int(generator.integers(0, max(1, len(song) - 8)))
        home, other_home = home_shift(song), home_shift(other)
        bars = []
        for index, bar in enumerate(song[start:]):
            stranger = other[(start + index) % len(other)].transpose(other_home)
            own = bar.transpose(home)
            melody = {
                "true": own.melody,
                "tune_only": own.melody,
                "shuffled": stranger.melody,
                "tune_shuffled": stranger.melody,
            }.get(condition, ())
            chords = own.chords if condition in ("true", "shuffled", "silent") else ()
            bars.append(replace(own, melody=melody, chords=chords))
        return encode_crop(bars, self.config.length + 1, [Controls()] * len(bars))


_SHIPPED = "descant-accompaniment"
_INVENTED = 24
_HELD_OUT = 4


def build_lesson(config: AccompanimentConfig, data: Path | None, seed: int) -> AccompanimentLesson:
    """The lesson on POP909, or on invented songs.

    Raises:
        InputNotFound: POP909 is needed and not given.
    """
    if config.source == "invented":
        songs = invented_bars(_INVENTED, seed)
        return AccompanimentLesson(config, songs[_HELD_OUT:], songs[:_HELD_OUT], seed)
    pop = Pop909(required(data, "POP909's zip file or folder"))
    return AccompanimentLesson(
        config,
        training=[bars_of(pop.load(song)) for song in pop.songs("train")],
        validation=[bars_of(pop.load(song)) for song in pop.songs("validation")],
        seed=seed,
    )


def _furnish(config: AccompanimentConfig, folder: Path) -> None:
    """The harmoniser's counts and the drum patterns are those of the shipped card."""
    write_config(folder / "config.json", {**shipped_config(_SHIPPED), "network": asdict(config.network())})
    copy_shipped(_SHIPPED, ("harmony.safetensors", "grooves.json"), folder)


def _data(config: AccompanimentConfig) -> tuple[TrainingData, ...]:
    if config.source == "invented":
        return (TrainingData("songs invented by rules (descant.data.invent)", "Apache-2.0", "The Descant authors"),)
    licence = "MIT; arrangements of commercial songs whose melodies belong to their owners"
    return (TrainingData("POP909 (train split)", licence, "Ziyu Wang et al.: POP909, ISMIR 2020"),)


PLAN = Plan(
    AccompanimentConfig,
    build_lesson,
    Draft(
        title="An accompanist",
        task="compose",
        summary="Writes the piano and a second voice for a melody: a transformer with relative attention.",
        architecture="relative-transformer",
        data=_data,
    ),
    _furnish,
    lambda _config: _CONDITIONS,
)
