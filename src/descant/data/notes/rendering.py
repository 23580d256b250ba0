"""One note, rendered: the key held for three seconds of four, as in NSynth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from descant.score.notes import Note, Score, Track
from descant.score.render import Sounds, render_score
from descant.score.tempo import TempoMap

Floats = NDArray[np.float32]

LENGTH_S, HELD_S = 4.0, 3.0
LOW_RATE = 16_000
"""NSynth's."""

_SILENT = 1e-4
_SECONDS = TempoMap.constant(60.0)


@dataclass(frozen=True, slots=True)
class Pressed:
    """A key and how hard it is struck."""

    pitch: int
    velocity: int


def render_note(
    sounds: Sounds, pressed: Pressed, *, sample_rate: int, length_s: float = LENGTH_S, held_s: float = HELD_S
) -> Floats:
    """A note in stereo.

    Args:
        sounds: What plays it.
        pressed: Which key, how hard.
        sample_rate: In Hz.
        length_s: Length of the result; what rings on is faded out within its last 10 ms.
        held_s: When the key is let go.

    Returns:
        [2, samples], at the level that the sounds have.

    Raises:
        DescantError: A recording cannot be read.
    """
    note = Note(0.0, held_s, pressed.pitch, pressed.velocity)
    score = Score((Track("note", (note,)),), _SECONDS)
    return render_score(score, sounds, sample_rate, length_s=length_s)["note"].samples


def loudest_peak(sounds: Sounds, pitches: tuple[int, ...], velocity: int) -> float:
    """The highest sample of some notes, at a low rate: what an instrument's level is set by."""
    return max(float(np.abs(render_note(sounds, Pressed(p, velocity), sample_rate=LOW_RATE)).max()) for p in pitches)


def is_silent(samples: Floats) -> bool:
    """Whether there is nothing to hear."""
    return float(np.abs(samples).max(initial=0.0)) < _SILENT
