"""The timbre lesson: sounds through a code of 24 numbers a frame, and codes mixed so that timbres are.

Two things are learned at once: that a code gives back what was heard, and that the mean of two codes means what lies
between the two (`train.timbre_mixing`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from descant.hub.card import TrainingData
from descant.instrument.blend.bands import BANDS
from descant.instrument.blend.frames import FEATURES, HISS_BANDS, NAMED_PARTIALS, PLACE_BANDS, WIDTH_BANDS
from descant.nets.timbre import TimbreConfig, TimbreNet
from descant.train.config import check_numbers
from descant.train.lesson import Picture, on_device_of
from descant.train.plan import Draft, Hears, Plan, required, write_config
from descant.train.timbre_frames import HeardSound, load_sounds
from descant.train.timbre_mixing import between

_DB = 20.0
"""Decibels of one unit of an envelope's features."""
_ENDS = np.cumsum([0, BANDS, HISS_BANDS, NAMED_PARTIALS, WIDTH_BANDS, PLACE_BANDS])
_ENVELOPE, _HISS, _PARTIALS, _WIDTH, _PLACE = (slice(a, b) for a, b in pairwise(_ENDS))
_FILES = ("notes", "voices", "music")
_ODDS = {"notes": 0.55, "voices": 0.25, "music": 0.2}
_INVENTED = 40
_TILT, _SHIFT = 0.3, 2.0
_DEEP_DB, _QUIET_DB = 70.0, 60.0
_NARROW = -30.0 / 15.0
"""A side so far below the mid says nothing of where it comes from; in units of the features."""
_MIXED_MEASURE = "mixed_db"


@dataclass(frozen=True, slots=True)
class TimbreLessonConfig:
    """Net and batches."""

    source: Literal["sounds", "invented"] = "sounds"
    """What recipes/timbre/build.py stored, or envelopes made by arithmetic, which need no data."""
    embedding: int = 24
    """See `nets.timbre.TimbreConfig`."""
    width: int = 160
    """Likewise."""
    blocks: int = 3
    """Likewise."""
    batch: int = 16
    """Stretches in a batch; even."""
    frames: int = 64
    """Length of a stretch, 47 a second."""
    mixing: float = 0.5
    """Weight of what lies between two sounds."""
    noise: float = 0.05
    """Deviation of the noise that is added to codes while learning, so that near codes sound alike."""
    validation_sounds: int = 96
    """Held-out sounds of each kind to measure on."""

    def __post_init__(self) -> None:
        check_numbers(self, at_least={"batch": 2, "frames": 16})

    def network(self) -> TimbreConfig:
        """Shape of the net."""
        return TimbreConfig(FEATURES, self.embedding, self.width, self.blocks)


Kinds = Mapping[str, Sequence[HeardSound]]


