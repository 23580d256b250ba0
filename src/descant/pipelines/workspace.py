"""`Workspace`: finished steps of a pipeline kept by content, so that a killed or repeated run does not redo them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from descant import __version__
from descant.errors import DescantError
from descant.hub.files import sha256_of
from descant.pipelines.artefacts import MAX_BYTES, Artefacts

Setting = str | float | int | bool | None
Value = TypeVar("Value")


class Workspace:
    """The finished steps of one song among `Artefacts` that all songs share.

    A step's folder is named by a hash of the source's bytes, the step's name, its settings and Descant's version.

    Args:
        folder: Where the steps are kept; made when the first step is.
        source: The file everything starts from; its content is part of every step's identity.
        max_bytes: How much all finished steps may take.
    """

    def __init__(self, folder: Path, source: Path, *, max_bytes: int = MAX_BYTES) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._source = sha256_of(source)

    def step(self, name: str, settings: Mapping[str, Setting], make: Callable[[Path], None]) -> Path:
        """The folder of a step, made by `make(empty_folder)` unless it exists already.

        Raises:
            OutputError: The folder cannot be written.
            PermissionRefused: It may not be written.
        """
        identity = json.dumps([self._source, name, __version__, sorted(settings.items())])
        artefacts = Artefacts(self._folder, max_bytes=self._max_bytes)  # a step holds none but itself
        return artefacts.make(f"{name}-{hashlib.sha256(identity.encode()).hexdigest()[:16]}", make)

    def value(
        self,
        name: str,
        settings: Mapping[str, Setting],
        make: Callable[[Path], None],
        read: Callable[[Path], Value],
    ) -> Value:
        """What `read` finds in a step's folder. A folder that it refuses counts as absent: it is made anew, once.

        Raises:
            DescantError: As for `step`; what `read` raises, where the folder that was just made is refused too.
        """
        place = self.step(name, settings, make)
        try:
            return read(place)
        except DescantError:
            Artefacts(self._folder, max_bytes=self._max_bytes).discard(place.name)
            return read(self.step(name, settings, make))
