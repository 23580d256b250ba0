"""The worker pool: the same batches for any number of workers, from any position, and an end in every case."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
import data_workers  # workers import it by this name

from descant.data.augment.loader import Batch, Loader, LoaderOptions, Position, epoch_order
from descant.errors import InvalidAudio, InvalidOption, OutOfMemory


def options(**changes: object) -> LoaderOptions:
    return LoaderOptions(**{"batch_size": 3, "seed": 11, **changes})  # type: ignore[arg-type]


def flat(batches: list[Batch]) -> list[tuple[int, float]]:
    return [(int(i), float(n[0])) for batch in batches for i, n in zip(batch["item"], batch["noise"], strict=True)]


START = Position()


def take(count: int, *, size: int = 10, position: Position = START, **changes: object) -> list[Batch]:
    with Loader(data_workers.uneven, size, options(**changes), position) as loader:
        return list(islice(loader, count))


@pytest.fixture(scope="module")
def truth() -> list[tuple[int, float]]:
    return flat(take(8))


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("kind", ["thread", "process"])
def test_workers_change_nothing(kind: str, workers: int, truth: list[tuple[int, float]]) -> None:
    assert flat(take(8, workers=workers, kind=kind)) == truth


def test_another_seed_another_order_and_other_examples(truth: list[tuple[int, float]]) -> None:
    other = flat(take(8, seed=12))
    assert [item for item, _ in other] != [item for item, _ in truth]
    assert not {noise for _, noise in other} & {noise for _, noise in truth}


def test_each_epoch_has_each_item_once_and_an_order_of_its_own(truth: list[tuple[int, float]]) -> None:
    epochs = [[item for item, _ in truth[k : k + 9]] for k in (0, 9)]
    assert all(len(set(epoch)) == 9 for epoch in epochs)  # three batches of three; one of ten items is left out
    assert epochs[0] != epochs[1]
    assert len({noise for _, noise in truth}) == len(truth)


@pytest.mark.parametrize("workers", [0, 2])
def test_it_goes_on_where_it_stopped(workers: int, truth: list[tuple[int, float]]) -> None:
    with Loader(data_workers.numbers, 10, options(workers=workers, kind="thread")) as loader:
        first = [next(iter(loader)) for _ in range(4)]
        position = loader.position
    assert position == Position(1, 1)
    rest = take(4, position=position, workers=workers, kind="thread")
    assert flat(first) + flat(rest) == truth


def test_the_position_is_that_of_the_batch_in_hand_not_of_those_made_ahead() -> None:
    with Loader(data_workers.numbers, 30, options(workers=2, kind="thread", ahead=5)) as loader:
        batches = iter(loader)
        for count in range(1, 4):
            next(batches)
            assert loader.position == Position(0, count)


def test_an_epoch_ends(truth: list[tuple[int, float]]) -> None:
    for workers in (0, 2):
        with Loader(data_workers.numbers, 10, options(workers=workers, kind="thread")) as loader:
            assert flat(list(loader.epoch())) == truth[:9]
            assert loader.position == Position(1, 0)
            assert flat(list(loader.epoch())) == truth[9:18]


def test_without_shuffling_the_order_is_that_of_the_items() -> None:
    assert [item for item, _ in flat(take(3, shuffle=False))] == list(range(9))


def test_ranks_share_an_epoch() -> None:
    whole = flat(take(2, size=12, batch_size=6))
    ranks = [flat(take(4, size=12, world=2, rank=rank)) for rank in (0, 1)]
    assert sorted(ranks[0][:6] + ranks[1][:6]) == sorted(whole)
    assert not {item for item, _ in ranks[0][:6]} & {item for item, _ in ranks[1][:6]}


@pytest.mark.parametrize(("kind", "workers"), [("thread", 0), ("thread", 2), ("process", 2)])
def test_an_error_reaches_the_loop_and_says_where_it_was(kind: str, workers: int) -> None:
    with (
        pytest.raises(InvalidAudio, match="song five") as error,
        Loader(data_workers.failing, 10, options(workers=workers, kind=kind)) as loader,
    ):
        list(loader.epoch())
    if kind == "thread":
        assert any("from item 5" in note for note in error.value.__notes__)
    assert error.value.hint == "Get it again."


def test_a_killed_worker_is_an_error_not_a_wait() -> None:
    start = time.monotonic()
    with (
        pytest.raises(OutOfMemory, match="worker ended"),
        Loader(data_workers.killed, 10, options(workers=2)) as loader,
    ):
        next(iter(loader))
    assert time.monotonic() - start < 20


def test_leaving_ends_all_threads_and_processes() -> None:
    with Loader(data_workers.who, 50, options(workers=2)) as loader:
        batches = iter(loader)
        pids = {int(pid) for _ in range(4) for pid in next(batches)["pid"]}
    assert os.getpid() not in pids
    assert not any(alive(pid) for pid in pids)
    before = threading.active_count()
    with Loader(data_workers.uneven, 50, options(workers=4, kind="thread")) as loader:
        next(iter(loader))
    assert threading.active_count() == before


def test_workers_end_when_their_parent_is_killed() -> None:
    script = subprocess.Popen(
        [sys.executable, data_workers.__file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert script.stdout is not None
    pids = [int(pid) for pid in script.stdout.readline().split()]
    assert pids
    assert all(alive(pid) for pid in pids)
    script.kill()
    script.wait()
    deadline = time.monotonic() + 10
    while any(alive(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(alive(pid) for pid in pids)
    for stream in (script.stdin, script.stdout):
        assert stream is not None
        stream.close()


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and waits to be collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_examples_of_different_shapes_are_named() -> None:
    with (
        pytest.raises(InvalidAudio, match="'samples'"),
        Loader(data_workers.ragged, 4, options(batch_size=2)) as loader,
    ):
        next(iter(loader))


@pytest.mark.parametrize(
    ("changes", "size", "position"),
    [
        ({}, 2, Position()),
        ({"world": 4, "rank": 0}, 10, Position()),
        ({}, 10, Position(0, 3)),
        ({}, 10, Position(-1, 0)),
        ({"batch_size": 0}, 10, Position()),
        ({"seed": -1}, 10, Position()),
        ({"rank": 1}, 10, Position()),
        ({"kind": "fork"}, 10, Position()),
        ({"workers": -1}, 10, Position()),
    ],
)
def test_impossible_loaders(changes: dict[str, object], size: int, position: Position) -> None:
    with pytest.raises(InvalidOption):
        Loader(data_workers.numbers, size, options(**changes), position)


def test_orders_are_permutations_that_never_change() -> None:
    assert sorted(epoch_order(1000, 3, 7)) == list(range(1000))
    assert epoch_order(6, 0, 0).tolist() == [0, 1, 5, 2, 3, 4]  # what a checkpoint of today relies on
    assert not np.array_equal(epoch_order(50, 1, 2), epoch_order(50, 1, 3))
