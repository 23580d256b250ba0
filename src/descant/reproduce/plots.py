"""Plots as values, and drawing them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from descant.errors import MissingDependency
from descant.evaluate.plots import can_draw, figure

_SIZE_INCHES = (6.4, 4.0)


@dataclass(frozen=True, slots=True)
class Line:
    """One curve: its name in the legend, its points, and the lowest and highest of several seeds where there are."""

    label: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Plot:
    """A picture of curves over the same axis.

    Attributes:
        name: Of the file, without suffix.
        title: Above the picture.
        x_label: With its unit.
        y_label: With its unit.
        lines: The curves.
        is_log: Both axes are logarithmic.
    """

    name: str
    title: str
    x_label: str
    y_label: str
    lines: tuple[Line, ...]
    is_log: bool = False


@dataclass(frozen=True, slots=True)
class Drawing:
    """A picture that its system draws.

    Attributes:
        name: Of the file, without suffix.
        write: Draws it as PNG at a path.
    """

    name: str
    write: Callable[[Path], None]


def require_matplotlib() -> None:
    """Say before the long work that the plots could not be drawn after it.

    Raises:
        MissingDependency: matplotlib is not installed.
    """
    if not can_draw():
        raise MissingDependency("Plots need matplotlib.", 'Install it with: pip install "descant[train]"')


def draw(plots: Sequence[Plot | Drawing], folder: Path) -> tuple[Path, ...]:
    """Draw each plot as `<folder>/<name>.png`."""
    return tuple(_draw(plot, folder / f"{plot.name}.png") for plot in plots)


def _draw(plot: Plot | Drawing, path: Path) -> Path:
    if isinstance(plot, Drawing):
        plot.write(path)
        return path
    width, height = _SIZE_INCHES
    with figure(path, width=width, height=height) as drawn:
        axes = drawn.subplots()
        for line in plot.lines:
            (curve,) = axes.plot(line.x, line.y, marker="o", markersize=3, label=line.label)
            if line.low and line.high:
                axes.fill_between(line.x, line.low, line.high, color=curve.get_color(), alpha=0.2, linewidth=0)
        if plot.is_log:
            axes.set_xscale("log", base=2)
            axes.set_yscale("log")
        axes.set(title=plot.title, xlabel=plot.x_label, ylabel=plot.y_label)
        axes.grid(alpha=0.3)
        axes.legend()
    return path
