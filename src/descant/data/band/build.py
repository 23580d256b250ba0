"""Build a set: item by item, on this machine's cores or on a Ray cluster; finished items are never made again."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from descant.cluster import require_ray
from descant.data.band.cluster import make_on_ray
from descant.data.band.cores import make_on_cores
from descant.data.band.folder import claim, clear_parts, is_finished
from descant.data.band.index import require_arrow, write_index
from descant.data.band.making import make_here
from descant.data.band.options import BandOptions
from descant.data.band.world import open_world, resolved
from descant.errors import InvalidOption
from descant.files import PathLike, as_path
from descant.progress import CancelToken, Monitor, ProgressSink


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
    asked: BandOptions,
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
    ray = require_ray() if ray_address is not None else None
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
        finished = make_on_ray(ray, str(ray_address), whole, root, missing, workers, monitor)
    elif (workers or os.cpu_count() or 1) == 1 or len(missing) <= 1:
        finished = make_here(whole, root, missing, cancel)
    else:
        finished = make_on_cores(whole, root, missing, workers or os.cpu_count() or 1, monitor)
    for count in finished:
        done += count
        rendering.report(done / asked.songs, f"{done} of {asked.songs}")
    items = write_index(root)
    monitor.report(1.0)
    return Built(root, items, len(missing))
