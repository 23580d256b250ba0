"""The pitch of a sound and how far it is one line, from the lowest string of a bass to the highest key of a piano."""

from __future__ import annotations

import numpy as np
import scipy.ndimage
from numpy.typing import NDArray

from descant.audio.clip import Clip
from descant.dsp.pitch import PitchTrack
from descant.instrument.blend.bands import SAMPLE_RATE, ear_weights
from descant.instrument.blend.frames import FINE_HOP, HOP, Contours
from descant.instrument.blend.listen import count_frames, loudness
from descant.instrument.blend.spectra import mid_side, spectra
from descant.nets.swift_f0 import SwiftF0

Floats = NDArray[np.float32]

LOWEST_HZ, HIGHEST_HZ = 27.0, 4200.0
_SURE, _UNSURE = 0.6, 0.3
_LOUD_DB = 35.0
_QUIET_DB = 60.0
_ENOUGH = 0.6
_ONE_NOTE_CENTS = 70.0
_SETTLED = 0.12
_SIZES = {8192: 90.0, 4096: 0.0}
_REFINED_PARTIALS, _MOST_CENTS = 6, 60.0
_SPARSE, _LONG, _LOBE_BINS = 8, 8192, 3
_STRONG_DB, _HEARD_HZ, _VIBRATO = 25.0, 3000.0, 0.03
_DOUBTFUL, _CERTAIN = 0.78, 0.92


class PitchListener:
    """Follows pitch.

    Args:
        tracker: SwiftF0, which hears 47 to 2,094 Hz; what it hears nothing in, it hears at double and half speed.
    """

    def __init__(self, tracker: SwiftF0) -> None:
        self._tracker = tracker

    def __call__(self, samples: Floats) -> Contours:
        """Pitch and loudness of a sound.

        Args:
            samples: [1 or 2, samples] at 48 kHz, at least one.
        """
        level = loudness(samples)
        track = self._track(samples, level)
        times = np.arange(len(level)) * (FINE_HOP / SAMPLE_RATE)
        sure = np.interp(times, track.times_s, track.confidence)
        pitched = np.clip((sure - _UNSURE) / (_SURE - _UNSURE), 0.0, 1.0)
        hz = _continued(np.interp(times, track.times_s, _continued(track.f0_hz, track.confidence > _SURE)), pitched > 0)
        hz, pitched = _one_note(hz, pitched, level)
        if not pitched.any():
            return Contours(hz.astype(np.float32), pitched.astype(np.float32), level)
        hz = hz / _divisor(samples, Contours(hz.astype(np.float32), pitched.astype(np.float32), level))
        low = float(np.quantile(hz[pitched > 0], 0.05))
        fine = refined(samples, hz.astype(np.float32), pitched.astype(np.float32))
        return Contours(fine, pitched.astype(np.float32), loudness(samples, low))

    def _track(self, samples: Floats, level: Floats) -> PitchTrack:
        best = self._tracker(Clip(samples, SAMPLE_RATE))
        heard = _share_heard(best, level)
        for speed in (2.0, 0.5):  # a bass played twice as fast, a piccolo at half speed
            if heard > _ENOUGH:
                break
            # The same samples under another rate: 24 kHz is half the speed.
            track = self._tracker(Clip(samples, round(SAMPLE_RATE * speed)))
            moved = PitchTrack(track.times_s * speed, track.f0_hz / speed, track.confidence, track.voiced)
            share = _share_heard(moved, level)
            if share > max(heard + 0.15, 0.2):
                best, heard = moved, share
        return best


def _share_heard(track: PitchTrack, level: Floats) -> float:
    """Share of the loud moments that have a clear pitch."""
    times = np.arange(len(level)) * (FINE_HOP / SAMPLE_RATE)
    loud = np.interp(track.times_s, times, level) > level.max(initial=-200.0) - _LOUD_DB
    return float((track.confidence[loud] > _SURE).mean()) if loud.any() else 0.0


def _continued(hz: NDArray[np.float64], known: NDArray[np.bool_]) -> NDArray[np.float64]:
    """A pitch through the moments that have none, by straight lines in semitones."""
    if not known.any():
        return np.maximum(hz, LOWEST_HZ)
    rows = np.arange(len(hz))
    line: NDArray[np.float64] = np.exp(np.interp(rows, rows[known], np.log(np.maximum(hz[known], LOWEST_HZ))))
    return line


