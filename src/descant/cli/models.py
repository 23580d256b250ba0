"""`descant models`: what weights and sound sets there are, and bringing them here."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import cyclopts

from descant.cli.terminal import progress_bar
from descant.errors import BatchFailed, Cancelled, ChecksumMismatch, DescantError, InvalidOption, ModelNotFound

if TYPE_CHECKING:
    from descant.hub.card import Card
    from descant.hub.store import Verification

models = cyclopts.App(name="models", help="List, fetch, verify, export and import weights and sound sets.")

_MEGABYTE = 1_000_000
_PIPE_WIDTH = 160
_LICENCE_WIDTH = 24


@models.command(name="list")
def list_models(*, task: str = "", as_json: Annotated[bool, cyclopts.Parameter("--json")] = False) -> None:
    """Show every model and sound set: size, licence, and whether it is here already.

    Args:
        task: Only those for this task (separate, analyze, transcribe, words, compose, play, demo).
        as_json: Print JSON for scripts instead of a table.
    """
    from descant.hub.card import cache_folder, card_names, load_card
    from descant.hub.files import folder_size

    cards: list[Card] = []
    broken: list[DescantError] = []
    for name in card_names():
        try:
            card = load_card(name)
        except DescantError as fault:
            broken.append(fault)
            continue
        if task in ("", card.task):
            cards.append(card)
    if as_json:
        print(json.dumps([_facts(card) for card in cards], indent=2, ensure_ascii=False))
    else:
        _print_table(cards)
        print(f"Cache: {cache_folder()} ({_size(folder_size(cache_folder()))})")
    if broken:
        for error in broken[1:]:
            print(f"descant: {error.message}", file=sys.stderr)
        raise broken[0]


@models.command
def show(name: str, *, as_json: Annotated[bool, cyclopts.Parameter("--json")] = False) -> None:
    """Show one card: what it does, whose work it is, how good it is, where it comes from.

    Args:
        name: A name that `descant models list` shows.
        as_json: Print JSON for scripts instead of text.
    """
    from descant.hub.card import load_card

    card = load_card(name)
    if as_json:
        print(json.dumps(_facts(card), indent=2, ensure_ascii=False))
        return
    for label, value in _lines(card):
        print(f"{label + ':':<14}{value}")


@models.command
def fetch(*names: str, every: Annotated[bool, cyclopts.Parameter("--all")] = False, quiet: bool = False) -> None:
    """Fetch models into the cache, so that later work needs no network.

    Args:
        names: Names that `descant models list` shows.
        every: Fetch all that Descant can bring (sound sets of the operating system are not among them).
        quiet: No progress bar.
    """
    from descant.hub.store import fetch as fetch_one

    chosen = _chosen(names, every=every)
    failures: list[tuple[str, DescantError]] = []
    for name in chosen:
        try:
            with progress_bar(name, quiet=quiet) as progress:
                folder = fetch_one(name, progress=progress)
        except Cancelled:
            raise
        except DescantError as error:
            if len(chosen) == 1:
                raise
            failures.append((name, error))
            print(f"descant: {error.message}\n  {error.hint}", file=sys.stderr)
        else:
            print(f"{name}: {folder}")
    if failures:
        raise BatchFailed(
            f"{len(failures)} of {len(chosen)} could not be fetched: {', '.join(name for name, _ in failures)}.",
            "The reasons stand above; the others are in the cache.",
        )


@models.command
def verify(*names: str, repair: bool = False, quiet: bool = False) -> None:
    """Read every byte of what was fetched and compare it with the cards.

    Args:
        names: Names to verify; none means all that are here.
        repair: Fetch damaged ones again.
        quiet: No progress bar.
    """
    from descant.hub.card import card_names
    from descant.hub.store import verify as verify_one

    damaged, absent = [], []
    for name in names or card_names():
        with progress_bar(name, quiet=quiet) as progress:
            found = verify_one(name, repair=repair, progress=progress)
        if names or found.folder is not None:
            print(f"{name}: {_verdict(found)}")
        if found.faults:
            damaged.append(name)
        if names and found.folder is None:
            absent.append(name)
    if damaged:
        raise ChecksumMismatch(
            f"Not as their cards describe them: {', '.join(damaged)}.",
            f"Fetch them again: `descant models verify --repair {' '.join(damaged)}`.",
        )
    if absent:
        raise ModelNotFound(
            f"Not here: {', '.join(absent)}.", f"Fetch them: `descant models fetch {' '.join(absent)}`."
        )


@models.command
def export(
    *names: str, out: Path, every: Annotated[bool, cyclopts.Parameter("--all")] = False, quiet: bool = False
) -> None:
    """Write models where another machine's `descant models import` reads them.

    Args:
        names: Names that `descant models list` shows.
        out: A file that ends in .zip, or a folder.
        every: Export all that Descant can bring.
        quiet: No progress bar.
    """
    from descant.hub.portable import export as export_all

    with progress_bar("export", quiet=quiet) as progress:
        print(export_all(_chosen(names, every=every), out, progress=progress))


@models.command(name="import")
def import_models(
    path: Path,
    *,
    name: str = "",
    task: str = "",
    architecture: str = "",
    licence: str = "",
    credit: str = "",
    sample_rate: int | None = None,
    channels: int | None = None,
    stems: tuple[str, ...] = (),
    part: str = "",
    config: Path | None = None,
    quiet: bool = False,
) -> None:
    """Bring an export, another machine's cache, a downloaded wheel, a foreign checkpoint or a SoundFont.

    A foreign checkpoint (.safetensors, .pt, .pth, .ckpt, .bin) needs --name, --task, --architecture and --licence; a
    SoundFont (.sf2), a voice of RVC or so-vits-svc and ContentVec are recognised, and need --name and --licence.
    Nothing in it is executed: a checkpoint that holds more than tensors and plain values is refused.

    Args:
        path: The file or folder.
        name: Foreign file: the name to give it, lower-case with dashes.
        task: Foreign file: what it is for (separate, analyze, transcribe, words, compose, play).
        architecture: Foreign file: which of Descant's architectures its tensors fill; without it, it is recognised.
        licence: Foreign file: under what licence it may be used.
        credit: Foreign file: whose work it is.
        sample_rate: Foreign file: the rate in hertz that it works at.
        channels: Foreign file: the channels that it works on.
        stems: Foreign file: the stems of a separator.
        part: Foreign file: which part of a checkpoint with several state dicts to take.
        config: Foreign file: a file that goes along as config.json; for so-vits-svc the voice's own.
        quiet: No progress bar.
    """
    from descant.cli.foreign import Stated, import_file, is_foreign
    from descant.hub.portable import import_

    with progress_bar("import", quiet=quiet) as progress:
        if is_foreign(path):
            about = name, task, architecture, licence, credit, sample_rate, channels, stems, part, config
            lines = import_file(path, Stated(*about), progress)
        else:
            lines = list(import_(path, progress=progress))
    for line in lines:
        print(line)


@models.command
def path(name: str) -> None:
    """Print the folder with a model's files, without fetching anything.

    Args:
        name: A name that `descant models list` shows.
    """
    from descant.hub.card import load_card
    from descant.hub.store import locate

    folder = locate(load_card(name))
    if folder is None:
        raise ModelNotFound(f"'{name}' is not here.", f"Fetch it: `descant models fetch {name}`.")
    print(folder)


@models.command
def remove(*names: str) -> None:
    """Remove models from the cache to free disk space.

    Args:
        names: Names that `descant models list` shows.
    """
    from descant.hub.store import remove as remove_one

    for name in names:
        print(f"{name}: {remove_one(name) / _MEGABYTE:.1f} MB freed")


@models.command
def describe(folder: Path) -> None:
    """Print the [[file]] tables of a card for the files in a folder.

    Args:
        folder: The folder with the files.
    """
    from descant.hub.card_writer import write_files
    from descant.hub.foreign import describe_folder

    if not folder.is_dir():
        raise InvalidOption(f"{folder} is not a folder.", "Give the folder with the card's files.")
    print(write_files(describe_folder(folder)))


def _chosen(names: tuple[str, ...], *, every: bool) -> tuple[str, ...]:
    from descant.hub.card import all_cards

    if every:
        brought = (card for card in all_cards(skip_broken=True) if card.sources[0].kind in ("package", "wheel", "url"))
        return tuple(card.name for card in brought)
    if not names:
        raise InvalidOption("No name was given.", "Name models, or give --all; `descant models list` shows them.")
    return tuple(dict.fromkeys(names))


def _status(card: Card) -> str:
    from descant.hub.card import cache_folder
    from descant.hub.store import locate

    folder = locate(card)
    if folder is None:
        return "not installed" if card.sources[0].kind == "path" else "not fetched"
    if folder.parent == cache_folder():
        return "cached"
    return "in Descant" if card.sources[0].kind == "package" else "installed"


def _facts(card: Card) -> dict[str, object]:
    from descant.hub.store import locate

    folder = locate(card)
    return {
        **card.description(),
        "licence": card.licence,
        "licence_note": card.licence_note,
        "credit": card.credit,
        "data": [{"name": d.name, "licence": d.licence, "credit": d.credit} for d in card.data],
        "quality": [{"metric": q.metric, "value": q.value, "command": q.command} for q in card.quality],
        "size_bytes": card.size,
        "download_bytes": card.download_size,
        "status": _status(card),
        "folder": str(folder) if folder else None,
    }


def _print_table(cards: list[Card]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for heading in ("name", "for", "here", "size", "download"):
        table.add_column(heading, no_wrap=True, justify="right" if heading in ("size", "download") else "left")
    table.add_column("licence", no_wrap=True, overflow="ellipsis", max_width=_LICENCE_WIDTH)
    table.add_column("what it is")
    for card in cards:
        sizes = (_size(card.size), _size(card.download_size))
        table.add_row(card.name, card.task, _status(card), *sizes, card.licence, card.title)
    Console(width=None if sys.stdout.isatty() else _PIPE_WIDTH).print(table)


def _size(size: int) -> str:
    return f"{size / _MEGABYTE:.1f} MB" if size else "-"


def _lines(card: Card) -> list[tuple[str, str]]:
    from descant.hub.store import locate

    works_at = [
        f"{card.sample_rate} Hz" if card.sample_rate else "",
        f"{card.channels} channel(s)" if card.channels else "",
    ]
    lines = [
        ("name", f"{card.name} ({card.title})"),
        ("task", card.task),
        ("summary", card.summary),
        ("architecture", card.architecture),
        ("works at", ", ".join(part for part in works_at if part)),
        ("stems", ", ".join(card.stems)),
        ("licence", card.licence),
        ("licence note", card.licence_note),
        ("credit", card.credit),
        ("homepage", card.homepage),
    ]
    lines += [
        ("made from", f"{data.name}; {data.licence}" + (f"; {data.credit}" if data.credit else ""))
        for data in card.data
    ]
    lines += [("quality", f"{q.metric}: {q.value}  [{q.command}]") for q in card.quality]
    for source in card.sources:
        if source.kind == "wheel":
            lines += [
                ("source", f"wheel {wheel.pinned}, {_size(wheel.size)}, sha256 {wheel.sha256}")
                for wheel in source.wheels
            ]
        elif source.kind == "url":
            lines += [("source", f"{item.url}, {_size(item.size)}, sha256 {item.sha256}") for item in source.downloads]
        else:
            lines.append(("source", f"{source.kind} {', '.join(source.folders) or source.obtain}".strip()))
    lines += [("file", f"{file.path}, {_size(file.size)}, sha256 {file.sha256 or 'any'}") for file in card.files]
    lines += [("here", _status(card)), ("folder", str(locate(card) or ""))]
    return [(label, value) for label, value in lines if value]


def _verdict(found: Verification) -> str:
    if found.folder is None:
        return "not here"
    if found.faults:
        return "damaged: " + " ".join(found.faults)
    if found.unchecked:
        return f"here, your own build: no digest to compare ({', '.join(found.unchecked)})"
    return "sound"
