"""`Archive`: read members of a data set that is a zip file or an unpacked folder, the same way."""

from __future__ import annotations

import zipfile
from pathlib import Path, PurePosixPath

from descant.errors import InputNotFound, InvalidAudio


class Archive:
    """A zip file or a folder whose files are named by their path inside it.

    Args:
        path: The zip file or folder.

    Raises:
        InputNotFound: Nothing is there, or it is neither a zip file nor a folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if path.is_dir():
            self._zip = None
            self.names = sorted(p.relative_to(path).as_posix() for p in path.rglob("*") if p.is_file())
        elif path.is_file() and zipfile.is_zipfile(path):
            self._zip = zipfile.ZipFile(path)
            self.names = sorted(name for name in self._zip.namelist() if not name.endswith("/"))
        else:
            raise InputNotFound(f"{path} is neither a folder nor a zip file.", "Give the data set's zip or folder.")

    def find(self, suffix: str) -> str | None:
        """The first member whose path ends with `suffix`."""
        return next((name for name in self.names if name.endswith(suffix)), None)

    def read_bytes(self, name: str) -> bytes:
        """A member's bytes.

        Raises:
            InputNotFound: The member is missing or damaged (a half-finished download).
        """
        try:
            if self._zip is None:
                return (self.path / PurePosixPath(name)).read_bytes()
            return self._zip.read(name)
        except (KeyError, FileNotFoundError) as error:
            raise InputNotFound(f"{self.path} has no {name}.", "Is this the right data set, and whole?") from error
        except zipfile.BadZipFile as error:
            raise InvalidAudio(f"{name} in {self.path} is damaged.", "Download the data set again.") from error

    def read_text(self, name: str) -> str:
        """A member's text (UTF-8)."""
        return self.read_bytes(name).decode("utf-8", errors="replace")
