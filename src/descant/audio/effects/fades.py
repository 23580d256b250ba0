"""Fades at the ends of a clip."""

from __future__ import annotations

import numpy as np

from descant.audio.clip import Clip
from descant.errors import InvalidOption


def fade(clip: Clip, in_s: float = 0.0, out_s: float = 0.0) -> Clip:
    """The clip faded in and out along half a cosine, so that level and slope start and end at rest.

    Args:
        clip: Any clip.
        in_s: Length of the fade at the start, in seconds; longer than the clip means all of it.
        out_s: Length of the fade at the end.

    Raises:
        InvalidOption: A length is negative.
    """
    if in_s < 0 or out_s < 0:
        raise InvalidOption("A fade cannot have a negative length.", "Use 0 for no fade.")
    gain = np.ones(clip.frames)
    rise = min(round(in_s * clip.sample_rate), clip.frames)
    fall = min(round(out_s * clip.sample_rate), clip.frames)
    gain[:rise] *= _half_cosine(rise)
    gain[clip.frames - fall :] *= _half_cosine(fall)[::-1]
    return Clip((clip.samples * gain).astype(np.float32), clip.sample_rate)


def _half_cosine(frames: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return 0.5 - 0.5 * np.cos(np.pi * np.arange(frames) / max(frames, 1))
