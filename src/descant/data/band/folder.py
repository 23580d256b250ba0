"""The folder of a set: one folder an item, an index, and how an item becomes visible only when it is whole."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from descant.data.band.item import Item
from descant.data.band.labels import f0_of, labels_of
from descant.data.band.sound_files import SUFFIXES, write_audio
from descant.errors import Cancelled, InputNotFound, InvalidOption
from descant.files import atomic_output, input_error, output_error
from descant.progress import CancelToken
from descant.score.midi import write_midi

LABELS, F0, SCORE = "item.json", "f0.npy", "score.mid"
INDEX, ABOUT = "index.parquet", "band.json"


def item_folder(root: Path, number: int) -> Path:
    """Where item `number` lies: a thousand items a folder."""
    return root / "items" / f"{number // 1000:04d}" / f"{number:07d}"


def write_item(root: Path, item: Item, audio: str, cancel: CancelToken | None = None) -> Path:
    """Write an item beside its place, then move it there: a killed run leaves no half item.

    Raises:
        Cancelled: `cancel` was raised; the half-written item is removed.
        OutputError, PermissionRefused: The folder cannot be written.
    """
    target = item_folder(root, item.number)
    part = target.with_name(f".{target.name}.part")
    try:
        if part.exists():
            shutil.rmtree(part)
        (part / "parts").mkdir(parents=True)
        for name, samples in item.audio.items():
            if cancel is not None:
                cancel.check()
            write_audio(part / f"{name}{SUFFIXES[audio]}", samples)
        buffer = io.BytesIO()
        np.save(buffer, f0_of(item))
        (part / F0).write_bytes(buffer.getvalue())
        write_midi(part / SCORE, item.score)
        labels = labels_of(item) | {"audio": audio}
        labels["files"] = {
            f"{name}{SUFFIXES[audio]}": file_digest(part / f"{name}{SUFFIXES[audio]}") for name in item.audio
        } | {name: file_digest(part / name) for name in (F0, SCORE)}
        (part / LABELS).write_text(json.dumps(labels, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        if target.exists():
            shutil.rmtree(target)
        part.rename(target)
    except OSError as error:
        raise output_error(error, part) from error
    except Cancelled:
        shutil.rmtree(part, ignore_errors=True)
        raise
    return target


def is_finished(root: Path, number: int) -> bool:
    """Whether an item is there: its folder takes its name only when all of it is written."""
    return (item_folder(root, number) / LABELS).is_file()


def clear_parts(root: Path) -> None:
    """Remove what a killed run left half-written."""
    for part in root.glob("items/*/.*.part"):
        shutil.rmtree(part, ignore_errors=True)


def read_labels(folder: Path) -> dict[str, Any]:
    """The labels of an item.

    Raises:
        InputNotFound: They are missing or no JSON.
    """
    return _json(folder / LABELS, "Remove the item's folder and build the set again.")


def read_about(root: Path) -> dict[str, Any]:
    """What a set was made of, as `claim` wrote it.

    Raises:
        InputNotFound: It is missing or no JSON.
    """
    return _json(root / ABOUT, "Build the set again in an empty folder: without this file nobody knows its options.")


def items_of(root: Path) -> Iterator[Path]:
    """Folders of all items, in order of their numbers."""
    yield from sorted(p for p in root.glob("items/*/*") if p.is_dir() and p.name.isdigit())


def claim(root: Path, described: dict[str, Any]) -> None:
    """Say what the set is made of, or check that a set begun earlier is made of the same.

    Raises:
        InvalidOption: The folder holds another set, or something else.
        InputNotFound: What it says of itself is damaged.
        OutputError, PermissionRefused: It cannot be written.
    """
    path = root / ABOUT
    if path.exists():
        before = read_about(root)
        changed = [name for name in described if before.get(name) != described[name]]
        if changed:
            raise InvalidOption(
                f"{root} holds a set made with another {changed[0]}: {before.get(changed[0])!r}.",
                "Give the same options to go on with it, or another folder.",
            )
        return
    if root.is_dir() and any(root.iterdir()):
        raise InvalidOption(f"{root} is not empty and holds no set.", "Give a new or empty folder.")
    with atomic_output(path) as part:
        part.write_text(json.dumps(described, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _json(path: Path, hint: str) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise input_error(error, path) from error
    except (ValueError, RecursionError) as error:
        raise InputNotFound(f"{path} is damaged: {error}.", hint) from error
    if not isinstance(value, dict):
        raise InputNotFound(f"{path} is damaged: it holds no JSON object.", hint)
    return value


def file_digest(path: Path) -> str:
    """SHA-256 of a file, as the labels have it."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