class TimbreLesson:
    """See the module.

    Args:
        config: Net and batches.
        sounds: By kind ("notes", "voices", "music"); those that are held out measure only.
        seed: Of the net's first weights.
    """

    def __init__(self, config: TimbreLessonConfig, sounds: Kinds, seed: int) -> None:
        torch.manual_seed(seed)
        self.config = config
        self.model = TimbreNet(config.network())
        self._training = {kind: [s for s in some if not s.is_held_out] for kind, some in sounds.items()}
        self._kinds = [kind for kind, some in self._training.items() if some]
        odds = np.array([_ODDS[kind] for kind in self._kinds])
        self._odds = odds / odds.sum()
        self._validation = {
            kind: held for kind, some in sounds.items()
            if (held := _spread_out([s for s in some if s.is_held_out], config.validation_sounds))
        }  # fmt: skip

    def batch(self, generator: np.random.Generator) -> tuple[Tensor, ...]:
        """Features, level, and how far pairs are mixed."""
        rows = []
        for kind in generator.choice(self._kinds, self.config.batch, p=self._odds):
            pool = self._training[str(kind)]
            features, level = self._stretch(pool[int(generator.integers(len(pool)))], generator)
            rows.append((_varied(features, generator), level))
        shares = generator.uniform(0.0, 1.0, self.config.batch // 2).astype(np.float32)
        columns = (*(np.stack(column) for column in zip(*rows, strict=True)), shares)
        return tuple(torch.from_numpy(column) for column in columns)

    def _stretch(
        self, sound: HeardSound, generator: np.random.Generator
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Beginnings come more often than chance has it: an attack is short, and half of what a sound is known by."""
        spare = len(sound.level) - self.config.frames
        start = 0 if spare <= 0 or generator.random() < 0.25 else int(generator.integers(spare + 1))
        rows = np.minimum(np.arange(start, start + self.config.frames), len(sound.level) - 1)
        return sound.features[rows].astype(np.float32), sound.level[rows].astype(np.float32)

    def loss(self, batch: tuple[Tensor, ...]) -> Tensor:
        """How far what is given back is from what was heard, and what lies between from what should."""
        features, level, shares = (column.float() for column in batch)
        codes = self.model.encode(features).float()
        size = codes.square().mean()
        codes = codes + self.config.noise * torch.randn_like(codes)
        with torch.autocast(features.device.type, enabled=False):
            target, weight = _between_pairs(features, level, shares)
        half = len(shares)
        mixed = torch.lerp(codes[:half], codes[half:], shares.view(-1, 1, 1))
        pitched = torch.cat((features[..., -1], target[..., -1]))
        found = self.model.decode(torch.cat((codes, mixed)), pitched).float()
        given, middle = found[: 2 * half], found[2 * half :]
        kept = _distance(given, features, _weight(level))
        return kept + self.config.mixing * _distance(middle, target, weight) + 1e-3 * size

    @torch.no_grad()
    def validate(self) -> Mapping[str, float]:
        """Mean error of the envelope in audible bands, dB: of held-out sounds and of what lies between two of them."""
        self.model.eval()
        measured = {}
        for kind, sounds in self._validation.items():
            features, level = on_device_of(self.model, self._held(sounds))
            found = self.model(features)
            measured[f"{kind}_db"] = _envelope_error(found, features, level)
        features, level = on_device_of(self.model, self._held([s for some in self._validation.values() for s in some]))
        half = len(features) // 2
        shares = torch.full((half,), 0.5, device=level.device)
        target, weight = _between_pairs(features[: 2 * half], level[: 2 * half], shares)
        codes = self.model.encode(features[: 2 * half])
        mixed = 0.5 * (codes[:half] + codes[half:])
        found = self.model.decode(mixed, target[..., -1])
        measured[_MIXED_MEASURE] = _envelope_error(found, target, (weight - 1.0) * _QUIET_DB)
        return measured

    def _held(self, sounds: Sequence[HeardSound]) -> tuple[Tensor, ...]:
        generator = np.random.default_rng(0)
        rows = [self._stretch(sound, generator) for sound in sounds]
        return tuple(torch.from_numpy(np.stack(column)) for column in zip(*rows, strict=True))

    @torch.no_grad()
    def examples(self) -> Sequence[Picture]:
        """Envelopes of a held-out sound over time: as heard, and as given back."""
        features, _ = on_device_of(self.model, self._held(next(iter(self._validation.values()))[:1]))
        found = self.model(features)
        shown = [("heard", features), ("given back", found)]
        return [Picture(name, np.asarray(x[0, :, _ENVELOPE].float().cpu().T)) for name, x in shown]


def _varied(features: NDArray[np.float32], generator: np.random.Generator) -> NDArray[np.float32]:
    """The sound through a filter, from a larger or smaller body, narrower or wider."""
    varied = features.copy()
    bands = np.arange(BANDS)
    if generator.random() < 0.5:  # a body of another size: the envelope moves along the bands
        place = np.clip(bands - generator.uniform(-_SHIFT, _SHIFT), 0, BANDS - 1)
        low = np.minimum(place.astype(int), BANDS - 2)
        share = (place - low).astype(np.float32)
        envelope = varied[:, _ENVELOPE]
        varied[:, _ENVELOPE] = envelope[:, low] * (1.0 - share) + envelope[:, low + 1] * share
    if generator.random() < 0.5:
        line = bands / BANDS - 0.5
        wave = np.cos(2 * np.pi * (generator.uniform(0.5, 2.0) * line + generator.random()))
        varied[:, _ENVELOPE] += (_TILT * generator.normal() * (line + 0.5 * wave)).astype(np.float32)
    if generator.random() < 0.3:
        varied[:, _WIDTH] = np.clip(varied[:, _WIDTH] + generator.normal() * 0.5, -3.0, 1.0)
    return varied


def _weight(level: Tensor) -> Tensor:
    """Of frames: what is 60 dB below the loudest counts little."""
    return (level / _QUIET_DB + 1.0).clamp(0.05, 1.0)


def _between_pairs(features: Tensor, level: Tensor, shares: Tensor) -> tuple[Tensor, Tensor]:
    """What lies between the sounds of the first half and those of the second, and the weight of its frames."""
    half = len(shares)
    share = shares.view(-1, 1, 1)
    target = torch.lerp(features[:half], features[half:], share)
    first, second = (part[..., _ENVELOPE].flatten(0, 1).float() * _DB for part in (features[:half], features[half:]))
    moved = between(first, second, share.expand(-1, features.shape[1], 1).flatten().float())
    target[..., _ENVELOPE] = moved.view(half, -1, BANDS) / _DB
    return target, torch.minimum(_weight(level[:half]), _weight(level[half:]))


def _distance(found: Tensor, features: Tensor, weight: Tensor) -> Tensor:
    """Mean of absolute differences, weighted by what is heard of them."""
    off = (found - features[..., :-1]).abs()
    pitched, wide = features[..., -1], (features[..., _WIDTH].mean(-1) > _NARROW).float()
    parts = (
        (_DB / 10.0) * (off[..., _ENVELOPE] * _audible(features)).mean(-1),
        off[..., _HISS].mean(-1) * pitched,
        off[..., _PARTIALS].mean(-1) * pitched,
        0.5 * off[..., _WIDTH].mean(-1),
        0.5 * off[..., _PLACE].mean(-1) * wide,
    )
    total = torch.stack(parts).sum(0)
    return (total * weight).sum() / weight.sum()


def _audible(features: Tensor) -> Tensor:
    """Weight of bands: those 70 dB below the loudest of their frame count little."""
    envelope = features[..., _ENVELOPE] * _DB
    return (1.0 + (envelope - envelope.amax(-1, keepdim=True)) / _DEEP_DB).clamp(0.1, 1.0)


def _envelope_error(found: Tensor, features: Tensor, level: Tensor) -> float:
    off = (found.float()[..., _ENVELOPE] - features[..., _ENVELOPE]).abs() * _DB
    weight = _audible(features) * _weight(level).unsqueeze(-1)
    return float((off * weight).sum() / weight.sum())


def _spread_out(sounds: list[HeardSound], most: int) -> list[HeardSound]:
    """At most so many, from all over the list."""
    return [sounds[i] for i in np.unique(np.linspace(0, len(sounds) - 1, most).astype(int))] if sounds else []


def invented(seed: int) -> Kinds:
    """Sounds by arithmetic: resonances that decay, some pitched, some not."""
    generator = np.random.default_rng(seed)
    sounds = []
    for number in range(_INVENTED):
        features = np.zeros((96, FEATURES), np.float32)
        bands, time = np.arange(BANDS), np.linspace(0, 1, 96)[:, np.newaxis]
        height, middle, breadth = generator.uniform(0.5, 2.0), generator.uniform(5, 35), generator.uniform(2, 8)
        features[:, _ENVELOPE] = height * np.exp(-0.5 * ((bands - middle * (1 + 0.2 * time)) / breadth) ** 2)
        features[:, _ENVELOPE] -= 2.0 + bands * generator.uniform(0.0, 0.05) * (1 + time)
        features[:, -1] = number % 2
        features[:, _HISS] = -generator.uniform(0.5, 2.0) * (number % 2)
        features[:, _WIDTH] = generator.uniform(-3.0, 0.0)
        level = -40.0 * time[:, 0]
        sounds.append(HeardSound(features.astype(np.float16), level.astype(np.float16), number >= _INVENTED - 8))
    return {"notes": sounds}


def sounds_of(config: TimbreLessonConfig, data: Path | None, seed: int) -> Kinds:
    """What recipes/timbre/build.py has stored, or sounds by arithmetic.

    Raises:
        InputNotFound: It is not there.
        TextReadError: It is something else.
    """
    if config.source == "invented":
        return invented(seed)
    folder = required(data, "a folder filled by recipes/timbre/build.py")
    return {kind: load_sounds(required(folder / f"{kind}.npz", "all of notes, voices, music")) for kind in _FILES}


def build_lesson(config: TimbreLessonConfig, data: Path | None, seed: int) -> TimbreLesson:
    """The lesson on `sounds_of`."""
    return TimbreLesson(config, sounds_of(config, data, seed), seed)


def _furnish(config: TimbreLessonConfig, folder: Path) -> None:
    write_config(folder / "config.json", {"network": asdict(config.network())})


def _data(config: TimbreLessonConfig) -> tuple[TrainingData, ...]:
    if config.source == "invented":
        made = "envelopes made by arithmetic (descant.train.timbre)"
        return (TrainingData(made, "Apache-2.0", "The Descant authors"),)
    return (TrainingData("notes, singing and music, see recipes/timbre/README.md", "several", "see the recipe"),)


PLAN = Plan(
    TimbreLessonConfig,
    build_lesson,
    Draft(
        title="A timbre net",
        task="instrument",
        summary="Timbre to 24 numbers a frame and back, for blending sounds at 48 kHz.",
        architecture="timbre-net",
        data=_data,
        hears=lambda _config: Hears(48_000, 2),
    ),
    _furnish,
    lambda config: (*(f"{kind}_db" for kind in (_FILES if config.source == "sounds" else _FILES[:1])), _MIXED_MEASURE),
)
