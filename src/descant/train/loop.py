"""The training loop: batches in, weights out, resumable after a kill as if nothing had happened.

A run lives in a folder: `config.json` (all that was asked for), `log.csv` (one row a report), `tensorboard/`,
`checkpoint/` (see `checkpoint.py`) and `best/`. With a budget in steps a resumed run repeats an uninterrupted one bit
for bit on CPU; with a budget in minutes the learning rate follows the clock, so that it has fallen to its end when the
time is up on any machine.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from filelock import FileLock, Timeout
from torch import Tensor

from descant.errors import Cancelled, InvalidOption, OutputError, TrainingFailed
from descant.files import output_error
from descant.progress import CancelToken, Monitor, ProgressSink
from descant.train.checkpoint import CONFIG, load_weights, write_json
from descant.train.clock import Clock
from descant.train.config import LoopConfig
from descant.train.lesson import HasExamples, Lesson
from descant.train.log import CsvLog, Row, TensorBoardLog
from descant.train.machine import agreed, gathered, start
from descant.train.resume import asked_for
from descant.train.schedule import factor
from descant.train.standing import Standing

if TYPE_CHECKING:
    from lightning_fabric import Fabric

__all__ = ["Lesson", "LoopConfig", "Outcome", "load_weights", "train"]

Ending = Literal["done", "patience", "time"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a training ended.

    Attributes:
        checkpoint: The last checkpoint's folder.
        step: Steps made, over all parts.
        elapsed_s: Seconds of training, over all parts.
        ended: `done`: the budget is spent; `patience`: the watched measure stood still; `time`: this part's time is up.
        left: Share of the budget that is left.
        left_s: Seconds that it will take at the pace so far.
        measured: The last validation, and "loss", the last row's.
        is_first: Whether this process is the one of several that speaks.
    """

    checkpoint: Path
    step: int
    elapsed_s: float
    ended: Ending
    left: float
    left_s: float
    measured: Mapping[str, float]
    is_first: bool = True


