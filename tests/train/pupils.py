"""Tiny lessons that tests teach, here or in processes of their own: `python pupils.py LESSON FOLDER [STEPS]`."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from descant.errors import TrainingFailed
from descant.train.config import LoopConfig, Machine, Optimiser, Watch
from descant.train.lesson import Batch, Picture, Player, Sound
from descant.train.loop import train

CPU = Machine("cpu")
QUICK = LoopConfig(
    steps=12, learning_rate=0.02, report_every=1, validate_every=4, tensorboard=False, warmup=0.1, machine=CPU
)


class Stack(nn.Module):
    """A few layers in a ModuleList, as FSDP shards them, with dropout, as generators show."""

    def __init__(self, dropout: float) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(8, 8) for _ in range(2)])
        self.dropout = nn.Dropout(dropout)
        self.out = nn.Linear(8, 1)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = x + self.dropout(torch.tanh(layer(x)))
        return self.out(x)


class Regression:
    """Learns a fixed function of eight random numbers."""

    def __init__(self, *, dropout: float = 0.2, size: int = 4) -> None:
        torch.manual_seed(1)
        self.model = Stack(dropout)
        self.size = size
        self.validations = 0

    def batch(self, generator: np.random.Generator) -> Batch:
        x = generator.standard_normal((self.size, 8)).astype(np.float32)
        return torch.from_numpy(x), torch.from_numpy(np.sin(x.sum(1, keepdims=True)))

    def loss(self, batch: Batch) -> Tensor:
        x, y = batch
        return (self.model(x) - y).square().mean()

    def validate(self) -> Mapping[str, float]:
        self.validations += 1
        self.model.eval()
        with torch.no_grad():
            return {"error": float(self.loss(Regression(size=32).batch(np.random.default_rng(9))))}


class Doubled(Regression):
    """The batches of two processes at once, or several batches of each."""

    def __init__(self, batches: int = 1) -> None:
        super().__init__(dropout=0.0)
        self._batches = batches
        self._generators = [np.random.default_rng([0, rank]) for rank in range(2)]

    def batch(self, generator: np.random.Generator) -> Batch:
        parts = [super(Doubled, self).batch(own) for _ in range(self._batches) for own in self._generators]
        return tuple(torch.cat(column) for column in zip(*parts, strict=True))


class Epochs(Regression):
    """Goes through its data in an order of its own, and remembers where it is."""

    def __init__(self) -> None:
        super().__init__()
        self.data = Regression(size=5).batch(np.random.default_rng(3))
        self.order: list[int] = []
        self.seen: list[int] = []

    def batch(self, generator: np.random.Generator) -> Batch:
        if not self.order:
            self.order = generator.permutation(5).tolist()
        index = self.order.pop()
        self.seen.append(index)
        return tuple(column[index : index + 1] for column in self.data)

    def position(self) -> Mapping[str, Any]:
        return {"order": list(self.order)}

    def go_to(self, position: Mapping[str, Any]) -> None:
        self.order = list(position["order"])


class Duel(Regression):
    """A generator of numbers around 3 and its critic (Arjovsky et al., Wasserstein GAN, with clipped weights)."""

    def __init__(self) -> None:
        torch.manual_seed(2)
        self.model = nn.Linear(1, 1)
        self.critic = nn.Sequential(nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 1))
        self.size = 16
        self.turns: list[str] = []

    def batch(self, generator: np.random.Generator) -> Batch:
        drawn = generator.standard_normal((2, self.size, 1)).astype(np.float32)
        return torch.from_numpy(drawn[0]), torch.from_numpy(3 + 0.5 * drawn[1])

    def players(self) -> Sequence[Player]:
        return (
            Player("generator", self.model, self._generate, Optimiser(learning_rate=0.05, betas=(0.5, 0.9)), every=2),
            Player("critic", self.critic, self._criticise, Optimiser("sgd", 0.05, 0.0), updates=3),
        )

    def _generate(self, batch: Batch) -> Tensor:
        self.turns.append("g")
        return -self.critic(self.model(batch[0])).mean()

    def _criticise(self, batch: Batch) -> Tensor:
        self.turns.append("c")
        assert not self.model(batch[0]).requires_grad  # in the critic's turn the generator is a given
        return self.critic(self.model(batch[0])).mean() - self.critic(batch[1]).mean()

    def validate(self) -> Mapping[str, float]:
        return {"mean": float(self.model.bias.detach())}


class Showing(Regression):
    """Has something to hear and to see."""

    def examples(self) -> Sequence[Sound | Picture]:
        tone = np.sin(2 * np.pi * 440 * np.arange(8000) / 16_000).astype(np.float32)
        return [Sound("tone", tone, 16_000), Picture("ramp", np.arange(12, dtype=np.float32).reshape(3, 4))]


class Disagreeing(Regression):
    """What the first process measures gets worse; what another measures gets better."""

    def validate(self) -> Mapping[str, float]:
        self.validations += 1
        return {"error": float(self.validations if torch.distributed.get_rank() == 0 else -self.validations)}


class Failing(Regression):
    """In the second process the third loss is no number."""

    def loss(self, batch: Batch) -> Tensor:
        self.losses = getattr(self, "losses", 0) + 1
        made = super().loss(batch)
        return made * float("nan") if torch.distributed.get_rank() == 1 and self.losses == 3 else made


def losses(folder: Path) -> list[str]:
    """The log's rows without what the clock says."""
    rows = [line.split(",") for line in (folder / "log.csv").read_text().splitlines()[1:]]
    return [",".join([row[0], *row[2:]]) for row in rows]


