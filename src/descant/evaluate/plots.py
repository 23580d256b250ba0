"""Plots of comparisons and benchmarks, with matplotlib (extra "train"), drawn without a screen."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from descant.dsp.rainbowgram import Rainbowgram
from descant.errors import InvalidOption, MissingDependency
from descant.evaluate.compare import FileTask, SystemScores
from descant.evaluate.scores import Metric
from descant.evaluate.statistics import bootstrap_interval
from descant.files import atomic_output

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito's palette: told apart by colour-blind eyes, too."""

_PANELS_ACROSS = 4
_LONGEST_NAME = 28


def can_draw() -> bool:
    """Whether matplotlib is installed."""
    return importlib.util.find_spec("matplotlib") is not None


def require_plots(plots: bool | None, out: Path | None) -> None:
    """Refuse plots that are insisted on and cannot be drawn, before the work whose result they would show.

    Args:
        plots: True insists.
        out: Where they would go.

    Raises:
        InvalidOption: There is nowhere to draw to.
        MissingDependency: matplotlib is not installed.
    """
    if plots and out is None:
        raise InvalidOption("--plots draws into the output folder, and there is none.", "Name one with -o.")
    if plots and not can_draw():
        raise _no_matplotlib()


def _no_matplotlib() -> MissingDependency:
    return MissingDependency("Plots need matplotlib.", 'Install it with: pip install "descant[train]"')


@contextmanager
def figure(path: Path, *, width: float, height: float) -> Iterator[Any]:
    """A matplotlib figure that is written as PNG when the block ends.

    Raises:
        MissingDependency: matplotlib is not installed.
        OutputError, PermissionRefused: The file cannot be written.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise _no_matplotlib() from error
    drawn = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(drawn)
    yield drawn
    with atomic_output(path) as temporary:
        drawn.savefig(temporary, format="png", dpi=130, metadata={"Software": None})


def draw_comparison(task: FileTask, systems: Sequence[SystemScores], path: Path) -> None:
    """A panel per measure: a dot per song, a mark with its interval per system and part.

    Args:
        task: What was compared.
        systems: One colour each.
        path: The PNG file.
    """
    metrics = [m for m in task.metrics if any(_known(s, p, m) for s in systems for p in s.parts)]
    rows = [(system, part) for part in systems[0].parts for system in systems]
    across = min(_PANELS_ACROSS, max(1, len(metrics)))
    down = max(1, math.ceil(len(metrics) / across))
    height = down * (0.9 + 0.42 * len(rows))
    with figure(path, width=1.6 + 2.9 * across, height=height + 0.5) as drawn:
        axes = np.atleast_1d(drawn.subplots(down, across, squeeze=False)).ravel()
        for index, axis in enumerate(axes):
            if index >= len(metrics):
                axis.set_visible(False)
                continue
            _draw_panel(axis, metrics[index], rows, systems)
            axis.set_yticks(range(len(rows)), [_name(system, part, systems) for system, part in rows])
            axis.tick_params(axis="y", labelleft=index % across == 0, length=0)
        drawn.suptitle(f"{task.name}: {len(systems[0].songs)} songs (arrows point to better)", fontsize=11)


def draw_rainbowgrams(named: Mapping[str, Rainbowgram], path: Path, *, across: int = 4) -> None:
    """Rainbowgrams side by side: colour is how the phase turns, darkness hides what is soft (Engel et al. 2017).

    Args:
        named: Title to picture; all of the same bins.
        path: The PNG file.
        across: Pictures in a row.

    Raises:
        MissingDependency: matplotlib is not installed.
        OutputError, PermissionRefused: The file cannot be written.
    """
    across = min(across, max(1, len(named)))
    down = max(1, math.ceil(len(named) / across))
    with figure(path, width=0.6 + 2.7 * across, height=0.5 + 2.3 * down) as drawn:
        axes = drawn.subplots(down, across, squeeze=False, sharex=True, sharey=True)
        for index, (axis, (name, picture)) in enumerate(zip(axes.ravel(), named.items(), strict=False)):
            _draw_rainbowgram(axis, picture)
            axis.set_title(printable(name), fontsize=9)
            if index % across == 0:
                axis.set_ylabel("Hz", fontsize=8)
            if index >= len(named) - across:
                axis.set_xlabel("s", fontsize=8)
        for axis in axes.ravel()[len(named) :]:
            axis.set_visible(False)


def _draw_rainbowgram(axis: Any, picture: Rainbowgram) -> None:
    from matplotlib import colormaps

    colours = colormaps["rainbow"]((picture.deviation + 1.0) / 2.0)[..., :3] * picture.magnitude[..., np.newaxis]
    frame_s = float(picture.times_s[1] - picture.times_s[0]) if len(picture.times_s) > 1 else 1.0
    bins = len(picture.hz)
    extent = (-frame_s / 2, float(picture.times_s[-1]) + frame_s / 2, -0.5, bins - 0.5)
    axis.imshow(colours, origin="lower", aspect="auto", interpolation="nearest", extent=extent)
    octaves = np.arange(0, math.log2(picture.hz[-1] / picture.hz[0]) + 1e-9)
    per_octave = (bins - 1) / max(math.log2(picture.hz[-1] / picture.hz[0]), 1e-9)
    axis.set_yticks(octaves * per_octave, [f"{picture.hz[0] * 2**octave:.0f}" for octave in octaves])
    axis.tick_params(labelsize=7)


def _draw_panel(
    axis: Any, metric: Metric, rows: Sequence[tuple[SystemScores, str]], systems: Sequence[SystemScores]
) -> None:
    for height, (system, part) in enumerate(rows):
        colour = COLOURS[systems.index(system) % len(COLOURS)]
        values = _known(system, part, metric)
        spread = 0.28 * np.sin(2.4 * np.arange(len(values)) + 1.2)  # dots of equal value stay apart, without chance
        axis.scatter(values, height + spread, s=14, color=colour, alpha=0.4, linewidths=0)
        found = bootstrap_interval(values, summary=metric.summary)
        if found is not None:
            if found.low is not None and found.high is not None:
                axis.plot([found.low, found.high], [height, height], color=colour, linewidth=2.2)
            axis.plot([found.value], [height], marker="D", color=colour, markersize=6, markeredgecolor="white")
    arrow = {True: " \N{RIGHTWARDS ARROW}", False: " \N{LEFTWARDS ARROW}", None: ""}[metric.higher_is_better]
    axis.set_title(metric.name + arrow, fontsize=9)
    axis.tick_params(labelsize=8)
    axis.locator_params(axis="x", nbins=5)
    axis.grid(axis="x", color="0.9")
    axis.set_axisbelow(True)
    axis.set_ylim(len(rows) - 0.5, -0.5)
    for side in ("top", "right", "left"):
        axis.spines[side].set_visible(False)


def _known(system: SystemScores, part: str, metric: Metric) -> list[float]:
    return [value for value in system.values(part, metric.name) if value is not None]


def _name(system: SystemScores, part: str, systems: Sequence[SystemScores]) -> str:
    name = part if part and len(systems) == 1 else ", ".join(filter(None, (part, system.name)))
    shown = printable(name)
    return shown if len(shown) <= _LONGEST_NAME else shown[: _LONGEST_NAME - 1] + "…"


def printable(name: str) -> str:
    """Text that matplotlib draws as it is."""
    return "".join(c if c.isprintable() else "?" for c in name).replace("$", r"\$")
