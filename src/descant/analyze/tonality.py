"""Whether a sound has pitches at all: tones last or come back, noise does not."""

from __future__ import annotations

import numpy as np
import scipy.ndimage
from numpy.typing import NDArray

from descant.analyze.features import SAMPLE_RATE, extract_features, mono_for_listening
from descant.audio.clip import Clip

TONAL = 0.06
"""Persistence from which a recording counts as tonal: 8 s of white or brown noise gave at most 0.005 (1 s of white
noise 0.067), the lowest of 30 validation items 0.09."""

_NOISE_TONAL, _NOISE_SPREAD_DB = 0.2, 8.0
"""Below both, what is left of a recording without its voice is noise. White and pink noise with what leaked of three
singers, 12 to 25 dB under them: 0.02 to 0.14, and (white; or 12 dB) 1 to 8 dB; bands of six songs: 0.11 to 0.63, 10 to
60 dB (one stretch of a held chord: 0.48, 4 dB)."""

_LEVEL_S = 0.05
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


def is_noise(clip: Clip) -> bool:
    """Whether a sound is steady and without tones: hiss, hum of a room, traffic; neither a chord nor a drum."""
    mono = mono_for_listening(clip)
    size = round(_LEVEL_S * SAMPLE_RATE)
    count = len(mono) // size
    if count == 0:
        return False
    level_db = 10.0 * np.log10((mono[: count * size].reshape(count, size).astype(np.float64) ** 2).mean(axis=1) + 1e-12)
    low, high = np.percentile(level_db, (10, 95))
    return bool(high - low < _NOISE_SPREAD_DB) and tonal_persistence(extract_features(mono).pitch) < _NOISE_TONAL
