"""Whether a sound has pitches at all: tones last or come back, noise does not."""

from __future__ import annotations

import numpy as np
import scipy.ndimage
from numpy.typing import NDArray

TONAL = 0.06
"""Persistence from which a recording counts as tonal: 8 s of white or brown noise gave at most 0.005 (1 s of white
noise 0.067), the lowest of 30 validation items 0.09."""

_SMOOTH_BANDS = 13
_LAGS = (4, 5, 6, 8)  # frames; windows that far apart share no samples


def tonal_persistence(pitch: NDArray[np.float32]) -> float:
    """Mean correlation of the fine structure of pitch spectra that lie half a second apart.

    Args:
        pitch: Pitch spectrum of `analyze.features`, shape [frames at 10 per second, bands].

    Returns:
        About 0 for noise, up to 1 for a held chord; 1 for recordings too short to tell.
    """
    if len(pitch) <= max(_LAGS):
        return 1.0
    fine = pitch - scipy.ndimage.uniform_filter1d(pitch, _SMOOTH_BANDS, axis=1)
    power = np.sqrt((fine.astype(np.float64) ** 2).sum(axis=1))
    total = weight = 0.0
    for lag in _LAGS:
        total += float((fine[lag:] * fine[:-lag]).sum())
        weight += float((power[lag:] * power[:-lag]).sum())
    return max(0.0, total / weight) if weight > 0 else 0.0