def endless(steps: int) -> LoopConfig:
    """A training that goes the same way however long it is, with a checkpoint after every step."""
    return replace(QUICK, steps=steps, schedule="constant", warmup=0.0, average=0.9, prefetch=2, checkpoint_every_s=0.0)


ACCUMULATING = replace(QUICK, accumulate=2)
PLATEAU = replace(QUICK, validate_every=1, schedule="plateau", watch=Watch("error", halve_after=1))


def together(folder: Path) -> None:
    """All that two processes are asked for, in one start of them; each writes what it came to."""
    two = Machine("cpu", 2)
    train(Regression(dropout=0.0), replace(ACCUMULATING, machine=two), folder / "accumulated")
    for name, parts in (("whole", (8,)), ("parts", (4, 8))):
        for steps in parts:
            train(Regression(), replace(endless(steps), machine=two), folder / name)
    pupil = Disagreeing()
    measured = train(pupil, replace(PLATEAU, machine=two), folder / "plateau").measured
    weights = [parameter.tolist() for parameter in pupil.model.parameters()]
    failed = ""
    try:
        train(Failing(), replace(QUICK, machine=two), folder / "failing")
    except TrainingFailed as error:
        failed = error.message
    came_to = {"error": measured["error"], "weights": weights, "failed": failed, **by_the_clock(folder / "clock")}
    (folder / f"{torch.distributed.get_rank()}.json").write_text(json.dumps(came_to))


def by_the_clock(folder: Path) -> dict[str, Any]:
    """Two processes with a budget in minutes: what each came to, and how often they told each other the time."""
    told: list[int] = []
    tell = torch.distributed.broadcast

    def count(*args: Any, **more: Any) -> Any:
        told.append(0)
        return tell(*args, **more)

    torch.distributed.broadcast = count
    pupil = Regression(dropout=0.0)
    config = replace(QUICK, minutes=2.0 / 60, report_every=10**6, validate_every=10**6, machine=Machine("cpu", 2))
    outcome = train(pupil, config, folder)
    torch.distributed.broadcast = tell
    weights = [parameter.tolist() for parameter in pupil.model.parameters()]
    return {"step": outcome.step, "elapsed_s": outcome.elapsed_s, "timed_weights": weights, "told": len(told)}


def main() -> None:
    name, folder = sys.argv[1], Path(sys.argv[2])
    if name == "endless":
        train(Regression(), endless(int(sys.argv[3])), folder)
    elif name == "together":
        together(folder)
    elif name == "duel":
        train(Duel(), replace(QUICK, machine=Machine("cpu", 2)), folder)
    else:
        machine = Machine("cpu", 2, strategy=name)  # type: ignore[arg-type]
        config = replace(QUICK, average=0.9, machine=machine)
        train(Regression(dropout=0.0), config, folder)


if __name__ == "__main__":
    main()
