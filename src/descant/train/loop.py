"""The training loop: batches in, weights out, resumable after a kill as if nothing had happened.

A run lives in a folder: `config.json` (all that was asked for), `log.csv` (one row a report) and `checkpoint/` with
the weights, the optimiser's state and both random generators. With a budget in steps a resumed run repeats the
losses of an uninterrupted one bit for bit; with a budget in minutes the learning rate follows the clock, so that it
has fallen to its end when the time is up on any machine.
"""

from __future__ import annotations

import csv
import json
import math
import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from descant.errors import CardError, InputNotFound, InvalidOption
from descant.progress import CancelToken, Monitor, ProgressSink


@dataclass(frozen=True, slots=True)
class LoopConfig:
    """How long and how fast to learn."""

    steps: int = 5000
    """Updates to make, when `minutes` is None."""
    minutes: float | None = None
    """Wall-clock budget, over all resumed parts; takes the place of `steps`."""
    learning_rate: float = 1e-3
    """At its highest."""
    warmup: float = 0.02
    """Share of the budget in which the learning rate rises; afterwards it falls along a cosine."""
    final_rate: float = 0.02
    """The learning rate's end, as a share of its highest."""
    weight_decay: float = 0.05
    """Of AdamW, on matrices only."""
    clip: float = 1.0
    """Largest norm of the gradient."""
    seed: int = 0
    """Of weights and batches."""
    threads: int = 1
    """CPU threads."""
    report_every: int = 50
    """Steps between rows of the log."""
    validate_every: int = 500
    """Steps between validations."""
    checkpoint_every_s: float = 180.0
    """Seconds between checkpoints; the last step is always saved."""

    def __post_init__(self) -> None:
        if self.steps < 1 or self.learning_rate <= 0 or self.threads < 1:
            raise InvalidOption("steps, learning_rate and threads of a training must be positive.")
        if self.minutes is not None and self.minutes <= 0:
            raise InvalidOption("The minutes of a training must be positive.")


class Lesson(Protocol):
    """What is learned: a model, its data and its loss."""

    @property
    def model(self) -> nn.Module:
        """What is trained."""

    def batch(self, generator: np.random.Generator) -> tuple[Tensor, ...]:
        """Draw a batch."""

    def loss(self, batch: tuple[Tensor, ...]) -> Tensor:
        """Scalar loss of a batch."""

    def validate(self) -> Mapping[str, float]:
        """Named measurements on held-out data."""


@dataclass(slots=True)
class _State:
    step: int = 0
    elapsed_s: float = 0.0


def train(
    lesson: Lesson,
    config: LoopConfig,
    folder: Path,
    *,
    described: Mapping[str, Any] | None = None,
    progress: ProgressSink | None = None,
    cancel: CancelToken | None = None,
) -> Path:
    """Train until the budget is spent, continuing the checkpoint in `folder` if there is one.

    Args:
        lesson: Model, data and loss.
        config: Budget and optimiser.
        folder: The run's folder.
        described: What else to keep in `config.json` (the recipe).
        progress: Receives the share of the budget that is spent.
        cancel: Stops after the step at work, with a checkpoint.

    Returns:
        The folder of the last checkpoint.

    Raises:
        CardError: The checkpoint in `folder` belongs to another model.
    """
    torch.set_num_threads(config.threads)
    torch.manual_seed(config.seed)
    generator = np.random.default_rng(config.seed)
    optimiser = _optimiser(lesson.model, config)
    checkpoint = folder / "checkpoint"
    state = _State()
    if (checkpoint / "state.json").is_file():
        state = _load(checkpoint, lesson.model, optimiser, generator)
    folder.mkdir(parents=True, exist_ok=True)
    asked = {"loop": asdict(config), **(described or {})}
    (folder / "config.json").write_text(json.dumps(asked, indent=1) + "\n", encoding="utf-8")
    log = _Log(folder / "log.csv", state.step)
    monitor = Monitor(progress, None, "training")
    resumed_at, saved_at = time.monotonic() - state.elapsed_s, time.monotonic()
    losses: list[float] = []
    while (spent := _spent(state, config)) < 1.0:
        losses.append(_step(lesson, optimiser, _rate(spent, config), config.clip, generator))
        state.step += 1
        state.elapsed_s = time.monotonic() - resumed_at
        is_last = _spent(state, config) >= 1.0 or (cancel is not None and cancel.is_cancelled)
        if state.step % config.report_every == 0 or is_last:
            due = state.step % config.validate_every == 0 or is_last
            measured = lesson.validate() if due else {}
            log.write(state, float(np.mean(losses)), _rate(spent, config), measured)
            monitor.report(_spent(state, config), f"step {state.step}, loss {np.mean(losses):.3f}")
            losses.clear()
        if is_last or time.monotonic() - saved_at > config.checkpoint_every_s:
            _save(checkpoint, lesson.model, optimiser, generator, state)
            saved_at = time.monotonic()
        if cancel is not None:
            cancel.check()
    return checkpoint


