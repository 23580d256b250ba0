"""The best weights of a run by a watched measure, in `best/step-<step>/`, each like a checkpoint without optimisers."""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from descant.errors import InputNotFound
from descant.train.checkpoint import (
    CHECKPOINT,
    CONFIG,
    STATE,
    WEIGHTS,
    read_json,
    save_files,
    write_folder,
    write_json,
)
from descant.train.config import Watch

FOLDER = "best"


def best_weights(run: Path) -> Path:
    """The folder of a run's best weights.

    Raises:
        InputNotFound: The run kept none.
        CheckpointError: Its checkpoint is damaged.
    """
    entries = read_json(run / CHECKPOINT / STATE).get("best", [])
    try:
        step = int(entries[0][1])
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise InputNotFound(
            f"{run} kept no best weights.", "Set measure and keep in [loop.watch], and train."
        ) from error
    return run / FOLDER / f"step-{step:08d}"


class Best:
    """The best so far.

    A new one is written before the checkpoint that knows of it, and one that is no longer among them goes after it
    (`tidy`), so that a killed run finds all that its checkpoint speaks of.

    Attributes:
        entries: (value, step), the best first.
    """

    def __init__(self, run: Path, watch: Watch) -> None:
        self._folder = run / FOLDER
        self._watch = watch
        self.entries: list[tuple[float, int]] = []

    def takes(self, value: float) -> bool:
        """Whether a new value is among the best."""
        if not self._watch.keep or math.isnan(value):
            return False
        return len(self.entries) < self._watch.keep or self._order(value) < self._order(self.entries[-1][0])

    def add(self, value: float, step: int) -> None:
        """Note a value; the worst gives way."""
        entries = sorted([*self.entries, (value, step)], key=lambda entry: (self._order(entry[0]), entry[1]))
        self.entries = entries[: self._watch.keep]

    def write(
        self, step: int, weights: Mapping[str, Tensor], measured: Mapping[str, float], asked: Mapping[str, Any]
    ) -> None:
        """Write the weights that were measured."""

        def fill(folder: Path) -> None:
            save_files(folder, {WEIGHTS: weights})
            write_json(folder / STATE, {"step": step, "measured": dict(measured)})
            write_json(folder / CONFIG, asked)

        write_folder(self._folder / f"step-{step:08d}", fill)

    def tidy(self) -> None:
        """Remove what is not among the best."""
        kept = {f"step-{step:08d}" for _, step in self.entries}
        for folder in self._folder.glob("*"):
            if folder.name not in kept:
                shutil.rmtree(folder, ignore_errors=True)

    def _order(self, value: float) -> float:
        return -value if self._watch.higher_is_better else value
