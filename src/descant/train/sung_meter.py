"""The lesson of sung metres: melodies of scores, sung and heard by a simulation, and where each note was in its bar."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from descant.analyze.level import FILE as LEVEL_FILE
from descant.analyze.meter import CONFIG, WEIGHTS, WINDOW, note_features, tempo_bins
from descant.data.invent import invent_song
from descant.data.tunes import HeardTune, Tune, hear, pop909_tunes, sheet_tunes, tune_from_score
from descant.hub.card import TrainingData
from descant.nets.meter_reader import ELSEWHERE, MeterReader
from descant.train.config import check_numbers
from descant.train.lesson import on_device_of
from descant.train.plan import WEIGHTS as NET_WEIGHTS
from descant.train.plan import Draft, Hears, Plan, copy_shipped, required, write_config

_INVENTED = 400
_HELD_OUT = 120
_MEASURES = ("validation_loss", "place_right", "sixteenth_right", "downbeat_right", "tempo_right")


@dataclass(frozen=True, slots=True)
class MeterConfig:
    """The reader's shape, and what it learns from."""

    source: Literal["scores", "invented"] = "scores"
    """POP909, OpenEWLD, OpenScore Lieder and invented tunes; or these alone, which need no data."""
    width: int = 96
    """Size of the residual stream."""
    layers: int = 5
    """Transformer blocks."""
    heads: int = 4
    """Attention heads."""
    dropout: float = 0.1
    """In training."""
    batch: int = 24
    """Tunes in a batch."""
    pop_share: float = 0.7
    """Tunes from POP909."""
    tempo_weight: float = 0.5
    """Of the tempo in the loss."""
    elsewhere_weight: float = 0.3
    """Of what is no note in the loss."""

    def __post_init__(self) -> None:
        check_numbers(self)


class MeterLesson:
    """Tunes in, places and tempi out."""

    def __init__(self, config: MeterConfig, data: Path | None, seed: int) -> None:
        torch.manual_seed(seed)
        self.config = config
        self.model = MeterReader(config.width, config.layers, config.heads, config.dropout)
        rng = np.random.default_rng(3)
        invented = (tune_from_score(s := invent_song(rng), s.tracks[0], tempo_is_known=True) for _ in range(_INVENTED))
        self._other = [tune for tune in invented if tune is not None]
        if data is None:
            self._pop: list[Tune] = []
            held_out, self._other = self._other[:_HELD_OUT], self._other[_HELD_OUT:]
        else:
            self._pop = list(pop909_tunes(data / "pop909.zip", "train"))
            for name in ("openewld", "lieder"):
                self._other += sheet_tunes(data / "symbolic" / f"{name}.zip")
            held_out = list(pop909_tunes(data / "pop909.zip", "validation"))[:_HELD_OUT]
        self._held_out = [hear(tune, rng, notes=WINDOW) for tune in held_out]

    def batch(self, generator: np.random.Generator) -> tuple[Tensor, ...]:
        """Tunes as heard, and their truth."""
        return _tensors([hear(self._draw(generator), generator, notes=WINDOW) for _ in range(self.config.batch)])

    def _draw(self, generator: np.random.Generator) -> Tune:
        is_pop = generator.random() < self.config.pop_share and self._pop
        pool = self._pop if is_pop else self._other
        return pool[generator.integers(len(pool))]

    def loss(self, batch: tuple[Tensor, ...]) -> Tensor:
        """Cross entropy of the places, and of the tempo."""
        times, features, present, places, tempi = batch
        read = self.model(times, features, present)
        weight = present * torch.where(places == ELSEWHERE, self.config.elsewhere_weight, 1.0)
        place = F.cross_entropy(read.place.flatten(0, 1), places.flatten(), reduction="none").view_as(weight)
        tempo = -(tempi * read.tempo.log_softmax(-1)).sum(-1)
        total: Tensor = (place * weight).sum() / weight.sum() + self.config.tempo_weight * tempo[present].mean()
        return total

    @torch.no_grad()
    def validate(self) -> Mapping[str, float]:
        """The loss, and shares of notes and tunes that are right."""
        self.model.eval()
        batch = on_device_of(self.model, _tensors(self._held_out))
        times, features, present, places, tempi = batch
        read = self.model(times, features, present)
        known = present & (places != ELSEWHERE)
        found = read.place[..., :ELSEWHERE].argmax(-1)
        bins = read.tempo.softmax(-1).mean(1).argmax(-1)
        true = (tempi.sum(1)).argmax(-1)
        measured = (
            self.loss(batch),
            (found == places)[known].float().mean(),
            (found % 4 == places % 4)[known].float().mean(),
            ((found % 16 == 0) == (places % 16 == 0))[known].float().mean(),
            ((bins - true).abs() <= 2).float().mean(),
        )
        return dict(zip(_MEASURES, map(float, measured), strict=True))


