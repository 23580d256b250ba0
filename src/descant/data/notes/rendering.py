"""Notes as NSynth has them: the key held for three seconds of four."""

from __future__ import annotations

import numpy as np

from descant.score.render import Sounds
from descant.score.single_note import Floats, Pressed, render_note

LENGTH_S, HELD_S = 4.0, 3.0
LOW_RATE = 16_000
"""NSynth's."""

_SILENT = 1e-4


def nsynth_note(sounds: Sounds, pressed: Pressed, *, sample_rate: int) -> Floats:
    """A note of a set, [2, samples]; see `descant.score.single_note.render_note`."""
    return render_note(sounds, pressed, sample_rate=sample_rate, held_s=HELD_S, length_s=LENGTH_S)


def loudest_peak(sounds: Sounds, pitches: tuple[int, ...], velocity: int) -> float:
    """The highest sample of some notes, at a low rate: what an instrument's level is set by."""
    return max(float(np.abs(nsynth_note(sounds, Pressed(p, velocity), sample_rate=LOW_RATE)).max()) for p in pitches)


def is_silent(samples: Floats) -> bool:
    """Whether there is nothing to hear."""
    return float(np.abs(samples).max(initial=0.0)) < _SILENT
