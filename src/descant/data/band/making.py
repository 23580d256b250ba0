"""Some items of a set made and written, one after another, in this process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from descant.data.band.folder import is_finished, write_item
from descant.data.band.item import make_item
from descant.data.band.options import BandOptions
from descant.data.band.world import open_world
from descant.progress import CancelToken


def build_items(asked: BandOptions, root: Path, numbers: Sequence[int], cancel: CancelToken | None = None) -> int:
    """Make and write some items, but for those that are there (of a shard that began elsewhere); returns how many."""
    world = open_world(asked)
    for number in numbers:
        if not is_finished(root, number):
            write_item(root, make_item(world, number, cancel), asked.audio, cancel)
    return len(numbers)


def make_here(asked: BandOptions, root: Path, numbers: Sequence[int], cancel: CancelToken | None) -> Iterator[int]:
    """Make items one by one; yields 1 after each."""
    for number in numbers:
        yield build_items(asked, root, [number], cancel)
