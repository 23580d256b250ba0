"""How a voice's room sounds, told from the dry voice and the room's answer: how loud, and how long it rings.

The energy of a room's answer is the voice's energy, smeared by an exponential decay (Polack's model of late
reverberation, 1988). Of the imagined rooms of `audio.effects.reverb`, the one whose decay smears the dry voice's
envelope into the shape of the answer's, in decibels, is taken: it is one of these that can be put back.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve

from descant.audio.clip import Clip
from descant.audio.effects.reverb import convolve, room_impulse

Powers = NDArray[np.float64]

DECAYS_S = tuple(float(value) for value in np.geomspace(0.1, 5.0, 40))
"""Reverberation times that are tried: neighbours are 10 % apart."""

_FRAME_S = 0.01
_HEARD_DB = -50.0
_TINY = 1e-12
_FEWEST_FRAMES = 100
_MODEL_RATE, _MODEL_ROOMS = 2_000, 8
"""Voices have most of their power below 1 kHz, and ring as rooms do there."""


@dataclass(frozen=True, slots=True)
class Reverberation:
    """A room.

    Attributes:
        level_db: Level of the room's answer above that of the dry voice.
        decay_s: Time in which it falls by 60 dB.
    """

    level_db: float
    decay_s: float


def reverberation_of(dry: Clip, answer: Clip) -> Reverberation | None:
    """The room in which a voice sounds.

    Args:
        dry: The voice without its room.
        answer: What the room adds, of the same rate and length.

    Returns:
        The room; None where there is no voice or no answer, or less than a second of one.
    """
    assert (dry.sample_rate, dry.frames) == (answer.sample_rate, answer.frames)
    voice, room = _powers(dry), _powers(answer)
    heard = room > room.max(initial=0.0) * 10.0 ** (_HEARD_DB / 10.0)
    if heard.sum() < _FEWEST_FRAMES or not voice.any():
        return None
    wanted = _decibels(room[heard])
    faults = []
    for decay_s in DECAYS_S:
        smeared = np.maximum(fftconvolve(voice, _decay(decay_s))[: len(voice)], 0.0)
        faults.append(float(np.std(wanted - _decibels(smeared[heard]))))
    level_db = 10.0 * math.log10(float(room.sum() / voice.sum()))
    return Reverberation(level_db, DECAYS_S[int(np.argmin(faults))])


def in_room(voice: Clip, room: Reverberation, *, seed: int = 0) -> Clip:
    """A dry voice in such a room: of the same length, the room's answer as loud beside the voice as it was said to be.

    Args:
        voice: Any clip.
        room: Of `reverberation_of`.
        seed: Which of the rooms that ring as long.
    """
    impulse = room_impulse(voice.sample_rate, decay_s=room.decay_s, channels=voice.channels, seed=seed)
    answer = convolve(voice, impulse)
    own, rings = (float(np.square(clip.samples, dtype=np.float64).sum()) for clip in (voice, answer))
    if own == 0.0 or rings == 0.0:
        return voice
    amount = math.sqrt(own / rings) * 10.0 ** (room.level_db / 20.0)
    return Clip(voice.samples + np.float32(amount) * answer.samples, voice.sample_rate)


@cache
def _decay(decay_s: float) -> Powers:
    """Power of an imagined room's answer to a click over time, the mean of some rooms."""
    return _powers(room_impulse(_MODEL_RATE, decay_s=decay_s, channels=_MODEL_ROOMS))


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
