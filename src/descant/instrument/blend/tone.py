"""Timbre, pitch and loudness to sound: everything is made anew, as partials of one pitch and noise."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from descant.instrument.blend.bands import (
    BANDS,
    HIGHEST_HZ,
    SAMPLE_RATE,
    at_places,
    ear_weights_at,
    places,
)
from descant.instrument.blend.frames import (
    FINE_HOP,
    FINER,
    HISS_BANDS,
    NAMED_PARTIALS,
    PLACE_BANDS,
    WIDTH_BANDS,
    Contours,
    TimbreFrames,
)
from descant.nets.partial_synth import HOP, NOISE_BINS, Controls, passed_s, synthesize

Floats = NDArray[np.float32]

_BLOCK = 512
"""Frames of synthesis at a time."""
_MONO_DB = -43.0
_SILENT_DB = -100.0
_NOISE_HZ = np.linspace(0.0, SAMPLE_RATE / 2, NOISE_BINS)
_MOST_PARTIALS = 480


def render(timbre: TimbreFrames, contours: Contours, *, seed: int = 0) -> Floats:
    """Sound.

    Args:
        timbre: 47 frames a second.
        contours: Pitch, and the loudness that the result gets whatever the timbre; for the same time.
        seed: Of the noise and of the partials' phases.

    Returns:
        [2, samples] at 48 kHz, 256 samples for each step of the contours.
    """
    parts = list(blocks(timbre, contours, seed=seed))
    return np.concatenate(parts, axis=1) if parts else np.zeros((2, 0), np.float32)


def blocks(timbre: TimbreFrames, contours: Contours, *, seed: int = 0) -> Iterator[Floats]:
    """The same, block by block: memory does not grow with the length."""
    steps = len(contours.level_db)
    generator = torch.Generator().manual_seed(seed)
    sounding = contours.pitched > 0
    lowest = float(contours.hz[sounding].min()) if sounding.any() else HIGHEST_HZ
    partials = min(_MOST_PARTIALS, max(1, int(HIGHEST_HZ / lowest)))
    phases = torch.rand(partials, generator=generator, dtype=torch.float64)
    ranks = torch.arange(1, partials + 1, dtype=torch.float64)
    edge = _noise(1, generator)
    for first in range(0, steps - 1, _BLOCK):
        last = min(first + _BLOCK, steps - 1)
        rows = np.arange(first, last + 1)
        controls = _controls(timbre, contours, rows, partials)
        # Two blocks share a frame, so that they join.
        noise = torch.cat((edge, _noise(last - first, generator)), dim=2)
        edge = noise[:, :, -1:]
        yield synthesize(controls, phases.float().unsqueeze(0), noise)[0].numpy()
        turned = float(passed_s(controls.speed, len(rows), phases.device)[0, -1])
        phases = torch.remainder(phases + ranks * turned, 1.0)


def _noise(frames: int, generator: torch.Generator) -> torch.Tensor:
    return torch.randn((1, 2, frames, NOISE_BINS), dtype=torch.complex64, generator=generator)


def _controls(timbre: TimbreFrames, contours: Contours, rows: NDArray[np.int64], partials: int) -> Controls:
    fine = _finely(timbre, rows)
    hz = contours.hz[rows, np.newaxis] * np.arange(1, partials + 1, dtype=np.float32)
    where = places(hz)
    tones = at_places(fine.envelope, where)
    named = min(partials, NAMED_PARTIALS)
    tones[:, :named] += fine.partials[:, :named]
    power = 10.0 ** (tones / 10.0) * contours.hz[rows, np.newaxis] * contours.pitched[rows, np.newaxis]
    power = power * (hz < HIGHEST_HZ)
    hiss = _at(fine.envelope, _NOISE_HZ, BANDS) + _at(fine.hiss, _NOISE_HZ, HISS_BANDS)
    density = 10.0 ** (hiss / 10.0)
    density[:, _NOISE_HZ > HIGHEST_HZ] *= 0.1
    shares, widths = _sides(fine, where), _widths(_at(fine.width, _NOISE_HZ, WIDTH_BANDS))
    loud = (power * ear_weights_at(hz) * (1.0 + np.abs(shares) ** 2)).sum(axis=1)
    step = SAMPLE_RATE / 2 / (NOISE_BINS - 1)
    loud += (density * ear_weights_at(_NOISE_HZ.astype(np.float32)) * (1.0 + widths**2)).sum(axis=1) * step
    gain = np.where(
        contours.level_db[rows] > _SILENT_DB,
        10.0 ** (contours.level_db[rows] / 20.0) / np.sqrt(np.maximum(loud, 1e-20)),
        0.0,
    )[:, np.newaxis]
    noise = np.sqrt(density * (SAMPLE_RATE / 2)) * gain
    return Controls(
        torch.arange(1, partials + 1, dtype=torch.float32).unsqueeze(0),  # in fundamentals, which are the speed
        _tensor(np.sqrt(2.0 * power) * gain),
        torch.from_numpy(shares.astype(np.complex64)).unsqueeze(0),
        _tensor(noise),
        _tensor(noise * widths),
        _tensor(contours.hz[rows]),
    )


def _finely(timbre: TimbreFrames, rows: NDArray[np.int64]) -> TimbreFrames:
    """Frames between frames, by straight lines."""
    place = np.minimum(rows / FINER, len(timbre) - 1)
    low = np.minimum(place.astype(np.int64), max(len(timbre) - 2, 0))
    share = (place - low).astype(np.float32)[:, np.newaxis]
    after = np.minimum(low + 1, len(timbre) - 1)
    features = timbre.features()
    return TimbreFrames.of(features[low] * (1.0 - share) + features[after] * share)


def _at(values: Floats, hz: NDArray[np.float64], bands: int) -> Floats:
    return at_places(values, places(hz, bands)[np.newaxis])


def _sides(fine: TimbreFrames, where: NDArray[np.float64]) -> NDArray[np.complex64]:
    """Complex share of the side in each partial's mid: what is not panorama is a difference of phase, turn about."""
    scale = 1.0 / (BANDS - 1)
    width = _widths(at_places(fine.width, where * (scale * (WIDTH_BANDS - 1))))
    place = at_places(fine.place, where * (scale * (PLACE_BANDS - 1)))
    turn = np.where(np.arange(where.shape[1]) % 2, 1.0, -1.0)
    shares: NDArray[np.complex64] = (width * (place + 1j * turn * np.sqrt(1.0 - place**2))).astype(np.complex64)
    return shares


def _widths(width_db: Floats) -> Floats:
    """Amplitudes; what is nearly mono is mono."""
    found: Floats = np.where(width_db > _MONO_DB, 10.0 ** (width_db / 20.0), 0.0).astype(np.float32)
    return found


def _tensor(values: NDArray[np.floating]) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, np.float32)).unsqueeze(0)


assert HOP == FINE_HOP, "the synthesis and the contours go in the same steps"
assert math.isclose(SAMPLE_RATE, 48_000)
