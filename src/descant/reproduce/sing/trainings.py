"""The arms that train: an autoencoder, and a generator that begins with one."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from torch import nn

from descant.errors import Cancelled
from descant.files import atomic_output
from descant.hub.checkpoint import load_tensors
from descant.nets.sing import SingConfig
from descant.progress import Monitor, Progress
from descant.reproduce.sing.measures import distances, some
from descant.reproduce.sing.scale import SingScale, StageScale
from descant.train.checkpoint import CHECKPOINT, WEIGHTS
from descant.train.config import Machine
from descant.train.loop import LoopConfig, load_weights, train
from descant.train.sing import SingLesson, SingLessonConfig, SingNets, Stage

if TYPE_CHECKING:
    from descant.reproduce.claims import Result
    from descant.reproduce.sing.material import Material

NETS = "sing.json"
"""Beside an arm's stages: sizes of the nets, and the instruments' names."""
LAST_STAGE = "end_to_end"
"""The folder of a generator's last stage."""
_GENERATOR = "sing.generator."
_VALIDATION_NOTES = 32
_SHARES: dict[Stage, tuple[float, float]] = {"sequence": (0.0, 0.4), "end_to_end": (0.4, 0.95)}

Loss = Literal["spectral", "wave"]


@dataclass(frozen=True)
class AutoencoderTraining:
    """The first stage.

    Attributes:
        scale: Sizes and budgets.
        loss: What sound is compared by.
        seed: Of weights and batches.
        threads: CPU threads.
        material: The notes.
    """

    scale: SingScale
    loss: Loss
    seed: int
    threads: int
    material: Material

    @property
    def settings(self) -> dict[str, Any]:
        """All that decides the result."""
        lesson = lesson_of(self.scale, "autoencoder", self.loss)
        loop = loop_of(self.scale, self.scale.autoencoder, self.seed, self.threads)
        return {"lesson": asdict(lesson), "loop": asdict(loop), "data": self.material.digest, **_measured(self.scale)}

    def __call__(self, folder: Path, monitor: Monitor) -> Result:
        """Train and measure."""
        started = time.process_time()
        lesson = make_lesson(self.scale, "autoencoder", self.loss, self.seed, self.material)
        seconds = _train(lesson, self.scale, self.seed, self.threads, folder, monitor.part("training", 0.0, 0.95))
        _write_nets(lesson, folder)
        nets = lesson.model.eval()
        found = _measure(lambda _symbols, padded: nets.sing.decoder(nets.encoder(padded)), lesson, self)
        return {**found, "training_s": seconds, "processor_s": time.process_time() - started}


@dataclass(frozen=True)
class GeneratorTraining:
    """The second and the third stage.

    Attributes:
        scale: Sizes and budgets.
        loss: What sound is compared by.
        has_time: Whether there is a time table.
        seed: Of weights and batches.
        threads: CPU threads.
        material: The notes.
        autoencoder: Fingerprint of the arm that it begins with.
        begin: The checkpoint of that arm.
    """

    scale: SingScale
    loss: Loss
    has_time: bool
    seed: int
    threads: int
    material: Material
    autoencoder: str
    begin: Callable[[], Path]

    @property
    def settings(self) -> dict[str, Any]:
        """All that decides the result."""
        stages: dict[Stage, StageScale] = {"sequence": self.scale.sequence, "end_to_end": self.scale.end_to_end}
        return {
            "lessons": [asdict(lesson_of(self.scale, s, self.loss, has_time=self.has_time)) for s in stages],
            "loops": [asdict(loop_of(self.scale, stage, self.seed, self.threads)) for stage in stages.values()],
            "data": self.material.digest,
            "autoencoder": self.autoencoder,
            **_measured(self.scale),
        }

    def __call__(self, folder: Path, monitor: Monitor) -> Result:
        """Train both stages and measure."""
        started, seconds, begin = time.process_time(), 0.0, self.begin()
        for stage, share in _SHARES.items():
            place = folder / stage
            lesson = make_lesson(self.scale, stage, self.loss, self.seed, self.material, has_time=self.has_time)
            begin_with = _begin_with_autoencoder if stage == "sequence" else load_weights
            begin_with(lesson.model, begin)
            seconds += _train(lesson, self.scale, self.seed, self.threads, place, monitor.part(stage, *share))
            begin = place / CHECKPOINT
        _write_nets(lesson, folder)
        sing = lesson.model.sing.eval()
        found = _measure(lambda symbols, _padded: sing(symbols), lesson, self)
        return {**found, "training_s": seconds, "processor_s": time.process_time() - started}


