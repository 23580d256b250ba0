"""Batches in order, drawn when needed or ahead of time, and the place in the data that each leaves behind.

A checkpoint must hold the place after the last batch that was *used*. Each batch therefore travels with the place
after it, so that drawing ahead changes nothing in what a resumed run sees.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np

from descant.train.lesson import Batch, Closes, KeepsPosition, Lesson, SharesOut


class Batches:
    """A lesson's batches of one process.

    Args:
        lesson: Draws them.
        seed: Of the generator that draws them.
        rank: Which of `world` processes this is; each draws batches of its own.
        world: How many there are.
        ahead: How many to draw ahead, in a thread. The lesson's `batch` then must not share state with its `loss`,
            `validate` or `examples`.
    """

    def __init__(self, lesson: Lesson, seed: int, rank: int, world: int, ahead: int) -> None:
        self._lesson = lesson
        if isinstance(lesson, SharesOut):
            lesson.share_out(rank, world)
        self._generator = np.random.default_rng([seed, rank])  # [seed, 0] is the same as seed alone
        self._ahead = ahead
        self._waiting: deque[Future[tuple[Batch, dict[str, Any]]]] = deque()
        self._worker = ThreadPoolExecutor(1, "batches") if ahead else None
        self._place = self._here()

    def next(self) -> Batch:
        """The next batch, on the CPU."""
        if self._worker is None:
            return self._lesson.batch(self._generator)
        while len(self._waiting) <= self._ahead:
            self._waiting.append(self._worker.submit(self._draw))
        batch, self._place = self._waiting.popleft().result()
        return batch

    def place(self) -> dict[str, Any]:
        """Where the batches after the last one begin, as plain values."""
        return self._here() if self._worker is None else self._place

    def go_to(self, place: Mapping[str, Any]) -> None:
        """Continue from a place; before the first batch only."""
        self._generator.bit_generator.state = place["generator"]
        if isinstance(self._lesson, KeepsPosition) and place["position"] is not None:
            self._lesson.go_to(place["position"])
        self._place = self._here()

    def close(self) -> None:
        """Wait for the thread to end; what it drew ahead is dropped. The lesson lets go of what it holds."""
        if self._worker is not None:
            self._worker.shutdown(cancel_futures=True)
        if isinstance(self._lesson, Closes):
            self._lesson.close()

    def _draw(self) -> tuple[Batch, dict[str, Any]]:
        return self._lesson.batch(self._generator), self._here()

    def _here(self) -> dict[str, Any]:
        position = dict(self._lesson.position()) if isinstance(self._lesson, KeepsPosition) else None
        return {"generator": self._generator.bit_generator.state, "position": position}