def _one_note(
    hz: NDArray[np.float64], pitched: NDArray[np.float64], level: Floats
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A single note is one from its attack to its last breath, also where a tracker is not sure."""
    clear = (pitched > 0.5) & (level > level.max() - _LOUD_DB)
    if clear.sum() < _SETTLED * SAMPLE_RATE / FINE_HOP:
        return hz, pitched
    cents = 1200.0 * np.log2(hz / np.median(hz[clear]))
    if np.quantile(np.abs(cents[clear]), 0.9) > _ONE_NOTE_CENTS:
        return hz, pitched
    first, last = np.flatnonzero(clear)[[0, -1]]
    loud = level > level.max() - _QUIET_DB
    before = (level > level.max() - _LOUD_DB)[last:].sum() * (FINE_HOP / SAMPLE_RATE)
    if first * FINE_HOP / SAMPLE_RATE > 0.3 or before > 2.0:  # much sounds that has no pitch: no single note
        return hz, pitched
    steady = np.where(np.abs(cents) > _ONE_NOTE_CENTS, np.median(hz[clear]), hz)
    return steady, np.where(loud, 1.0, pitched)


def explained(samples: Floats, contours: Contours) -> float:
    """Share of what is heard below 3 kHz that lies at multiples of the pitch, in the median moment that has one.

    Args:
        samples: [1 or 2, samples] at 48 kHz.
        contours: Its pitch and loudness.
    """
    hz, level = contours.hz[::_SPARSE], contours.level_db[::_SPARSE]
    rows = np.flatnonzero((level > level.max() - _STRONG_DB) & (contours.pitched[::_SPARSE] > 0.5))
    if not len(rows):
        return 0.0
    bins = np.arange(_LONG // 2 + 1) * (SAMPLE_RATE / _LONG)
    weights = ear_weights(_LONG) * ((bins > LOWEST_HZ) & (bins < _HEARD_HZ))
    shares = np.zeros(len(rows))
    for part, found in spectra(mid_side(samples), rows * (_SPARSE * FINE_HOP), _LONG):
        power = (found.real**2 + found.imag**2).sum(axis=0) * weights
        fundamental = hz[rows[part], np.newaxis]
        off = np.abs(bins - np.maximum(1.0, np.round(bins / fundamental)) * fundamental)
        reach = np.maximum(_LOBE_BINS * SAMPLE_RATE / _LONG, np.minimum(_VIBRATO * bins, 0.25 * fundamental))
        shares[part] = (power * (off < reach)).sum(axis=1) / np.maximum(power.sum(axis=1), 1e-20)
    return float(np.median(shares))


def _divisor(samples: Floats, contours: Contours) -> int:
    """2 or 3 where a tracker hears a partial for the pitch (organs), else 1."""
    if explained(samples, contours) > _DOUBTFUL:
        return 1
    for divisor in (2, 3):
        lower = explained(samples, Contours(contours.hz / np.float32(divisor), contours.pitched, contours.level_db))
        if lower > _CERTAIN and contours.hz.min() / divisor > LOWEST_HZ:
            return divisor
    return 1


def refined(samples: Floats, hz: Floats, pitched: Floats) -> Floats:
    """A pitch corrected by where the peaks of the lower partials really lie, at most 60 cents away.

    Args:
        samples: [1 or 2, samples] at 48 kHz.
        hz: About the pitch, every 256 samples.
        pitched: 0..1, likewise.
    """
    signal = mid_side(samples)[:1]
    centres = np.arange(count_frames(samples.shape[1])) * HOP
    coarse = hz[:: HOP // FINE_HOP][: len(centres)]
    rows = np.flatnonzero(pitched[:: HOP // FINE_HOP][: len(centres)] > 0)
    if not len(rows):
        return hz
    size = next(size for size, below in _SIZES.items() if np.median(coarse[rows]) < below or below == 0.0)
    cents, weight = np.zeros(len(centres)), np.zeros(len(centres))
    for part, found in spectra(signal, centres[rows], size, 2 * size):
        some = rows[part]
        cents[some], weight[some] = _deviation(np.abs(found[0]), coarse[some], SAMPLE_RATE / (2 * size))
    known = weight > 0
    if not known.any():
        return hz
    smooth = np.interp(np.arange(len(centres)), np.flatnonzero(known), cents[known])
    smooth = scipy.ndimage.median_filter(smooth, 5, mode="nearest")
    fine = np.interp(np.arange(len(hz)) * FINE_HOP, centres, smooth)
    corrected: Floats = (hz * 2.0 ** (fine / 1200.0)).astype(np.float32)
    return corrected


def _deviation(magnitude: Floats, hz: Floats, bin_hz: float) -> tuple[Floats, Floats]:
    """By how many cents the partials lie higher, on their weighted average, and with what weight."""
    ranks = np.arange(1, _REFINED_PARTIALS + 1)
    expected = hz[:, np.newaxis] * ranks
    reach = 2.0 ** (_MOST_CENTS / 1200.0) - 1.0
    width = int(np.ceil(expected.max() * reach / bin_hz)) + 1
    steps = np.arange(-width, width + 1)
    bins = np.clip(np.round(expected / bin_hz).astype(int)[..., np.newaxis] + steps, 1, magnitude.shape[1] - 2)
    rows = np.arange(len(hz))[:, np.newaxis, np.newaxis]
    near = np.abs(bins * bin_hz - expected[..., np.newaxis]) <= np.maximum(expected * reach, bin_hz)[..., np.newaxis]
    values = np.where(near, magnitude[rows, bins], 0.0)
    peak = np.take_along_axis(bins, values.argmax(axis=-1)[..., np.newaxis], -1)
    before, at, after = (np.log(magnitude[rows, peak + step][..., 0] + 1e-12) for step in (-1, 0, 1))
    is_peak = (at >= before) & (at >= after) & (expected < 0.4 * SAMPLE_RATE)
    bend = before - 2.0 * at + after
    shift = np.where(bend < 0, 0.5 * (before - after) / np.where(bend < 0, bend, 1.0), 0.0)
    found = (peak[..., 0] + np.clip(shift, -0.5, 0.5)) * bin_hz
    cents = 1200.0 * np.log2(found / expected)
    # Low partials say it best where strings are stiff; the strongest where the first is missing.
    weight = np.where(is_peak & (np.abs(cents) < _MOST_CENTS), np.exp(at - at.max(axis=1, keepdims=True)), 0.0)
    total = weight.sum(axis=1)
    mean = (weight * cents).sum(axis=1) / np.maximum(total, 1e-9)
    return mean.astype(np.float32), total.astype(np.float32)
