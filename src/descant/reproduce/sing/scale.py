"""How large the experiments are: a TOML file per scale, beside this module."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib.resources import as_file, files
from typing import Literal

from descant.train.recipe import build


@dataclass(frozen=True, slots=True)
class StageScale:
    """One of the three stages of a training."""

    steps: int
    """Updates."""
    batch: int
    """Notes of an update."""
    excerpt: int = 0
    """Frames of each note that are compared; 0 takes the whole note, as published. Nothing to the stage `sequence`."""
    learning_rate: float = 3e-4
    """At its highest."""


@dataclass(frozen=True, slots=True)
class NetScale:
    """Sizes of the nets; see `nets.sing.SingConfig`."""

    channels: int = 4096
    hidden: int = 1024
    layers: int = 3


@dataclass(frozen=True, slots=True)
class LoopScale:
    """What all stages share; the defaults are as published."""

    begin: Literal["published", "copy"] = "published"
    """See `train.sing.SingLessonConfig`."""
    schedule: Literal["constant", "cosine"] = "constant"
    """Of the learning rate."""
    warmup: float = 0.0
    """Share of a stage in which it rises."""
    clip: float = 0.0
    """Largest norm of the gradient; 0 does not limit it."""
    precision: Literal["fp32", "bf16"] = "fp32"
    """Of the nets; sound is compared in float32 always."""
    steps_back: int = 32
    """Steps of truncated backpropagation."""
    validations: int = 4
    """In a stage."""


@dataclass(frozen=True, slots=True)
class MeasureScale:
    """What is measured afterwards."""

    notes: int = 0
    """Training notes, and at most so many test notes; 0 takes all test notes and as many of training."""
    timed: int = 8
    """Notes that are made at once where speed is measured."""
    repeats: int = 3
    """Timed passes."""
    pictures: int = 4
    """Held-out notes that are drawn."""


@dataclass(frozen=True, slots=True)
class SingScale:
    """All of it."""

    seeds: int
    """Trainings of each arm."""
    source: Literal["notes", "tones"]
    """A set of notes, or tones made by arithmetic."""
    net: NetScale
    loop: LoopScale
    autoencoder: StageScale
    sequence: StageScale
    end_to_end: StageScale
    measure: MeasureScale


def read_scale(name: str) -> SingScale:
    """The experiments of a scale.

    Raises:
        InvalidOption: A key means nothing.
    """
    with as_file(files(__package__) / f"{name}.toml") as path:
        return build(SingScale, tomllib.loads(path.read_text(encoding="utf-8")), path)
