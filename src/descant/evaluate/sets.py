"""Two folders of recordings as sets: how far one lies from the other on stated embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from descant.audio.formats import AUDIO_SUFFIXES
from descant.audio.io import read
from descant.errors import InputNotFound
from descant.evaluate.embeddings import Embedder
from descant.evaluate.readers import with_file
from descant.evaluate.report import Cell, Report, Table
from descant.evaluate.set_metrics import METRICS, evaluate, jackknife_interval, kernel_distance, validate
from descant.progress import CancelToken, Monitor, ProgressSink

Floats = NDArray[np.float64]

_ADVISED_ITEMS = 500


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
    folders = (reference, *estimates)
    lists = [_recordings(folder) for folder in folders]
    monitor = Monitor(progress, cancel, "embedding")
    total, done = sum(map(len, lists)), 0
    sets: list[list[Floats]] = []
    for paths in lists:
        rows = []
        for path in paths:
            monitor.report(done / total, path.name)
            rows.append(with_file(path, lambda path=path: embedder(read(path))))  # type: ignore[misc]
            done += 1
        sets.append(rows)
    true = np.concatenate(sets[0])
    table: list[tuple[Cell, ...]] = []
    for folder, songs in zip(estimates, sets[1:], strict=True):
        table.append(_row(folder.name, true, songs, seed))
    if len(sets[0]) > 1:
        half = np.random.default_rng(seed).permutation(len(sets[0]))
        first, second = (np.concatenate([sets[0][i] for i in half[part::2]]) for part in (0, 1))
        if min(len(first), len(second)) > 1:
            table.append(("reference: one half against the other", None, None, kernel_distance(first, second), None))
    monitor.report(1.0)
    items = min(sum(map(len, songs)) for songs in sets)
    notes = [f"{metric.name}: {metric.meaning}; lower is better." for metric in METRICS]
    notes += [
        f"Embedding: {embedder.name}. Numbers of other embeddings cannot be compared with these.",
        "Brackets: 95 % interval of KAD over the estimate's recordings (jackknife, a recording at a time).",
    ]
    if items < _ADVISED_ITEMS:
        notes.append(f"The smallest set has {items} windows; FAD wants {_ADVISED_ITEMS} or more. Trust KAD.")
    listed = [
        Table(
            f"Recordings of {folder.name}",
            ("recording", "windows"),
            tuple((path.name, len(rows)) for path, rows in zip(paths, embedded, strict=True)),
        )
        for folder, paths, embedded in zip(folders, lists, sets, strict=True)
    ]
    columns = ("set", *(metric.name for metric in METRICS), "windows")
    title = f"Distance from {reference.name} ({len(lists[0])} recordings, {len(true)} windows)"
    result = Table(title, columns, tuple(table))
    return Report("sets", command, (result, *listed), tuple(notes))


def _row(name: str, true: Floats, songs: Sequence[Floats], seed: int) -> tuple[Cell, ...]:
    found = np.concatenate(songs)
    validate(true, found)
    scores = evaluate(true, found, seed=seed)
    return (name, scores["FAD"], scores["FAD infinity"], jackknife_interval(true, songs), len(found))


def _recordings(folder: Path) -> list[Path]:
    if folder.is_file():
        return [folder]
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in AUDIO_SUFFIXES and path.is_file())
    if not found:
        raise InputNotFound(f"{folder} holds no recordings.", f"Looked for {' '.join(sorted(AUDIO_SUFFIXES))}.")
    return found
