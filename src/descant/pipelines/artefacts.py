"""`Artefacts`: a folder of finished pieces of work, each under a name that says what made it."""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from descant.errors import OutputError, PermissionRefused
from descant.files import output_error

MAX_BYTES = 2 << 30
_UNFINISHED = ".part"
_ABANDONED_S = 24 * 3600


def _settle(unfinished: Path, finished: Path) -> None:
    try:
        unfinished.rename(finished)
    except OSError:
        if not finished.is_dir():  # otherwise another run on the same song has made it in the meantime
            raise


class Artefacts:
    """A folder of finished work that all runs share, so that a killed or repeated run does not redo it.

    A piece of work appears under its name only when it is whole. The longest unused pieces are dropped when all
    together grow beyond `max_bytes`, but none that this object has handed out.

    Args:
        folder: Where they are kept; made when the first is.
        max_bytes: How much all together may take.
    """

    def __init__(self, folder: Path, *, max_bytes: int = MAX_BYTES) -> None:
        self.folder = folder
        self._max_bytes = max_bytes
        self._in_use: set[Path] = set()

    def find(self, name: str) -> Path | None:
        """The finished folder of this name, from now on in use; None if there is none."""
        finished = self.folder / name
        if not finished.is_dir():
            return None
        with suppress(OSError):  # a shelf that may only be read is still of use
            os.utime(finished)
        self._in_use.add(finished)
        return finished

    def make(self, name: str, work: Callable[[Path], None]) -> Path:
        """The finished folder of this name, made by `work(empty_folder)` unless it exists already.

        Raises:
            OutputError: The folder cannot be written.
            PermissionRefused: It may not be written.
        """
        found = self.find(name)
        if found is not None:
            return found
        finished = self.folder / name
        unfinished = finished.with_name(f"{name}.{secrets.token_hex(4)}{_UNFINISHED}")
        try:
            unfinished.mkdir(parents=True)
        except PermissionError as error:
            raise PermissionRefused(f"{self.folder} may not be written.", "Choose another output folder.") from error
        except OSError as error:
            raise OutputError(f"{self.folder} cannot be made: {error.strerror}.", "Choose another folder.") from error
        try:
            work(unfinished)
            _settle(unfinished, finished)
        except OSError as error:  # a full disk, most of all: what steps read, they read with errors of their own
            raise output_error(error, self.folder) from error
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
        self._in_use.add(finished)
        with suppress(FileNotFoundError):  # another process tidies up at the same moment
            self._drop_unused()
        return finished

    def discard(self, name: str) -> None:
        """Remove a piece of work that turned out to be damaged, and what else may lie in its place."""
        place = self.folder / name
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place, ignore_errors=True)
            return
        with suppress(OSError):
            place.unlink(missing_ok=True)

    def _drop_unused(self) -> None:
        sizes = {place: sum(file.stat().st_size for file in place.rglob("*")) for place in self.folder.iterdir()}
        total = 0
        for place in sorted(sizes, key=lambda place: place.stat().st_mtime, reverse=True):
            total += sizes[place]
            abandoned = place.suffix == _UNFINISHED and time.time() - place.stat().st_mtime > _ABANDONED_S
            too_much = total > self._max_bytes and place.suffix != _UNFINISHED
            if abandoned or (too_much and place not in self._in_use):
                shutil.rmtree(place, ignore_errors=True)
