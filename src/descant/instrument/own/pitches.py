"""What a recorded note sounds like to a musician: one pitch, two at once, or none.

A pitch tracker proposes, and the peaks of a long spectrum decide: a pitch is believed as far as its stretched series of
partials explains what sounds, and as far as the low partials that it promises are there (the idea of the two-way
mismatch of Maher and Beauchamp, JASA 1994). The second half keeps a chord from being taken for its missing root.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from descant.dsp.partials import long_spectrum, loud_peaks, tune
from descant.nets.partial_synth import SAMPLE_RATE

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

LOWEST, HIGHEST = 16.0, 120.0
"""MIDI numbers between which a pitch is looked for."""

_PEAK_BINS = 4
_LEAST_TONAL = 0.35
_SAME_CENTS = 35.0
_COUNTED = 8
_DIVISORS = (1, 2, 3, 4)
_LEAST_SALIENCE = 0.12
_NAME_TRUST = 0.55
_SECOND_SHARE = 0.1
_SECOND_HITS = 0.6
_SECOND_PARTIALS = 3
_SOFT_DB = -60.0


@dataclass(frozen=True, slots=True)
class Pitch:
    """A pitch that was heard.

    Attributes:
        midi: Fractional MIDI number.
        salience: How well it explains the sound, 0 to 1.
        second: Another pitch that sounds at the same time; None in a single note.
    """

    midi: float
    salience: float
    second: float | None = None


@dataclass(frozen=True, slots=True)
class _Fit:
    hz: float
    explained: NDArray[np.bool_]
    share: float
    hits: float

    @property
    def salience(self) -> float:
        return self.share * self.hits


def heard_pitch(stereo: Floats, tracked: float | None, named: float | None = None) -> Pitch | None:
    """The pitch of a note.

    Args:
        stereo: [2, samples] at 48 kHz.
        tracked: MIDI number that a pitch tracker heard, if it heard one.
        named: MIDI number that the file's name tells. It is believed where it explains the sound nearly as well as the
            best guess: of a bell or an organ stop the player knows the octave better than any spectrum does.

    Returns:
        None where there is no pitch: noise, or silence.
    """
    spectrum = long_spectrum(stereo, SAMPLE_RATE, start_s=min(0.05, stereo.shape[1] / SAMPLE_RATE / 4))
    peaks = loud_peaks(spectrum, SAMPLE_RATE)
    if not len(peaks) or _tonal_share(spectrum, peaks) < _LEAST_TONAL:
        return None
    fits = [fit for fit in (_fit(spectrum, peaks, midi) for midi in _proposals(peaks, tracked)) if fit is not None]
    best = max(fits, key=lambda fit: fit.salience, default=None)
    if best is None or best.salience < _LEAST_SALIENCE:
        return None
    by_name = None if named is None else _fit(spectrum, peaks, named)
    if by_name is not None and by_name.salience >= _NAME_TRUST * best.salience:
        best = by_name
    return Pitch(_midi(best.hz), best.salience, _second(spectrum, peaks, best))


def _second(spectrum: Doubles, peaks: Doubles, first: _Fit) -> float | None:
    """Another pitch in what the first leaves unexplained."""
    rest = peaks[~first.explained]
    if len(rest) < _SECOND_PARTIALS:
        return None
    left = float(_power(rest).sum() / _power(peaks).sum())
    fits = [_fit(spectrum, rest, midi) for midi in _proposals(rest, None)]
    for fit in sorted((f for f in fits if f is not None), key=lambda f: -f.salience):
        strong = fit.share * left >= _SECOND_SHARE and fit.explained.sum() >= _SECOND_PARTIALS
        if strong and fit.hits >= _SECOND_HITS:
            return _midi(fit.hz)
    return None


def _tonal_share(spectrum: Doubles, peaks: Doubles) -> float:
    """How much of the power lies in the loud peaks: near 1 for notes, a tenth for noise."""
    power = np.square(spectrum)
    inside = np.zeros(len(power), bool)
    step = SAMPLE_RATE / 2 / (len(spectrum) - 1)
    for place in np.rint(peaks[:, 0] / step).astype(int).tolist():
        inside[max(place - _PEAK_BINS, 0) : place + _PEAK_BINS + 1] = True
    return float(power[inside].sum() / max(power.sum(), 1e-30))


def _proposals(peaks: Doubles, tracked: float | None) -> Iterable[float]:
    """MIDI numbers worth a try: the tracker's with its octaves, and what the loudest peaks may be partials of."""
    found = [] if tracked is None else [tracked + step for step in (0.0, -12.0, 12.0, -24.0, 24.0)]
    loudest = peaks[np.argsort(-peaks[:, 1])][:4, 0]
    for hz in {*loudest.tolist(), float(peaks[:, 0].min())}:
        found += [_midi(hz / divisor) for divisor in _DIVISORS]
    kept: list[float] = []
    for midi in found:
        if LOWEST <= midi <= HIGHEST and all(abs(midi - other) > 0.3 for other in kept):
            kept.append(midi)
    return kept


def _fit(spectrum: Doubles, peaks: Doubles, midi: float) -> _Fit | None:
    """How well a pitch explains peaks."""
    tuning = tune(spectrum, SAMPLE_RATE, 440.0 * 2.0 ** ((midi - 69.0) / 12.0))
    if tuning.hz <= 0.0:
        return None
    series = tuning.partials(max(_COUNTED, math.ceil(float(peaks[:, 0].max()) / tuning.hz) + 2))
    cents = np.abs(1200.0 * np.log2(peaks[:, :1] / series))
    # Far up, harmonics lie closer than the cents that are allowed: there chance must not count as explaining.
    near = (cents < _SAME_CENTS) & (np.abs(peaks[:, :1] - series) < 0.12 * tuning.hz)
    explained: NDArray[np.bool_] = np.any(near, axis=1)
    power = _power(peaks)
    share = float(power[explained].sum() / power.sum())
    weights = 1.0 / np.arange(1, _COUNTED + 1)
    there = near[:, :_COUNTED].any(axis=0)
    audible = series[:_COUNTED] <= max(float(peaks[:, 0].max()), tuning.hz) * 1.05
    return _Fit(tuning.hz, explained, share, float((weights * there)[audible].sum() / weights[audible].sum()))


def _power(peaks: Doubles) -> Doubles:
    """Soft partials count, too: levels are halved in dB."""
    level: Doubles = 10.0 ** (np.maximum(peaks[:, 1], _SOFT_DB) / 20.0)
    return level


def _midi(hz: float) -> float:
    return 69.0 + 12.0 * math.log2(hz / 440.0)
