"""`PitchTrack`: fundamental frequency over time, and conversions between Hz and MIDI numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from descant.errors import InvalidAudio


def hz_to_midi(hz: ArrayLike) -> NDArray[np.float64]:
    """Fractional MIDI numbers; NaN where the frequency is not positive."""
    values = np.asarray(hz, float)
    with np.errstate(divide="ignore", invalid="ignore"):
        result: NDArray[np.float64] = np.where(values > 0, 69.0 + 12.0 * np.log2(values / 440.0), np.nan)
    return result


def midi_to_hz(midi: ArrayLike) -> NDArray[np.float64]:
    """Frequencies of (fractional) MIDI numbers."""
    result: NDArray[np.float64] = 440.0 * 2.0 ** ((np.asarray(midi, float) - 69.0) / 12.0)
    return result


@dataclass(frozen=True, slots=True, eq=False)
class PitchTrack:
    """f0 of a monophonic source, frame by frame.

    Attributes:
        times_s: Frame centres in seconds, rising, shape [frames].
        f0_hz: Frequency of each frame (a best guess also where unvoiced), shape [frames].
        confidence: 0..1, shape [frames].
        voiced: Whether a pitch sounds, bool, shape [frames].
    """

    times_s: NDArray[np.float64]
    f0_hz: NDArray[np.float64]
    confidence: NDArray[np.float64]
    voiced: NDArray[np.bool_]

    def __post_init__(self) -> None:
        shapes = {np.shape(a) for a in (self.times_s, self.f0_hz, self.confidence, self.voiced)}
        if len(shapes) != 1 or len(next(iter(shapes))) != 1:
            raise InvalidAudio("The arrays of a pitch track must be one-dimensional and of one length.")

    @property
    def midi(self) -> NDArray[np.float64]:
        """Fractional MIDI number of each frame, NaN where unvoiced."""
        return np.where(self.voiced, hz_to_midi(self.f0_hz), np.nan)

    @property
    def hop_s(self) -> float:
        """Distance between frames in seconds; 0 with fewer than two."""
        return float(np.median(np.diff(self.times_s))) if len(self.times_s) > 1 else 0.0
