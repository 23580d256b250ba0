"""Analysed notes for the lesson `instrument`: made once for a set of notes, kept beside it, read into memory."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from descant.data.notes.note_set import NoteItem
from descant.errors import TextReadError
from descant.files import atomic_output
from descant.instrument.note_analysis import (
    Analysed,
    Heard,
    Series,
    analyse,
    flutter_of,
    hear,
    partial_hz,
    series_of,
    straightened,
    vibrato_of,
)
from descant.nets.neural_instrument import InstrumentConfig
from descant.parallel import side_by_side
from descant.progress import CancelToken

FOLDER = "levels"
_Manner = tuple[Series, tuple[float, float, float]]
_VERSION = 4
_NOTES = "notes"
_LEVELS = ("hz", "partials", "pan", "width", "noise_mid", "noise_side", "wander")


@dataclass(frozen=True, slots=True, eq=False)
class Instrument:
    """What the notes of an instrument have in common.

    Attributes:
        series: Where its partials lie.
        vibrato: Its rate in Hz, depth as log2 of the frequency, and when it begins, in seconds.
        flutter: By how much its partials waver; see `instrument.note_analysis.flutter_of`.
    """

    series: Series
    vibrato: tuple[float, float, float]
    flutter: float


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """A note to learn from.

    Attributes:
        instrument: Its row.
        pitch: MIDI number.
        velocity: 1 to 127.
        levels: What was found in it.
        sound: int16 at 48 kHz, [2, samples], as recorded.
        straight: The same with its pitch held constant, which is what the levels speak of.
    """

    instrument: int
    pitch: int
    velocity: int
    levels: Analysed
    sound: NDArray[np.int16]
    straight: NDArray[np.int16]


def read_pieces(
    items: Sequence[NoteItem], names: Sequence[str], training: Sequence[NoteItem], root: Path, config: InstrumentConfig
) -> tuple[tuple[Piece, ...], tuple[Instrument, ...]]:
    """Notes with their levels, and their instruments.

    Where partials lie is learned from the training notes alone.

    Args:
        items: Notes to read.
        names: Instruments; the row of a name is its place.
        training: Those of them that may be learned from.
        root: Folder in which what was found is kept.
        config: How many partials are looked for.

    Raises:
        DescantError: A note cannot be read, or what was kept is damaged or cannot be written.
    """
    rows = {name: row for row, name in enumerate(names)}
    learned = {item.name for item in training}
    stamp = f"{_VERSION}-{config.harmonics}-{config.extras}-{config.bands}"
    groups = [[item for item in items if item.instrument == name] for name in names]

    def one(group: Sequence[NoteItem], stop: CancelToken) -> tuple[Instrument, list[Piece]]:
        (series, vibrato), levels = _of_instrument(
            group, learned, root / f"{group[0].instrument}-{stamp}.npz", config, stop
        )
        flutter = flutter_of([levels[item.name] for item in group if item.name in learned])
        instrument = Instrument(series, vibrato, flutter)
        return instrument, [_piece(item, rows[item.instrument], levels[item.name]) for item in group]

    found = side_by_side(one, groups)
    return tuple(piece for _, pieces in found for piece in pieces), tuple(instrument for instrument, _ in found)


def _piece(item: NoteItem, row: int, levels: Analysed) -> Piece:
    samples = item.read(high=True).samples
    sound, straight = (
        np.round(x.clip(-1, 1) * 32767).astype(np.int16) for x in (samples, straightened(samples, levels.wander))
    )
    return Piece(row, item.pitch, item.velocity, levels, sound, straight)


def _of_instrument(
    group: Sequence[NoteItem], learned: set[str], path: Path, config: InstrumentConfig, stop: CancelToken
) -> tuple[_Manner, Mapping[str, Analysed]]:
    # Where partials lie was learned from some notes: for a set that grew, whose split is another, it counts no more.
    notes = sorted(f"{'learned' if item.name in learned else 'held out'} {item.name}" for item in group)
    if path.is_file() and (kept := _load(path, notes)) is not None:
        return kept
    # Velocities of one recording share their partials: the loudest is heard.
    heard: dict[int, Heard] = {}
    for item in sorted(group, key=lambda item: item.velocity):
        heard[item.pitch] = hear(item.read(high=True).samples, item.pitch)
        stop.check()
    taught = sorted({item.pitch for item in group if item.name in learned})
    series = series_of(taught, [heard[pitch] for pitch in taught], config.extras)
    levels = {}
    for item in group:
        stop.check()
        levels[item.name] = analyse(
            item.read(high=True).samples, partial_hz(heard[item.pitch], series, config.harmonics)
        )
    wanders = [levels[item.name].wander for item in group if item.name in learned]
    manner = (series, vibrato_of(wanders))
    _save(path, notes, manner, levels)
    return manner, levels


def _save(path: Path, notes: Sequence[str], manner: _Manner, levels: Mapping[str, Analysed]) -> None:
    series, vibrato = manner
    arrays = {
        _NOTES: np.array(notes),
        "stiffness": np.array(series.stiffness),
        "place": series.place,
        "there": series.there,
        "vibrato": np.array(vibrato),
    }
    for name, found in levels.items():
        arrays |= {f"{name}/{field}": getattr(found, field) for field in _LEVELS}
    with atomic_output(path) as part, part.open("wb") as stream:
        np.savez(stream, allow_pickle=False, **arrays)


def _load(path: Path, notes: Sequence[str]) -> tuple[_Manner, Mapping[str, Analysed]] | None:
    """What was kept; None if it was found in other notes, or others of them were held out."""
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as kept:
            if _NOTES not in kept.files or kept[_NOTES].tolist() != notes:
                return None
            arrays = {name: kept[name] for name in kept.files}
        stiffness, vibrato = arrays["stiffness"].tolist(), arrays["vibrato"].tolist()
        series = Series((stiffness[0], stiffness[1]), arrays["place"], arrays["there"])
        names = [name.removesuffix("/hz") for name in arrays if name.endswith("/hz")]
        levels = {name: Analysed(**{field: arrays[f"{name}/{field}"] for field in _LEVELS}) for name in names}
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise TextReadError(f"{path} is damaged ({error}).", "Remove it: it will be made again.") from error
    return (series, (vibrato[0], vibrato[1], vibrato[2])), levels
