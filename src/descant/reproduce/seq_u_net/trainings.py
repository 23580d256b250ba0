"""The arms that train: each is made of its settings and, when called, trains and tests one net with one seed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from descant.data.note_audio import CLASSES, Classes
from descant.data.piano_rolls import PianoRoll, Splits
from descant.errors import Cancelled
from descant.nets.causal import parameter_count
from descant.nets.seq_u_net_residual import SeqUNetResidual
from descant.nets.wavenet import WaveNet
from descant.progress import Monitor, Progress
from descant.reproduce.best_weights import BestWeights
from descant.reproduce.claims import Result
from descant.reproduce.seq_u_net.lessons import (
    AudioLesson,
    LagLesson,
    RollLesson,
    frame_nats,
    roll_tensor,
    sample_bits,
    symbol_nats,
)
from descant.reproduce.seq_u_net.material import VERSION, Material
from descant.reproduce.seq_u_net.pairs import NetConfig, make_net
from descant.reproduce.seq_u_net.scale import AudioScale, LagScale, RollScale
from descant.train.loop import Lesson, LoopConfig, load_weights, train

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
    def settings(self) -> dict[str, Any]:
        """All that decides the result."""
        said = _said(self.config, self.scale, self.seed)
        return {**said, "data": VERSION, "lag": asdict(self.scale), "hold": self.hold}

    def __call__(self, folder: Path, monitor: Monitor) -> Result:
        """Train and test."""
        torch.manual_seed(self.seed)
        lesson = LagLesson(make_net(self.config), self.scale, self.hold)
        loop = _loop(self.scale.steps, self.scale.learning_rate, _CLIP, self.seed, self.threads, _VALIDATIONS)
        _train(lesson, loop, folder, monitor)
        load_weights(lesson.model, folder / "checkpoint")
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
    def settings(self) -> dict[str, Any]:
        """All that decides the result."""
        return {**_said(self.config, self.scale, self.seed), **self.material.settings, "audio": asdict(self.scale)}

    def __call__(self, folder: Path, monitor: Monitor) -> Result:
        """Train and test."""
        music = self.material.audio
        torch.manual_seed(self.seed)
        model = make_net(self.config)
        assert isinstance(model, (WaveNet, SeqUNetResidual))
        best = BestWeights(folder / "best")
        lesson = AudioLesson(model, music["training"], music["validation"], self.scale, best)
        loop = _loop(self.scale.steps, self.scale.learning_rate, _CLIP, self.seed, self.threads, _VALIDATIONS)
        _train(lesson, loop, folder, monitor)
        best.load(model)
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

    @property
    def settings(self) -> dict[str, Any]:
        """All that decides the result."""
        settings = {"net": described(self.config), "rolls": asdict(self.scale), "seed": self.seed}
        return {**settings, **{k: v for k, v in self.material.settings.items() if k != "soundfont"}}

    def __call__(self, folder: Path, monitor: Monitor) -> Result:
        """Train and test."""
        scale, splits = self.scale, self.splits()
        training, validation, test = (_some(p, scale.pieces) for p in (splits.training, splits.validation, splits.test))
        steps = max(1, round(scale.epochs * len(training)))
        torch.manual_seed(self.seed)
        model = make_net(self.config)
        best = BestWeights(folder / "best")
        loop = _loop(steps, scale.learning_rate, scale.clip, self.seed, self.threads, scale.validations)
        _train(RollLesson(model, training, validation, best), loop, folder, monitor)
        best.load(model)
        parts = {"training": training, "validation": validation, "test": test}
        return {
            **{f"{part}_nats_per_frame": frame_nats(model, [roll_tensor(p) for p in parts[part]]) for part in parts},
            "frequency_nats_per_frame": _frequency_nats(training, test),
            "parameters": parameter_count(model),
            "steps": steps,
            "data": splits.describe(),
        }


def described(config: NetConfig) -> dict[str, Any]:
    """A net's shape, for fingerprints."""
    return {"kind": type(config).__name__, **asdict(config)}


def _said(config: NetConfig, scale: LagScale | AudioScale, seed: int) -> dict[str, Any]:
    loop = {"steps": scale.steps, "learning_rate": scale.learning_rate, "clip": _CLIP, "seed": seed}
    return {"net": described(config), "loop": loop}


def _some(pieces: tuple[PianoRoll, ...], most: int) -> tuple[PianoRoll, ...]:
    return pieces[:most] if most else pieces


def _frequency_nats(training: tuple[PianoRoll, ...], test: tuple[PianoRoll, ...]) -> float:
    """What a model that knows only how often each key sounds would need."""
    counts = np.sum([p.frames.sum(0) for p in training], axis=0)
    share = (counts + 0.5) / (sum(len(p.frames) for p in training) + 1.0)
    frames = np.concatenate([p.frames[1:] for p in test])
    return float(-(np.log(share) * frames + np.log1p(-share) * ~frames).sum(1).mean())


def _unigram_bits(training: Classes, test: Classes) -> float:
    """What a model that knows only how often each class occurs would need."""
    counts = np.bincount(training, minlength=CLASSES) + 1.0
    return float(-np.log2(counts / counts.sum())[test].mean())


def _loop(steps: int, learning_rate: float, clip: float, seed: int, threads: int, validations: int) -> LoopConfig:
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
    )


def _train(lesson: Lesson, loop: LoopConfig, folder: Path, monitor: Monitor) -> None:
    def report(event: Progress) -> None:  # the arm's own name says more than the loop's
        with suppress(Cancelled):  # the loop stops by itself, after it has written a checkpoint
            monitor.report(event.fraction, event.message)

    train(lesson, loop, folder, progress=report, cancel=monitor.cancel)
