"""The report of alignments: means with intervals, lost songs, languages, paired tests, song by song, plots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from descant.evaluate.align import AlignedSystem
from descant.evaluate.align_songs import TimedSong
from descant.evaluate.alignment_metrics import METRICS, absolute_errors
from descant.evaluate.comparisons import COLUMNS, NOTE, paired_row
from descant.evaluate.report import Cell, Picture, Report, Table, make_folder
from descant.evaluate.statistics import bootstrap_interval

NAME = "align"

_MOST_SONGS_TO_LIST = 200
_BY_GROUP = ("AAE", "median AE", "within 0.1 s", "within 0.3 s", "in segments", "bias")
_TESTED = ("AAE", "median AE", "within 0.1 s", "within 0.3 s", "in segments")
_BY_SONG = ("AAE", "median AE", "within 0.1 s", "within 0.3 s", "within 1 s", "in segments", "perceptual", "bias")
_MINUTE_S = 60.0


def align_report(
    songs: Sequence[TimedSong],
    systems: Sequence[AlignedSystem],
    command: str,
    *,
    notes: Sequence[str] = (),
    seed: int = 0,
) -> Report:
    """Tables of alignments.

    Args:
        songs: What was measured on.
        systems: The first is what the others are tested against.
        command: How to measure it again.
        notes: What else a reader must know.
        seed: Of intervals and tests.
    """
    tables = [_means(songs, systems, seed), _lost(systems, seed)]
    languages = _grouped({song.name: (song.language or "unknown",) for song in songs})
    kinds = _grouped({song.name: song.kinds for song in songs})
    if set(languages) != {"unknown"}:
        tables.append(_by_group("By language", languages, systems, seed))
    if len(kinds) > 1:
        tables.append(_by_group("By genre and difficulty", kinds, systems, seed))
    tables += [_tests(songs, systems[0], other, seed) for other in systems[1:]]
    tables += [_song_by_song(system) for system in systems if len(songs) <= _MOST_SONGS_TO_LIST]
    measured = {row[0] for row in tables[0].rows}
    said = [f"{metric.name}: {metric.meaning}." for metric in METRICS if metric.name in measured]
    said.append(
        f"{len(songs)} songs. Each measure is of one song first; over songs, means with 95 % bootstrap intervals "
        f"(songs drawn with replacement, seed {seed}). A tolerance counts errors of at most that size."
    )
    if len(systems) > 1:
        said.append(NOTE)
    said += [
        f"{system.name}: refused {name} and has no values there: {why}"
        for system in systems
        for name, why in system.refused.items()
    ]
    said += [f"{s.name}: {s.extra} files have no reference and were not judged." for s in systems if s.extra]
    return Report(NAME, command, tuple(tables), (*said, *notes))


def save_alignments(
    report: Report, systems: Sequence[AlignedSystem], folder: Path, *, plots: bool | None = None
) -> Report:
    """Write Markdown, JSON and, if matplotlib is installed, plots beside them.

    Args:
        report: What `align_report` made.
        systems: For the plots.
        folder: Made if needed.
        plots: None draws if matplotlib is there, True insists, False draws nothing.

    Returns:
        The report as written, with its pictures.

    Raises:
        MissingDependency: Plots are insisted on and matplotlib is missing.
        OutputError, PermissionRefused: The folder cannot be written.
    """
    from descant.evaluate.align_plots import draw_errors, draw_tolerances
    from descant.evaluate.plots import can_draw

    make_folder(folder)
    if plots or (plots is None and can_draw()):
        curve = Picture("Share of words within a tolerance, mean over songs", f"{report.name}.png")
        errors = Picture("Error of each word over its song: lost stretches stand out", f"{report.name}_errors.png")
        draw_tolerances(systems, folder / curve.file)
        draw_errors(systems, folder / errors.file)
        report = replace(report, pictures=(curve, errors))
    elif plots is None:
        report = replace(report, notes=(*report.notes, 'No plots: they need pip install "descant[train]".'))
    report.save(folder)
    return report


def _means(songs: Sequence[TimedSong], systems: Sequence[AlignedSystem], seed: int) -> Table:
    names = [song.name for song in songs]
    rows: list[tuple[Cell, ...]] = []
    for metric in METRICS:
        cells = [bootstrap_interval(system.values(metric.name, names), seed=seed) for system in systems]
        if any(cell is not None for cell in cells):
            rows.append((metric.name, *cells))
    words = max((sum(len(score.starts_s) for score in system.songs.values()) for system in systems), default=0)
    return Table(f"{len(songs)} songs, {words} words: means over songs", ("", *(s.name for s in systems)), tuple(rows))


def _lost(systems: Sequence[AlignedSystem], seed: int) -> Table:
    """One lost song outweighs all local errors: what it costs is told apart, and so is a constant lateness."""
    rows = tuple(_lost_row(system, seed) for system in systems)
    columns = (
        "", "songs", "refused", "AAE", "median over songs", "worst song", "worst song's AAE", "AAE without it",
        "bias over songs", "AAE without bias", "s per minute of song",
    )  # fmt: skip
    return Table("AAE over songs, and what makes it", columns, rows)


def _lost_row(system: AlignedSystem, seed: int) -> tuple[Cell, ...]:
    errors = {name: float(np.abs(score.errors_s).mean()) for name, score in system.songs.items()}
    if not errors:
        return (system.name, 0, len(system.refused), *[None] * 8)
    worst = max(errors, key=errors.__getitem__)
    others = [error for name, error in errors.items() if name != worst]
    bias = float(np.median([np.median(score.errors_s) for score in system.songs.values()]))
    centred = [float(absolute_errors(bias, score.errors_s).mean()) for score in system.songs.values()]
    return (
        system.name,
        len(errors),
        len(system.refused),
        float(np.mean(list(errors.values()))),
        bootstrap_interval(list(errors.values()), summary="median", seed=seed),
        worst,
        errors[worst],
        float(np.mean(others)) if others else None,
        bias,
        float(np.mean(centred)),
        _pace(system),
    )


def _pace(system: AlignedSystem) -> float | None:
    timed = [(s.took_s, s.duration_s) for s in system.songs.values() if s.took_s is not None and s.duration_s]
    music_s = sum(duration_s for _, duration_s in timed)
    return _MINUTE_S * sum(took_s for took_s, _ in timed) / music_s if music_s else None


def _grouped(kinds: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Names of songs by what they have in common, sorted."""
    found = sorted({kind for each in kinds.values() for kind in each})
    return {kind: [name for name, each in kinds.items() if kind in each] for kind in found}


