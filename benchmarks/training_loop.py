"""What the training loop costs a step, beside the barest loop that does the same arithmetic.

python benchmarks/training_loop.py [--steps 200] [--rounds 5]

Both train the accompaniment recipe's smoke model on the same eight batches, drawn beforehand, and a linear layer of 16
numbers, in turns, on one thread; processor time, so that other work on the machine does not count, and of each the
fastest round. Reports come every 50 steps in both, validations and checkpoints in
neither. Then what importing Lightning Fabric takes beyond PyTorch, each time in a fresh process.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from descant.train.config import LoopConfig
from descant.train.loop import train
from descant.train.recipe import build, read_recipe
from descant.train.registry import plan_of
from descant.train.schedule import factor

RECIPE = Path(__file__).parents[1] / "recipes" / "accompaniment" / "smoke.toml"


class Drawn:
    """A lesson whose batches were drawn beforehand, and that measures nothing."""

    def __init__(self, model: nn.Module, loss: Callable[[tuple[Tensor, ...]], Tensor], batches: list) -> None:
        self.model, self.loss, self._batches = model, loss, batches
        self._next = 0

    def batch(self, _generator: np.random.Generator) -> tuple[Tensor, ...]:
        """The next of those that were drawn."""
        self._next += 1
        return self._batches[self._next % len(self._batches)]

    def validate(self) -> dict[str, float]:
        """Nothing."""
        return {}


def smoke() -> Drawn:
    """The smoke recipe's model and loss."""
    recipe = read_recipe(RECIPE)
    plan = plan_of(recipe.lesson, RECIPE)
    lesson = plan.build(build(plan.config, recipe.options, RECIPE), None, recipe.loop.seed)
    generator = np.random.default_rng(0)
    return Drawn(lesson.model, lesson.loss, [lesson.batch(generator) for _ in range(8)])


def linear() -> Drawn:
    """Hardly any arithmetic: what is left is the loop."""
    torch.manual_seed(0)
    model = nn.Linear(16, 1)
    return Drawn(model, lambda batch: model(batch[0]).square().mean(), [(torch.ones(4, 16),)])


def bare(lesson: Drawn, config: LoopConfig) -> float:
    """Processor seconds a step of the arithmetic: one optimiser, clipping, a schedule, the loss read at each step."""
    matrices = [p for p in lesson.model.parameters() if p.ndim >= 2]
    vectors = [p for p in lesson.model.parameters() if p.ndim < 2]
    groups = [{"params": matrices, "weight_decay": config.weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=config.learning_rate, betas=config.betas)
    generator = np.random.default_rng(0)
    losses = []
    began = time.process_time()
    for step in range(config.steps):
        for group in optimiser.param_groups:
            group["lr"] = config.learning_rate * factor(step / config.steps, config)
        lesson.model.train()
        with torch.autocast("cpu", torch.bfloat16, enabled=config.machine.precision == "bf16"):
            loss = lesson.loss(lesson.batch(generator))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(lesson.model.parameters(), config.clip)
        optimiser.step()
        losses.append(float(loss.detach()))
    return (time.process_time() - began) / config.steps


def ours(lesson: Drawn, config: LoopConfig) -> float:
    """Processor seconds a step from the first report to the last, without starting up and the checkpoint."""
    times = []
    with tempfile.TemporaryDirectory() as folder:
        train(lesson, config, Path(folder), progress=lambda _event: times.append(time.process_time()))
    return (times[-1] - times[0]) / (config.steps - config.report_every)


def import_seconds() -> float:
    """Processor seconds that a fresh process takes for `import lightning_fabric` once PyTorch is there."""
    code = (
        "import time, torch; began = time.process_time(); import lightning_fabric; print(time.process_time() - began)"
    )
    return float(subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True).stdout)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    config = replace(read_recipe(RECIPE).loop, steps=args.steps, report_every=50, validate_every=10**9)
    plain = replace(config, machine=replace(config.machine, precision="fp32"))
    print("| model | bare loop, ms a step | descant.train, ms a step | difference | of it |")
    print("|---|---|---|---|---|")
    for name, make, asked in (("accompaniment smoke", smoke, config), ("Linear(16, 1)", linear, plain)):
        torch.set_num_threads(1)
        rounds = [(bare(make(), asked), ours(make(), asked)) for _ in range(args.rounds)]
        low, high = (1e3 * min(column) for column in zip(*rounds, strict=True))
        print(f"| {name} | {low:.3f} | {high:.3f} | {high - low:+.3f} ms | {(high / low - 1):+.1%} |")
    imports = sorted(import_seconds() for _ in range(args.rounds))
    print(f"import lightning_fabric: {statistics.median(imports):.2f} s ({imports[0]:.2f} to {imports[-1]:.2f})")


if __name__ == "__main__":
    main()
