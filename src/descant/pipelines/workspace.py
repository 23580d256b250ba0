"""`Workspace`: finished steps of a pipeline kept by content, so that a killed or repeated run does not redo them."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from descant import __version__
from descant.errors import OutputError, PermissionRefused

Setting = str | float | int | bool | None

MAX_BYTES = 2 << 30
_UNFINISHED = ".part"
_ABANDONED_S = 24 * 3600


def _settle(unfinished: Path, finished: Path) -> None:
    try:
        unfinished.rename(finished)
    except OSError:
        if not finished.is_dir():  # otherwise another run on the same song has made it in the meantime
            raise


class Workspace:
    """A folder of finished steps.

    Steps of all songs share the folder, so that another output of the same song finds them; the longest unused ones
    are dropped when all together grow beyond `max_bytes`. A step's folder is named by a hash of the source's bytes,
    the step's name, its settings and Descant's version. It appears under that name only when it is whole.

    Args:
        folder: Where the steps are kept; made when the first step is.
        source: The file everything starts from; its content is part of every step's identity.
        max_bytes: How much all finished steps may take.
    """

    def __init__(self, folder: Path, source: Path, *, max_bytes: int = MAX_BYTES) -> None:
        self.folder = folder
        self._max_bytes = max_bytes
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
            os.utime(finished)
            return finished
        unfinished = finished.with_name(f"{finished.name}.{secrets.token_hex(4)}{_UNFINISHED}")
        try:
            unfinished.mkdir(parents=True)
        except PermissionError as error:
            raise PermissionRefused(f"{self.folder} may not be written.", "Choose another output folder.") from error
        except OSError as error:
            raise OutputError(f"{self.folder} cannot be made: {error.strerror}.", "Choose another folder.") from error
        try:
            make(unfinished)
            _settle(unfinished, finished)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
        with suppress(FileNotFoundError):  # another process tidies up at the same moment
            self._drop_unused(finished)
        return finished

    def _drop_unused(self, keep: Path) -> None:
        sizes = {step: sum(file.stat().st_size for file in step.rglob("*")) for step in self.folder.iterdir()}
        total = 0
        for step in sorted(sizes, key=lambda step: step.stat().st_mtime, reverse=True):
            total += sizes[step]
            abandoned = step.suffix == _UNFINISHED and time.time() - step.stat().st_mtime > _ABANDONED_S
            if step != keep and (abandoned or (total > self._max_bytes and step.suffix != _UNFINISHED)):
                shutil.rmtree(step, ignore_errors=True)
