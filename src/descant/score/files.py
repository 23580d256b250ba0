"""Files of scores: read whole with a size limit, written to a temporary name and renamed, errors by name."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from descant.errors import InputNotFound, OutputError, PermissionRefused, ScoreReadError


def read_bytes(path: Path, *, what: str, max_bytes: int) -> bytes:
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
    if path.is_dir():
        raise InputNotFound(f"{path} is a folder, not a {what}.", "Name a file inside it.")
    try:
        size = path.stat().st_size
        if size > max_bytes:
            raise ScoreReadError(
                f"{path} is no {what}: it has {size / 2**20:.0f} MiB, more than {max_bytes / 2**20:.0f} MiB.",
                "Check that it is the right file.",
            )
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise InputNotFound(f"{path} does not exist.", "Check the path.") from error
    except PermissionError as error:
        raise PermissionRefused(f"{path} may not be read.", "Change its permissions or copy it.") from error
    except OSError as error:
        raise InputNotFound(f"{path} cannot be read: {error.strerror}.", "Check the path and the disk.") from error
    if not data:
        raise ScoreReadError(f"{path} is empty.", f"Export the {what} again.")
    return data


def write_bytes(path: Path, data: bytes) -> Path:
    """Write a file at once: parents are created, and nothing half-written is ever seen under the final name.

    Raises:
        PermissionRefused: The folder may not be written.
        OutputError: Anything else that stops the writing.
    """
    temporary = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        # mkstemp makes private files; the result gets the permissions any new file would have.
        mask = os.umask(0)
        os.umask(mask)
        Path(temporary).chmod(0o666 & ~mask)
        Path(temporary).replace(path)
    except PermissionError as error:
        _discard(temporary)
        raise PermissionRefused(f"{path} may not be written.", "Choose another folder.") from error
    except OSError as error:
        _discard(temporary)
        raise OutputError(
            f"{path} cannot be written: {error.strerror}.", "Check the folder and the free space."
        ) from error
    return path


def _discard(temporary: str) -> None:
    if temporary:
        Path(temporary).unlink(missing_ok=True)
