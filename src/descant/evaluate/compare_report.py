"""The report of a comparison of files: summary with intervals, paired tests, song by song, plots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from descant.evaluate.compare import FileTask, SystemScores
from descant.evaluate.comparisons import COLUMNS, NOTE, paired_row
from descant.evaluate.report import Cell, Picture, Report, Table, make_folder
from descant.evaluate.scores import Metric
from descant.evaluate.statistics import bootstrap_interval

_MOST_SONGS_TO_LIST = 200


def comparison_report(task: FileTask, systems: Sequence[SystemScores], command: str, *, seed: int = 0) -> Report:
    """Tables of a comparison.

    Args:
        task: What was compared.
        systems: The first is what the others are tested against.
        command: How to measure it again.
        seed: Of intervals and tests.
    """
    songs = len(systems[0].songs)
    tables = [_summary(task, systems, seed)]
    tables += [_tests(task, systems[0], other, seed) for other in systems[1:]]
    tables += [_song_by_song(task, system) for system in systems if songs <= _MOST_SONGS_TO_LIST]
    notes = [f"{metric.name}: {metric.meaning}{_direction(metric)}." for metric in task.metrics]
    notes.append(
        f"{songs} songs; {_summaries(task)} over songs with 95 % bootstrap intervals (songs drawn with replacement, "
        f"seed {seed}). A dash: no song asks that question, or SDR met only silence."
    )
    if len(systems) > 1:
        notes.append(NOTE)
    notes += [f"{s.name}: {s.extra} files have no reference and were not judged." for s in systems if s.extra]
    return Report(task.name, command, tuple(tables), tuple(notes))


def save_comparison(
    report: Report, task: FileTask, systems: Sequence[SystemScores], folder: Path, *, plots: bool | None = None
) -> Report:
    """Write Markdown, JSON and, if matplotlib is installed, a plot beside them.

    Args:
        report: What `comparison_report` made.
        task: What was compared.
        systems: For the plot.
        folder: Made if needed.
        plots: None draws if matplotlib is there, True insists, False draws nothing.

    Returns:
        The report as written, with its pictures.

    Raises:
        MissingDependency: Plots are insisted on and matplotlib is missing.
        OutputError, PermissionRefused: The folder cannot be written.
    """
    from descant.evaluate.plots import can_draw, draw_comparison

    make_folder(folder)
    if plots or (plots is None and can_draw()):
        picture = Picture("Each dot is a song; the mark is the mean with its 95 % interval", f"{report.name}.png")
        draw_comparison(task, systems, folder / picture.file)
        report = replace(report, pictures=(picture,))
    elif plots is None:
        report = replace(report, notes=(*report.notes, 'No plots: they need pip install "descant[train]".'))
    report.save(folder)
    return report


def _summary(task: FileTask, systems: Sequence[SystemScores], seed: int) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for system in systems:
        for part in system.parts:
            cells = [
                bootstrap_interval(system.values(part, metric.name), summary=metric.summary, seed=seed)
                for metric in task.metrics
            ]
            rows.append((_row_name(system, part), *cells))
    return Table(f"{task.what}: {_summaries(task)} over songs", ("", *(m.name for m in task.metrics)), tuple(rows))


def _tests(task: FileTask, first: SystemScores, second: SystemScores, seed: int) -> Table:
    rows = [
        paired_row(
            f"{part}: {metric.name}" if part else metric.name,
            first.values(part, metric.name),
            second.values(part, metric.name),
            higher_is_better=metric.higher_is_better,
            seed=seed,
        )
        for part in first.parts
        for metric in task.metrics
    ]
    return Table(f"{second.name} against {first.name}", COLUMNS, tuple(row for row in rows if row is not None))


def _song_by_song(task: FileTask, system: SystemScores) -> Table:
    rows = tuple(
        (f"{song}: {part}" if part else song, *(scores[metric.name] for metric in task.metrics))
        for song, parts in system.songs.items()
        for part, scores in parts.items()
    )
    return Table(f"{system.name}, song by song", ("song", *(m.name for m in task.metrics)), rows)


def _summaries(task: FileTask) -> str:
    return " and ".join(f"{kind}s" for kind in dict.fromkeys(metric.summary for metric in task.metrics))


def _row_name(system: SystemScores, part: str) -> str:
    return f"{system.name}: {part}" if part else system.name


def _direction(metric: Metric) -> str:
    if metric.higher_is_better is None:
        return ""
    return "; higher is better" if metric.higher_is_better else "; lower is better"
