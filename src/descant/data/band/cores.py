"""Items made on the cores of this machine, by a process each."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path

from descant.data.band.making import build_items
from descant.data.band.options import BandOptions
from descant.errors import OutOfMemory
from descant.progress import Monitor

_LOOK_AGAIN_S = 0.5


def make_on_cores(
    asked: BandOptions, root: Path, numbers: Sequence[int], workers: int, monitor: Monitor
) -> Iterator[int]:
    """Make items, handed out one by one to processes that open the sources once; yields how many as they come.

    Stopping waits for none.
    """
    context = get_context("spawn")
    with ProcessPoolExecutor(
        min(workers, len(numbers)), mp_context=context, initializer=_begin_worker, initargs=(os.getpid(),)
    ) as pool:
        waiting: set[Future[int]] = {pool.submit(build_items, asked, root, [number]) for number in numbers}
        try:
            while waiting:
                ready, waiting = wait(waiting, timeout=_LOOK_AGAIN_S, return_when=FIRST_COMPLETED)
                if monitor.cancel is not None:
                    monitor.cancel.check()
                for one in ready:
                    yield one.result()
        except BrokenProcessPool as error:
            raise OutOfMemory(
                "A worker was ended by the system, most likely for its memory.",
                "Run the same command again with fewer --workers: finished items are kept.",
            ) from error
        except BaseException:
            _end(pool)
            raise


def _end(pool: ProcessPoolExecutor) -> None:
    """At once, whatever its processes are at: what they leave half-written is removed when the set is gone on with."""
    processes = list((pool._processes or {}).values())  # noqa: SLF001 - Python 3.14 has terminate_workers()
    pool.shutdown(wait=False, cancel_futures=True)
    for process in processes:
        process.terminate()


def _begin_worker(parent: int) -> None:
    """Workers share the cores already, leave Ctrl-C to the process that began them, and end when that was killed."""
    import torch

    signal.signal(signal.SIGINT, signal.SIG_IGN)

    torch.set_num_threads(1)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK_AGAIN_S)
    os._exit(1)
