"""Placing sound between two loudspeakers."""

from __future__ import annotations

import math

import numpy as np

from descant.audio.clip import Clip
from descant.errors import InvalidOption


def pan(clip: Clip, position: float) -> Clip:
    """The clip moved between the loudspeakers with equal power: it is as loud everywhere.

    Args:
        clip: One channel (which becomes two, each 3 dB softer in the middle) or two (whose balance is moved; the
            middle leaves them as they are).
        position: -1 is left, 0 the middle, 1 right.

    Returns:
        A stereo clip.

    Raises:
        InvalidOption: The position is outside -1..1, or the clip has more than two channels.
    """
    if not -1.0 <= position <= 1.0:
        raise InvalidOption(f"A pan position of {position} is impossible.", "Use -1 (left) to 1 (right).")
    if clip.channels > 2:
        raise InvalidOption(f"A clip of {clip.channels} channels cannot be panned.", "Mix it down to one or two.")
    angle = (position + 1.0) * math.pi / 4.0
    gains = np.array([[math.cos(angle)], [math.sin(angle)]], np.float32)
    if clip.channels == 2:
        # Exactly one in the middle, so that nothing changes there.
        gains = gains / gains[0] if position == 0 else gains * np.float32(math.sqrt(2.0))
    return Clip(clip.samples * gains, clip.sample_rate)


def width(clip: Clip, amount: float) -> Clip:
    """The clip wider or narrower: the difference of its channels is scaled, their sum kept.

    Args:
        clip: A stereo clip.
        amount: 0 is mono, 1 leaves it as it is, 2 doubles the difference.

    Raises:
        InvalidOption: The clip is not stereo, or the amount is negative.
    """
    if clip.channels != 2:
        raise InvalidOption(f"A clip of {clip.channels} channels has no stereo width.", "Pan it to stereo first.")
    if amount < 0:
        raise InvalidOption(f"A width of {amount} is impossible.", "Use 0 (mono), 1 (as it is) or more.")
    middle = clip.samples.mean(axis=0, keepdims=True)
    return Clip(middle + (clip.samples - middle) * np.float32(amount), clip.sample_rate)
