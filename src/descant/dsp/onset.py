"""Onset strength: how suddenly a spectrum grows."""

from __future__ import annotations

import numpy as np
import scipy.ndimage
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def onset_strength(log_bands: Floats, *, lag: int = 2) -> Floats:
    """Spectral flux with vibrato suppression (SuperFlux, Boeck and Widmer 2013): growth over the loudest neighbour.

    Args:
        log_bands: Logarithmic band magnitudes, shape [frames, bands].
        lag: Frames between the two spectra that are compared.

    Returns:
        Strength, shape [frames], not negative; the first `lag` frames are compared with the first frame.
    """
    widened = scipy.ndimage.maximum_filter1d(log_bands, 3, axis=1)
    before = np.concatenate([np.repeat(widened[:1], lag, axis=0), widened[:-lag]])[: len(log_bands)]
    strength: Floats = np.maximum(log_bands - before, 0.0).mean(axis=1)
    return strength


def normalized_onsets(strength: Floats, frames_per_s: float) -> Floats:
    """Onset strength as something like a probability: above the local mean, over the local maximum, 0..1.

    Args:
        strength: Onset strength, shape [frames].
        frames_per_s: Frame rate.

    Returns:
        Shape [frames]; all zeros when nothing starts.
    """
    around = max(3, round(0.5 * frames_per_s))
    above = np.maximum(strength - scipy.ndimage.uniform_filter1d(strength, around, mode="nearest"), 0.0)
    wide = max(3, round(6.0 * frames_per_s))
    loudest = scipy.ndimage.maximum_filter1d(above, wide, mode="nearest")
    ceiling = np.maximum(loudest, 0.1 * above.max(initial=0.0))
    return (above / np.where(ceiling > 0, ceiling, 1.0)).astype(np.float32)
