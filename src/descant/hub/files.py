"""Digests of files, and copies that stop at the promised size."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from pathlib import Path
from typing import IO

from descant.errors import ChecksumMismatch, OutputError
from descant.progress import Monitor

_BLOCK = 1 << 20
_OTHER_COPY = (
    "It was cut off, changed or damaged, at its source or on the way. Try again, or bring it from another machine: "
    "`descant models export` there, `descant models import` here."
)


def sha256_of(path: Path, monitor: Monitor | None = None) -> str:
    """SHA-256 of a file's bytes in hexadecimal; reports progress and can be cancelled."""
    total = max(path.stat().st_size, 1)
    digest = hashlib.sha256()
    done = 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            done += len(block)
            if monitor is not None:
                monitor.report(done / total)
    return digest.hexdigest()


def check_file(path: Path, sha256: str, size: int, *, what: str, monitor: Monitor | None = None) -> None:
    """Raise `ChecksumMismatch` unless the file has this length and digest.

    Args:
        path: The file.
        sha256: Expected digest; empty accepts any content.
        size: Expected length in bytes; 0 accepts any.
        what: How to name the file in the message.
        monitor: Reports the reading.
    """
    found = path.stat().st_size
    if size and found != size:
        raise ChecksumMismatch(f"{what} has {found:,} bytes instead of {size:,}.", _OTHER_COPY)
    if sha256 and sha256_of(path, monitor) != sha256:
        raise ChecksumMismatch(f"{what} is not the file that the card describes (its SHA-256 differs).", _OTHER_COPY)


def copy_stream(source: IO[bytes], target: Path, monitor: Monitor, *, limit: int, append: bool = False) -> None:
    """Copy a stream into a new file, or behind one; more than `limit` bytes are refused before they fill the disk."""
    done = 0
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("ab" if append else "xb") as out:
        while block := source.read(_BLOCK):
            done += len(block)
            if done > limit:
                raise ChecksumMismatch(
                    f"'{target.name}' is larger than the {limit:,} bytes announced for it.",
                    "The archive is damaged or not what it claims to be; get it again from where it came.",
                )
            out.write(block)
            monitor.report(done / limit)


def folder_size(folder: Path) -> int:
    """Bytes of all files under a folder, also while others write, rename and remove in it."""
    total = 0
    for place, _, names in os.walk(folder):  # it passes over folders that vanish, `Path.rglob` fails at them
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                total += Path(place, name).lstat().st_size
    return total


def make_folder(folder: Path) -> Path:
    """Create a folder with its parents; raises `OutputError` where that is not possible."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"The folder {folder} cannot be made: {error.strerror}.",
            "Choose another place: DESCANT_CACHE names the folder for weights and sound sets.",
        ) from error
    return folder


def remove_folder(folder: Path) -> None:
    """Remove a folder with all that is in it; one that is not there is fine."""
    shutil.rmtree(folder, ignore_errors=True)
