"""Splits by hash never move: models were trained by them. The rows were written down before the code had one home."""

from __future__ import annotations

import hashlib
from collections import Counter

import numpy as np
import pytest

from descant.data.piano_rolls import split as split_rolls
from descant.data.pop909 import Pop909
from descant.data.splits import SHARES, SPLITS, TENTHS, digest_of, split_of
from descant.score.notes import Note, Score, Track
from descant.score.tempo import TempoMap

LETTER = {"train": ".", "validation": "v", "test": "t"}


def row(splits: list[str]) -> str:
    return "".join(LETTER[split] for split in splits)


def test_songs_of_pop909_stay_where_they_were() -> None:
    found = [Pop909.split(f"{number:03d}") for number in range(1, 910)]
    assert row(found[:60]) == "....v....t.........vv.......v......tv.v......t.v.......t..t."
    assert Counter(found) == {"train": 730, "validation": 89, "test": 90}


def test_pieces_of_piano_rolls_stay_where_they_were() -> None:
    rng = np.random.default_rng(0)
    pieces = [
        (f"bwv{n}", Score((Track("a", tuple(Note(q, 1.0, int(rng.integers(40, 80))) for q in range(24))),),
                          TempoMap.constant(120.0)))
        for n in range(60)
    ]  # fmt: skip
    found = split_rolls(pieces, 1.0)
    of = {p.name: s for s in SPLITS for p in getattr(found, "training" if s == "train" else s)}
    assert row([of[f"bwv{n}"] for n in range(60)]) == "...v......t.......vtv..tt.t.vvv...tv.tvv..t.v.....t..t.t...."


def test_songs_of_the_band_stay_where_they_were() -> None:
    found = [split_of(f"song/{number}") for number in range(60)]
    assert row(found) == "....v...v.t....tvv......v..........t...t.....t.v.vt........."


def test_a_digest_is_the_first_bytes_of_sha_256() -> None:
    whole = hashlib.sha256("Änne".encode()).hexdigest()
    assert digest_of("Änne") == int(whole[:16], 16)
    assert digest_of("Änne", digest_bytes=1) == int(whole[:2], 16)


@pytest.mark.parametrize("buckets", [TENTHS, (("train", 1), ("test", 3))])
def test_shares_are_those_of_the_buckets(buckets: tuple) -> None:
    found = Counter(split_of(f"name {number}", buckets) for number in range(4_000))
    total = sum(count for _, count in buckets)
    for split, count in buckets:
        assert found[split] / 4_000 == pytest.approx(count / total, abs=0.03)
    assert {s: n / 10 for s, n in TENTHS} == SHARES
