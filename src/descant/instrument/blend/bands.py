"""Bands that are equally wide to the ear (the ERB scale of Glasberg and Moore, 1990), and loudness over frequency."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.signal import sosfreqz

from descant.audio.loudness import k_weighting

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

SAMPLE_RATE = 48_000
BANDS = 48
LOWEST_HZ, HIGHEST_HZ = 45.0, 19_500.0


def to_erb(hz: Floats | Doubles | float) -> Doubles:
    """Place on the ERB scale of frequencies in Hz."""
    return np.asarray(21.4 * np.log10(1.0 + 0.00437 * np.asarray(hz, float)))


def from_erb(erb: Doubles) -> Doubles:
    """Frequencies in Hz of places on the ERB scale."""
    hz: Doubles = (10.0 ** (np.asarray(erb, float) / 21.4) - 1.0) / 0.00437
    return hz


@cache
def centres_hz(bands: int = BANDS) -> Doubles:
    """Centres of the bands."""
    return from_erb(np.linspace(to_erb(LOWEST_HZ), to_erb(HIGHEST_HZ), bands))


@cache
def widths_hz(bands: int = BANDS) -> Doubles:
    """Distance of the neighbours of each band, halved; together they cover all frequencies once."""
    centres = centres_hz(bands)
    edges = np.concatenate([[0.0], 0.5 * (centres[1:] + centres[:-1]), [SAMPLE_RATE / 2]])
    return np.diff(edges)


@cache
def triangles(size: int, bands: int = BANDS) -> Floats:
    """Triangles over the bins of a Fourier transform, each of sum one and at least a bin wide, [bands, bins]."""
    hz = np.arange(size // 2 + 1) * (SAMPLE_RATE / size)
    centres = centres_hz(bands)
    steps = np.gradient(centres)
    reach = np.maximum(steps, SAMPLE_RATE / size)[:, np.newaxis]
    weights = np.maximum(0.0, 1.0 - np.abs(hz - centres[:, np.newaxis]) / reach)
    filters: Floats = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return filters


def places(hz: Floats | Doubles, bands: int = BANDS) -> Doubles:
    """Where frequencies lie among the centres of the bands, 0 to bands - 1; beyond both ends they are held."""
    low, high = to_erb(LOWEST_HZ), to_erb(HIGHEST_HZ)
    found: Doubles = np.clip((to_erb(hz) - low) / (high - low) * (bands - 1), 0.0, bands - 1)
    return found


def at_places(values: Floats, place: Doubles) -> Floats:
    """Values of bands read between them by straight lines.

    Args:
        values: [frames, bands].
        place: [frames or 1, points], see `places`.

    Returns:
        [frames, points].
    """
    low = np.minimum(place.astype(np.int64), values.shape[1] - 2)
    share = (place - low).astype(np.float32)
    if len(place) == 1:
        below, above = values[:, low[0]], values[:, low[0] + 1]
    else:
        below, above = np.take_along_axis(values, low, 1), np.take_along_axis(values, low + 1, 1)
    read: Floats = below + (above - below) * share
    return read


@cache
def ear_weights(size: int) -> Floats:
    """Power gain of the loudness meter's filter (ITU-R BS.1770) over the bins of a Fourier transform."""
    return _power_gain(np.arange(size // 2 + 1, dtype=np.float64) * (SAMPLE_RATE / size))


@cache
def ear_weights_of_bands(bands: int = BANDS) -> Floats:
    """The same at the centres of the bands."""
    return _power_gain(centres_hz(bands))


def ear_weights_at(hz: Floats | Doubles) -> Floats:
    """The same at any frequencies, read from a fine table."""
    table = ear_weights(4096)
    row = np.clip(np.round(hz * (4096 / SAMPLE_RATE)), 0, len(table) - 1).astype(np.int64)
    read: Floats = table[row]
    return read


def _power_gain(hz: Doubles) -> Floats:
    _, response = sosfreqz(k_weighting(SAMPLE_RATE), worN=2.0 * np.pi * np.asarray(hz) / SAMPLE_RATE)
    gain: Floats = (np.abs(response) ** 2).astype(np.float32)
    return gain
