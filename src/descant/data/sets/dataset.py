"""`Dataset`: what every loader is, and `check_set`, which reads all of one and says what is wrong with it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from descant.audio import io
from descant.data.sets.item import SPLITS, Item, Split
from descant.data.sets.layout import half_downloaded, missing_files, not_whole
from descant.errors import Cancelled, DescantError, InputNotFound, InvalidOption
from descant.files import PathLike, as_path
from descant.progress import CancelToken, Monitor, ProgressSink

_BLOCK_FRAMES = 1 << 18


class Dataset(ABC):
    """A published set in the folder it unpacks to.

    Args:
        root: That folder.
        whole: Whether all of the set must be there: every file that its index names, and as many items as were
            published. If not (a part, taken on purpose), items that lack a file are left out.

    Raises:
        InputNotFound: The folder is not there, or holds something else (the message says what was expected and found).
    """

    name: ClassVar[str]
    """Its name in `descant.data.sets.catalogue`."""
    title: ClassVar[str]
    """Its name for people."""
    published: ClassVar[Mapping[Split | None, int]] = {}
    """How many items were published, in each split and (None) in all: of sets without an index, from which alone half a
    download could not be told. Empty where an index or the layout says it, or where the editions of a set differ."""

    def __init__(self, root: PathLike, *, whole: bool = True) -> None:
        self.root = as_path(root)
        self.whole = whole
        if not self.root.exists():
            raise InputNotFound(f"{self.root} does not exist.", f"Give the folder of {self.title}.")
        self._open()

    @property
    @abstractmethod
    def splits(self) -> tuple[Split, ...]:
        """The splits that the publishers name and that are in this folder; empty if they name none."""

    @abstractmethod
    def _open(self) -> None:
        """Make sure that the folder is this set, by names alone."""

    @abstractmethod
    def _read(self, split: Split | None) -> Iterable[Item]:
        """Items of one split, or of all, in an order that does not depend on the machine."""

    def items(self, split: Split | None = None) -> tuple[Item, ...]:
        """The items, always in the same order. Indexes are read, audio and labels are not.

        Args:
            split: Only those of one split; None is all.

        Raises:
            InvalidOption: The set has no such split.
            InputNotFound: The set is not whole; the message names missing files, or how many items there should be.
            TextReadError: An index is damaged.
        """
        found = self._wanted(split)
        if not self.whole:
            lacking = frozenset(missing_files(file for item in found for file in item.files()))
            return tuple(item for item in found if lacking.isdisjoint(item.files())) if lacking else found
        missing = missing_files(file for item in found for file in item.files())
        if missing:
            raise not_whole(self.title, self.root, missing)
        if len(found) < self.published.get(split, 0):
            raise half_downloaded(self.title, self.root, len(found), self.published[split], split)
        return found

    def missing(self, split: Split | None = None) -> tuple[Path, ...]:
        """The files that the index names and the folder lacks."""
        return missing_files(file for item in self._wanted(split) for file in item.files())

    def _wanted(self, split: Split | None) -> tuple[Item, ...]:
        if split is not None and split not in SPLITS:
            raise InvalidOption(f"{split!r} is not a split.", f"Use one of {', '.join(SPLITS)}.")
        if split is not None and split not in self.splits:
            there = ", ".join(self.splits)
            raise InvalidOption(
                f"{self.title} in {self.root} has no {split} split.",
                f"It has {there}." if there else "Its publishers name no splits: divide items() yourself, and say how.",
            )
        return tuple(self._read(split))


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one item: its id, and the message of the error that reading it raises."""

    item: str
    message: str


@dataclass(frozen=True, slots=True)
class SetReport:
    """What `check_set` found.

    Attributes:
        items: How many items were checked: those that are there with all their files.
        published: How many there should be; None where that is not known.
        by_split: How many of each split ("none" where there is no split).
        audio_files: How many recordings (files or streams).
        hours: Hours of music, counted once per item (its mix, or its first stem).
        labels: How many items have each label.
        missing: Files that are not there.
        problems: What cannot be read or does not fit together.
    """

    items: int
    published: int | None
    by_split: dict[str, int]
    audio_files: int
    hours: float
    labels: dict[str, int]
    missing: tuple[Path, ...]
    problems: tuple[Problem, ...]

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong."""
        return self.is_whole and not self.problems

    @property
    def is_whole(self) -> bool:
        """Whether all of the set is there."""
        return not self.missing and not self.is_half_downloaded

    @property
    def is_half_downloaded(self) -> bool:
        """Whether there are fewer items than were published."""
        return self.published is not None and self.items < self.published


def check_set(
    dataset: Dataset,
    *,
    split: Split | None = None,
    samples: bool = True,
    labels: bool = True,
    progress: ProgressSink | None = None,
    cancel: CancelToken | None = None,
) -> SetReport:
    """Read every recording and every label of a set.

    Args:
        dataset: Opened with `whole=False`, else a missing file ends the check at once.
        split: Only this one.
        samples: Whether to decode recordings: a FLAC or MP3 that was cut off, or NaN, shows in no header.
        labels: Whether to read labels too.
        progress: Receives progress.
        cancel: Stops the check.

    Raises:
        InvalidOption: There is no such split.
        TextReadError: The index itself is damaged.
        Cancelled: `cancel` was raised.
    """
    monitor = Monitor(progress, cancel, "checking")
    missing = dataset.missing(split)
    items = dataset.items(split)
    by_split: dict[str, int] = {}
    counts: dict[str, int] = {}
    problems: list[Problem] = []
    files, seconds = 0, 0.0
    for done, item in enumerate(items):
        one = monitor.part("checking", done / len(items), (done + 1) / len(items))
        one.report(0.0)
        by_split[item.split or "none"] = by_split.get(item.split or "none", 0) + 1
        files += len(item.audio)
        try:
            item.check_audio()
            seconds += item.audio[0].duration_s if item.audio else 0.0
        except DescantError as error:
            problems.append(Problem(item.id, error.message))
        else:
            problems += _undecodable(item, one) if samples else ()
        for name in item.labels if labels else ():
            counts[name] = counts.get(name, 0) + 1
            try:
                getattr(item, name)()
            except DescantError as error:
                problems.append(Problem(item.id, error.message))
    monitor.report(1.0)
    return SetReport(
        len(items), dataset.published.get(split), by_split, files, seconds / 3600.0, counts, missing, tuple(problems)
    )


def _undecodable(item: Item, monitor: Monitor) -> Iterator[Problem]:
    """Decode all recordings of an item from their first sample to their last."""
    for number, ref in enumerate(item.audio):
        try:
            for _ in io.read_blocks(ref.path, _BLOCK_FRAMES, stream=ref.stream):
                monitor.report(number / len(item.audio))
        except Cancelled:
            raise
        except DescantError as error:
            yield Problem(item.id, error.message)