def _spent(state: _State, config: LoopConfig) -> float:
    if config.minutes is None:
        return state.step / config.steps
    return state.elapsed_s / (60.0 * config.minutes)


def _rate(spent: float, config: LoopConfig) -> float:
    if spent < config.warmup:
        return config.learning_rate * max(spent / config.warmup, 0.01)
    fall = 0.5 + 0.5 * math.cos(math.pi * (spent - config.warmup) / (1.0 - config.warmup))
    return config.learning_rate * (config.final_rate + (1.0 - config.final_rate) * fall)


def _step(
    lesson: Lesson, optimiser: torch.optim.Optimizer, rate: float, clip: float, generator: np.random.Generator
) -> float:
    for group in optimiser.param_groups:
        group["lr"] = rate
    lesson.model.train()
    loss = lesson.loss(lesson.batch(generator))
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(lesson.model.parameters(), clip)
    optimiser.step()
    return float(loss.detach())


def _optimiser(model: nn.Module, config: LoopConfig) -> torch.optim.AdamW:
    matrices = [p for p in model.parameters() if p.ndim >= 2]
    vectors = [p for p in model.parameters() if p.ndim < 2]
    groups = [
        {"params": matrices, "weight_decay": config.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=config.learning_rate, betas=(0.9, 0.98), eps=1e-8)


class _Log:
    """The CSV of a run; rows after the checkpoint that is resumed are dropped."""

    _COLUMNS = ("step", "minutes", "loss", "learning_rate", "validation")

    def __init__(self, path: Path, step: int) -> None:
        self.path = path
        rows = []
        if path.is_file():
            with path.open(encoding="utf-8", newline="") as file:
                rows = [row for row in csv.reader(file) if row and row[0].isdigit() and int(row[0]) <= step]
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([self._COLUMNS, *rows])

    def write(self, state: _State, loss: float, rate: float, measured: Mapping[str, float]) -> None:
        validation = " ".join(f"{name}={value:.4f}" for name, value in measured.items())
        row = (state.step, f"{state.elapsed_s / 60:.2f}", f"{loss:.5f}", f"{rate:.2e}", validation)
        with self.path.open("a", encoding="utf-8", newline="") as file:
            csv.writer(file).writerow(row)


def _save(
    folder: Path,
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    generator: np.random.Generator,
    state: _State,
) -> None:
    fresh = folder.with_name(folder.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    save_file({k: v.contiguous() for k, v in model.state_dict().items()}, fresh / "weights.safetensors")
    memory = {
        f"{index}.{name}": torch.as_tensor(value)
        for index, values in optimiser.state_dict()["state"].items()
        for name, value in values.items()
    }
    save_file({**memory, "torch_generator": torch.get_rng_state()}, fresh / "optimiser.safetensors")
    described = {"step": state.step, "elapsed_s": state.elapsed_s, "generator": generator.bit_generator.state}
    (fresh / "state.json").write_text(json.dumps(described) + "\n", encoding="utf-8")
    # The old checkpoint leaves only when the new one is whole.
    old = folder.with_name(folder.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.replace(old)
    fresh.replace(folder)
    shutil.rmtree(old, ignore_errors=True)


def _load(folder: Path, model: nn.Module, optimiser: torch.optim.Optimizer, generator: np.random.Generator) -> _State:
    state = json.loads((folder / "state.json").read_text(encoding="utf-8"))
    load_weights(model, folder)
    memory = load_file(folder / "optimiser.safetensors")
    torch.set_rng_state(memory.pop("torch_generator"))
    saved: dict[int, dict[str, Tensor]] = {}
    for key, value in memory.items():
        index, name = key.split(".", 1)
        saved.setdefault(int(index), {})[name] = value
    optimiser.load_state_dict({**optimiser.state_dict(), "state": saved})
    generator.bit_generator.state = state["generator"]
    return _State(state["step"], state["elapsed_s"])


def load_weights(model: nn.Module, folder: Path) -> None:
    """Load `weights.safetensors` of a checkpoint folder into a model of the same shape.

    Raises:
        InputNotFound: No weights are there.
        CardError: They belong to another model.
    """
    path = folder / "weights.safetensors"
    if not path.is_file():
        raise InputNotFound(f"{folder} holds no weights.safetensors.", "Give a run's checkpoint folder.")
    try:
        model.load_state_dict(load_file(path))
    except RuntimeError as error:
        raise CardError(
            f"The checkpoint in {folder} belongs to another model.", "Train into another folder, or use its recipe."
        ) from error
