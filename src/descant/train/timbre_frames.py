"""What the timbre lesson learns from: features of many sounds in one file, and how they are made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from descant.dsp.pitch import midi_to_hz
from descant.errors import InputNotFound, TextReadError
from descant.files import atomic_output
from descant.instrument.blend.frames import FEATURES, FINER, FLOOR_DB, Contours
from descant.instrument.blend.listen import listen, loudness
from descant.instrument.blend.pitch import PitchListener, refined

Floats = NDArray[np.float32]
Halves = NDArray[np.float16]

_SILENT_DB = 70.0
_SHORTEST = 24
_FIELDS = ("features", "level", "starts", "held_out")
_MOST_CENTS = 60.0


@dataclass(frozen=True, slots=True, eq=False)
class HeardSound:
    """A sound as the encoder hears it.

    Attributes:
        features: [frames, 129], see `TimbreFrames.features`.
        level: Loudness below the loudest frame, in dB, [frames].
        is_held_out: Whether it is for measuring only.
    """

    features: Halves
    level: Halves
    is_held_out: bool


def hear(samples: Floats, contours: Contours, *, is_held_out: bool) -> Iterator[HeardSound]:
    """A sound without the silence at both ends; nothing where there is nothing else."""
    if contours.level_db.max() < FLOOR_DB:
        return
    level = contours.level_db[::FINER] - contours.level_db.max()
    features = listen(samples, contours).features()
    level = level[: len(features)]
    loud = np.flatnonzero(level > -_SILENT_DB)
    if len(loud) and loud[-1] - loud[0] >= _SHORTEST:
        part = slice(loud[0], loud[-1] + 1)
        yield HeardSound(features[part].astype(np.float16), level[part].astype(np.float16), is_held_out)


def as_note(samples: Floats, pitch: float, listener: PitchListener) -> Contours:
    """Pitch and loudness of a note whose key is known: what a tracker hears an octave off is put right."""
    hz = float(midi_to_hz(pitch))
    heard = listener(samples)
    loud = heard.level_db > heard.level_db.max() - 40.0
    cents = 1200.0 * np.abs(np.log2(heard.hz / hz))
    if (heard.pitched[loud] > 0).all() and np.quantile(cents[loud], 0.8) < _MOST_CENTS:
        return heard
    level = loudness(samples, hz)
    sounds = (level > level.max() - _SILENT_DB).astype(np.float32)
    return Contours(refined(samples, np.full(len(level), hz, np.float32), sounds), sounds, level)


def as_whole(samples: Floats) -> Contours:
    """No pitch at all."""
    level = loudness(samples)
    return Contours(np.full(len(level), 100.0, np.float32), np.zeros(len(level), np.float32), level)


def save_sounds(path: Path, sounds: Iterable[HeardSound]) -> int:
    """Write sounds to a file.

    Returns:
        How many there were.

    Raises:
        InputNotFound: There was none.
        OutputError: The disk is full.
    """
    found = list(sounds)
    if not found:
        raise InputNotFound("There is no sound to learn from.", "recipes/timbre/README.md says what is needed.")
    ends = np.cumsum([len(sound.level) for sound in found])
    with atomic_output(path) as place, place.open("wb") as file:
        np.savez(
            file,
            features=np.concatenate([sound.features for sound in found]),
            level=np.concatenate([sound.level for sound in found]),
            starts=np.concatenate([[0], ends]),
            held_out=np.array([sound.is_held_out for sound in found]),
        )
    return len(found)


def load_sounds(path: Path) -> list[HeardSound]:
    """Sounds of a file that `save_sounds` wrote.

    Raises:
        TextReadError: It is something else.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            features, level, starts, held_out = (stored[name] for name in _FIELDS)
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise TextReadError(f"{path} holds no sounds: {error}.", "Make it again: recipes/timbre/README.md.") from error
    if features.ndim != 2 or features.shape[1] != FEATURES or starts[-1] != len(features):
        raise TextReadError(f"{path} is of another version.", "Make it again: recipes/timbre/README.md.")
    pairs = zip(starts[:-1], starts[1:], held_out, strict=True)
    return [HeardSound(features[a:b], level[a:b], bool(held)) for a, b, held in pairs]
