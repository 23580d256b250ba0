"""Two folders of recordings as sets: how far one lies from the other on stated embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from descant.audio.formats import AUDIO_SUFFIXES
from descant.audio.io import read
from descant.errors import InputNotFound
from descant.evaluate.embeddings import Embedder
from descant.evaluate.readers import with_file
from descant.evaluate.report import Cell, Report, Table
from descant.evaluate.set_metrics import (
    ADVISED_ITEMS,
    METRICS,
    frechet_infinity,
    frechet_interval,
    kernel_distance,
    kernel_interval,
    validate,
)
from descant.progress import CancelToken, Monitor, ProgressSink

Floats = NDArray[np.float64]


def evaluate_sets(
    reference: Path,
    estimates: Sequence[Path],
    embedder: Embedder,
    *,
    command: str,
    seed: int = 0,
    progress: ProgressSink | None = None,
    cancel: CancelToken | None = None,
) -> Report:
    """FAD, its extrapolation and KAD of one or more folders of recordings against a reference.

    The last row says what the numbers mean: one half of the reference's recordings against the other half, the floor
    from which no system can be told apart.

    Args:
        reference: Folder of recordings, searched through; names need not match.
        estimates: Folders to compare with it.
        embedder: Makes the embeddings.
        command: How to measure it again.
        seed: Of subsets.
        progress: Receives the share that is done.
        cancel: Stops after the recording at work.

    Raises:
        InputNotFound: A folder holds no recordings.
        InvalidAudio: A recording is shorter than a window, or there are fewer than two windows.
    """
    lists = [_recordings(folder) for folder in (reference, *estimates)]
    sets = _embedded(lists, embedder, Monitor(progress, cancel, "embedding"))
    true = np.concatenate(sets[0])
    rows = [_row(folder.name, true, songs, seed) for folder, songs in zip(estimates, sets[1:], strict=True)]
    rows += _floor(sets[0], seed)
    columns = ("set", *(metric.name for metric in METRICS), "windows")
    title = f"Distance from {reference.name} ({len(lists[0])} recordings, {len(true)} windows)"
    tables = [Table(title, columns, tuple(rows))]
    tables += [
        _listing(folder.name, paths, songs)
        for folder, paths, songs in zip((reference, *estimates), lists, sets, strict=True)
    ]
    return Report("sets", command, tuple(tables), _notes(embedder, min(sum(map(len, songs)) for songs in sets)))


def _embedded(lists: Sequence[Sequence[Path]], embedder: Embedder, monitor: Monitor) -> list[list[Floats]]:
    """Embeddings of every recording of every list."""
    total, done = sum(map(len, lists)), 0
    sets: list[list[Floats]] = []
    for paths in lists:
        sets.append([])
        for path in paths:
            monitor.report(done / total, path.name)
            sets[-1].append(with_file(path, partial(_embed, embedder, path)))
            done += 1
    monitor.report(1.0)
    return sets


def _embed(embedder: Embedder, path: Path) -> Floats:
    return embedder(read(path))


def _floor(songs: Sequence[Floats], seed: int) -> list[tuple[Cell, ...]]:
    """One half of the reference against the other, if it has two."""
    order = np.random.default_rng(seed).permutation(len(songs))
    halves = [[songs[i] for i in order[part::2]] for part in (0, 1)]
    if not all(halves) or any(sum(map(len, half)) < 2 for half in halves):
        return []
    distance = kernel_distance(*(np.concatenate(half) for half in halves))
    return [("reference: one half against the other", None, None, distance, None)]


def _listing(name: str, paths: Sequence[Path], songs: Sequence[Floats]) -> Table:
    rows = tuple((path.name, len(windows)) for path, windows in zip(paths, songs, strict=True))
    return Table(f"Recordings of {name}", ("recording", "windows"), rows)


def _notes(embedder: Embedder, fewest: int) -> tuple[str, ...]:
    notes = [f"{metric.name}: {metric.meaning}; lower is better." for metric in METRICS]
    notes += [
        f"Embedding: {embedder.name}. Numbers of other embeddings cannot be compared with these.",
        "Brackets: 95 % jackknife interval over the estimate's recordings; the reference is taken as it is.",
        "FAD's interval says how it would move with as many other recordings, not how far few windows raise it.",
    ]
    if fewest < ADVISED_ITEMS:
        notes.append(f"The smallest set has {fewest} windows; FAD wants {ADVISED_ITEMS} or more. Trust KAD.")
    return tuple(notes)


def _row(name: str, true: Floats, songs: Sequence[Floats], seed: int) -> tuple[Cell, ...]:
    found = np.concatenate(songs)
    validate(true, found)
    infinite = frechet_infinity(true, found, seed=seed)
    return (name, frechet_interval(true, songs), infinite, kernel_interval(true, songs), len(found))


def _recordings(folder: Path) -> list[Path]:
    if folder.is_file():
        return [folder]
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in AUDIO_SUFFIXES and path.is_file())
    if not found:
        raise InputNotFound(f"{folder} holds no recordings.", f"Looked for {' '.join(sorted(AUDIO_SUFFIXES))}.")
    return found
