"""Compressor and ducking: gains that follow a level.

Levels are taken every 64 frames (1.5 ms at 44.1 kHz) and gains run straight between these points, which keeps a
song fast without a compiled loop. All channels share one gain, so the stereo image does not move.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from descant.audio.clip import Clip
from descant.audio.spans import spans
from descant.errors import InvalidAudio, InvalidOption

_HOP_FRAMES = 64
_DETECTOR_MS = 10.0  # a whole cycle of the lowest notes, else the gain would follow the wave itself
_FLOOR_DB = -120.0
_LOUD_PERCENTILE = 95.0
_DUCK_FROM_DB = -30.0  # below the loudest parts of the side chain: not singing
_DUCK_FULLY_DB = -15.0


def compress(
    clip: Clip,
    threshold_db: float = -18.0,
    ratio: float = 3.0,
    *,
    knee_db: float = 6.0,
    attack_ms: float = 10.0,
    release_ms: float = 150.0,
    make_up_db: float = 0.0,
) -> Clip:
    """The clip with its loud parts brought closer to the rest.

    Args:
        clip: Any clip.
        threshold_db: RMS level (dB below full scale) above which the gain falls.
        ratio: How many decibels more going in become one decibel more coming out; at least 1.
        knee_db: Width of the smooth bend around the threshold.
        attack_ms: Time constant of the falling gain.
        release_ms: Time constant of the recovering gain.
        make_up_db: Gain added at the end.

    Raises:
        InvalidOption: The ratio is below 1 or a time is not positive.
    """
    if ratio < 1 or knee_db < 0:
        raise InvalidOption("A compressor needs a ratio of at least 1 and a knee of at least 0 dB.", "Try ratio 3.")
    over = _levels_db(clip) - threshold_db
    half = knee_db / 2
    bend = np.clip(over + half, 0.0, knee_db)
    # Quadratic inside the knee, straight above it.
    excess = np.where(over >= half, over, bend * bend / (2 * knee_db) if knee_db else np.maximum(over, 0.0))
    gain_db = _follow(-(1 - 1 / ratio) * excess, clip.sample_rate, attack_ms, release_ms)
    return _apply(clip, gain_db + make_up_db)


def ducking_gain(
    side: Clip, *, depth_db: float = 3.0, attack_ms: float = 15.0, release_ms: float = 250.0
) -> NDArray[np.float32]:
    """How a backing should give way to a lead: 1 where the lead rests, down by `depth_db` where it sings.

    The lead's own level decides what is singing (its loudest parts and down to 15 dB below them duck fully, 30 dB
    below not at all), so that a soft recording ducks as much as a loud one.

    Args:
        side: The lead; silence ducks nothing.
        depth_db: Largest reduction; 2 to 4 dB are heard as room for the voice, not as pumping.
        attack_ms: Time constant with which the backing falls; usual are 5 to 30 ms.
        release_ms: Time constant with which it returns; usual are 150 to 400 ms.

    Returns:
        float32 [side.frames], the factor for each frame of the backing.
    """
    if depth_db < 0:
        raise InvalidOption(f"A ducking depth of {depth_db} dB would make the backing louder.", "Give 0 dB or more.")
    levels = _levels_db(side)
    loud = float(np.percentile(levels[levels > _FLOOR_DB], _LOUD_PERCENTILE)) if (levels > _FLOOR_DB).any() else 0.0
    share = np.clip((levels - loud - _DUCK_FROM_DB) / (_DUCK_FULLY_DB - _DUCK_FROM_DB), 0.0, 1.0)
    return _to_factors(_follow(-depth_db * share, side.sample_rate, attack_ms, release_ms), side.frames)


def duck(clip: Clip, side: Clip, *, depth_db: float = 3.0, attack_ms: float = 15.0, release_ms: float = 250.0) -> Clip:
    """The clip made softer where `side` sounds; see `ducking_gain`.

    Raises:
        InvalidAudio: Clip and side chain differ in length or rate.
    """
    if (clip.frames, clip.sample_rate) != (side.frames, side.sample_rate):
        raise InvalidAudio(
            "A clip and its side chain must have the same length and rate; got "
            f"{clip.frames} frames at {clip.sample_rate} Hz and {side.frames} at {side.sample_rate} Hz.",
            "Resample and pad one of them.",
        )
    gain = ducking_gain(side, depth_db=depth_db, attack_ms=attack_ms, release_ms=release_ms)
    return Clip(clip.samples * gain, clip.sample_rate)


def _levels_db(clip: Clip) -> NDArray[np.float64]:
    """RMS of all channels around each hop, in dB below full scale."""
    hops = -(-clip.frames // _HOP_FRAMES)
    power = np.zeros(hops)
    for span in spans(clip.frames):
        squares = np.square(clip.samples[:, span], dtype=np.float64).sum(axis=0)
        starts = np.arange(0, len(squares), _HOP_FRAMES)
        first = span.start // _HOP_FRAMES
        power[first : first + len(starts)] = np.add.reduceat(squares, starts)
    power /= clip.channels * _HOP_FRAMES
    window = max(1, round(_DETECTOR_MS / 1000 * clip.sample_rate / _HOP_FRAMES))
    mean = uniform_filter1d(power, window, mode="nearest")
    levels: NDArray[np.float64] = 10.0 * np.log10(np.maximum(mean, 10.0 ** (_FLOOR_DB / 10.0)))
    return levels


def _follow(
    target_db: NDArray[np.float64], sample_rate: int, attack_ms: float, release_ms: float
) -> NDArray[np.float64]:
    """A gain that goes to its target exponentially, at one speed down and at another up, starting from 0 dB."""
    if attack_ms <= 0 or release_ms <= 0:
        raise InvalidOption("Attack and release must be positive.", "Try 10 ms and 150 ms.")
    hop_ms = 1000.0 * _HOP_FRAMES / sample_rate
    falling, rising = 1 - math.exp(-hop_ms / attack_ms), 1 - math.exp(-hop_ms / release_ms)
    now = 0.0
    followed = []
    for target in target_db.tolist():
        now += (target - now) * (falling if target < now else rising)
        followed.append(now)
    return np.array(followed)


def _to_factors(gain_db: NDArray[np.float64], frames: int) -> NDArray[np.float32]:
    """A gain per frame from a gain per hop, straight between the centres of the hops."""
    centres = (np.arange(len(gain_db)) + 0.5) * _HOP_FRAMES
    gains = 10.0 ** (gain_db / 20.0)
    factors = np.empty(frames, np.float32)
    for span in spans(frames):
        factors[span] = np.interp(np.arange(span.start, span.stop) + 0.5, centres, gains)
    return factors


def _apply(clip: Clip, gain_db: NDArray[np.float64]) -> Clip:
    return Clip(clip.samples * _to_factors(gain_db, clip.frames), clip.sample_rate)
