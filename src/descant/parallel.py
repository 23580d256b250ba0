"""Independent pieces of work side by side, with a cancellation that reaches all of them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from descant.progress import CancelToken, Monitor

Item = TypeVar("Item")
Result = TypeVar("Result")

_WORKERS = 2
"""More threads gain nothing where memory is the limit, and each holds its own temporaries."""


def side_by_side(
    work: Callable[[Item, CancelToken], Result],
    items: Iterable[Item],
    *,
    cancel: CancelToken | None = None,
    workers: int = _WORKERS,
) -> list[Result]:
    """`work(item, cancel)` for all items on a few threads.

    Args:
        work: Spends its time where Python's lock is not held (NumPy, SciPy, libsndfile), and checks the token it is
            given between steps: that token is raised when `cancel` is, when another item fails, and when the caller
            is interrupted.
        items: What to work on.
        cancel: Stops all of it.
        workers: How many threads.

    Returns:
        The results in the order of the items. The first error, in that order, is raised when all threads have ended.
    """
    stop = CancelToken(cancel)

    def guarded(item: Item) -> Result:
        stop.check()
        return work(item, stop)

    with ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(guarded, item) for item in items]
        try:
            return [future.result() for future in futures]
        except BaseException:
            stop.cancel()
            raise


class Tally:
    """Progress of work on several threads: one count for all of them, which never falls.

    Args:
        monitor: Receives it.
        total: Pieces of work altogether.
    """

    def __init__(self, monitor: Monitor, total: int) -> None:
        self._monitor = monitor
        self._total = max(1, total)
        self._done = 0
        self._lock = threading.Lock()

    def add(self, pieces: int) -> None:
        """Count finished pieces; raises `Cancelled` if asked to stop."""
        with self._lock:
            self._done += pieces
            self._monitor.report(self._done / self._total)
