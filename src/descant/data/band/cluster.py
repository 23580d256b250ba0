"""Items made on a Ray cluster, in shards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from descant.data.band.folder import is_finished
from descant.data.band.making import build_items
from descant.data.band.options import BandOptions
from descant.errors import InvalidOption, MissingDependency
from descant.progress import Monitor

_SHARD = 8
_LOOK_AGAIN_S = 0.5


def require_ray() -> Any:
    """The Ray package.

    Raises:
        MissingDependency: It is not installed.
    """
    try:
        import ray
    except ImportError as error:
        raise MissingDependency("Building on a cluster needs Ray.", 'pip install "descant[cluster]"') from error
    return ray


def make_on_ray(
    ray: Any,
    address: str,
    asked: BandOptions,
    root: Path,
    numbers: Sequence[int],
    workers: int | None,
    monitor: Monitor,
) -> Iterator[int]:
    """Shards of items as Ray tasks, retried where a machine is lost; yields how many items are there as they come."""
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
