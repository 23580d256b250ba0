"""How large the experiments are: a TOML file per scale, beside this module."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib.resources import as_file, files
from typing import Any

from descant.errors import InvalidOption
from descant.train.recipe import build


@dataclass(frozen=True, slots=True)
class RollScale:
    """Next-frame prediction on piano rolls, one whole piece a step; sizes as published unless said otherwise."""

    levels: int
    """Of both nets."""
    kernel: int
    """Of both nets."""
    tcn_width: int
    """Channels of each TCN block."""
    seq_u_net_width: int
    """Channels of each Seq-U-Net level."""
    dropout: float
    """In training."""
    epochs: float
    """Passes over the training pieces, drawn at random."""
    pieces: int = 0
    """At most that many pieces of each part; 0 takes all."""
    learning_rate: float = 1e-3
    """At its highest; it falls along a cosine."""
    clip: float = 0.4
    """Largest norm of the gradient."""
    validations: int = 20
    """Validations in a training; the best one's weights are tested."""


@dataclass(frozen=True, slots=True)
class AudioScale:
    """Next-sample prediction on rendered notes, mu-law."""

    levels: int = 6
    """Of the Seq-U-Net."""
    width: int = 32
    """Of the Seq-U-Net."""
    depth: int = 1
    """Of the Seq-U-Net."""
    wavenet_blocks: int = 5
    """With the layers below: equal receptive field."""
    wavenet_layers: int = 7
    """Layers of a block."""
    wavenet_width: int = 24
    """Residual and dilation channels."""
    wavenet_skip: int = 96
    """Skip channels."""
    sample_rate: int = 8_000
    """In Hz."""
    training_s: float = 60.0
    """Seconds of music to learn from."""
    held_out_s: float = 10.0
    """Seconds each for validation and test, of other pieces."""
    outputs: int = 1024
    """Scored samples of an excerpt."""
    batch: int = 4
    """Excerpts of a step."""
    steps: int = 400
    """Updates."""
    learning_rate: float = 2e-3
    """At its highest."""
    seeds: int = 3
    """Trainings of each net."""
    generated: int = 512
    """Samples whose generation is timed."""


@dataclass(frozen=True, slots=True)
class LagScale:
    """The copying task, with content that changes at every step or slowly."""

    levels: int = 4
    """Of both nets."""
    tcn_width: int = 48
    """Channels of each TCN block."""
    seq_u_net_width: int = 33
    """Channels of each Seq-U-Net level."""
    lag: int = 24
    """Steps between a symbol and its copy."""
    hold: int = 8
    """Mean steps of a symbol in the slow form; 1 in the fast one."""
    outputs: int = 128
    """Scored steps of a sequence."""
    batch: int = 8
    """Sequences of a step."""
    steps: int = 600
    """Updates."""
    learning_rate: float = 2e-3
    """At its highest."""


@dataclass(frozen=True, slots=True)
class CostScale:
    """What a training step costs."""

    lengths: tuple[int, ...] = (256, 1024, 4096)
    """Frames of a piece, for the nets of the chorales and of the tunes."""
    depths: tuple[int, ...] = (2, 3, 4, 5, 6)
    """Levels, at one length."""
    depth_length: int = 2048
    """That length."""
    depth_width: int = 96
    """Channels of the TCN there; Seq-U-Net gets what makes the parameters equal."""
    audio_lengths: tuple[int, ...] = (1024, 4096, 16384)
    """Scored samples, for the nets of the audio."""
    repeats: int = 3
    """Timed steps of each."""


@dataclass(frozen=True, slots=True)
class SeqUNetScale:
    """All of it."""

    seeds: int
    """Trainings of each net on each data set."""
    chorales: RollScale
    tunes: RollScale
    audio: AudioScale
    lag: LagScale
    costs: CostScale


def read_scale(name: str) -> SeqUNetScale:
    """The experiments of a scale.

    Raises:
        InvalidOption: A key means nothing.
    """
    with as_file(files(__package__) / f"{name}.toml") as path:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        costs: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in table.get("costs", {}).items()}
        known = CostScale.__dataclass_fields__
        if not set(costs) <= set(known):
            raise InvalidOption(f"{path} has unknown costs.", f"Known: {', '.join(known)}.")
        return SeqUNetScale(
            seeds=int(table["seeds"]),
            chorales=build(RollScale, table["chorales"], path),
            tunes=build(RollScale, table["tunes"], path),
            audio=build(AudioScale, table.get("audio", {}), path),
            lag=build(LagScale, table.get("lag", {}), path),
            costs=CostScale(**costs),
        )
