"""Which split a song, a singer or an instrument belongs to: by a hash of its name, so that it never moves."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

from descant.data.pop909 import Split

SPLITS: tuple[Split, ...] = ("train", "validation", "test")
SHARES: Mapping[Split, float] = {"train": 0.8, "validation": 0.1, "test": 0.1}

T = TypeVar("T", bound=Hashable)


def digest_of(name: str) -> int:
    """A number of 64 bits that depends on the name alone."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")


def split_of(name: str) -> Split:
    """80 % train, 10 % validation, 10 % test."""
    bucket = digest_of(name) % 10
    return "test" if bucket == 0 else "validation" if bucket == 1 else "train"


def share_out(groups: Mapping[str, Iterable[T]]) -> dict[str, Split]:
    """Give whole groups to splits so that validation and test get something of every kind.

    Args:
        groups: For each group's name the kinds it serves ("bass", "pad"). A kind that only one group serves is
            trained on; one that two serve is in train and test.

    Returns:
        The split of each group, the same whatever the order.
    """
    members = {name: frozenset(kinds) for name, kinds in groups.items()}
    order = sorted(members, key=lambda name: (len(members[name]), digest_of(name)))
    kinds = sorted({k for found in members.values() for k in found}, key=lambda k: (_servers(members, k), str(k)))
    given: dict[str, Split] = {}
    targets: tuple[tuple[Split, int], ...] = (("test", 2), ("validation", 3))
    for kind in kinds:
        serving = [name for name in order if kind in members[name]]
        quota = max(1, round(len(serving) * SHARES["test"]))
        for split, needed in targets:
            there = sum(given.get(name) == split for name in serving)
            for name in serving if len(serving) >= needed else []:
                # The narrowest families first; of every kind one at least stays for training.
                if there < quota and name not in given and all(_left(members, given, k) > 1 for k in members[name]):
                    given[name] = split
                    there += 1
    return {name: given.get(name, "train") for name in order}


def _left(members: Mapping[str, frozenset[T]], given: Mapping[str, Split], kind: T) -> int:
    return sum(kind in found and name not in given for name, found in members.items())


def _servers(members: Mapping[str, frozenset[T]], kind: T) -> int:
    return sum(kind in found for found in members.values())


def by_split(names: Sequence[str], splits: Mapping[str, Split]) -> dict[Split, tuple[str, ...]]:
    """The names of each split, in order."""
    return {split: tuple(n for n in names if splits[n] == split) for split in SPLITS}
