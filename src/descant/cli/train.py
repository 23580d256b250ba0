"""`descant train`: train a recipe's weights."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from descant.cli.terminal import progress_bar
from descant.progress import CancelToken

if TYPE_CHECKING:
    from descant.train.config import LoopConfig
    from descant.train.loop import Outcome
    from descant.train.prepared import Prepared

_LINE_EVERY_S = 60.0


def train(
    recipe: Path,
    *,
    out: Annotated[Path, Parameter(alias="-o")],
    data: Path | None = None,
    start: Path | None = None,
    minutes: float | None = None,
    change: Annotated[tuple[str, ...], Parameter(name="--set", negative=())] = (),
    device: Literal["auto", "cpu", "cuda"] | None = None,
    devices: int | None = None,
    nodes: int | None = None,
    strategy: Literal["auto", "ddp", "fsdp"] | None = None,
    precision: Literal["fp32", "bf16"] | None = None,
    threads: int | None = None,
    quiet: Annotated[bool, Parameter(alias="-q", negative=())] = False,
) -> None:
    """Train a recipe's weights; run it again to continue where it was stopped.

    Ctrl-C stops after the step at work, with a checkpoint.

    Args:
        recipe: A TOML file below recipes/.
        out: The run's folder: log.csv, config.json, checkpoint/, best/, tensorboard/.
        data: The data set that the recipe's README names (a zip file or folder).
        start: A checkpoint folder whose weights to begin with, in place of random ones.
        minutes: Stop after so many minutes, with a checkpoint, and say what is left; the same command continues.
        change: "table.key=value" in place of what the recipe says, as often as needed (loop.steps=500).
        device: In place of the recipe's.
        devices: GPUs on each machine, or processes on the CPU, in place of the recipe's.
        nodes: Machines, in place of the recipe's.
        strategy: In place of the recipe's.
        precision: In place of the recipe's.
        threads: CPU threads of each process, in place of the recipe's.
        quiet: Print nothing but errors.
    """
    from descant.errors import InvalidOption
    from descant.train.prepared import prepare

    if minutes is not None and minutes <= 0:
        raise InvalidOption(f"--minutes {minutes:g} leaves no time.", "Give more than 0.")
    instead = {
        "threads": threads,
        "machine.device": device,
        "machine.devices": devices,
        "machine.nodes": nodes,
        "machine.strategy": strategy,
        "machine.precision": precision,
    }
    given = tuple(f"loop.{key}={value}" for key, value in instead.items() if value is not None)
    prepared = prepare(recipe, (*change, *given))
    outcome = _run(prepared, out, data, start, minutes, quiet=quiet)
    if outcome.is_first:
        if not quiet:
            _say_end(outcome, prepared.recipe.loop, out)
        if outcome.ended != "time":
            prepared.recipe.check(outcome.measured)


def _run(
    prepared: Prepared, out: Path, data: Path | None, start: Path | None, minutes: float | None, *, quiet: bool
) -> Outcome:
    """Read the data and train, with a progress bar, until the end or a signal."""
    from descant.train.checkpoint import CHECKPOINT
    from descant.train.loop import load_weights
    from descant.train.loop import train as run
    from descant.train.resume import asked_for, refuse_other_settings

    refuse_other_settings(out / CHECKPOINT, asked_for(prepared.recipe.loop, prepared.described))  # before the data
    for greeter in ("rank_zero", "distributed"):
        logging.getLogger(f"lightning_fabric.utilities.{greeter}").setLevel(logging.WARNING)
    loop = prepared.recipe.loop
    is_quiet = quiet or os.environ.get("LOCAL_RANK", "0") != "0"  # of several processes one speaks
    with progress_bar("train", quiet=is_quiet, every_s=_LINE_EVERY_S) as progress, _stopped_gently(out) as cancel:
        lesson = prepared.plan.build(prepared.config, data, loop.seed)
        if start is not None:
            load_weights(lesson.model, start)
        limit_s = None if minutes is None else 60 * minutes
        return run(lesson, loop, out, described=prepared.described, limit_s=limit_s, progress=progress, cancel=cancel)


def _say_end(outcome: Outcome, loop: LoopConfig, out: Path) -> None:
    so_far = f"{outcome.step:,} steps, {_spell(outcome.elapsed_s)}"
    found = ", ".join(f"{name} {value:.4g}" for name, value in outcome.measured.items())
    if outcome.ended == "time":
        whole = f"of {loop.steps:,} steps" if loop.minutes is None else f"of {loop.minutes:g} minutes"
        print(f"{out}: {so_far}; {outcome.left:.0%} {whole} are left, about {_spell(outcome.left_s)} at this pace.")
        print("The same command goes on.")
    else:
        why = "" if outcome.ended == "done" else f" ({loop.watch.measure} stood still)"
        print(f"{out}: finished{why} after {so_far}; {found}")


def _spell(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"


@contextmanager
def _stopped_gently(out: Path) -> Iterator[CancelToken]:
    """Ctrl-C and SIGTERM end the step at work and write a checkpoint; a second one does not wait."""
    from descant.errors import Cancelled

    cancel = CancelToken()

    def stop(number: int, _frame: FrameType | None) -> None:
        if cancel.is_cancelled:
            raise KeyboardInterrupt(number)
        cancel.cancel()

    is_main = threading.current_thread() is threading.main_thread()
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM) if is_main}
    try:
        yield cancel
    except Cancelled as stopped:
        raise Cancelled(f"Stopped; {out} holds a checkpoint.", "The same command goes on.") from stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
