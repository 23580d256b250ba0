"""The arms that train: each is made of its settings and, when called, trains and tests one net with one seed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from descant.data.note_audio import CLASSES, Classes
from descant.data.piano_rolls import PianoRoll, Splits
from descant.errors import Cancelled
from descant.nets.causal import parameter_count
from descant.nets.seq_u_net_residual import SeqUNetResidual
from descant.nets.wavenet import WaveNet
from descant.progress import Monitor, Progress
from descant.reproduce.seq_u_net.lessons import AudioLesson, LagLesson, sample_bits, symbol_nats
from descant.reproduce.seq_u_net.pairs import NetConfig, make_net
from descant.reproduce.seq_u_net.scale import AudioScale, LagScale, RollScale
from descant.train.best import best_weights
from descant.train.checkpoint import CHECKPOINT
from descant.train.config import Watch
from descant.train.loop import Lesson, LoopConfig, load_weights, train
from descant.train.next_frame import NextFrameLesson, frame_nats, frequency_nats, roll_tensor

if TYPE_CHECKING:
    from descant.reproduce.claims import Result
    from descant.reproduce.seq_u_net.material import Material

_FINAL_RATE = 0.02
_CLIP = 1.0
_VALIDATIONS = 4


@dataclass(frozen=True, slots=True)
class LagTraining:
    """The copying task."""

    config: NetConfig
    scale: LagScale
    hold: int
    seed: int
    threads: int

    @property
    def loop(self) -> LoopConfig:
        """The training."""
        return _loop(self.scale.steps, self.scale.learning_rate, _CLIP, self.seed, self.threads, _VALIDATIONS)

    @property
    def settings(self) -> dict[str, Any]:
        """All that decides the result."""
        return {**_said(self.config, self.loop), "lag": asdict(self.scale), "hold": self.hold}

    def __call__(self, folder: Path, monitor: Monitor) -> Result:
        """Train and test the last weights."""
        torch.manual_seed(self.seed)
        lesson = LagLesson(make_net(self.config), self.scale, self.hold)
        _train(lesson, self.loop, folder, monitor)
        load_weights(lesson.model, folder / CHECKPOINT)
        return {
            "test_nats_per_symbol": symbol_nats(lesson.model, self.scale, self.hold),
            "parameters": parameter_count(lesson.model),
        }


@dataclass(frozen=True, slots=True)
class AudioTraining:
    """The next sample of audio."""

    config: NetConfig
    scale: AudioScale
    seed: int
    threads: int
    material: Material

    @property
    def loop(self) -> LoopConfig:
        """The training."""
        steps, rate = self.scale.steps, self.scale.learning_rate
        return _loop(steps, rate, _CLIP, self.seed, self.threads, _VALIDATIONS, Watch("bits_per_sample", keep=1))

    @property
    def settings(self) -> dict[str, Any]:
        """All that decides the result."""
        data = {"scores": self.material.scores_digest, "soundfont": self.material.soundfont_digest}
        return {**_said(self.config, self.loop), "data": data, "audio": asdict(self.scale)}

    def __call__(self, folder: Path, monitor: Monitor) -> Result:
        """Train, and test the weights of the best validation."""
        music = self.material.audio
        torch.manual_seed(self.seed)
        model = make_net(self.config)
        assert isinstance(model, (WaveNet, SeqUNetResidual))
        _train(AudioLesson(model, music["training"], music["validation"], self.scale), self.loop, folder, monitor)
        load_weights(model, best_weights(folder))
        return {
            "test_bits_per_sample": sample_bits(model, music["test"]),
            "unigram_bits_per_sample": _unigram_bits(music["training"], music["test"]),
            "parameters": parameter_count(model),
            "receptive_field": model.config.receptive_field,
        }


@dataclass(frozen=True, slots=True)
class RollTraining:
    """The next frame of a piano roll; `splits` reads the collection."""

    config: NetConfig
    scale: RollScale
    seed: int
    threads: int
    material: Material
    splits: Callable[[], Splits]

    def loop(self, pieces: int) -> LoopConfig:
        """The training on so many pieces."""
        scale, steps = self.scale, max(1, round(self.scale.epochs * pieces))
        watch = Watch("nats_per_frame", keep=1)
        return _loop(steps, scale.learning_rate, scale.clip, self.seed, self.threads, scale.validations, watch)

    @property
    def settings(self) -> dict[str, Any]:
        """All that decides the result; the number of steps follows from the epochs and the scores."""
        said = _said(self.config, self.loop(pieces=1))
        return {**said, "rolls": asdict(self.scale), "data": {"scores": self.material.scores_digest}}

    def __call__(self, folder: Path, monitor: Monitor) -> Result:
        """Train, and test the weights of the best validation."""
        scale, splits = self.scale, self.splits()
        training, validation, test = (_some(p, scale.pieces) for p in (splits.training, splits.validation, splits.test))
        loop = self.loop(len(training))
        torch.manual_seed(self.seed)
        model = make_net(self.config)
        _train(NextFrameLesson(model, training, validation), loop, folder, monitor)
        load_weights(model, best_weights(folder))
        parts = {"training": training, "validation": validation, "test": test}
        return {
            **{f"{part}_nats_per_frame": frame_nats(model, [roll_tensor(p) for p in parts[part]]) for part in parts},
            "frequency_nats_per_frame": frequency_nats(training, test),
            "parameters": parameter_count(model),
            "steps": loop.steps,
            "data": splits.describe(),
        }


def described(config: NetConfig) -> dict[str, Any]:
    """A net's shape, for fingerprints."""
    return {"kind": type(config).__name__, **asdict(config)}


def _said(config: NetConfig, loop: LoopConfig) -> dict[str, Any]:
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return {"net": described(config), "loop": asdict(loop), "device": device}


def _some(pieces: tuple[PianoRoll, ...], most: int) -> tuple[PianoRoll, ...]:
    return pieces[:most] if most else pieces


def _unigram_bits(training: Classes, test: Classes) -> float:
    """What a model that knows only how often each class occurs would need."""
    counts = np.bincount(training, minlength=CLASSES) + 1.0
    return float(-np.log2(counts / counts.sum())[test].mean())


def _loop(
    steps: int,
    learning_rate: float,
    clip: float,
    seed: int,
    threads: int,
    validations: int,
    watch: Watch | None = None,
) -> LoopConfig:
    often = max(1, steps // validations)
    return LoopConfig(
        steps=steps,
        learning_rate=learning_rate,
        final_rate=_FINAL_RATE,
        weight_decay=0.0,
        clip=clip,
        seed=seed,
        threads=threads,
        report_every=often,
        validate_every=often,
        checkpoint_every_s=60.0,
        tensorboard=False,  # log.csv has it, and nobody looks at dozens of arms
        watch=watch or Watch(),
    )


def _train(lesson: Lesson, loop: LoopConfig, folder: Path, monitor: Monitor) -> None:
    def report(event: Progress) -> None:  # the arm's own name says more than the loop's
        with suppress(Cancelled):  # the loop stops by itself, after it has written a checkpoint
            monitor.report(event.fraction, event.message)

    train(lesson, loop, folder, progress=report, cancel=monitor.cancel)
