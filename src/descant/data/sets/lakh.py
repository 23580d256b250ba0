"""Lakh MIDI (Raffel 2016) and the Lakh Pianoroll Dataset (Dong et al., AAAI 2018): scores without audio.

Neither publishes splits. LPD files are piano rolls of 24 steps a beat in compressed sparse columns; they become
notes here without ever being unfolded, and carry their beats and tempi.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from descant.data.sets.dataset import Dataset
from descant.data.sets.item import Item, Later, Split
from descant.data.sets.layout import wrong_folder
from descant.errors import ScoreReadError
from descant.files import input_error
from descant.score.midi import read_midi
from descant.score.notes import Note, Score, Track
from descant.score.tempo import BeatGrid, TempoMap

_MAX_UNPACKED_BYTES = 1 << 28
_PITCHES = 128


class _Scores(Dataset):
    """A tree of files of one suffix, one score each."""

    suffix = ""
    expected = ""

    @property
    def splits(self) -> tuple[Split, ...]:
        """None are published."""
        return ()

    def _open(self) -> None:
        if not self.root.is_dir() or next(self.root.rglob(f"*{self.suffix}"), None) is None:
            raise wrong_folder(self.title, self.root, self.expected)

    def _names(self) -> Iterator[tuple[str, Path]]:
        for path in sorted(self.root.rglob(f"*{self.suffix}")):
            yield path.relative_to(self.root).with_suffix("").as_posix(), path


class Lakh(_Scores):
    """Lakh MIDI: lmd_full/<first letter>/<md5>.mid, or lmd_matched/ and lmd_aligned/ by song."""

    name = "lakh"
    title = "Lakh MIDI"
    suffix = ".mid"
    expected = "a tree of MIDI files such as lmd_full/0/<md5>.mid"

    def _read(self, split: Split | None) -> Iterator[Item]:
        assert split is None
        for name, path in self._names():
            yield Item(id=name, dataset=self.name, score=Later(read_midi, (path,)))


class Lpd(_Scores):
    """LPD, full or cleansed, with 5 or 17 or any number of tracks: lpd_5/lpd_5_cleansed/A/A/A/TR.../<md5>.npz."""

    name = "lpd"
    title = "the Lakh Pianoroll Dataset"
    suffix = ".npz"
    expected = "a tree of piano rolls such as lpd_5_cleansed/A/A/A/TR.../<md5>.npz"

    def _read(self, split: Split | None) -> Iterator[Item]:
        assert split is None
        for name, path in self._names():
            yield Item(
                id=name, dataset=self.name, score=Later(read_lpd_score, (path,)), beats=Later(read_lpd_beats, (path,))
            )


def read_lpd_score(path: Path) -> Score:
    """The notes of an LPD file: each run of steps with one velocity at one pitch is a note.

    Raises:
        InputNotFound: The file is not there.
        ScoreReadError: It is no LPD file, or damaged.
    """
    arrays, info, resolution = _load(path)
    tracks = []
    for index in range(_PITCHES):
        facts = info.get(str(index))
        if not isinstance(facts, dict):
            break
        notes = _notes(arrays, f"pianoroll_{index}", resolution, path)
        is_drum = bool(facts.get("is_drum"))
        program = int(facts.get("program") or 0)
        tracks.append(Track(str(facts.get("name") or f"track {index}"), notes, min(max(program, 0), 127), is_drum))
    if not tracks:
        raise ScoreReadError(f"{path} holds no tracks.", "Get the file again.")
    return Score(tuple(tracks), _tempo(arrays, resolution))


def read_lpd_beats(path: Path) -> BeatGrid:
    """Beats of an LPD file in seconds, with bars where its downbeats are told; raises as `read_lpd_score`."""
    arrays, _, resolution = _load(path)
    steps = max((int(arrays[name][0]) for name in arrays if name.endswith("_csc_shape")), default=0)
    times = _tempo(arrays, resolution).seconds_at(np.arange(steps // resolution))
    bars = {int(step) // resolution for step in np.flatnonzero(arrays.get("downbeat", np.zeros(0)))} or set(
        range(0, len(times), 4)
    )
    positions, last = [], min(bars)
    for beat in range(len(times)):
        last = beat if beat in bars else last
        positions.append(beat - last + 1 if beat >= last else beat - last + 5)
    return BeatGrid(tuple(times.tolist()), tuple(positions))


def _load(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any], int]:
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(member.file_size for member in archive.infolist()) > _MAX_UNPACKED_BYTES:
                raise ScoreReadError(f"{path} unpacks to more than any song needs.", "Get the set's own file.")
            info = json.loads(archive.read("info.json"))
        with np.load(path, allow_pickle=False) as loaded:
            arrays = {name: np.asarray(loaded[name]) for name in loaded.files if name != "info.json"}
    except OSError as error:
        raise input_error(error, path) from error
    except (zipfile.BadZipFile, KeyError, ValueError, RecursionError, EOFError) as error:
        raise ScoreReadError(f"{path} is not a whole LPD file: {error}.", "Get the file again.") from error
    resolution = info.get("resolution", info.get("beat_resolution")) if isinstance(info, dict) else None
    if not isinstance(resolution, int) or not 1 <= resolution <= 10_000:
        raise ScoreReadError(f"{path} states no number of steps a beat.", "Get the file again.")
    return arrays, info, resolution


def _notes(arrays: dict[str, NDArray[Any]], name: str, resolution: int, path: Path) -> tuple[Note, ...]:
    try:
        values, rows, starts = (arrays[f"{name}_csc_{part}"] for part in ("data", "indices", "indptr"))
        steps = int(arrays[f"{name}_csc_shape"][0])
    except (KeyError, IndexError, TypeError) as error:
        raise ScoreReadError(f"{path} lacks a part of {name}.", "Get the file again.") from error
    ordered = len(starts) == _PITCHES + 1 and (np.diff(starts) >= 0).all() and starts[0] == 0
    inside = ordered and starts[-1] == len(rows) == len(values) and (not len(rows) or rows.min() >= 0)
    if not inside or (len(rows) and rows.max() >= steps):
        raise ScoreReadError(f"{path}: the columns of {name} do not fit together.", "Get the file again.")
    notes = []
    for pitch, (first, last) in enumerate(pairwise(starts.tolist())):
        order = np.argsort(rows[first:last], kind="stable")
        at, loud = rows[first:last][order].astype(np.int64), values[first:last][order].astype(np.int64)
        at, loud = at[loud > 0], loud[loud > 0]
        if not len(at):
            continue
        breaks = np.flatnonzero((np.diff(at) != 1) | (np.diff(loud) != 0)) + 1
        for begin, end in pairwise([0, *breaks.tolist(), len(at)]):
            velocity = min(int(loud[begin]), 127) if values.dtype != np.bool_ else 100
            notes.append(Note(float(at[begin]) / resolution, (end - begin) / resolution, pitch, velocity))
    return tuple(notes)


def _tempo(arrays: dict[str, NDArray[Any]], resolution: int) -> TempoMap:
    """Tempo changes step by step; files without tempi count at 120."""
    bpm = np.ravel(arrays.get("tempo", np.zeros(0))).astype(np.float64)
    if not len(bpm) or not (np.isfinite(bpm).all() and (bpm > 0).all()):
        return TempoMap.constant(120.0)
    changes = [0, *(np.flatnonzero(np.diff(bpm)) + 1).tolist()]
    return TempoMap.from_tempi([(step / resolution, float(bpm[step])) for step in changes])
