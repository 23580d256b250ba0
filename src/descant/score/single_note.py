"""One note, rendered: a key struck, held, and let go."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from descant.score.notes import Note, Score, Track
from descant.score.render import Sounds, render_score
from descant.score.tempo import TempoMap

Floats = NDArray[np.float32]

_SECONDS = TempoMap.constant(60.0)


@dataclass(frozen=True, slots=True)
class Pressed:
    """A key and how hard it is struck."""

    pitch: int
    velocity: int


def render_note(
    sounds: Sounds, pressed: Pressed, *, sample_rate: int, held_s: float, length_s: float | None = None
) -> Floats:
    """A note in stereo.

    Args:
        sounds: What plays it.
        pressed: Which key, how hard.
        sample_rate: In Hz.
        held_s: When the key is let go.
        length_s: Length of the result; what rings on is faded out within its last 10 ms. None lets it ring out.

    Returns:
        [2, samples], at the level that the sounds have.

    Raises:
        DescantError: A recording cannot be read.
    """
    note = Note(0.0, held_s, pressed.pitch, pressed.velocity)
    score = Score((Track("note", (note,)),), _SECONDS)
    return render_score(score, sounds, sample_rate, length_s=length_s)["note"].samples
