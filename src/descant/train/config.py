"""What a training is told: how long, how fast, on what machine, and what its validation decides.

Every field is a key of a recipe's `[loop]`, `[loop.machine]` and `[loop.watch]` tables.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from descant.errors import InvalidOption

Schedule = Literal["cosine", "constant", "plateau", "inverse_sqrt"]


def _require(holds: bool, name: str, wanted: str, value: object) -> None:
    if not holds:
        raise InvalidOption(f"{name} = {value} of a training should be {wanted}.", "docs/train.md explains each key.")


_MOST = 1e6


def check_numbers(config: Any, *, at_least: Mapping[str, float] | None = None) -> None:
    """Refuse the numbers of a lesson's table that mean nothing: a lesson calls this before it builds anything.

    Counts are 1 or more, shares and dropout lie within 0..1, all others are not negative; nothing is beyond a million;
    heads divide the width.

    Args:
        config: A dataclass whose fields are the table's keys.
        at_least: Other lower limits, by field.

    Raises:
        InvalidOption: The message names the key and what it may be.
    """
    for each in fields(config):
        value = getattr(config, each.name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        low = (at_least or {}).get(each.name, 1 if isinstance(value, int) else 0.0)
        high = 1.0 if each.name.endswith("_share") or each.name == "dropout" else _MOST
        if not low <= value <= high:
            limits = f"{low:g} to {high:g}"
            raise InvalidOption(f"{each.name} = {value} is impossible.", f"It may be {limits}.")
    if hasattr(config, "heads") and config.width % config.heads:
        raise InvalidOption(f"heads = {config.heads} do not divide width = {config.width}.", "Choose a divisor.")


@dataclass(frozen=True, slots=True)
class Optimiser:
    """One optimiser; weight decay acts on matrices only."""

    kind: Literal["adamw", "adam", "sgd"] = "adamw"
    """AdamW (decay apart from the gradient), Adam (decay in the gradient), or SGD with momentum betas[0]."""
    learning_rate: float = 1e-3
    """At its highest."""
    weight_decay: float = 0.05
    """Of matrices; vectors (biases, norms) are never decayed."""
    betas: tuple[float, float] = (0.9, 0.98)
    """Memory of the gradient's mean and of its square."""

    def __post_init__(self) -> None:
        _require(0 < self.learning_rate < math.inf, "learning_rate", "more than 0, and finite", self.learning_rate)
        _require(self.weight_decay >= 0, "weight_decay", "0 or more", self.weight_decay)
        _require(all(0 <= beta < 1 for beta in self.betas), "betas", "0 or more, and less than 1", self.betas)


@dataclass(frozen=True, slots=True)
class Machine:
    """Where to train."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    """`auto` takes a GPU where there is one."""
    devices: int = 1
    """GPUs on each machine, or processes on the CPU."""
    nodes: int = 1
    """Machines; each is started with the same command (torchrun, Slurm), which says who is who."""
    strategy: Literal["auto", "ddp", "fsdp"] = "auto"
    """`ddp`: whole model on each device; `fsdp`: the model's layers (elements of its ModuleLists) in shards; `auto`:
    `ddp` when there is more than one device."""
    precision: Literal["fp32", "bf16"] = "fp32"
    """`bf16` computes in bfloat16 where that is safe and keeps weights in float32; on CPU, too."""

    def __post_init__(self) -> None:
        for name in ("devices", "nodes"):
            _require(getattr(self, name) >= 1, name, "1 or more", getattr(self, name))


@dataclass(frozen=True, slots=True)
class Watch:
    """What a measure of the validation decides."""

    measure: str = ""
    """Name in what the lesson's `validate` returns, or "loss" (of training); needed by all below."""
    higher_is_better: bool = False
    """Which way is up."""
    keep: int = 0
    """How many of the best weights to keep, in `best/`."""
    stop_after: int = 0
    """Validations without a new best after which training ends early; 0 never."""
    halve_after: int = 5
    """Validations without a new best after which the schedule "plateau" halves the learning rate."""

    def __post_init__(self) -> None:
        for name, least in (("keep", 0), ("stop_after", 0), ("halve_after", 1)):
            _require(getattr(self, name) >= least, name, f"{least} or more", getattr(self, name))
        if (self.keep or self.stop_after) and not self.measure:
            raise InvalidOption("keep and stop_after need a measure.", 'Such as measure = "loss".')


