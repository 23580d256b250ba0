"""Sounds of one length mixed as codes, pitches and loudnesses."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from descant.instrument.blend.frames import Contours
from descant.instrument.blend.heard import RANGE_DB, Heard

Floats = NDArray[np.float32]

_HARDLY = 0.02
_SILENT_DB = -170.0


def mixed_codes(sounds: Sequence[Heard], weights: Sequence[float]) -> Floats:
    """The weighted mean of codes, [frames, numbers]."""
    total: Floats = np.sum([np.float32(w) * s.codes for s, w in zip(sounds, weights, strict=True)], axis=0)
    return total


def mixed_contours(sounds: Sequence[Heard], weights: Sequence[float]) -> Contours:
    """Means of pitch in semitones, of being pitched, and of loudness in dB.

    Only sounds that have a pitch say which one it is. What is silent in all of them stays silent.
    """
    contours = [sound.contours for sound in sounds]
    says = [w * float(c.pitched.mean()) for c, w in zip(contours, weights, strict=True)]
    says = [share if share > _HARDLY * sum(says) else 0.0 for share in says]
    if not sum(says):
        says = list(weights)
    # How much is pitched decides who is asked, the weights how much each is heard.
    asked = [w if share else 0.0 for w, share in zip(weights, says, strict=True)]
    height = np.sum([w * np.log(c.hz) for c, w in zip(contours, asked, strict=True)], axis=0) / sum(asked)
    pitched = np.sum([w * c.pitched for c, w in zip(contours, weights, strict=True)], axis=0)
    return Contours(
        np.exp(height).astype(np.float32),
        np.clip(pitched, 0.0, 1.0).astype(np.float32),
        opened(mixed_levels(sounds, weights), sounds, weights),
    )


def mixed_levels(sounds: Sequence[Heard], weights: Sequence[float]) -> Floats:
    """The weighted mean of loudnesses in dB, each held at 60 dB under its loudest moment."""
    total: Floats = np.sum([np.float32(w) * s.contours.level_db for s, w in zip(sounds, weights, strict=True)], axis=0)
    return total.astype(np.float32)


def opened(level_db: Floats, sounds: Sequence[Heard], weights: Sequence[float]) -> Floats:
    """Loudness from which the floor is taken away: where all are silent, so is the blend."""
    floor = sum(w * (float(s.contours.level_db.max()) - RANGE_DB) for s, w in zip(sounds, weights, strict=True))
    power = 10.0 ** (level_db / 10.0) - 10.0 ** ((floor + 1.0) / 10.0)
    return np.where(power > 0, 10.0 * np.log10(np.maximum(power, 1e-20)), _SILENT_DB).astype(np.float32)
