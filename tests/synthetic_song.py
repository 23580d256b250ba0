"""A made-up song and its variants: the kind of material on which the sheet `remix_pipeline.md` measured likeness."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from descant.audio.clip import Clip

RATE = 22_050


@dataclass(frozen=True)
class Recipe:
    """How a song of chords and a melody is played."""

    tune: int = 0
    bpm: float = 120.0
    transpose: float = 0.0
    brightness: float = 1.5
    phases: int = 0
    seconds: float = 24.0


def song(recipe: Recipe = Recipe()) -> Clip:
    """Chords of two beats and a melody of one a beat, drawn from the tune's number in a major key."""
    composer = np.random.default_rng([recipe.tune, 7])
    beats = round(recipe.seconds / 60.0 * 120.0)
    scale = np.array([0, 2, 4, 5, 7, 9, 11])
    degrees = composer.integers(0, 6, beats // 2 + 1)
    steps = composer.integers(0, 7, beats)
    home = 0 if recipe.tune < 2 else 5  # tunes 0 and 1 share a key
    length = round(60.0 / recipe.bpm * RATE)
    phases = np.random.default_rng([recipe.phases, 3])
    samples = np.zeros(beats * length)
    for beat in range(beats):
        degree = int(degrees[beat // 2])
        chord = [48 + home + scale[(degree + k) % 7] + 12 * ((degree + k) // 7) for k in (0, 2, 4)]
        keys = [*chord, 72 + home + scale[int(steps[beat])]]
        samples[beat * length : (beat + 1) * length] += _notes(keys, recipe, length, phases)
    return Clip((0.1 * samples).astype(np.float32), RATE)


def _notes(keys: list[int], recipe: Recipe, length: int, phases: np.random.Generator) -> np.ndarray:
    time = np.arange(length) / RATE
    sound = np.zeros(length)
    for key in keys:
        hz = 440.0 * 2.0 ** ((key + recipe.transpose - 69) / 12.0)
        for partial in range(1, 7):
            sound += np.sin(2 * np.pi * hz * partial * time + phases.uniform(0, 6.28)) / partial**recipe.brightness
    return sound * np.exp(-2.0 * time) * np.minimum(1.0, np.arange(length) / 200)
