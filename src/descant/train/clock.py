"""The clock and signals of the first process, which count for all.

What depends on the clock (the learning rate of a budget in minutes, when to save, when to end) must be decided once
for all processes. Telling the others takes a broadcast that every device waits for, so it is done about once a second:
each time the first process also says, by the pace so far, at which step they meet next. Between meetings the time
stands still for all of them alike. One process alone looks at its clock after every step.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from descant.progress import CancelToken
from descant.train.machine import agreed

if TYPE_CHECKING:
    from lightning_fabric import Fabric

_MEET_EVERY_S = 1.0
_MOST_STEPS = 1000
_FASTER_BY = 2.0  # a pace measured on a few steps may be wrong: the next gap is at most so many times the last


@dataclass(frozen=True, slots=True)
class Tick:
    """What the time is after a step, for all processes.

    Attributes:
        elapsed_s: Seconds of training, over all parts, when they last met.
        is_save_due: A checkpoint is due.
        is_stopped: The training was cancelled.
        is_time_up: This part's time is up.
    """

    elapsed_s: float
    is_save_due: bool = False
    is_stopped: bool = False
    is_time_up: bool = False


class Clock:
    """See the module.

    Args:
        fabric: The processes.
        elapsed_s: Seconds of training before this part.
        save_every_s: Between checkpoints.
        limit_s: Of this part.
        cancel: The first process's counts.
    """

    def __init__(
        self, fabric: Fabric, elapsed_s: float, save_every_s: float, limit_s: float | None, cancel: CancelToken | None
    ) -> None:
        self._fabric, self._save_every_s, self._limit_s, self._cancel = fabric, save_every_s, limit_s, cancel
        self._began = self._saved = self._met = time.monotonic()
        self._before_s = self._elapsed_s = elapsed_s
        self._gap = self._left = 1

    def tick(self) -> Tick:
        """After each step; every process must call it."""
        self._left -= 1
        if self._left > 0:
            return Tick(self._elapsed_s)
        now = time.monotonic()
        is_due = now - self._saved > self._save_every_s
        is_stopped = self._cancel is not None and self._cancel.is_cancelled
        is_up = self._limit_s is not None and now - self._began >= self._limit_s
        told = (self._before_s + now - self._began, self._next_gap(now), is_due, is_stopped, is_up)
        self._elapsed_s, gap, *flags = agreed(self._fabric, told)
        self._gap = self._left = int(gap)
        self._met = now
        return Tick(self._elapsed_s, *map(bool, flags))

    def saved(self) -> None:
        """A checkpoint was written."""
        self._saved = time.monotonic()

    def _next_gap(self, now: float) -> int:
        """Steps until the next meeting; 1 for a process alone."""
        if self._fabric.world_size == 1:
            return 1
        step_s = max(now - self._met, 1e-9) / self._gap
        return max(1, min(int(_MEET_EVERY_S / step_s), int(_FASTER_BY * self._gap), _MOST_STEPS))
