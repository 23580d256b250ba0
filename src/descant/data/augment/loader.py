"""`Loader`: batches made by several workers, the same ones whatever the number of workers, from any position on.

Each example has a generator of its own, seeded by (seed, epoch, place in the epoch): neither the number of workers
nor which of them is faster can change it. What is saved with a checkpoint is a `Position` of two numbers.

Workers are processes (spawned: the script that makes a `Loader` needs `if __name__ == "__main__":`) or threads, which
are enough where the work is decoding and filters, as these release Python's lock. A worker process ends itself when
the process that started it is gone, even if that was killed.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from descant.errors import InvalidAudio, InvalidOption, OutOfMemory

Example = Mapping[str, NDArray[Any]]
"""Arrays by name; all examples have the same names and shapes."""
Batch = dict[str, NDArray[Any]]
"""The arrays of a batch's examples, stacked."""
Make = Callable[[int, np.random.Generator], Example]
"""A pure function of an item's index and a generator. For processes it must be picklable."""


@dataclass(frozen=True, slots=True)
class LoaderOptions:
    """How batches are made.

    Attributes:
        batch_size: Examples in a batch.
        workers: How many processes or threads; 0 makes each example when it is asked for.
        kind: "process" or "thread".
        seed: Another seed gives another order and other examples.
        shuffle: Whether each epoch has an order of its own.
        ahead: How many batches are made ahead of the one in use.
        rank: Which of `world` processes that train together this one is: each gets every `world`-th example.
        world: How many there are.
    """

    batch_size: int = 8
    workers: int = 0
    kind: Literal["process", "thread"] = "process"
    seed: int = 0
    shuffle: bool = True
    ahead: int = 2
    rank: int = 0
    world: int = 1

    def __post_init__(self) -> None:
        if self.batch_size < 1 or self.workers < 0 or self.ahead < 1 or self.seed < 0:
            raise InvalidOption("A loader needs a batch size and batches ahead of at least 1, and no negative numbers.")
        if not 0 <= self.rank < self.world:
            raise InvalidOption(f"There is no process {self.rank} of {self.world}.", "Ranks count from 0.")
        if self.kind not in {"process", "thread"}:
            raise InvalidOption(f"Workers of the kind {self.kind!r} do not exist.", "Use process or thread.")


@dataclass(frozen=True, slots=True)
class Position:
    """Which batch comes next: its number in an epoch."""

    epoch: int = 0
    batch: int = 0