def _tensors(tunes: list[HeardTune]) -> tuple[Tensor, ...]:
    size = max(len(t.starts_s) for t in tunes)
    times = np.zeros((len(tunes), size), np.float32)
    features = np.zeros((len(tunes), size, 8), np.float32)
    present = np.zeros((len(tunes), size), bool)
    places = np.full((len(tunes), size), ELSEWHERE, np.int64)
    tempi = np.zeros((len(tunes), size, len(tempo_bins())), np.float32)
    for row, tune in enumerate(tunes):
        count = len(tune.starts_s)
        times[row, :count], present[row, :count], places[row, :count] = tune.starts_s, True, tune.places
        features[row, :count] = note_features(tune.starts_s, tune.ends_s, tune.pitches)
        distance = np.log2(np.maximum(tune.bpm, 1.0)[:, np.newaxis] / tempo_bins()) * 24
        near = np.exp(-0.5 * distance**2) + 1e-9
        tempi[row, :count] = near / near.sum(axis=1, keepdims=True)
    return tuple(torch.from_numpy(column) for column in (times, features, present, places, tempi))


_SHIPPED = "descant-analysis"
_ARGUMENTS = ("width", "layers", "heads")


def build_lesson(config: MeterConfig, data: Path | None, seed: int) -> MeterLesson:
    """The lesson on scores, or on invented tunes.

    Raises:
        InputNotFound: Scores are needed and not given.
    """
    if config.source == "scores":
        data = required(data, "a folder with pop909.zip and symbolic/{openewld,lieder}.zip")
    return MeterLesson(config, data if config.source == "scores" else None, seed)


def _furnish(config: MeterConfig, folder: Path) -> None:
    """The net that hears beats and the level chooser are those of the shipped card."""
    write_config(folder / CONFIG, {"arguments": {name: getattr(config, name) for name in _ARGUMENTS}})
    copy_shipped(_SHIPPED, ("config.json", NET_WEIGHTS, LEVEL_FILE), folder)


def _data(config: MeterConfig) -> tuple[TrainingData, ...]:
    invented = TrainingData("tunes invented by rules (descant.data.invent)", "Apache-2.0", "The Descant authors")
    if config.source == "invented":
        return (invented,)
    return (
        TrainingData("POP909 (train split)", "MIT; melodies belong to their owners", "Ziyu Wang et al., ISMIR 2020"),
        TrainingData("OpenEWLD", "public domain scores", "Federico Simonetta and others"),
        TrainingData("OpenScore Lieder", "CC0-1.0", "OpenScore"),
        invented,
    )


PLAN = Plan(
    MeterConfig,
    build_lesson,
    Draft(
        title="A listener with another reader of sung metres",
        task="analyze",
        summary="Descant's listener; the place of sung notes in the bar is read by these weights.",
        architecture="analysis-net",
        data=_data,
        hears=lambda _config: Hears(sample_rate=22_050, channels=1),
    ),
    _furnish,
    lambda _config: _MEASURES,
    weights=WEIGHTS,
)