@dataclass(frozen=True, slots=True)
class LoopConfig:
    """How long and how fast to learn."""

    steps: int = 5000
    """Updates to make, when `minutes` is None."""
    minutes: float | None = None
    """Wall-clock budget, over all resumed parts; takes the place of `steps`."""
    optimiser: Literal["adamw", "adam", "sgd"] = "adamw"
    """See `Optimiser.kind`."""
    learning_rate: float = 1e-3
    """At its highest."""
    schedule: Schedule = "cosine"
    """After the warm-up: `cosine` falls to `final_rate`, `constant` stays, `plateau` halves when the watched measure
    stands still, `inverse_sqrt` falls with the root of what is spent."""
    warmup: float = 0.02
    """Share of the budget in which the learning rate rises."""
    final_rate: float = 0.02
    """The cosine's end, as a share of the highest."""
    weight_decay: float = 0.05
    """Of matrices."""
    betas: tuple[float, float] = (0.9, 0.98)
    """See `Optimiser.betas`."""
    clip: float = 1.0
    """Largest norm of the gradient; 0 does not limit it."""
    accumulate: int = 1
    """Batches whose gradients make one update."""
    average: float = 0.0
    """Decay of the moving average of the weights that is validated and exported (0.999); 0 keeps none."""
    prefetch: int = 0
    """Batches drawn ahead in a thread of their own; 0 draws each when it is needed."""
    seed: int = 0
    """Of weights and batches."""
    threads: int = 1
    """CPU threads of each process."""
    report_every: int = 50
    """Steps between rows of the log."""
    validate_every: int = 500
    """Steps between validations."""
    checkpoint_every_s: float = 180.0
    """Seconds between checkpoints; the last step is always saved."""
    tensorboard: bool = True
    """Writes TensorBoard's files beside the CSV."""
    machine: Machine = field(default_factory=Machine)
    """Where."""
    watch: Watch = field(default_factory=Watch)
    """What the validation decides."""

    def __post_init__(self) -> None:
        for name in ("steps", "threads", "accumulate", "report_every", "validate_every"):
            _require(getattr(self, name) >= 1, name, "1 or more", getattr(self, name))
        for name in ("warmup", "average"):
            _require(0 <= getattr(self, name) < 1, name, "a share: 0 or more, and less than 1", getattr(self, name))
        for name in ("clip", "prefetch", "checkpoint_every_s"):
            _require(getattr(self, name) >= 0, name, "0 or more", getattr(self, name))
        _require(0 <= self.final_rate <= 1, "final_rate", "a share: 0 to 1", self.final_rate)
        _require(self.minutes is None or 0 < self.minutes < math.inf, "minutes", "more than 0", self.minutes)
        _require(0 <= self.seed < 1 << 63, "seed", "0 or more, in 63 bits", self.seed)
        if self.schedule == "inverse_sqrt" and self.warmup == 0:
            raise InvalidOption('The schedule "inverse_sqrt" needs a warm-up.', "Such as warmup = 0.04.")
        if self.schedule == "plateau" and not self.watch.measure:
            raise InvalidOption('The schedule "plateau" needs watch.measure.', 'Such as measure = "loss".')
        self.own_optimiser()

    def own_optimiser(self) -> Optimiser:
        """The optimiser of players that bring none of their own."""
        return Optimiser(self.optimiser, self.learning_rate, self.weight_decay, self.betas)