def _by_group(title: str, groups: Mapping[str, Sequence[str]], systems: Sequence[AlignedSystem], seed: int) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for system in systems:
        for group, names in groups.items():
            cells = [bootstrap_interval(system.values(metric, names), seed=seed) for metric in _BY_GROUP]
            aligned = sum(name in system.songs for name in names)
            rows.append((f"{system.name}: {group}" if len(systems) > 1 else group, aligned, *cells))
    return Table(title, ("", "songs", *_BY_GROUP), tuple(rows))


def _tests(songs: Sequence[TimedSong], first: AlignedSystem, second: AlignedSystem, seed: int) -> Table:
    names = [song.name for song in songs]
    better = {metric.name: metric.higher_is_better for metric in METRICS}
    rows = [
        paired_row(
            metric,
            first.values(metric, names),
            second.values(metric, names),
            higher_is_better=better[metric],
            seed=seed,
        )
        for metric in _TESTED
    ]
    return Table(f"{second.name} against {first.name}", COLUMNS, tuple(row for row in rows if row is not None))


def _song_by_song(system: AlignedSystem) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for name, score in system.songs.items():
        farthest = int(np.abs(score.errors_s).argmax())
        largest, at_s = float(score.errors_s[farthest]), float(score.starts_s[farthest])
        rows.append((name, len(score.errors_s), *(score.scores[metric] for metric in _BY_SONG), largest, at_s))
    return Table(f"{system.name}, song by song", ("song", "words", *_BY_SONG, "largest error", "at, s"), tuple(rows))
