"""How large the experiments are: a TOML file per scale, beside this module."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib.resources import as_file, files
from typing import Literal

from descant.train.recipe import build


@dataclass(frozen=True, slots=True)
class NetScale:
    """Sizes of the nets; the defaults are as published."""

    width: int = 64
    """Filters of the residual blocks."""
    blocks: int = 10
    """Residual blocks."""
    halvings: int = 0
    """Blocks that halve the frequency axis."""
    growth: int = 24
    """Channels that a level of the Wave-U-Net has more than the one above."""


@dataclass(frozen=True, slots=True)
class TrainingScale:
    """A kind of training."""

    steps: int
    """Updates."""
    batch: int
    """Stretches of an update."""
    seconds: float = 5.0
    """Length of a stretch; nothing to the Wave-U-Net."""
    learning_rate: float = 1e-3
    """At its highest."""


@dataclass(frozen=True, slots=True)
class LoopScale:
    """What all trainings share."""

    schedule: Literal["constant", "cosine"] = "constant"
    """Of the learning rate."""
    precision: Literal["fp32", "bf16"] = "fp32"
    """Of the nets."""
    negatives: int = 1000
    """Of the contrastive loss."""
    shortest_line_s: float = 0.0
    """See `train.lyrics_contrastive.ContrastiveLessonConfig`; 0 leaves lines whole, as published."""
    backed_share: float = 0.6
    """Likewise."""
    validations: int = 4
    """In a training."""


@dataclass(frozen=True, slots=True)
class LyricsScale:
    """All of it."""

    seeds: int
    """Trainings of each arm."""
    source: Literal["set", "invented"]
    """What recipes/lyrics_contrastive/build.py stored, or tones that spell letters."""
    net: NetScale
    loop: LoopScale
    contrastive: TrainingScale
    ctc: TrainingScale
    wave_u_net: TrainingScale
    songs: int = 0
    """Held-out songs that are measured, at most; 0 takes all."""


def read_scale(name: str) -> LyricsScale:
    """The experiments of a scale.

    Raises:
        InvalidOption: A key means nothing.
    """
    with as_file(files(__package__) / f"{name}.toml") as path:
        return build(LyricsScale, tomllib.loads(path.read_text(encoding="utf-8")), path)
