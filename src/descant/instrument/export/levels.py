"""The level of a note over time: whether it decays while its key is held, and how it ends when the key is let go."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

HOP_S = 0.005
QUIETEST_DB = -120.0

_WINDOW_S = 0.02
_SETTLED = 0.4
_RELEASE_FALL_DB = 40.0
_PLAYER_FALL_DB = 80.0
"""By how much players let the level fall within a release time (sfizz by 78 dB)."""
_SHORTEST_RELEASE_S, _LONGEST_RELEASE_S = 0.005, 10.0


def level_db(samples: Floats, sample_rate: int) -> Doubles:
    """Level of all channels over windows of 20 ms, every 5 ms, in dB of full scale; window n begins at n x 5 ms."""
    power = np.square(samples.astype(np.float64)).mean(axis=0)
    hop, window = round(HOP_S * sample_rate), round(_WINDOW_S * sample_rate)
    summed = np.concatenate(([0.0], np.cumsum(power)))
    starts = np.arange(0, max(len(power) - window, 0) + 1, hop)
    ends = np.minimum(starts + window, len(power))
    mean = (summed[ends] - summed[starts]) / np.maximum(ends - starts, 1)
    levels: Doubles = np.maximum(10.0 * np.log10(np.maximum(mean, 1e-30)), QUIETEST_DB)
    return levels


def held_slope(samples: Floats, sample_rate: int, held_s: float) -> float:
    """By how many dB a second the level rises (falls, if negative) once the attack is over, until the key is let go.

    Args:
        samples: [channels, frames].
        sample_rate: In Hz.
        held_s: When the key is let go.
    """
    levels = level_db(samples, sample_rate)
    first = round(_SETTLED * held_s / HOP_S)
    return _slope(levels[first : round((held_s - _WINDOW_S) / HOP_S)])


def release_time(released: Floats, held_on: Floats, sample_rate: int, held_s: float) -> float:
    """The `ampeg_release` with which a player ends the note as the instrument does.

    What a note loses even while its key is held is in the sample, so only what letting go adds to it is counted: the
    level of a note that was let go, against that of the same note held on.

    Args:
        released: [channels, frames], let go after `held_s`.
        held_on: The same note, held to its end.
        sample_rate: In Hz.
        held_s: When the key was let go.

    Returns:
        Seconds, 0.005 to 10.
    """
    first, second = level_db(released, sample_rate), level_db(held_on, sample_rate)
    count = min(len(first), len(second))
    off = round(held_s / HOP_S)
    heard = np.flatnonzero(second[off:count] < QUIETEST_DB + _RELEASE_FALL_DB)
    until = off + int(heard[0]) if len(heard) else count
    fall = second[off:until] - first[off:until]
    fallen = np.flatnonzero(fall > _RELEASE_FALL_DB)
    if len(fallen):
        fall = fall[: fallen[0] + 1]
    elif len(fall) * HOP_S < _WINDOW_S:
        return _LONGEST_RELEASE_S  # it has died away before: nothing ends it early
    if len(fall) < 2:
        return _SHORTEST_RELEASE_S
    slope = _slope(fall)
    if slope * _LONGEST_RELEASE_S <= _PLAYER_FALL_DB:
        return _LONGEST_RELEASE_S
    return max(_PLAYER_FALL_DB / slope, _SHORTEST_RELEASE_S)


def _slope(levels: Doubles) -> float:
    if len(levels) < 2:
        return 0.0
    times = np.arange(len(levels)) * HOP_S
    return float(np.polyfit(times, levels, 1)[0])