class Loader:
    """Makes batches.

    Args:
        make: Makes one example from an item's index.
        size: How many items there are. What does not fill a batch (on every rank) is left out of an epoch; with
            shuffling that is something else each time.
        options: How.
        position: Where to go on.

    Raises:
        InvalidOption: There are too few items for one batch, or the position lies outside of an epoch.

    Example:
        >>> with Loader(make, 100, LoaderOptions(batch_size=16, workers=8)) as loader:  # doctest: +SKIP
        ...     for batch in loader:
        ...         train_on(batch["mix"], batch["stems"])
        ...         save(loader.position)
    """

    def __init__(
        self, make: Make, size: int, options: LoaderOptions = LoaderOptions(), position: Position = Position()
    ) -> None:
        self.batches_per_epoch = size // (options.batch_size * options.world)
        if self.batches_per_epoch < 1:
            raise InvalidOption(
                f"{size} items are too few for a batch of {options.batch_size} on each of {options.world} processes.",
                "Use smaller batches, or let one item stand for several examples an epoch.",
            )
        if position.epoch < 0 or not 0 <= position.batch < self.batches_per_epoch:
            raise InvalidOption(
                f"There is no batch {position.batch} of epoch {position.epoch}.",
                f"An epoch has {self.batches_per_epoch} batches: was the batch size changed?",
            )
        self._make = make
        self._size = size
        self._options = options
        self._position = position
        self._pool: Executor | None = None

    @property
    def position(self) -> Position:
        """The batch after the last one that was handed out."""
        return self._position

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the workers, after the examples they are at; the loader can go on, with new ones."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None

    def __iter__(self) -> Iterator[Batch]:
        """Batches without end, epoch after epoch."""
        return self._batches(None)

    def epoch(self) -> Iterator[Batch]:
        """The batches that are left of this epoch."""
        return self._batches(self._position.epoch)

    def _batches(self, last_epoch: int | None) -> Iterator[Batch]:
        waiting: deque[tuple[Position, list[Future[Example]]]] = deque()
        coming = self._position
        if self._options.workers == 0:
            while last_epoch is None or coming.epoch <= last_epoch:
                batch = stack([run_one(self._make, *task) for task in self._tasks(coming)])
                coming = self._position = self._after(coming)
                yield batch
            return
        try:
            while True:
                while len(waiting) <= self._options.ahead and (last_epoch is None or coming.epoch <= last_epoch):
                    waiting.append((coming, [self._submit(task) for task in self._tasks(coming)]))
                    coming = self._after(coming)
                if not waiting:
                    return
                at, futures = waiting.popleft()
                batch = stack([self._result(future) for future in futures])
                self._position = self._after(at)
                yield batch
        finally:
            for _, futures in waiting:
                for future in futures:
                    future.cancel()

    def _after(self, position: Position) -> Position:
        last = position.batch + 1 == self.batches_per_epoch
        return Position(position.epoch + 1) if last else Position(position.epoch, position.batch + 1)

    def _tasks(self, position: Position) -> list[tuple[int, int, int, int]]:
        """(item, seed, epoch, place) of each example of a batch."""
        options = self._options
        order = epoch_order(self._size, options.seed, position.epoch) if options.shuffle else np.arange(self._size)
        first = position.batch * options.batch_size
        places = [(first + i) * options.world + options.rank for i in range(options.batch_size)]
        return [(int(order[place]), options.seed, position.epoch, place) for place in places]

    def _submit(self, task: tuple[int, int, int, int]) -> Future[Example]:
        if self._pool is None:
            self._pool = self._start()
        if self._options.kind == "thread":
            return self._pool.submit(run_one, self._make, *task)
        try:
            return self._pool.submit(_run_in_worker, *task)
        except BrokenProcessPool as error:
            raise self._lost(error) from error

    def _start(self) -> Executor:
        if self._options.kind == "thread":
            return ThreadPoolExecutor(self._options.workers, thread_name_prefix="descant-data")
        context = multiprocessing.get_context("spawn")  # forking a process that has run torch or CUDA can hang
        return ProcessPoolExecutor(self._options.workers, context, initializer=_begin_worker, initargs=(self._make,))

    def _result(self, future: Future[Example]) -> Example:
        try:
            return future.result()
        except BrokenProcessPool as error:
            raise self._lost(error) from error

    def _lost(self, error: BrokenProcessPool) -> OutOfMemory:
        self.close()
        return OutOfMemory(
            f"A data worker ended without a word: {error}",
            "Most often the system killed it because memory ran out: use fewer workers or smaller batches. If it "
            'never began, the script lacks `if __name__ == "__main__":`.',
        )


def epoch_order(size: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """The items of an epoch in their order: a permutation that depends on nothing but its arguments."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(0, epoch))).permutation(size)


def example_generator(seed: int, epoch: int, place: int) -> np.random.Generator:
    """The generator of one example: independent of all others."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1, epoch, place)))


def run_one(make: Make, item: int, seed: int, epoch: int, place: int) -> Example:
    """One example; an error says which."""
    try:
        return make(item, example_generator(seed, epoch, place))
    except Exception as error:
        error.add_note(f"while making example {place} of epoch {epoch} from item {item} (seed {seed})")
        raise


def stack(examples: list[Example]) -> Batch:
    """A batch of examples.

    Raises:
        InvalidAudio: They differ in names or shapes.
    """
    first = examples[0]
    for example in examples[1:]:
        for name in first.keys() | example.keys():
            shapes = [each[name].shape if name in each else None for each in (first, example)]
            if shapes[0] != shapes[1]:
                raise InvalidAudio(
                    f"Examples of one batch differ in {name!r}: {shapes[0]} and {shapes[1]}.",
                    "Make all examples of one length, rate and channel count.",
                )
    return {name: np.stack([example[name] for example in examples]) for name in first}


_worker_make: Make | None = None


def _begin_worker(make: Make) -> None:
    """In a new worker: it leaves Ctrl-C to its parent, and watches over it."""
    global _worker_make
    _worker_make = make
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _run_in_worker(item: int, seed: int, epoch: int, place: int) -> Example:
    assert _worker_make is not None
    return run_one(_worker_make, item, seed, epoch, place)
