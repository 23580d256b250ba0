"""Files of scores: read whole with a size limit, written so that nothing is ever half-written."""

from __future__ import annotations

from pathlib import Path

from descant.errors import InputNotFound, ScoreReadError
from descant.files import PathLike, as_path, atomic_output, input_error


def read_bytes(path: PathLike, *, what: str, max_bytes: int) -> bytes:
    """All bytes of a file.

    Args:
        path: File to read.
        what: What the file should be, for messages ("MIDI file").
        max_bytes: Larger files are refused, for they are not what they claim to be.

    Raises:
        InputNotFound: There is no such file, or it is a folder.
        PermissionRefused: It may not be read.
        ScoreReadError: It is empty or too large.
    """
    path = as_path(path)
    if path.is_dir():
        raise InputNotFound(f"{path} is a folder, not a {what}.", "Name a file inside it.")
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= max_bytes else b""
    except OSError as error:
        raise input_error(error, path) from error
    if size > max_bytes:
        raise ScoreReadError(
            f"{path} is no {what}: it has {size / 2**20:.0f} MiB, more than {max_bytes / 2**20:.0f} MiB.",
            "Check that it is the right file.",
        )
    if not data:
        raise ScoreReadError(f"{path} is empty.", f"Export the {what} again.")
    return data


def write_bytes(path: PathLike, data: bytes) -> Path:
    """Write a file at once; raises as `descant.files.atomic_output` does."""
    with atomic_output(path) as temporary:
        temporary.write_bytes(data)
    return as_path(path)
