"""Plots of alignments: words within a tolerance, and the error over each song's time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from descant.evaluate.align import AlignedSystem
from descant.evaluate.plots import COLOURS, figure, printable

Floats = NDArray[np.float64]

_TOLERANCES_S = np.linspace(0.0, 1.0, 101)
_MARKED_S = 0.3
_MOST_SONGS = 48
_ACROSS = 3
_LONGEST_NAME = 44
_LINEAR_S = 0.3


def draw_tolerances(systems: Sequence[AlignedSystem], path: Path) -> None:
    """Share of words within each tolerance to 1 s, the mean over songs; of one system thin lines show each song.

    Args:
        systems: One colour each.
        path: The PNG file.

    Raises:
        MissingDependency: matplotlib is not installed.
        OutputError, PermissionRefused: The file cannot be written.
    """
    with figure(path, width=6.4, height=4.2) as drawn:
        axis = drawn.subplots()
        for index, system in enumerate(systems):
            curves = [_within(score.errors_s) for score in system.songs.values()]
            if not curves:
                continue
            colour = COLOURS[index % len(COLOURS)]
            for curve in curves if len(systems) == 1 else ():
                axis.plot(_TOLERANCES_S, curve, color=colour, linewidth=0.6, alpha=0.35)
            name = f"{printable(system.name)} ({len(curves)} songs)"
            axis.plot(_TOLERANCES_S, np.mean(curves, axis=0), color=colour, linewidth=2.0, label=name)
        axis.axvline(_MARKED_S, color="0.6", linewidth=0.8, linestyle="--")
        axis.set(xlim=(0.0, 1.0), ylim=(0.0, 1.0), xlabel="tolerance, s", ylabel="share of words within it")
        axis.grid(color="0.9")
        axis.set_axisbelow(True)
        if axis.get_legend_handles_labels()[0]:
            axis.legend(fontsize=8, loc="lower right")


def draw_errors(systems: Sequence[AlignedSystem], path: Path) -> None:
    """A panel per song with the signed error of each word over the time at which it is sung.

    The scale is linear to 0.3 s and logarithmic beyond, so that a lost stretch and a tenth of a second are both seen.
    Of many songs the worst are drawn (by the mean error of the best system on them).

    Args:
        systems: One colour each.
        path: The PNG file.

    Raises:
        MissingDependency: matplotlib is not installed.
        OutputError, PermissionRefused: The file cannot be written.
    """
    shown = _worst_songs(systems)
    across = max(1, min(_ACROSS, len(shown)))
    down = max(1, math.ceil(len(shown) / across))
    with figure(path, width=0.6 + 4.2 * across, height=0.9 + 1.5 * down) as drawn:
        axes = np.atleast_1d(drawn.subplots(down, across, squeeze=False)).ravel()
        for index, axis in enumerate(axes):
            if index >= len(shown):
                axis.set_visible(False)
                continue
            _draw_song(axis, shown[index], systems)
            if index % across == 0:
                axis.set_ylabel("late by, s", fontsize=8)
        for position, system in enumerate(systems):
            axes[0].plot([], [], "o", color=COLOURS[position % len(COLOURS)], label=printable(system.name))
        drawn.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=4, fontsize=8)


def _draw_song(axis: Any, name: str, systems: Sequence[AlignedSystem]) -> None:
    most = 1.0
    for index, system in enumerate(systems):
        score = system.songs.get(name)
        if score is None:
            continue
        colour = COLOURS[index % len(COLOURS)]
        axis.plot(score.starts_s, score.errors_s, "o-", color=colour, markersize=2.0, linewidth=0.5, alpha=0.7)
        most = max(most, float(np.abs(score.errors_s).max()))
    axis.axhspan(-_LINEAR_S, _LINEAR_S, color="0.92", zorder=0)
    axis.set_yscale("symlog", linthresh=_LINEAR_S)
    axis.set_ylim(-1.3 * most, 1.3 * most)
    shown = printable(name)
    axis.set_title(shown if len(shown) <= _LONGEST_NAME else shown[: _LONGEST_NAME - 1] + "…", fontsize=8)
    axis.tick_params(labelsize=7)
    axis.grid(axis="x", color="0.9")


def _within(errors_s: Floats) -> Floats:
    shares: Floats = (np.abs(errors_s)[np.newaxis] <= _TOLERANCES_S[:, np.newaxis]).mean(axis=1)
    return shares


def _worst_songs(systems: Sequence[AlignedSystem]) -> list[str]:
    """Names in the order of the set, of at most so many as can be looked at."""
    best: dict[str, float] = {}
    for system in systems:
        for name, score in system.songs.items():
            best[name] = min(best.get(name, math.inf), float(np.abs(score.errors_s).mean()))
    kept = set(sorted(best, key=lambda name: -best[name])[:_MOST_SONGS])
    return [name for name in best if name in kept]
