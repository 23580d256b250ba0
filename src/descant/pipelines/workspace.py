"""`Workspace`: finished steps of a pipeline kept by content, so that a killed or repeated run does not redo them."""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from descant import __version__
from descant.errors import OutputError, PermissionRefused

Setting = str | float | int | bool | None


class Workspace:
    """A folder of finished steps.

    A step's folder is named by a hash of the source's bytes, the step's name, its settings and Descant's version. It
    appears under that name only when it is whole.

    Args:
        folder: Where the steps are kept; made when the first step is.
        source: The file everything starts from; its content is part of every step's identity.
    """

    def __init__(self, folder: Path, source: Path) -> None:
        self.folder = folder
        with source.open("rb") as file:
            self._source = hashlib.file_digest(file, "sha256").hexdigest()

    def step(self, name: str, settings: Mapping[str, Setting], make: Callable[[Path], None]) -> Path:
        """The folder of a step, made by `make(empty_folder)` unless it exists already.

        Raises:
            OutputError: The folder cannot be written.
            PermissionRefused: It may not be written.
        """
        identity = json.dumps([self._source, name, __version__, sorted(settings.items())])
        finished = self.folder / f"{name}-{hashlib.sha256(identity.encode()).hexdigest()[:16]}"
        if finished.is_dir():
            return finished
        unfinished = finished.with_name(f"{finished.name}.{secrets.token_hex(4)}.part")
        try:
            unfinished.mkdir(parents=True)
        except PermissionError as error:
            raise PermissionRefused(f"{self.folder} may not be written.", "Choose another output folder.") from error
        except OSError as error:
            raise OutputError(f"{self.folder} cannot be made: {error.strerror}.", "Choose another folder.") from error
        try:
            make(unfinished)
            unfinished.rename(finished)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
        return finished
