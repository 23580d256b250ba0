"""Shares groups out among the splits so that each gets something of every kind; what stands alone goes by its hash."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import TypeVar

from descant.data.splits import SHARES, Split, digest_of

T = TypeVar("T", bound=Hashable)


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