def train(
    lesson: Lesson,
    config: LoopConfig,
    folder: Path,
    *,
    described: Mapping[str, Any] | None = None,
    limit_s: float | None = None,
    progress: ProgressSink | None = None,
    cancel: CancelToken | None = None,
) -> Outcome:
    """Train until the budget is spent, continuing the checkpoint in `folder` if there is one.

    With several processes, each builds the lesson and calls this; all but the first write nothing.

    Args:
        lesson: Model, data and loss.
        config: Budget, optimiser, machine.
        folder: The run's folder.
        described: What else to keep in `config.json` (the recipe).
        limit_s: Ends this part after so many seconds, with a checkpoint that a later part continues.
        progress: Receives the share of the budget that is spent.
        cancel: Stops after the step at work, with a checkpoint.

    Raises:
        CardError: The checkpoint in `folder` belongs to another model.
        CheckpointError: It is damaged.
        TrainingFailed: The loss is no number any more; the last checkpoint is from before.
        InvalidOption: The machine has no such devices, validation has no such measure, or the run in `folder` was begun
            with other settings (see `descant.train.resume`).
        MissingDependency: Lightning Fabric or tensorboard is not installed.
        Cancelled: `cancel` was raised.
    """
    asked = asked_for(config, described)
    fabric = start(config.machine)
    with _alone_in(folder) if fabric.is_global_zero else nullcontext():
        run = _Run(fabric, lesson, config, folder, asked, Monitor(progress, None, "training"))
        try:
            return run.go(limit_s, cancel)
        finally:
            run.close()


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Hold a run's folder; the lock ends with the process, however that ends.

    Raises:
        OutputError: The folder cannot be made, or another training is at work in it.
        PermissionRefused: It may not be written.
    """
    lock = FileLock(folder / ".lock")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout as error:
        raise OutputError(
            f"Another training is at work in {folder}.", "Wait for its end, or choose another --out."
        ) from error
    except OSError as error:
        raise output_error(error, folder) from error
    try:
        yield
    finally:
        lock.release()


class _Run:
    def __init__(
        self,
        fabric: Fabric,
        lesson: Lesson,
        config: LoopConfig,
        folder: Path,
        asked: Mapping[str, Any],
        monitor: Monitor,
    ) -> None:
        self._fabric, self._lesson, self._config, self._monitor = fabric, lesson, config, monitor
        torch.set_num_threads(config.threads)
        torch.manual_seed(config.seed + self._fabric.global_rank)
        self._standing = Standing(lesson, config, folder, asked, self._fabric)
        self._state = self._standing.state
        self._losses: dict[str, list[Tensor]] = {}
        self._csv: CsvLog | None = None
        self._board: TensorBoardLog | None = None
        if self._fabric.is_global_zero:
            write_json(folder / CONFIG, asked)
            self._csv = CsvLog(folder / "log.csv", self._state.step, self._standing.names)
            if config.tensorboard:
                self._board = TensorBoardLog(folder / "tensorboard", self._state.step)

    def close(self) -> None:
        self._standing.batches.close()
        if self._board is not None:
            self._board.close()

    def go(self, limit_s: float | None, cancel: CancelToken | None) -> Outcome:
        state, config = self._state, self._config
        clock = Clock(self._fabric, state.elapsed_s, config.checkpoint_every_s, limit_s, cancel)
        self._standing.table.begin()
        ending = self._ending()
        while ending is None:
            share = self._step()
            tick = clock.tick()
            state.elapsed_s = tick.elapsed_s
            ending = self._ending()
            is_validated = state.step % config.validate_every == 0 or ending is not None
            is_best = False
            if is_validated or state.step % config.report_every == 0:
                is_best = self._report(share, validate=is_validated)
                ending = self._ending()
            if ending is None and tick.is_time_up:
                ending = "time"
            if ending is not None or is_best or tick.is_save_due or tick.is_stopped:
                self._collect()
                self._standing.save()
                clock.saved()
            if tick.is_stopped:
                raise Cancelled
        return self._outcome(ending)

    def _step(self) -> float:
        """One step of all players; returns the share of the highest learning rate."""
        state = self._state
        share = factor(self._spent(), self._config) * state.patience.factor()
        for name, loss in self._standing.table.play(state.step + 1, share).items():
            self._losses.setdefault(name, []).append(loss)
        state.step += 1
        if self._standing.average is not None:
            self._standing.average.update(state.step)
        return share

    def _spent(self) -> float:
        if self._config.minutes is None:
            return self._state.step / self._config.steps
        return self._state.elapsed_s / (60.0 * self._config.minutes)

    def _ending(self) -> Ending | None:
        if self._spent() >= 1.0:
            return "done"
        return "patience" if self._state.patience.is_over(self._config.watch) else None

    def _outcome(self, ending: Ending) -> Outcome:
        state, spent = self._state, self._spent()
        left = max(0.0, 1.0 - spent)
        left_s = state.elapsed_s * left / spent if spent else math.inf
        checkpoint = self._standing.checkpoint
        measured = dict(state.measured)
        is_first = self._fabric.is_global_zero
        return Outcome(checkpoint, state.step, state.elapsed_s, ending, left, left_s, measured, is_first)

    def _collect(self) -> None:
        """Bring losses from the device; only here, so that no step waits for it."""
        collected = {name: [float(value) for value in values] for name, values in self._losses.items()}
        self._losses.clear()
        broken = [name for name, numbers in collected.items() if not all(map(math.isfinite, numbers))]
        # Where one process alone gave up, the others would wait for it in vain.
        if names := sorted({name for part in gathered(self._fabric, broken) for name in part}):
            raise TrainingFailed(
                f"The loss of '{names[0]}' is no number any more, at step {self._state.step} or shortly before.",
                f"Lower learning_rate, or clip harder. {self._standing.checkpoint}, if there, is from before.",
            )
        for name, numbers in collected.items():
            self._state.pending.setdefault(name, []).extend(numbers)

    def _report(self, share: float, *, validate: bool) -> bool:
        """Write a row; returns whether these weights are among the best."""
        self._collect()
        state, standing = self._state, self._standing
        losses = {name: float(np.mean(values)) for name, values in state.pending.items()}
        state.pending.clear()
        if standing.names[0] in losses:
            state.measured["loss"] = losses[standing.names[0]]
        measured, is_best = self._validate() if validate else ({}, False)
        state.measured.update(measured)
        rate = standing.table.seats[0].learning_rate * share
        row = Row(state.step, state.elapsed_s, losses, rate, measured)
        for log in (self._csv, self._board):
            if log is not None:
                log.write(row)
        named = {"loss" if name == standing.names[0] else f"loss of {name}": value for name, value in losses.items()}
        said = ", ".join(f"{name} {value:.4g}" for name, value in {**named, **measured}.items())
        if self._fabric.is_global_zero:
            self._monitor.report(self._spent(), f"step {state.step:,}: {said}")
        return is_best

    def _validate(self) -> tuple[dict[str, float], bool]:
        state, watch = self._state, self._config.watch
        is_best = False
        with self._standing.judged():
            own = self._lesson.validate()
            found = {"loss": state.measured.get("loss", math.nan), **own}
            # Processes have losses of their own; what is decided from these numbers must be the same for all.
            known = dict(zip(found, agreed(self._fabric, tuple(map(float, found.values()))), strict=True))
            measured = {name: known[name] for name in own}
            if watch.measure:
                value = known.get(watch.measure)
                if value is None:
                    raise InvalidOption(
                        f"The measure '{watch.measure}' of [loop.watch] is not among what validation returns.",
                        f"Known: {', '.join(known)}.",
                    )
                state.patience.take(value, self._config)
                is_best = self._standing.keep_if_best(value, measured)
            if self._config.tensorboard and isinstance(self._lesson, HasExamples):
                for example in self._lesson.examples():
                    if self._board is not None:
                        self._board.show(example, state.step)
        self._standing.table.begin()
        return measured, is_best
