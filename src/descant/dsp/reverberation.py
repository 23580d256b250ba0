"""How a voice's room sounds, told from the dry voice and the room's answer: how loud, and how long it rings.

The energy of a room's answer is the voice's energy, smeared by an exponential decay (Polack's model of late
reverberation, 1988): a dry envelope through a one-pole filter. The decay whose envelope has the shape of the answer's,
in decibels, is the room's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from descant.audio.clip import Clip

Powers = NDArray[np.float64]

DECAYS_S = tuple(float(value) for value in np.geomspace(0.15, 6.0, 48))
"""Reverberation times that are tried: neighbours are 8 % apart."""

_FRAME_S = 0.01
_HEARD_DB = -50.0
_TINY = 1e-12
_FEWEST_FRAMES = 100


@dataclass(frozen=True, slots=True)
class Reverberation:
    """A room, as `audio.effects.reverb` makes one.

    Attributes:
        amount: Level of the room's answer; 1 is as loud as the dry voice.
        decay_s: Time in which it falls by 60 dB.
    """

    amount: float
    decay_s: float

    @property
    def level_db(self) -> float:
        """Level of the room's answer below the dry voice."""
        return 20.0 * math.log10(self.amount)


def reverberation_of(dry: Clip, answer: Clip) -> Reverberation | None:
    """The room in which a voice sounds.

    Args:
        dry: The voice without its room.
        answer: What the room adds, of the same rate and length.

    Returns:
        The room; None where there is too little voice (under a second), or no answer.
    """
    assert (dry.sample_rate, dry.frames) == (answer.sample_rate, answer.frames)
    voice, room = _powers(dry), _powers(answer)
    if not voice.any() or not room.any():
        return None
    heard = room > room.max() * 10.0 ** (_HEARD_DB / 10.0)
    if heard.sum() < _FEWEST_FRAMES:
        return None
    wanted = _decibels(room[heard])
    faults = []
    for decay_s in DECAYS_S:
        smeared = _decibels(_smeared(voice, decay_s)[heard])
        apart = wanted - smeared
        faults.append(float(np.abs(apart - np.median(apart)).mean()))
    return Reverberation(math.sqrt(float(room.sum() / voice.sum())), DECAYS_S[int(np.argmin(faults))])


def _smeared(powers: Powers, decay_s: float) -> Powers:
    kept = 10.0 ** (-6.0 * _FRAME_S / decay_s)
    smeared: Powers = lfilter([0.0, 1.0], [1.0, -kept], powers)
    return smeared


def _powers(clip: Clip) -> Powers:
    """Mean power of each frame."""
    size = max(1, round(_FRAME_S * clip.sample_rate))
    count = clip.frames // size
    squares = np.square(clip.samples[:, : count * size], dtype=np.float64)
    powers: Powers = squares.reshape(clip.channels, count, size).mean(axis=(0, 2))
    return powers


def _decibels(powers: Powers) -> Powers:
    decibels: Powers = 10.0 * np.log10(powers + _TINY)
    return decibels
