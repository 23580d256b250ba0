"""Pieces as piano rolls of 88 keys, split by piece: what the polyphonic benchmarks of sequence models read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from descant.data.splits import Buckets, split_of
from descant.errors import InvalidOption
from descant.score.notes import Score

KEYS = 88
LOWEST_KEY = 21
"""MIDI number of a piano's first key."""

Frames = NDArray[np.bool_]
"""Which keys sound, [frames, 88]."""

_BUCKETS: Buckets = (("train", 60), ("validation", 20), ("test", 20))
_FINGERPRINT_FRAMES = 24
_EDGE = 1e-3  # a note that ends here has ended


@dataclass(frozen=True, slots=True, eq=False)
class PianoRoll:
    """A piece.

    Attributes:
        name: Within its collection.
        frames: Which keys sound, [frames, 88].
    """

    name: str
    frames: Frames


@dataclass(frozen=True, slots=True)
class Splits:
    """A collection, split by piece: about 60, 20 and 20 of 100, by a hash of the piece's name."""

    training: tuple[PianoRoll, ...]
    validation: tuple[PianoRoll, ...]
    test: tuple[PianoRoll, ...]

    def describe(self) -> dict[str, int | float]:
        """Pieces and frames of each part, and notes per frame in training."""
        counts: dict[str, int | float] = {}
        for name in ("training", "validation", "test"):
            part: tuple[PianoRoll, ...] = getattr(self, name)
            counts[f"{name}_pieces"] = len(part)
            counts[f"{name}_frames"] = sum(len(p.frames) for p in part)
        notes = sum(int(p.frames.sum()) for p in self.training)
        counts["notes_per_frame"] = round(notes / max(int(counts["training_frames"]), 1), 3)
        return counts


def roll_from_score(score: Score, frame_quarters: float) -> Frames:
    """The keys that sound at the start of each frame; notes outside a piano's 88 keys are left out.

    Args:
        score: Any number of tracks; drums are left out.
        frame_quarters: Length of a frame in quarter notes.

    Returns:
        [frames, 88].
    """
    if frame_quarters <= 0:
        raise InvalidOption("A frame of a piano roll must have a length.")
    frames = np.zeros((round(score.end / frame_quarters), KEYS), bool)
    for track in score.tracks:
        for note in () if track.is_drum else track.notes:
            first = int(np.ceil((note.start - _EDGE) / frame_quarters))
            end = int(np.ceil((note.end - _EDGE) / frame_quarters))
            if 0 <= note.pitch - LOWEST_KEY < KEYS:
                frames[max(first, 0) : end, note.pitch - LOWEST_KEY] = True
    return frames


def split(scores: Iterable[tuple[str, Score]], frame_quarters: float, *, fewest_frames: int = 16) -> Splits:
    """Rolls of a collection, split by piece.

    A piece that begins like an earlier one, in whatever key, is left out: collections hold many pieces twice, and
    one in training with its twin in test would be no test.
    """
    parts: dict[str, list[PianoRoll]] = {"training": [], "validation": [], "test": []}
    seen: set[bytes] = set()
    for name, score in scores:
        frames = roll_from_score(score, frame_quarters)
        if len(frames) < fewest_frames or not frames.any():
            continue
        print_ = _fingerprint(frames)
        if print_ in seen:
            continue
        seen.add(print_)
        parts[_part(name)].append(PianoRoll(name, frames))
    return Splits(tuple(parts["training"]), tuple(parts["validation"]), tuple(parts["test"]))


def _fingerprint(frames: Frames) -> bytes:
    opening = frames[:_FINGERPRINT_FRAMES]
    lowest = int(opening.any(0).argmax())
    return np.roll(opening, -lowest, axis=1).tobytes()


def _part(name: str) -> str:
    found = split_of(name, _BUCKETS, digest_bytes=4)
    return "training" if found == "train" else found
