"""The learning rate's course, and what a watched measure decides."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from descant.train.config import LoopConfig, Watch

_LOWEST_START = 0.01


def factor(spent: float, config: LoopConfig) -> float:
    """The learning rate at a share of the budget, as a share of its highest.

    `inverse_sqrt` is the schedule of Vaswani et al., "Attention is all you need" (arXiv 1706.03762), with the budget
    in place of steps.

    Args:
        spent: Share of the budget, 0 to 1.
        config: Schedule and warm-up.
    """
    if spent < config.warmup:
        return max(spent / config.warmup, _LOWEST_START)
    if config.schedule == "cosine":
        fall = 0.5 + 0.5 * math.cos(math.pi * (spent - config.warmup) / (1.0 - config.warmup))
        return config.final_rate + (1.0 - config.final_rate) * fall
    if config.schedule == "inverse_sqrt":
        return math.sqrt(config.warmup / spent)
    return 1.0


@dataclass(slots=True)
class Patience:
    """How long the watched measure has stood still.

    Attributes:
        best: The best value so far.
        stale: Validations since.
        halvings: How often the rate was halved.
        since_halving: Validations since the best or the last halving, whichever is later.
    """

    best: float | None = None
    stale: int = 0
    halvings: int = 0
    since_halving: int = 0

    def take(self, value: float, config: LoopConfig) -> None:
        """Note a new value of the measure; values that are no numbers are no improvement."""
        if is_better(value, self.best, config.watch):
            self.best, self.stale, self.since_halving = value, 0, 0
            return
        self.stale += 1
        self.since_halving += 1
        if config.schedule == "plateau" and self.since_halving >= config.watch.halve_after:
            self.halvings, self.since_halving = self.halvings + 1, 0

    def factor(self) -> float:
        """What the halvings leave of the learning rate."""
        return 0.5**self.halvings

    def is_over(self, watch: Watch) -> bool:
        """Whether training should end early."""
        return 0 < watch.stop_after <= self.stale

    def state(self) -> dict[str, Any]:
        """Plain values for a checkpoint."""
        return {name: getattr(self, name) for name in self.__slots__}


def is_better(value: float, best: float | None, watch: Watch) -> bool:
    """Whether a value of the watched measure is better than the best so far."""
    if math.isnan(value):
        return False
    return best is None or (value > best if watch.higher_is_better else value < best)
