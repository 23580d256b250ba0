"""Build a set: item by item, on this machine's cores or on a Ray cluster; finished items are never made again."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from descant.data.band.folder import claim, clear_parts, is_finished, write_item
from descant.data.band.index import require_arrow, write_index
from descant.data.band.item import make_item
from descant.data.band.options import BandSet
from descant.data.band.world import open_world, resolved
from descant.errors import InvalidOption, MissingDependency, OutOfMemory
from descant.files import PathLike, as_path
from descant.progress import CancelToken, Monitor, ProgressSink

_SHARD = 8
_LOOK_AGAIN_S = 0.5


@dataclass(frozen=True, slots=True)
class Built:
    """What a run did.

    Attributes:
        folder: The set.
        items: Items in its index.
        made: Items that this run made; the others were there.
    """

    folder: Path
    items: int
    made: int


def build_band(
    asked: BandSet,
    out: PathLike,
    *,
    workers: int | None = None,
    ray_address: str | None = None,
    progress: ProgressSink | None = None,
    cancel: CancelToken | None = None,
) -> Built:
    """Build a set, or go on with one that was stopped.

    Args:
        asked: What is in it.
        out: Its folder: new, empty, or that of a set made with the same options.
        workers: Processes on this machine; None takes one a core. On Ray: tasks at a time; None takes all.
        ray_address: Where to build: "auto" or an address of a Ray cluster, "local" for a new one on this machine.
            All its machines must see the folder and the sources under the same paths.
        progress: Receives progress.
        cancel: Stops within about a second; finished items are kept.

    Raises:
        InvalidOption: The folder holds something else, or the options contradict each other.
        MissingDependency: pyarrow, or Ray where it is asked for, is not installed.
        DescantError: As the sources raise.
    """
    if workers is not None and not 1 <= workers <= 1024:
        raise InvalidOption(f"{workers} workers are impossible.", "Use 1 to 1024.")
    require_arrow()
    ray = _require_ray() if ray_address is not None else None
    root = as_path(out).absolute()
    monitor = Monitor(progress, cancel, "preparing")
    monitor.report(0.0)
    whole = resolved(asked)
    world = open_world(whole)  # what is missing, or is no room, is said before workers start
    for number, room in enumerate(world.rooms):
        monitor.report(0.02 * number / len(world.rooms))
        room.impulse()
    claim(root, whole.described())
    clear_parts(root)
    missing = [number for number in range(asked.songs) if not is_finished(root, number)]
    done = asked.songs - len(missing)
    rendering = monitor.part("rendering", 0.02, 0.99)
    rendering.report(done / asked.songs)
    if ray is not None:
        finished = _on_ray(ray, str(ray_address), whole, root, missing, workers, monitor)
    elif (workers or os.cpu_count() or 1) == 1 or len(missing) <= 1:
        finished = _here(whole, root, missing, cancel)
    else:
        finished = _on_cores(whole, root, missing, workers or os.cpu_count() or 1, monitor)
    for count in finished:
        done += count
        rendering.report(done / asked.songs, f"{done} of {asked.songs}")
    items = write_index(root)
    monitor.report(1.0)
    return Built(root, items, len(missing))


def build_items(asked: BandSet, root: Path, numbers: Sequence[int], cancel: CancelToken | None = None) -> int:
    """Make and write some items, but for those that are there (of a shard that began elsewhere); returns how many."""
    world = open_world(asked)
    for number in numbers:
        if not is_finished(root, number):
            write_item(root, make_item(world, number, cancel), asked.audio, cancel)
    return len(numbers)


def _here(asked: BandSet, root: Path, numbers: Sequence[int], cancel: CancelToken | None) -> Iterator[int]:
    for number in numbers:
        yield build_items(asked, root, [number], cancel)


def _on_cores(asked: BandSet, root: Path, numbers: Sequence[int], workers: int, monitor: Monitor) -> Iterator[int]:
    """A process a worker; each opens the sources once. Items are handed out one by one; stopping waits for none."""
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


def _on_ray(
    ray: Any,
    address: str,
    asked: BandSet,
    root: Path,
    numbers: Sequence[int],
    workers: int | None,
    monitor: Monitor,
) -> Iterator[int]:
    """Shards of items as Ray tasks, each retried where a machine is lost."""
    started = not ray.is_initialized()
    if started:
        where = {} if address == "local" else {"address": address}
        cores = {"num_cpus": workers} if workers else {}
        local = {"include_dashboard": False, **cores} if address == "local" else {}
        try:
            ray.init(**where, **local, log_to_driver=False)
        except (ConnectionError, ValueError) as error:
            raise InvalidOption(
                f"No Ray cluster answers at {address!r}.", "Start one with `ray start --head`, or use --ray local."
            ) from error
    running: dict[Any, list[int]] = {}
    try:
        remote = ray.remote(num_cpus=1, max_retries=3)(build_items)
        shards = [list(numbers[i : i + _SHARD]) for i in range(0, len(numbers), _SHARD)]
        while shards or running:
            while shards and (workers is None or len(running) < workers):
                shard = shards.pop(0)
                running[remote.remote(asked, root, shard)] = shard
            ready, _ = ray.wait(list(running), num_returns=1, timeout=_LOOK_AGAIN_S)
            if monitor.cancel is not None:
                monitor.cancel.check()
            for one in ready:
                ray.get(one)
                yield len(running.pop(one))
            for one, shard in running.items():  # a shard takes minutes, and its items are seen as they come
                unseen = [number for number in shard if not is_finished(root, number)]
                running[one] = unseen
                yield len(shard) - len(unseen)
    except BaseException:
        for one in running:
            ray.cancel(one, force=True)  # else it would go on to the end of its shard, on a cluster that others use
        raise
    finally:
        if started:
            ray.shutdown()


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


def _require_ray() -> Any:
    try:
        import ray
    except ImportError as error:
        raise MissingDependency("Building on a cluster needs Ray.", 'pip install "descant[cluster]"') from error
    return ray
