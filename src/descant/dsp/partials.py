"""What a single note is made of: the frequencies of its partials, their complex amplitudes over time, and the rest.

Strings stretch their partials (Fletcher, JASA 1964: f_n = n f_0 sqrt(1 + B n^2)); bars, plates and bells have partials
of their own, which are found as peaks that the stretched series does not explain.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.fft
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Complex = NDArray[np.complex64]

_FFT = 131_072
_LONGEST_S = 1.4
_SEARCH_CENTS = 45.0
_PROMINENCE = 10.0 ** (12.0 / 20.0)
_STIFFEST = 0.004
_FIRST_FITTED, _LAST_FITTED = 6, 40
_PERIODS = 4.0
_LARGEST_WINDOW, _SMALLEST_WINDOW = 6144, 1024
_PEAK_DB = -45.0
_MOST_PEAKS = 64


@dataclass(frozen=True, slots=True)
class Tuning:
    """A stretched harmonic series.

    Attributes:
        hz: Frequency that the series is counted from, f_0.
        stiffness: B.
        found: How many partials it was fitted to; with fewer than two, `hz` is what was asked for.
    """

    hz: float
    stiffness: float
    found: int

    def partials(self, count: int) -> NDArray[np.float64]:
        """Frequencies of the first partials in Hz, [count]."""
        return stretched(self.hz, self.stiffness, count)


def stretched(hz: float, stiffness: float, count: int) -> NDArray[np.float64]:
    """N f_0 sqrt(1 + B n^2) for n = 1 ... count."""
    n = np.arange(1, count + 1, dtype=np.float64)
    return n * hz * np.sqrt(1.0 + stiffness * n * n)


def long_spectrum(stereo: Floats, sample_rate: int, *, start_s: float = 0.05) -> NDArray[np.float64]:
    """Magnitudes of a stretch of a note, both channels together, with fine bins (131,072 points).

    Args:
        stereo: [channels, samples].
        sample_rate: In Hz.
        start_s: Where the stretch begins: after the noise of the attack.

    Returns:
        [65,537].
    """
    start = min(round(start_s * sample_rate), max(stereo.shape[-1] - 2048, 0))
    part = stereo[:, start : start + round(_LONGEST_S * sample_rate)].astype(np.float64)
    window = np.hanning(part.shape[-1])
    spectra = np.abs(scipy.fft.rfft(part * window, _FFT)) * (2.0 / window.sum())
    return np.sqrt(np.square(spectra).sum(axis=0))


def tune(spectrum: NDArray[np.float64], sample_rate: int, hz: float) -> Tuning:
    """Fit a stretched series to a note whose pitch is known to about half a semitone.

    Args:
        spectrum: Of `long_spectrum`.
        sample_rate: In Hz.
        hz: The pitch that is expected.
    """
    found = Tuning(hz, 0.0, 0)
    for last in (_FIRST_FITTED, 2 * _FIRST_FITTED, _LAST_FITTED):
        rows = []
        for n, wanted in enumerate(found.partials(last), start=1):
            if wanted > 0.45 * sample_rate:
                break
            reach = min(wanted * (2 ** (_SEARCH_CENTS / 1200) - 1), 0.35 * hz)
            peak = _peak_near(spectrum, sample_rate, wanted, reach, 0.5 * hz)
            if peak is not None:
                rows.append((n, *peak))
        if len(rows) < 2:
            if rows:
                return Tuning(rows[0][1] / rows[0][0], 0.0, 1)
            return found
        table = np.array(rows)
        found = _fit(table[:, 0], table[:, 1], np.sqrt(table[:, 2]))
    return found


def _fit(n: NDArray[np.float64], hz: NDArray[np.float64], weight: NDArray[np.float64]) -> Tuning:
    """(f_n / n)^2 is linear in n^2; what lies far off (a partial of something else) is left out once."""
    y, x = np.square(hz / n), n * n
    kept = np.ones(len(n), bool)
    base, slope = float(np.median(y)), 0.0
    for _ in range(3):
        w = weight[kept] * n[kept]
        if len({*n[kept]}) >= 3:
            slope, base = np.polyfit(x[kept], y[kept], 1, w=w)
        else:
            slope, base = 0.0, float(np.average(y[kept], weights=w))
        if not 0.0 <= slope <= _STIFFEST * base:
            slope = min(max(slope, 0.0), _STIFFEST * base)
            base = float(np.average(y[kept] - slope * x[kept], weights=w))
        off = 600.0 * np.abs(np.log2(y / (base + slope * x)))
        again = off < max(8.0, 3.0 * float(np.median(off[kept])))
        if again.sum() < 2 or (again == kept).all():
            break
        kept = again
    return Tuning(math.sqrt(base), float(slope / base), int(kept.sum()))


def _peak_near(
    spectrum: NDArray[np.float64], sample_rate: int, hz: float, reach: float, around: float
) -> tuple[float, float] | None:
    """Frequency and height of the highest peak near a frequency, if it stands out from what is around it."""
    step = sample_rate / _FFT
    low, high = math.floor((hz - reach) / step), math.ceil((hz + reach) / step)
    low, high = max(low, 2), min(high, len(spectrum) - 2)
    if high <= low:
        return None
    place = low + int(np.argmax(spectrum[low : high + 1]))
    wide = spectrum[max(place - round(around / step), 0) : place + round(around / step) + 1]
    if spectrum[place] <= _PROMINENCE * np.median(wide) or not _is_peak(spectrum, place):
        return None
    return (place + _vertex(spectrum, place)) * step, float(spectrum[place])


def _is_peak(spectrum: NDArray[np.float64], place: int) -> bool:
    return bool(spectrum[place] >= spectrum[place - 1] and spectrum[place] >= spectrum[place + 1])


def _vertex(spectrum: NDArray[np.float64], place: int) -> float:
    """Of the parabola through three logarithms, as an offset in bins."""
    a, b, c = np.log(np.maximum(spectrum[place - 1 : place + 2], 1e-12))
    bend = a - 2 * b + c
    return 0.0 if bend >= 0 else float(np.clip(0.5 * (a - c) / bend, -0.5, 0.5))


def loud_peaks(spectrum: NDArray[np.float64], sample_rate: int) -> NDArray[np.float64]:
    """The peaks within 45 dB of the highest, at most 64, as rows of frequency in Hz and level in dB below it."""
    floor = spectrum.max() * 10 ** (_PEAK_DB / 20)
    if floor <= 0:
        return np.zeros((0, 2))
    # A Hann window of 1.4 s has its first side lobes 5 bins away from a peak; they are no peaks of the note's own.
    width = 6
    highest = np.lib.stride_tricks.sliding_window_view(np.pad(spectrum, width), 2 * width + 1).max(axis=1)
    places = np.flatnonzero((spectrum == highest) & (spectrum > floor))
    places = places[(places > 40) & (places < len(spectrum) - 2)]
    places = places[np.argsort(-spectrum[places])][:_MOST_PEAKS]
    step = sample_rate / _FFT
    rows = [
        ((place + _vertex(spectrum, place)) * step, 20 * math.log10(spectrum[place] / spectrum.max()))
        for place in places.tolist()
    ]
    return np.array(sorted(rows)).reshape(-1, 2)


def unexplained(peaks: NDArray[np.float64], tuning: Tuning, *, cents: float = 35.0) -> NDArray[np.float64]:
    """Of peaks those that the stretched series does not explain: rows of log2(frequency / f_0) and level in dB."""
    if not len(peaks):
        return peaks
    series = tuning.partials(max(1, math.ceil(peaks[:, 0].max() / tuning.hz) + 2))
    nearest = np.abs(1200 * np.log2(peaks[:, :1] / series)).min(axis=1)
    # Far up, harmonics lie closer than any number of cents: a peak there is strange only if it falls between two.
    between = np.abs(peaks[:, :1] - series).min(axis=1) > 0.12 * tuning.hz
    strange = (nearest > cents) & between
    return np.stack((np.log2(peaks[strange, 0] / tuning.hz), peaks[strange, 1]), axis=1)


def window_for(hz: float, sample_rate: int) -> int:
    """Length in samples of the window that tells apart partials which lie so many Hz from each other; even."""
    return int(np.clip(round(_PERIODS * sample_rate / hz / 2) * 2, _SMALLEST_WINDOW, _LARGEST_WINDOW))


def amplitudes(
    signals: Floats, sample_rate: int, hz: Sequence[float] | NDArray[Any], *, window: int, hop: int
) -> Complex:
    """Complex amplitudes of partials: the angle is the phase at the frame's centre, counted from that centre.

    Windows (Hann) that reach over an end of the signal are weighed by what lies inside, so that a note's first frame
    tells how loud it begins.

    Args:
        signals: [channels, samples], a note from its very beginning.
        sample_rate: In Hz.
        hz: Frequencies, [partials].
        window: Length in samples, even.
        hop: Samples between frames; frame k is centred on sample k * hop.

    Returns:
        [channels, 1 + samples // hop, partials].
    """
    time = np.arange(-window // 2, window // 2)
    shape = (0.5 + 0.5 * np.cos(2 * np.pi * time / window)).astype(np.float32)
    turns = np.outer(time / sample_rate, np.asarray(hz, np.float64))
    turns -= np.rint(turns)
    kernel = (np.exp(-2j * np.pi * turns) * shape[:, np.newaxis]).astype(np.complex64)
    real, imaginary = np.ascontiguousarray(kernel.real), np.ascontiguousarray(kernel.imag)
    padded = np.pad(signals, ((0, 0), (window // 2, window // 2)))
    inside = np.pad(np.ones(signals.shape[-1], np.float32), window // 2)
    frames = 1 + signals.shape[-1] // hop
    cut = np.lib.stride_tricks.sliding_window_view(padded, window, axis=1)[:, ::hop][:, :frames]
    weight = np.lib.stride_tricks.sliding_window_view(inside, window)[::hop][:frames] @ shape
    flat = np.ascontiguousarray(cut).reshape(-1, window)
    found = (flat @ real + 1j * (flat @ imaginary)).reshape(len(signals), frames, -1)
    return (found * (2.0 / np.maximum(weight, 0.25 * shape.sum()))[:, np.newaxis]).astype(np.complex64)