def lesson_of(scale: SingScale, stage: Stage, loss: Loss, *, has_time: bool = True) -> SingLessonConfig:
    """A stage's lesson."""
    stages: dict[Stage, StageScale] = {
        "autoencoder": scale.autoencoder,
        "sequence": scale.sequence,
        "end_to_end": scale.end_to_end,
    }
    return SingLessonConfig(
        stage=stage,
        loss=loss,
        source=scale.source,
        channels=scale.net.channels,
        hidden=scale.net.hidden,
        layers=scale.net.layers,
        time_dim=SingConfig().time_dim if has_time else 0,
        batch=stages[stage].batch,
        steps_back=scale.loop.steps_back,
        excerpt=stages[stage].excerpt,
        begin=scale.loop.begin,
        validation_notes=_VALIDATION_NOTES,
    )


def make_lesson(
    scale: SingScale, stage: Stage, loss: Loss, seed: int, material: Material, *, has_time: bool = True
) -> SingLesson:
    """The same, with its notes."""
    config, notes = lesson_of(scale, stage, loss, has_time=has_time), material.notes
    return SingLesson(config, material.instruments, notes["train"], notes["validation"], seed)


def loop_of(scale: SingScale, stage: StageScale, seed: int, threads: int) -> LoopConfig:
    """A stage's training: Adam as published."""
    loop = scale.loop
    often = max(1, stage.steps // loop.validations)
    return LoopConfig(
        steps=stage.steps,
        optimiser="adam",
        learning_rate=stage.learning_rate,
        schedule=loop.schedule,
        warmup=loop.warmup,
        weight_decay=0.0,
        betas=(0.9, 0.999),
        clip=loop.clip,
        seed=seed,
        threads=threads,
        report_every=min(often, 50),
        validate_every=often,
        checkpoint_every_s=60.0,
        tensorboard=False,  # log.csv has it
        machine=Machine(precision=loop.precision),
    )


def _train(lesson: SingLesson, scale: SingScale, seed: int, threads: int, folder: Path, monitor: Monitor) -> float:
    """Train a stage to its end, and take its last weights; returns the seconds of all its parts."""
    stages = {"autoencoder": scale.autoencoder, "sequence": scale.sequence, "end_to_end": scale.end_to_end}

    def report(event: Progress) -> None:  # the arm's own name says more than the loop's
        with suppress(Cancelled):  # the loop stops by itself, after it has written a checkpoint
            monitor.report(event.fraction, event.message)

    loop = loop_of(scale, stages[lesson.config.stage], seed, threads)
    outcome = train(lesson, loop, folder, progress=report, cancel=monitor.cancel)
    load_weights(lesson.model, folder / CHECKPOINT)
    lesson.model.cpu()
    return outcome.elapsed_s


def _begin_with_autoencoder(nets: SingNets, checkpoint: Path) -> None:
    """Encoder and decoder of the first stage; the generator there has learned nothing and may have another table."""
    learned = {n: value for n, value in load_tensors(checkpoint / WEIGHTS).items() if not n.startswith(_GENERATOR)}
    nets.load_state_dict({**nets.state_dict(), **learned})


def _measure(
    make: Callable[[Any, Any], Any], lesson: SingLesson, arm: AutoencoderTraining | GeneratorTraining
) -> dict[str, Any]:
    shape = lesson.model.sing.config
    most = arm.scale.measure.notes or len(arm.material.notes["test"])
    parts = {split: some(arm.material.notes[split], most) for split in ("train", "test")}
    found = {split: distances(make, notes, shape) for split, notes in parts.items()}
    named = {f"{split}_{measure}": value for split, measures in found.items() for measure, value in measures.items()}
    return {**named, "notes": {split: len(notes) for split, notes in parts.items()}, "parameters": _count(lesson.model)}


def _measured(scale: SingScale) -> dict[str, Any]:
    return {"notes": scale.measure.notes}


def _count(nets: SingNets) -> dict[str, int]:
    parts: dict[str, nn.Module] = {"sing": nets.sing, "encoder": nets.encoder}
    return {name: sum(p.numel() for p in part.parameters()) for name, part in parts.items()}


def _write_nets(lesson: SingLesson, folder: Path) -> None:
    said = {"config": asdict(lesson.model.sing.config), "instruments": list(lesson.instruments)}
    with atomic_output(folder / NETS) as temporary:
        temporary.write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
