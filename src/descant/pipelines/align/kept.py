"""Evidence of an alignment on disk, so that a correction costs no listening."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from descant.align.hearing import Heard, Window
from descant.align.reading import Read
from descant.errors import CheckpointError


def write_heard(path: Path, heard: Heard) -> None:
    """Keep what was heard: phones rounded to float16 (3 digits of a logarithm), the encoder's states as they are."""
    arrays: dict[str, Any] = {"phones": heard.phones.astype(np.float16)}
    arrays["firsts"] = np.array([window.first for window in heard.windows], np.int64)
    arrays |= {f"states{number}": window.states for number, window in enumerate(heard.windows)}
    np.savez(path, **arrays)


def read_heard(path: Path, *, windows: bool) -> Heard:
    """What was heard.

    Args:
        path: A file that `write_heard` wrote.
        windows: Whether the encoder's states are wanted; they are most of the file, and only `Aligner.read` needs them.

    Raises:
        CheckpointError: The file is damaged.
    """
    with _arrays(path) as arrays:
        firsts = arrays["firsts"].tolist() if windows else []
        found = tuple(Window(first, arrays[f"states{number}"]) for number, first in enumerate(firsts))
        return Heard(arrays["phones"].astype(np.float32), found)


def write_reads(path: Path, reads: tuple[Read, ...]) -> None:
    """Keep where the decoder looked."""
    arrays: dict[str, Any] = {"places": np.array([(each.first, *each.states) for each in reads], np.int64)}
    for number, each in enumerate(reads):
        arrays |= {f"looks{number}": each.looks, f"weight{number}": each.weight}
    np.savez(path, **arrays)


def read_reads(path: Path) -> tuple[Read, ...]:
    """Where the decoder looked.

    Raises:
        CheckpointError: The file is damaged.
    """
    with _arrays(path) as arrays:
        places = arrays["places"].reshape(-1, 3).tolist()
        return tuple(
            Read(first, (low, high), arrays[f"looks{number}"], arrays[f"weight{number}"])
            for number, (first, low, high) in enumerate(places)
        )


@contextmanager
def _arrays(path: Path) -> Iterator[Mapping[str, Any]]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            yield arrays
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, RuntimeError, TypeError) as error:
        # RuntimeError and TypeError: one flipped bit makes a file encrypted, a zip of the future, or another array.
        raise CheckpointError(f"{path} cannot be used: {error}.", "Remove its folder and run again.") from error
