"""Splits of what has none published: by a hash of a name, so that nothing ever moves from one to another.

The one place where a hash becomes a split. Each collection keeps the shares and the width of the digest it began with:
models were trained by them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Literal

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")
SHARES: Mapping[Split, float] = {"train": 0.8, "validation": 0.1, "test": 0.1}

Buckets = Sequence[tuple[Split, int]]
"""How many of the hash's buckets each split gets, in their order."""

TENTHS: Buckets = (("test", 1), ("validation", 1), ("train", 8))
"""`SHARES` in buckets."""


def digest_of(name: str, *, digest_bytes: int = 8) -> int:
    """A number that depends on the name alone: the first bytes of its SHA-256."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:digest_bytes], "big")


def split_of(name: str, buckets: Buckets = TENTHS, *, digest_bytes: int = 8) -> Split:
    """Where a name belongs: 80 % train, 10 % validation and 10 % test, or as `buckets` say."""
    place = digest_of(name, digest_bytes=digest_bytes) % sum(count for _, count in buckets)
    for split, count in buckets:
        if place < count:
            return split
        place -= count
    raise AssertionError("the place is smaller than the sum of the counts")
