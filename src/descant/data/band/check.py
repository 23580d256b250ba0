"""`check_band`: whether a set is whole and says the truth about itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from descant.data.band.check_files import file_complaints
from descant.data.band.check_labels import label_complaints
from descant.data.band.complaint import Complaint
from descant.data.band.folder import ABOUT, INDEX, LABELS, items_of, read_about, read_labels
from descant.data.band.index import read_index, row_of
from descant.data.band.options import BandOptions
from descant.data.splits import SPLITS
from descant.errors import DescantError, InputNotFound
from descant.files import PathLike, as_path
from descant.progress import CancelToken, Monitor, ProgressSink


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What a check found.

    Attributes:
        items: How many items were looked at.
        hours: Their length.
        splits: Items in each split.
        complaints: All that is wrong; empty for a sound set.
    """

    items: int
    hours: float
    splits: dict[str, int]
    complaints: tuple[Complaint, ...]


def check_band(
    folder: PathLike, *, progress: ProgressSink | None = None, cancel: CancelToken | None = None
) -> CheckReport:
    """Check a set: files, digests, lengths, sums, labels in range, splits that share nothing, index against files.

    Args:
        folder: A set that `build_band` made.
        progress: Receives progress.
        cancel: Stops between items.

    Raises:
        InputNotFound: The folder holds no set, or its index cannot be read.
        MissingDependency: pyarrow is not installed.
    """
    root = as_path(folder)
    if not root.is_dir():
        raise InputNotFound(f"{root} is not a folder.", "Give the folder of a set.")
    rows = read_index(root)
    monitor = Monitor(progress, cancel, "checking")
    found: list[Complaint] = []
    by_folder = {row["folder"]: row for row in rows}
    folders = list(items_of(root))
    there = {f.relative_to(root).as_posix() for f in folders}
    index = root / INDEX
    found += [Complaint(index, "folder", f"{name} is not there") for name in sorted(set(by_folder) - there)]
    found += [Complaint(index, "folder", f"{name} is not in the index") for name in sorted(there - set(by_folder))]
    found += [Complaint(part, "folder", "half-written: build the set again") for part in root.glob("items/*/.*.part")]
    for number, item in enumerate(folders):
        monitor.report(number / len(folders))
        found += check_item(root, item, by_folder.get(item.relative_to(root).as_posix()))
    found += _shared_between_splits(index, rows)
    found += _about_complaints(root, rows)
    monitor.report(1.0)
    counts: dict[str, int] = {split: sum(row["split"] == split for row in rows) for split in SPLITS}
    hours = sum(float(row["duration_s"]) for row in rows) / 3600.0
    return CheckReport(len(folders), hours, counts, tuple(found))


def check_item(root: Path, folder: Path, row: dict[str, Any] | None) -> list[Complaint]:
    """What is wrong with one item; `row` is its row of the index, where it has one."""
    try:
        labels = read_labels(folder)
    except DescantError as error:
        return [Complaint(folder / LABELS, "file", error.message)]
    try:
        found = list(label_complaints(folder / LABELS, labels))
        found += file_complaints(folder, labels)
        if row is not None:
            found += _index_complaints(root, folder, labels, row)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return [Complaint(folder / LABELS, "labels", f"a field is missing or of the wrong kind ({error!r})")]
    return found


def _index_complaints(root: Path, folder: Path, labels: dict[str, Any], row: dict[str, Any]) -> Iterator[Complaint]:
    expected = row_of(root, folder, labels)
    for field, value in expected.items():
        if row[field] != value:
            yield Complaint(root / INDEX, field, f"says {row[field]!r} of {folder.name}, its labels say {value!r}")


def _about_complaints(root: Path, rows: Sequence[dict[str, Any]]) -> Iterator[Complaint]:
    """Whether the set still says what it was made of, and its items are of that kind."""
    path = root / ABOUT
    try:
        about = read_about(root)
    except DescantError as error:
        yield Complaint(path, "file", error.message)
        return
    yield from (Complaint(path, name, "is missing") for name in BandOptions().described() if name not in about)
    others = sorted({row["audio"] for row in rows} - {about.get("audio")})
    if "audio" in about and others:
        yield Complaint(path, "audio", f"says {about['audio']!r}, but there are items in {others[0]}")


def _shared_between_splits(path: Path, rows: Sequence[dict[str, Any]]) -> Iterator[Complaint]:
    """Songs, persons and instruments that are heard in two splits; a person may sing under several names."""
    homes: dict[tuple[str, str], set[str]] = {}
    for row in rows:
        names = [("song", row["song"])]
        names += [("person", name) for name in {row["person"], *row["backing_persons"]} if name]
        names += [("instruments", name) for name in row["instruments"]]
        for place in names:
            homes.setdefault(place, set()).add(row["split"])
    for (field, name), splits in sorted(homes.items()):
        if len(splits) > 1:
            yield Complaint(path, field, f"{name!r} is in {' and '.join(sorted(splits))}")
