"""Repair of octave errors in a pitch track."""

from __future__ import annotations

import itertools

import numpy as np
import scipy.ndimage
from numpy.typing import NDArray

from descant.dsp.pitch import PitchTrack, hz_to_midi

_TOLERANCE = 1.5


def repair_octaves(track: PitchTrack, *, longest_s: float = 0.12, around_s: float = 0.6) -> PitchTrack:
    """Move short voiced stretches that lie an octave off their surroundings back to them.

    A stretch is moved only when it lasts at most `longest_s`, both its voiced neighbours (within `around_s`) agree
    with each other, and it is 12 semitones (within 1.5) away from them: a sung octave leap stays, because one of
    its sides is then as far away as the other is near.

    Args:
        track: The track to repair; it is not changed.
        longest_s: The longest stretch that may be an error.
        around_s: How far to look for voiced neighbours.

    Returns:
        The repaired track.
    """
    voiced = np.flatnonzero(track.voiced)
    if len(voiced) < 3:
        return track
    midi = hz_to_midi(track.f0_hz[voiced])
    times = track.times_s[voiced]
    breaks = np.flatnonzero(np.abs(np.diff(midi)) > 12.0 - _TOLERANCE) + 1
    edges = np.concatenate([[0], breaks, [len(voiced)]])
    shift = np.zeros(len(voiced))
    for start, end in itertools.pairwise(edges[1:-1]):
        before, after = start - 1, end
        is_short = times[end - 1] - times[start] + track.hop_s <= longest_s
        is_near = times[start] - times[before] <= around_s and times[after] - times[end - 1] <= around_s
        if not (is_short and is_near and abs(midi[before] + shift[before] - midi[after]) <= 3.0):
            continue
        distance = float(np.median(midi[start:end])) - (midi[before] + shift[before] + midi[after]) / 2
        if abs(abs(distance) - 12.0) <= _TOLERANCE:
            shift[start:end] = -12.0 * np.sign(distance)
    f0 = track.f0_hz.copy()
    f0[voiced] *= 2.0 ** (shift / 12.0)
    return PitchTrack(track.times_s, f0, track.confidence, track.voiced)


def fill_short_gaps(voiced: NDArray[np.bool_], frames: int) -> NDArray[np.bool_]:
    """Close unvoiced gaps of at most `frames` frames and drop voiced islands of at most one frame."""
    padded = np.pad(voiced, frames + 1)
    closed = scipy.ndimage.binary_closing(padded, np.ones(frames + 1, bool))[frames + 1 : -(frames + 1)]
    opened: NDArray[np.bool_] = scipy.ndimage.binary_opening(closed, np.ones(2, bool))
    return opened
