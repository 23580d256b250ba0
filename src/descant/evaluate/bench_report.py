"""A benchmark as files: Markdown, JSON with every single run, and a plot."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from descant.evaluate.bench import Measurement
from descant.evaluate.plots import COLOURS, can_draw, figure
from descant.evaluate.report import Picture, Report, make_folder
from descant.files import atomic_output


def save_bench(
    report: Report, measurements: Sequence[Measurement], folder: Path, *, plots: bool | None = None
) -> Report:
    """Write `bench-<verb>.md`, `.json` (tables and all runs) and, if matplotlib is there, `.png`.

    Args:
        report: What `bench` made.
        measurements: All runs.
        folder: Made if needed.
        plots: None draws if matplotlib is there, True insists, False draws nothing.

    Returns:
        The report as written, with its picture.

    Raises:
        MissingDependency: Plots are insisted on and matplotlib is missing.
        OutputError, PermissionRefused: The folder cannot be written.
    """
    make_folder(folder)
    if plots or (plots is None and can_draw()):
        picture = Picture("Wall time and peak memory; bars from the smallest to the largest run", f"{report.name}.png")
        draw_bench(measurements, folder / picture.file)
        report = replace(report, pictures=(picture,))
    report.save(folder)
    table = json.loads(report.to_json())
    table["runs"] = [
        {"program": each.program, "audio_s": each.audio_s, **{k: v for k, v in asdict(run).items() if k != "output"}}
        for each in measurements
        for run in each.runs
    ]
    with atomic_output(folder / f"{report.name}.json") as temporary:
        temporary.write_text(json.dumps(table, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return report


def draw_bench(measurements: Sequence[Measurement], path: Path) -> None:
    """Wall time and peak memory over the length of the input, a line per program."""
    names = list(dict.fromkeys(each.program for each in measurements))
    with figure(path, width=9.0, height=4.2) as drawn:
        walls, peaks = drawn.subplots(1, 2)
        for colour, name in zip(COLOURS, names, strict=False):
            mine = [each for each in measurements if each.program == name]
            _line(walls, mine, "wall_s", colour, name)
            _line(peaks, mine, "peak_mib", colour, name)
        for axis, title in ((walls, "wall time, s"), (peaks, "peak memory, MiB")):
            axis.set_title(title, fontsize=10)
            axis.set_xlabel("length of the input, s", fontsize=9)
            axis.set_ylim(bottom=0)
            axis.set_xlim(left=0)
            axis.grid(color="0.9")
            axis.tick_params(labelsize=8)
            for side in ("top", "right"):
                axis.spines[side].set_visible(False)
        handles, labels = walls.get_legend_handles_labels()
        drawn.legend(handles, labels, loc="outside lower center", fontsize=8, ncols=1, frameon=False)


def _line(axis: Any, mine: Sequence[Measurement], field: str, colour: str, name: str) -> None:
    lengths = [each.audio_s for each in mine]
    middles = [getattr(each, field) for each in mine]
    lows = [m - min(getattr(run, field) for run in each.runs) for m, each in zip(middles, mine, strict=True)]
    highs = [max(getattr(run, field) for run in each.runs) - m for m, each in zip(middles, mine, strict=True)]
    axis.errorbar(lengths, middles, yerr=[lows, highs], color=colour, marker="o", markersize=4, capsize=3, label=name)
