"""A recorded note taken apart into what `nets.neural_instrument` says of notes: levels of partials and of noise."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.fft
import torch
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from descant.dsp.partials import amplitudes, long_spectrum, loud_peaks, stretched, tune, unexplained, window_for
from descant.nets.neural_instrument import band_weights
from descant.nets.partial_synth import HOP, NOISE_BINS, NOISE_FFT, SAMPLE_RATE, overlap_add, partial_spectra, waves_of

Floats = NDArray[np.float32]

FLOOR = 1e-4
"""Amplitudes below -80 dB count as nothing."""
_MOST_SIDE = 3.0
_SAME_CENTS = 30.0
_LEAST_SHARE = 0.3
_NO_STIFFNESS = 1e-5
_GUIDES, _GUIDE_HZ = 10, 5000.0
_WIDEST_WANDER = 0.06
_HEARD_SHARE = 3e-3
_VIBRATO_HZ, _LEAST_VIBRATO = (3.5, 8.5), 4.0 / 1200
_LONG_FFT = 4 * NOISE_FFT
_CLOSEST_HZ, _SPACING_BELOW_HZ = 20.0, 6000.0


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """What a long spectrum tells about a note.

    Attributes:
        hz: Its fundamental.
        stiffness: Of its strings; see `dsp.partials`.
        strange: Peaks beyond the series: rows of log2(frequency / hz) and level in dB.
    """

    hz: float
    stiffness: float
    strange: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """Where the partials of an instrument lie: what `NeuralInstrument.frequencies` reads.

    Attributes:
        stiffness: log B at middle C and its slope per octave; (0, 0) for none.
        place: log2 of the extra partials' ratios, [extras].
        there: 1 where there is one, else 0, [extras].
    """

    stiffness: tuple[float, float]
    place: Floats
    there: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Analysed:
    """Levels of a note, in the units of `nets.neural_instrument.Levels`, in half precision.

    Attributes:
        hz: Frequencies of its partials as recorded, [partials].
        partials: log(amplitude + 1e-4), [frames, partials].
        pan: [frames, partials].
        width: [frames, partials].
        noise_mid: log(amplitude + 1e-5), [frames, bands].
        noise_side: The same.
        wander: How the pitch moves: log2 of frequency over its mean, [frames].
    """

    hz: Floats
    partials: NDArray[np.float16]
    pan: NDArray[np.float16]
    width: NDArray[np.float16]
    noise_mid: NDArray[np.float16]
    noise_side: NDArray[np.float16]
    wander: Floats


def hear(stereo: Floats, pitch: float) -> Heard:
    """The series and the other peaks of a note at 48 kHz whose pitch is known to half a semitone."""
    spectrum = long_spectrum(stereo, SAMPLE_RATE)
    tuning = tune(spectrum, SAMPLE_RATE, 440.0 * 2.0 ** ((pitch - 69.0) / 12.0))
    return Heard(tuning.hz, tuning.stiffness, unexplained(loud_peaks(spectrum, SAMPLE_RATE), tuning))


def series_of(pitches: Sequence[float], heard: Sequence[Heard], extras: int) -> Series:
    """What the notes of an instrument have in common.

    Extra partials are those that a third of the notes have within 30 cents of each other, the loudest first.

    Args:
        pitches: MIDI numbers of the notes.
        heard: What was heard in them.
        extras: Most extra partials.
    """
    octaves = (np.asarray(pitches, np.float64) - 60.0) / 12.0
    stiffness = np.array([h.stiffness for h in heard])
    stiff = (0.0, 0.0)
    if len(heard) and float(np.median(stiffness)) > _NO_STIFFNESS:
        logs = np.log(np.maximum(stiffness, 1e-6))
        slope = float(np.polyfit(octaves, logs, 1)[0]) if len({*pitches}) > 3 else 0.0
        slope = float(np.clip(slope, -0.5, 1.6))
        stiff = (min(float(np.median(logs - slope * octaves)), -5.0), slope)
    rows = [
        (float(place), float(level) + 45.0, number)
        for number, note in enumerate(heard)
        for place, level in note.strange.tolist()
    ]
    place, there = (np.zeros(extras, np.float32) for _ in range(2))
    for row, where in enumerate(_clusters(rows, len(heard), extras)):
        place[row], there[row] = where, 1.0
    return Series(stiff, place, there)


def _clusters(rows: list[tuple[float, float, int]], notes: int, most: int) -> list[float]:
    """Places of what many notes share: the heaviest first, each peak in one cluster."""
    left, found = list(rows), list[float]()
    reach = _SAME_CENTS / 1200
    needed = max(2, round(_LEAST_SHARE * notes)) if notes > 1 else 1
    while left and len(found) < most:
        weights = [sum(w for place, w, _ in left if abs(place - centre) < reach) for centre, _, _ in left]
        centre = left[int(np.argmax(weights))][0]
        members = [row for row in left if abs(row[0] - centre) < reach]
        left = [row for row in left if abs(row[0] - centre) >= reach]
        if len({number for _, _, number in members}) >= needed:
            found.append(float(np.average([m[0] for m in members], weights=[m[1] + 1.0 for m in members])))
    return found


def partial_hz(heard: Heard, series: Series, harmonics: int) -> Floats:
    """Frequencies of a recorded note's partials: its own series, and the instrument's extra partials over its pitch."""
    own = stretched(heard.hz, heard.stiffness if series.stiffness[0] < 0 else 0.0, harmonics)
    extra = series.there * heard.hz * np.exp2(series.place)
    return np.concatenate((own, extra)).astype(np.float32)


def analyse(stereo: Floats, hz: Floats) -> Analysed:
    """Levels over time.

    Args:
        stereo: [2, samples] at 48 kHz; the key is struck at sample 0.
        hz: Frequencies of its partials, [partials]; 0 for none.
    """
    audible = (hz > 0) & (hz < 0.47 * SAMPLE_RATE)
    both = np.stack(((stereo[0] + stereo[1]) / 2, (stereo[0] - stereo[1]) / 2))
    wander = wandering(both[0], hz)
    both = straightened(both, wander)
    found = amplitudes(both, SAMPLE_RATE, hz[audible], window=window_for(_spacing(hz), SAMPLE_RATE), hop=HOP)
    frames = found.shape[1]
    whole = np.zeros((2, frames, len(hz)), np.complex64)
    whole[:, :, audible] = found
    level = np.abs(whole[0])
    share = whole[1] / np.maximum(level, FLOOR)
    tones = _tones(found, hz[audible])
    rest = both[:, : tones.shape[1]] - tones
    noise = _band_levels(rest, frames)
    half = np.float16
    return Analysed(
        hz,
        np.log(level + FLOOR).astype(half),
        np.clip(share.real, -_MOST_SIDE, _MOST_SIDE).astype(half),
        np.clip(np.abs(share.imag), 0, _MOST_SIDE).astype(half),
        noise[0].astype(half),
        noise[1].astype(half),
        wander,
    )


def _spacing(hz: Floats) -> float:
    """How close partials lie, in Hz: what a window must tell apart."""
    low = np.sort(hz[(hz > 0) & (hz < _SPACING_BELOW_HZ)])
    gaps = np.diff(low, prepend=0.0)
    return float(max(gaps.min(initial=float(hz[0])), _CLOSEST_HZ))


def wandering(mono: Floats, hz: Floats) -> Floats:
    """How the pitch of a note moves (vibrato, scoops): log2 of its frequency over the mean, [frames].

    Read from the phases of its first partials, the strongest counting most; where nothing sounds it is 0.
    """
    low = hz[:_GUIDES][(hz[:_GUIDES] > 0) & (hz[:_GUIDES] < _GUIDE_HZ)]
    found = amplitudes(mono[np.newaxis], SAMPLE_RATE, low, window=window_for(float(hz[0]), SAMPLE_RATE), hop=HOP)[0]
    step = found[1:] * found[:-1].conj()
    expected = np.exp(-2j * np.pi * np.modf(low.astype(np.float64) * HOP / SAMPLE_RATE)[0])
    turned = np.angle(step * expected) / (2 * np.pi) * SAMPLE_RATE / HOP / low
    weight = np.abs(step) * low
    moved = (weight * turned).sum(axis=1) / np.maximum(weight.sum(axis=1), 1e-12)
    heard = weight.sum(axis=1) > _HEARD_SHARE * weight.sum(axis=1).max(initial=1e-12)
    moved = np.where(heard & (np.abs(moved) < _WIDEST_WANDER), moved, 0.0)
    smooth = np.convolve(np.pad(moved, 2, mode="edge"), np.hanning(7)[1:-1] / np.hanning(7).sum(), mode="valid")
    curve = np.concatenate((smooth[:1], (smooth[1:] + smooth[:-1]) / 2, smooth[-1:]))
    moves: Floats = (np.log1p(curve) / np.log(2)).astype(np.float32)
    return moves


def vibrato_of(wanders: Sequence[Floats]) -> tuple[float, float, float]:
    """Rate in Hz, depth (log2 of the frequency) and beginning in seconds of the vibrato that most notes have.

    Depth is 0 where in most notes no single rate between 3.5 and 8.5 Hz stands out.

    Args:
        wanders: Of notes whose key was held for three seconds, [frames] each.
    """
    rows = [row for wander in wanders if (row := _vibrato(wander)) is not None]
    if len(rows) * 2 < max(len(wanders), 1):
        return (0.0, 0.0, 0.0)
    rate, depth, start = np.median(np.array(rows), axis=0).tolist()
    return (rate, depth, start)


def _vibrato(wander: Floats) -> tuple[float, float, float] | None:
    rate = SAMPLE_RATE / HOP
    part = wander[round(0.6 * rate) : round(2.9 * rate)].astype(np.float64)
    if len(part) < rate:
        return None
    time = np.arange(len(part))
    part = part - np.polyval(np.polyfit(time, part, 2), time)
    spectrum = np.square(np.abs(np.fft.rfft(part * np.hanning(len(part)), 4096)))
    hz = np.fft.rfftfreq(4096, 1 / rate)
    inside = (hz > _VIBRATO_HZ[0]) & (hz < _VIBRATO_HZ[1])
    place = int(np.argmax(np.where(inside, spectrum, 0.0)))
    around = np.abs(hz - hz[place]) < 1.2
    depth = float(np.sqrt(2.0) * part.std() * np.sqrt(spectrum[around].sum() / max(spectrum.sum(), 1e-30)))
    if spectrum[around].sum() < 0.5 * spectrum[hz > 0.8].sum() or depth < _LEAST_VIBRATO:
        return None
    swing = np.abs(wander[: round(2.9 * rate)])
    begins = float(np.argmax(np.maximum.accumulate(swing) > 0.6 * depth)) / rate
    return float(hz[place]), depth, min(begins, 1.0)


def straightened(signals: Floats, wander: Floats) -> Floats:
    """A note played back at the speed that makes its pitch constant; events move by milliseconds at most.

    Args:
        signals: [channels, samples] at 48 kHz.
        wander: See `wandering`.
    """
    speed = np.exp2(np.interp(np.arange(signals.shape[1]), np.arange(len(wander)) * HOP, wander))
    turned = np.concatenate(([0.0], np.cumsum(speed)[:-1]))
    places = np.interp(np.arange(signals.shape[1]), turned, np.arange(signals.shape[1]))
    return np.stack([map_coordinates(signal, places[np.newaxis], order=3, mode="nearest") for signal in signals])


def _tones(found: NDArray[np.complex64], hz: Floats) -> Floats:
    """The sound of complex amplitudes, [channels, samples]."""
    spectra = partial_spectra(torch.from_numpy(found), torch.from_numpy(hz).expand(len(found), -1))
    silence = torch.zeros(*spectra.shape[:2], NOISE_BINS, dtype=torch.complex64)
    tones: Floats = overlap_add(waves_of(spectra, silence)).numpy()
    return tones


def _band_levels(rest: Floats, frames: int) -> Floats:
    """log(amplitude + 1e-5) of noise in bands, as `partial_synth` counts it, [channels, frames, bands].

    Short frames tell when noise sounds; long ones look between the lines that are left of partials, by the median.
    The lower of the two is noise.
    """
    short = _power(rest, frames, NOISE_FFT)
    weights = band_weights().numpy().T
    quick = (short @ weights) / weights.sum(axis=0)
    long = _power(rest, frames, _LONG_FFT)
    ratio = _LONG_FFT // NOISE_FFT
    centres = (np.arange(NOISE_FFT // 2 + 1) @ weights) / weights.sum(axis=0)
    edges = np.concatenate(([0.0], (centres[1:] + centres[:-1]) / 2, [NOISE_FFT / 2])) * ratio
    between = np.stack(
        [
            np.median(long[..., max(round(low) - 1, 0) : round(high) + 2], axis=-1)
            for low, high in itertools.pairwise(edges)
        ],
        axis=-1,
    )
    levels: Floats = np.log(np.sqrt(np.minimum(quick, between / np.log(2.0))) + 1e-5).astype(np.float32)
    return levels


def _power(signals: Floats, frames: int, size: int) -> Floats:
    """Power spectra whose mean is 1 for white noise of the RMS 1, frame k centred on sample k * 256."""
    time = np.arange(-size // 2, size // 2)
    window = np.cos(np.pi * time / size).astype(np.float32)
    padded = np.pad(signals, ((0, 0), (size // 2, size // 2)))
    cut = np.lib.stride_tricks.sliding_window_view(padded, size, axis=1)[:, ::HOP][:, :frames]
    cut = np.pad(cut, ((0, 0), (0, frames - cut.shape[1]), (0, 0)), mode="edge")
    spectra = scipy.fft.rfft(cut * window, axis=-1)
    power: Floats = (np.square(spectra.real) + np.square(spectra.imag)) / float(np.square(window).sum())
    return power
