"""What a run writes down: a CSV row a report, and the same with sounds and pictures for TensorBoard."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from descant.dsp.stft import magnitude_blocks
from descant.errors import MissingDependency
from descant.files import output_error
from descant.train.lesson import Picture, Sound

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

Array = NDArray[np.float32]

_RANGE_DB = 80.0
_WINDOW = 1024
_HOP = 256


@dataclass(frozen=True, slots=True)
class Row:
    """One report.

    Attributes:
        step: Steps made.
        elapsed_s: Seconds of training so far, over all parts.
        losses: Player -> mean loss since the last row.
        rate: The first player's learning rate.
        measured: What a validation returned; empty where there was none.
    """

    step: int
    elapsed_s: float
    losses: Mapping[str, float]
    rate: float
    measured: Mapping[str, float]


@contextmanager
def _as_output_error(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise output_error(error, path) from error


class CsvLog:
    """`log.csv` of a run; rows after the checkpoint that is resumed are dropped.

    Args:
        path: The file.
        step: Of the checkpoint that is resumed; 0 begins anew.
        players: Their names; the first one's loss is the column "loss".
    """

    def __init__(self, path: Path, step: int, players: Sequence[str]) -> None:
        self._path = path
        self._players = tuple(players)
        others = tuple(f"loss_{name}" for name in players[1:])
        rows: list[list[str]] = []
        columns = ["step", "minutes", "loss", *others, "learning_rate", "validation"]
        with _as_output_error(path):
            if path.is_file():
                with path.open(encoding="utf-8", errors="replace", newline="") as file:  # damaged rows are dropped
                    rows = [row for row in csv.reader(file) if row and row[0].isdecimal() and int(row[0]) <= step]
            with path.open("w", encoding="utf-8", newline="") as file:
                csv.writer(file).writerows([columns, *rows])

    def write(self, row: Row) -> None:
        """Append a row."""
        losses = [f"{row.losses[name]:.5f}" if name in row.losses else "" for name in self._players]
        validation = " ".join(f"{name}={value:.4f}" for name, value in row.measured.items())
        values = (row.step, f"{row.elapsed_s / 60:.2f}", *losses, f"{row.rate:.2e}", validation)
        with _as_output_error(self._path), self._path.open("a", encoding="utf-8", newline="") as file:
            csv.writer(file).writerow(values)


class TensorBoardLog:
    """Event files of a run in `tensorboard/`; what is after the checkpoint that is resumed is purged.

    Raises:
        MissingDependency: tensorboard is not installed.
    """

    def __init__(self, folder: Path, step: int) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise MissingDependency(
                "The log for TensorBoard needs tensorboard.",
                "Install it: pip install 'descant[train]'; or set tensorboard = false in the recipe's [loop].",
            ) from error
        self._writer: SummaryWriter = SummaryWriter(str(folder), purge_step=step + 1 if step else None)

    def write(self, row: Row) -> None:
        """Scalars of a row."""
        groups = {"loss": row.losses, "validation": row.measured, "rate": {"learning_rate": row.rate}}
        for group, values in groups.items():
            for name, value in values.items():
                self._writer.add_scalar(f"{group}/{name}", value, row.step)

    def show(self, example: Sound | Picture, step: int) -> None:
        """A sound with its spectrogram, or a picture."""
        if isinstance(example, Sound):
            mono = np.asarray(example.samples, np.float32).reshape(-1, example.samples.shape[-1]).mean(0)
            sound = torch.from_numpy(np.clip(mono, -1.0, 1.0))[None]
            self._writer.add_audio(example.name, sound, step, sample_rate=example.sample_rate)
            values = spectrogram(mono)
        else:
            values = np.asarray(example.values, np.float32)
        self._writer.add_image(example.name, _coloured(values), step)

    def close(self) -> None:
        """Write what is still in memory."""
        self._writer.close()


def spectrogram(samples: Array) -> Array:
    """Levels in dB within 80 of the loudest, [frequencies, frames], of float samples [frames]."""
    magnitudes = np.concatenate(list(magnitude_blocks(samples, _WINDOW, _HOP))).T
    level = 20.0 * np.log10(np.maximum(magnitudes, 1e-8))
    return np.asarray(np.maximum(level, level.max() - _RANGE_DB), np.float32)


def _coloured(values: Array) -> NDArray[np.uint8]:
    """[3, height, width], the first row at the bottom, lightest where the values are highest."""
    from matplotlib import colormaps

    low, high = float(values.min()), float(values.max())
    scaled = (values - low) / max(high - low, 1e-12)
    rgb = colormaps["magma"](scaled[::-1], bytes=True)[..., :3]
    return np.ascontiguousarray(np.moveaxis(rgb, -1, 0))
