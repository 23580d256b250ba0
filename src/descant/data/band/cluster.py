"""Items made on a Ray cluster, in shards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from descant.cluster import LOOK_AGAIN_S, connected
from descant.data.band.folder import is_finished
from descant.data.band.making import build_items
from descant.data.band.options import BandOptions
from descant.progress import Monitor

_SHARD = 8


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
    running: dict[Any, list[int]] = {}
    with connected(ray, address, workers):
        try:
            remote = ray.remote(num_cpus=1, max_retries=3)(build_items)
            shards = [list(numbers[i : i + _SHARD]) for i in range(0, len(numbers), _SHARD)]
            while shards or running:
                while shards and (workers is None or len(running) < workers):
                    shard = shards.pop(0)
                    running[remote.remote(asked, root, shard)] = shard
                ready, _ = ray.wait(list(running), num_returns=1, timeout=LOOK_AGAIN_S)
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
                ray.cancel(one, force=True)  # else it would go on to the end of its shard, on a cluster others use
            raise
