"""A sound to its timbre, its pitch and its loudness."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from descant.errors import InvalidAudio
from descant.instrument.blend.bands import (
    BANDS,
    HIGHEST_HZ,
    SAMPLE_RATE,
    at_places,
    centres_hz,
    ear_weights,
    ear_weights_of_bands,
    places,
    triangles,
    widths_hz,
)
from descant.instrument.blend.frames import (
    FINE_HOP,
    FINER,
    FLOOR_DB,
    HISS_BANDS,
    HOP,
    NAMED_PARTIALS,
    PLACE_BANDS,
    WIDTH_BANDS,
    Contours,
    TimbreFrames,
)
from descant.instrument.blend.spectra import hann, mid_side, spectra

Floats = NDArray[np.float32]

_SIZE = 2048
_PERIODS = 5
"""Periods of the pitch that a window holds at least, so that partials stand apart with room between them."""
_SMALLEST, _LARGEST = 1024, 8192
_LOUD_WINDOW, _LOW_WINDOW, _LOW_HZ = 1024, 2048, 94.0
_DEEPEST_DB = 80.0
"""Below the loudest band of its frame nothing is told apart."""
_HISS_DB, _PARTIAL_DB, _WIDTH_DB = (-70.0, 12.0), 24.0, (-45.0, 15.0)
_STEPS_PER_OCTAVE = 60
_TINY = 1e-14


def count_frames(samples: int, hop: int = HOP) -> int:
    """Frames of so many samples, the last one at or after the end."""
    return -(-samples // hop) + 1


def loudness(samples: Floats, low_hz: float | None = None) -> Floats:
    """Loudness in dB, every 256 samples.

    Args:
        samples: [1 or 2, samples] at 48 kHz.
        low_hz: Lowest pitch, where there is one: below 94 Hz the window is doubled, or it would hear single periods.
    """
    signal = mid_side(samples)
    size = _LOW_WINDOW if low_hz is not None and low_hz < _LOW_HZ else _LOUD_WINDOW
    centres = np.arange(count_frames(samples.shape[1]) * FINER - FINER + 1) * FINE_HOP
    weights = ear_weights(size).copy()
    weights[1:-1] *= 2.0
    weights /= size * (hann(size) ** 2).sum()
    power = np.zeros(len(centres), np.float32)
    for rows, found in spectra(signal, centres, size):
        power[rows] = (found.real**2 + found.imag**2).sum(axis=0) @ weights
    return _db(power)


def listen(samples: Floats, contours: Contours) -> TimbreFrames:
    """The timbre of a sound.

    Args:
        samples: [1 or 2, samples] at 48 kHz.
        contours: Its pitch, and how pitched it is: all zeros to hear it as a whole (chords, drums, music).

    Raises:
        InvalidAudio: There are no samples.
    """
    if samples.shape[1] == 0:
        raise InvalidAudio("The sound has no samples.", "Check that the export was complete.")
    signal = mid_side(samples)
    count = count_frames(samples.shape[1])
    pitched = contours.pitched[::FINER][:count].astype(np.float32)
    density, width, place = _smooth(signal, count)
    hiss_density = density.copy()
    partials = np.zeros((count, NAMED_PARTIALS), np.float32)
    if pitched.any():
        rows = np.flatnonzero(pitched > 0)
        envelope, between, partials[rows] = _harmonic(signal, rows, contours.hz[::FINER][rows])
        share = pitched[rows, np.newaxis]
        hiss_density[rows] = share * between + (1.0 - share) * density[rows]
        density[rows] = share * envelope + (1.0 - share) * density[rows]
        partials[rows] *= share
    every = places(centres_hz(HISS_BANDS))[np.newaxis]
    hiss = np.clip(at_places(hiss_density - density, every), *_HISS_DB).astype(np.float32)
    density = np.maximum(density, density.max(axis=1, keepdims=True) - _DEEPEST_DB)
    return TimbreFrames(_at_no_loudness(density, width), hiss, partials, width, place, pitched)


def _smooth(signal: Floats, count: int) -> tuple[Floats, Floats, Floats]:
    """Power density of the mid in dB per Hz, width in dB, and place, of all frames."""
    density = np.zeros((count, BANDS), np.float32)
    width, place = np.zeros((count, WIDTH_BANDS), np.float32), np.zeros((count, PLACE_BANDS), np.float32)
    scale = 2.0 / (SAMPLE_RATE * float((hann(_SIZE) ** 2).sum()))
    for rows, (mid, side) in spectra(signal, np.arange(count) * HOP, _SIZE):
        power, beside = mid.real**2 + mid.imag**2, side.real**2 + side.imag**2
        # A sound whose channels cancel has no mid: its envelope is then that of the side.
        bands = (np.maximum(power, beside * 0.03) * scale) @ triangles(_SIZE).T
        density[rows] = _db(bands)
        wide = triangles(_SIZE, WIDTH_BANDS).T
        width[rows] = np.clip(_db(beside @ wide) - _db(power @ wide), *_WIDTH_DB)
        coarse = triangles(_SIZE, PLACE_BANDS).T
        cross = (mid.real * side.real + mid.imag * side.imag) @ coarse
        place[rows] = cross / (np.sqrt((power @ coarse) * (beside @ coarse)) + _TINY)
    return density, width, place


def _harmonic(signal: Floats, rows: NDArray[np.int64], hz: Floats) -> tuple[Floats, Floats, Floats]:
    """Envelope and noise between the partials, dB per Hz [rows, 48], and single partials, dB [rows, 32]."""
    envelope, between = np.zeros((len(rows), BANDS), np.float32), np.zeros((len(rows), BANDS), np.float32)
    partials = np.zeros((len(rows), NAMED_PARTIALS), np.float32)
    wanted = np.clip(_PERIODS * SAMPLE_RATE / np.maximum(hz, 1.0), _SMALLEST, _LARGEST)
    sizes = 2 ** np.ceil(np.log2(wanted)).astype(int)
    for size in np.unique(sizes):
        chosen = np.flatnonzero(sizes == size)
        for part, (mid, side) in spectra(signal, rows[chosen] * HOP, int(size), 2 * int(size)):
            some = chosen[part]
            power = mid.real**2 + mid.imag**2
            power = np.maximum(power, (side.real**2 + side.imag**2) * 0.03)
            envelope[some], between[some], partials[some] = _at_partials(power, int(size), hz[some])
    return envelope, between, partials


def _at_partials(power: Floats, size: int, hz: Floats) -> tuple[Floats, Floats, Floats]:
    window = hann(size)
    bin_hz = SAMPLE_RATE / (2 * size)
    most = max(1, int(HIGHEST_HZ / hz.min()))
    frequencies = hz[:, np.newaxis] * np.arange(1, most + 1, dtype=np.float32)
    is_heard = frequencies < HIGHEST_HZ
    heights = _read(power, frequencies / bin_hz, 2, highest=True) * (2.0 / window.sum() ** 2)
    valleys = _read(power, (frequencies - 0.5 * hz[:, np.newaxis]) / bin_hz, 1, highest=False)
    peaks = _db(heights / hz[:, np.newaxis])  # a sine of amplitude a has a power of a * a / 2
    noise = _db(valleys * (2.0 / (SAMPLE_RATE * float((window**2).sum()))))
    envelope = _spread(peaks, hz, 1.0)
    between = _spread(np.minimum(noise, peaks), hz, 0.5)
    peaks = np.maximum(peaks, peaks.max(axis=1, keepdims=True) - _DEEPEST_DB)
    named = min(most, NAMED_PARTIALS)
    apart = np.zeros((len(hz), NAMED_PARTIALS), np.float32)
    own = peaks[:, :named] - at_places(envelope, places(frequencies[:, :named]))
    apart[:, :named] = np.where(is_heard[:, :named], np.clip(own, -_PARTIAL_DB, _PARTIAL_DB), 0.0)
    return envelope, between, apart


def _read(power: Floats, bins: NDArray[np.floating], reach: int, *, highest: bool) -> Floats:
    """The highest, or the mean, of the bins around places, [frames, places]."""
    nearest = np.round(bins).astype(np.int64)
    around = nearest[..., np.newaxis] + np.arange(-reach, reach + 1)
    rows = np.arange(len(power))[:, np.newaxis, np.newaxis]
    found = power[rows, np.clip(around, 0, power.shape[1] - 1)]
    read: Floats = found.max(axis=-1) if highest else found.mean(axis=-1)
    return read


def _spread(levels: Floats, fundamental: Floats, first: float) -> Floats:
    """Levels that lie one fundamental apart to levels of the bands; below the first and above the last they are held.

    Args:
        levels: In dB, [frames, partials].
        fundamental: In Hz, [frames].
        first: Where the first of the levels lies, in fundamentals.
    """
    levels = np.maximum(levels, levels.max(axis=1, keepdims=True) - _DEEPEST_DB)
    spread = np.zeros((len(levels), BANDS), np.float32)
    steps = np.round(np.log2(fundamental) * _STEPS_PER_OCTAVE).astype(np.int64)
    for step in np.unique(steps):
        rows = np.flatnonzero(steps == step)
        weights = _spreading(int(step), levels.shape[1], first)
        spread[rows] = levels[rows] @ weights
    return spread


@lru_cache(maxsize=512)
def _spreading(step: int, partials: int, first: float) -> Floats:
    """What each partial adds to each band, [partials, bands], at a fundamental."""
    fundamental = 2.0 ** (step / _STEPS_PER_OCTAVE)
    hz = fundamental * (np.arange(partials) + first)
    is_heard = hz < HIGHEST_HZ
    centres = centres_hz()
    wanted = np.clip(centres, hz[0], hz[is_heard][-1] if is_heard.any() else hz[0])
    reach = np.maximum(np.gradient(centres), fundamental)
    weights = np.maximum(0.0, 1.0 - np.abs(hz[:, np.newaxis] - wanted) / reach) * is_heard[:, np.newaxis]
    weights[0] += weights.sum(axis=0) < _TINY
    found: Floats = (weights / weights.sum(axis=0)).astype(np.float32)
    return found


def _at_no_loudness(density: Floats, width: Floats) -> Floats:
    return (density - loudness_of(density, width)[:, np.newaxis]).astype(np.float32)


def loudness_of(density: Floats, width: Floats) -> Floats:
    """Loudness in dB of a power density of the mid, with a side of some width."""
    sides = at_places(width, np.linspace(0, WIDTH_BANDS - 1, BANDS)[np.newaxis])
    weights = (ear_weights_of_bands() * widths_hz()).astype(np.float32)
    return _db((10.0 ** (density / 10.0) * (1.0 + 10.0 ** (sides / 10.0))) @ weights)


def _db(power: Floats) -> Floats:
    found: Floats = np.maximum(10.0 * np.log10(np.maximum(power, 1e-20)), FLOOR_DB - 60.0).astype(np.float32)
    return found
