"""A sound as it is blended: its codes, its pitch and its loudness, and where it begins."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from descant.instrument.blend.bands import SAMPLE_RATE
from descant.instrument.blend.coder import Coder
from descant.instrument.blend.frames import FINE_HOP, FINER, HOP, Contours, TimbreFrames
from descant.instrument.blend.listen import listen
from descant.instrument.blend.pitch import explained

Floats = NDArray[np.float32]

RANGE_DB = 60.0
"""What is so far below the loudest moment of a sound counts as silence."""
_ONSET_DB = 25.0
_ATTACK_S = 0.12
_HEARD_DB, _PITCHED_SHARE, _EXPLAINED_SHARE = 30.0, 0.5, 0.78


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """See the module.

    Attributes:
        codes: [frames, numbers], 47 a second.
        contours: 187.5 values a second; loudness not below 60 dB under its maximum, pitch also where it is silent.
        samples: How long it is.
        is_line: Whether it is one note at a time, most of the time.
    """

    codes: Floats
    contours: Contours
    samples: int
    is_line: bool

    @property
    def onset_s(self) -> float:
        """When it begins to sound."""
        level = self.contours.level_db
        return float(np.argmax(level > level.max() - _ONSET_DB)) * FINE_HOP / SAMPLE_RATE

    @property
    def length_s(self) -> float:
        """Its length."""
        return self.samples / SAMPLE_RATE


def hear(samples: Floats, contours: Contours, coder: Coder) -> Heard:
    """A sound as codes and contours.

    Args:
        samples: [1 or 2, samples] at 48 kHz.
        contours: Its pitch and loudness, see `pitch.PitchListener`; without any pitch it is heard as a whole.
        coder: The net.
    """
    held = _through_silence(contours)
    timbre = _held(listen(samples, held), held.level_db)
    return Heard(coder.encode(timbre), held, samples.shape[1], is_line(samples, contours))


def _through_silence(contours: Contours) -> Contours:
    """What is silent keeps the pitch of the nearest moment that sounds; its loudness ends at the range."""
    level = contours.level_db
    loud = np.flatnonzero(level > level.max() - RANGE_DB)
    nearest = loud[np.searchsorted((loud[1:] + loud[:-1]) // 2, np.arange(len(level)))]
    floored = np.maximum(level, level.max() - RANGE_DB)
    return replace(contours, hz=contours.hz[nearest], pitched=contours.pitched[nearest], level_db=floored)


def _held(timbre: TimbreFrames, level_db: Floats) -> TimbreFrames:
    """What is silent keeps the timbre of the nearest frame that sounds."""
    level = level_db[::FINER][: len(timbre)]
    loud = np.flatnonzero(level > level.max() - RANGE_DB + 3.0)
    nearest = loud[np.searchsorted((loud[1:] + loud[:-1]) // 2, np.arange(len(level)))]
    return TimbreFrames.of(timbre.features()[nearest])


def is_line(samples: Floats, contours: Contours) -> bool:
    """Whether a sound is one pitch at a time, most of the time: no chord, no drums, no noise."""
    loud = contours.level_db > contours.level_db.max() - _HEARD_DB
    if (contours.pitched[loud] > 0.5).mean() < _PITCHED_SHARE:
        return False
    return explained(samples, contours) > _EXPLAINED_SHARE


def stretched(heard: Heard, samples: int, onset_s: float) -> Heard:
    """The sound at another length: it begins at another time, its attack keeps its speed, the rest is stretched.

    Args:
        heard: The sound.
        samples: New length.
        onset_s: When it is to begin.
    """
    steps, frames = -(-samples // HOP) * FINER + 1, -(-samples // HOP) + 1
    length = samples / SAMPLE_RATE
    attack = min(_ATTACK_S, 0.5 * (heard.length_s - heard.onset_s), 0.5 * max(0.0, length - onset_s))
    to_s = np.array([0.0, onset_s, onset_s + attack, length])
    from_s = np.array([0.0, heard.onset_s, heard.onset_s + attack, heard.length_s])
    # Times that fall together (no silence before the onset) must still rise for the line to be one.
    to_s = np.maximum.accumulate(to_s + np.arange(4) * 1e-9)
    fine = np.interp(np.arange(steps) * FINE_HOP / SAMPLE_RATE, to_s, from_s) * SAMPLE_RATE / FINE_HOP
    coarse = np.interp(np.arange(frames) * HOP / SAMPLE_RATE, to_s, from_s) * SAMPLE_RATE / HOP
    contours = heard.contours
    moved = Contours(
        np.exp(read_between(np.log(contours.hz), fine)).astype(np.float32),
        read_between(contours.pitched, fine),
        read_between(contours.level_db, fine),
    )
    return Heard(read_between(heard.codes, coarse), moved, samples, heard.is_line)


def read_between(values: Floats, places: NDArray[np.float64]) -> Floats:
    """Values between values, by straight lines, along the first axis."""
    place = np.clip(places, 0.0, len(values) - 1.0)
    low = np.minimum(place.astype(np.int64), max(len(values) - 2, 0))
    share = (place - low).astype(np.float32).reshape(-1, *([1] * (values.ndim - 1)))
    after = np.minimum(low + 1, len(values) - 1)
    found: Floats = values[low] * (1.0 - share) + values[after] * share
    return found
