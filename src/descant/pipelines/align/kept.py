"""Evidence of an alignment on disk, so that a correction costs no listening.

What is read is believed only where its shapes, types and numbers are those that were written: anything else is damage,
and whoever reads hears it anew.
"""

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
from descant.nets.whisper_decoder import WhisperDecoderConfig
from descant.text.phones import PHONES

_CLASSES = len(PHONES) + 1
_WIDTH = WhisperDecoderConfig().width


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
        phones = _numbers(arrays, "phones", np.float16, (None, _CLASSES))
        _require_inside(0, len(phones), len(phones))
        firsts = _numbers(arrays, "firsts", np.int64, (None,)).tolist() if windows else []
        found = tuple(
            Window(first, _numbers(arrays, f"states{number}", np.float16, (None, _WIDTH)))
            for number, first in enumerate(firsts)
        )
        for window in found:
            _require_inside(window.first, len(window.states), len(phones))
        return Heard(phones.astype(np.float32), found)


def write_reads(path: Path, reads: tuple[Read, ...]) -> None:
    """Keep where the decoder looked."""
    places = [(each.first, *each.states) for each in reads]
    arrays: dict[str, Any] = {"places": np.array(places, np.int64).reshape(-1, 3)}
    for number, each in enumerate(reads):
        arrays |= {f"looks{number}": each.looks, f"weight{number}": each.weight}
    np.savez(path, **arrays)


def read_reads(path: Path, *, frames: int, states: int) -> tuple[Read, ...]:
    """Where the decoder looked.

    Args:
        path: A file that `write_reads` wrote.
        frames: Length of the recording that was read along.
        states: Number of the text's states.

    Raises:
        CheckpointError: The file is damaged, or of another recording or text.
    """
    with _arrays(path) as arrays:
        found = []
        for number, (first, low, high) in enumerate(_numbers(arrays, "places", np.int64, (None, 3)).tolist()):
            weight = _numbers(arrays, f"weight{number}", np.float32, (None,))
            looks = _numbers(arrays, f"looks{number}", np.float16, (len(weight), high - low))
            _require_inside(first, len(weight), frames)
            _require_inside(low, high - low, states)
            found.append(Read(first, (low, high), looks, weight))
        return tuple(found)


def _numbers(arrays: Mapping[str, Any], name: str, kind: type[np.generic], shape: tuple[int | None, ...]) -> Any:
    """An array of finite numbers of this kind and shape (None: any length)."""
    found = arrays[name]
    if found.dtype != kind or found.ndim != len(shape):
        raise ValueError(f"{name} holds {found.dtype} numbers in {found.ndim} dimensions")
    if any(wanted not in (None, there) for wanted, there in zip(shape, found.shape, strict=True)):
        raise ValueError(f"{name} has the shape {found.shape}")
    if not np.isfinite(found).all():
        raise ValueError(f"{name} holds what is no number")
    return found


def _require_inside(first: int, length: int, whole: int) -> None:
    if not (first >= 0 and 0 < length <= whole - first):
        raise ValueError(f"{length} from {first} on lie outside of {whole}")


@contextmanager
def _arrays(path: Path) -> Iterator[Mapping[str, Any]]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            yield arrays
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, RuntimeError, TypeError) as error:
        # RuntimeError and TypeError: one flipped bit makes a file encrypted, a zip of the future, or another array.
        raise CheckpointError(f"{path} cannot be used: {error}.", "Remove its folder and run again.") from error
