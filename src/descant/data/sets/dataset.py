"""`Dataset`: what every loader is, and `check_set`, which reads all of one and says what is wrong with it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from descant.data.sets.item import SPLITS, Item, Split
from descant.data.sets.layout import missing_files, not_whole
from descant.errors import DescantError, InputNotFound, InvalidOption
from descant.files import PathLike, as_path
from descant.progress import CancelToken, Monitor, ProgressSink


class Dataset(ABC):
    """A published set in the folder it unpacks to.

    Args:
        root: That folder.
        whole: Whether every file that the set's index names must be there; if not, items that lack one are left out.

    Raises:
        InputNotFound: The folder is not there, or holds something else (the message says what was expected and found).
    """

    name: ClassVar[str]
    """Its name in `descant.data.sets.catalogue`."""
    title: ClassVar[str]
    """Its name for people."""

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
            InputNotFound: The set is not whole; the message names missing files.
            TextReadError: An index is damaged.
        """
        found = self._wanted(split)
        if not self.whole:
            lacking = frozenset(missing_files(file for item in found for file in item.files()))
            return tuple(item for item in found if lacking.isdisjoint(item.files())) if lacking else found
        missing = missing_files(file for item in found for file in item.files())
        if missing:
            raise not_whole(self.title, self.root, missing)
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
        items: How many items were checked.
        by_split: How many of each split ("none" where there is no split).
        audio_files: How many recordings (files or streams).
        hours: Hours of music, counted once per item (its mix, or its first stem).
        labels: How many items have each label.
        missing: Files that are not there.
        problems: What cannot be read or does not fit together.
    """

    items: int
    by_split: dict[str, int]
    audio_files: int
    hours: float
    labels: dict[str, int]
    missing: tuple[Path, ...]
    problems: tuple[Problem, ...]

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.missing and not self.problems


def check_set(
    dataset: Dataset,
    *,
    split: Split | None = None,
    labels: bool = True,
    progress: ProgressSink | None = None,
    cancel: CancelToken | None = None,
) -> SetReport:
    """Read the header of every recording and every label of a set; samples are not decoded.

    Args:
        dataset: Opened with `whole=False`, else a missing file ends the check at once.
        split: Only this one.
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
        monitor.report(done / len(items))
        by_split[item.split or "none"] = by_split.get(item.split or "none", 0) + 1
        files += len(item.audio)
        try:
            item.check_audio()
            seconds += item.audio[0].duration_s if item.audio else 0.0
        except DescantError as error:
            problems.append(Problem(item.id, error.message))
        for name in item.labels if labels else ():
            counts[name] = counts.get(name, 0) + 1
            try:
                getattr(item, name)()
            except DescantError as error:
                problems.append(Problem(item.id, error.message))
    monitor.report(1.0)
    return SetReport(len(items), by_split, files, seconds / 3600.0, counts, missing, tuple(problems))
