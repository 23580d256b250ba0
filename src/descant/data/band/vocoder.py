"""A source-filter vocoder: recorded speech or singing to spectral envelopes, and envelopes to singing at any pitch.

Analysis follows CheapTrick (Morise, Speech Communication 2015): a window of three periods, the power spectrum smoothed
over two thirds of the fundamental, then liftered so that harmonics leave no trace. Synthesis excites the envelopes with
a band-limited pulse train, whose phase is the integral of the wanted f0 and nothing else, and with noise; each frame
is filtered at minimum phase. So the f0 of the result is known exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.fft
import scipy.ndimage
from numpy.typing import NDArray

from descant.progress import CancelToken

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

SAMPLE_RATE = 44_100
HOP = 220
FFT = 1024
BINS = FFT // 2 + 1
HOP_S = HOP / SAMPLE_RATE
FLOOR = -14.0
"""Natural logarithm of the power below which an envelope does not fall."""

_LIFTER = 0.15
_UNVOICED_HZ = 400.0
_PITCH_STEP = 2.0
_VOICED_FROM, _VOICED_TO = 0.35, 0.6
_BLOCK = 4096
_SPAN = 2 * HOP
_THINNED = 4
"""The fundamental is looked for at a quarter of the rate: it need only be known to a few percent."""


@dataclass(frozen=True, slots=True, eq=False)
class Envelopes:
    """A voice without its pitch, one frame each `HOP` samples.

    Attributes:
        power: Natural logarithm of the power spectrum, float32, shape [frames, BINS].
        voiced: 0 (noise) to 1 (periodic), float32, shape [frames].
    """

    power: Floats
    voiced: Floats

    @property
    def frames(self) -> int:
        """How many frames."""
        return len(self.voiced)

    def at(self, positions: Doubles) -> Envelopes:
        """The frames at fractional positions, interpolated; positions outside are held."""
        inside = np.clip(positions, 0.0, self.frames - 1.0)
        low = np.minimum(inside.astype(np.int64), max(0, self.frames - 2))
        high = np.minimum(low + 1, self.frames - 1)
        share = (inside - low).astype(np.float32)
        power = self.power[low] * (1.0 - share[:, None]) + self.power[high] * share[:, None]
        return Envelopes(power, self.voiced[low] * (1.0 - share) + self.voiced[high] * share)


def analyse(
    samples: Floats, *, lowest_hz: float = 75.0, highest_hz: float = 600.0, band_hz: float = 20_000.0
) -> Envelopes:
    """Envelopes and voicing of a recording.

    Args:
        samples: Mono at `SAMPLE_RATE`, shape [samples].
        lowest_hz: Lowest fundamental looked for.
        highest_hz: Highest fundamental looked for.
        band_hz: Up to where the recording reaches; above it the envelope is continued, falling by 12 dB an octave.
    """
    f0, strength = fundamental(samples, lowest_hz=lowest_hz, highest_hz=highest_hz)
    voiced = np.clip((strength - _VOICED_FROM) / (_VOICED_TO - _VOICED_FROM), 0.0, 1.0)
    hz = np.where(voiced > 0, f0, _UNVOICED_HZ)
    steps = np.round(12.0 / _PITCH_STEP * np.log2(hz / 55.0)).astype(int)
    power = np.full((len(hz), BINS), FLOOR, np.float32)
    for step in np.unique(steps):
        chosen = np.flatnonzero(steps == step)
        power[chosen] = _smoothed(samples, chosen, 55.0 * 2.0 ** (step * _PITCH_STEP / 12.0))
    return Envelopes(np.maximum(_continued(power, band_hz), np.float32(FLOOR)), voiced.astype(np.float32))


def fundamental(samples: Floats, *, lowest_hz: float, highest_hz: float) -> tuple[Doubles, Doubles]:
    """f0 in Hz and strength 0..1 of each frame, by the normalised autocorrelation of two and a half periods."""
    rate, hop = SAMPLE_RATE / _THINNED, HOP // _THINNED
    thin = scipy.ndimage.uniform_filter1d(samples, 2 * _THINNED)[::_THINNED]
    window = 2 * round(1.25 * rate / lowest_hz)
    low, high = int(rate / highest_hz), int(rate / lowest_hz) + 1
    frames = _frames(thin, np.arange(len(samples) // HOP + 1), window + high, hop)
    frames = frames - frames.mean(axis=1, keepdims=True)
    size = scipy.fft.next_fast_len(2 * window + high, real=True)
    head = frames[:, :window]
    cross = scipy.fft.irfft(scipy.fft.rfft(frames, size) * np.conj(scipy.fft.rfft(head, size)), size)[:, : high + 1]
    energy = np.cumsum(np.pad(frames.astype(np.float64) ** 2, ((0, 0), (1, 0))), axis=1)
    lagged = energy[:, window : window + high + 1] - energy[:, : high + 1]
    likeness = cross / np.sqrt(np.maximum(lagged[:, :1] * lagged, 1e-12))
    lags = np.arange(low, high + 1)
    # Multiples of the period are as alike as the period itself: the shorter is preferred.
    best = lags[np.argmax(likeness[:, low:] - 0.05 * np.log2(lags / low), axis=1)]
    strength = np.clip(likeness[np.arange(len(best)), best], 0.0, 1.0)
    return rate / best, np.where(lagged[:, 0] > 1e-5 * window, strength, 0.0)


def synthesise(
    envelopes: Envelopes,
    f0_hz: Doubles,
    rng: np.random.Generator,
    *,
    breath: float = 0.0,
    cancel: CancelToken | None = None,
) -> Floats:
    """Sound the envelopes at a pitch.

    Args:
        envelopes: One frame each `HOP` samples.
        f0_hz: Fundamental of each frame, positive, shape [frames].
        rng: Source of the noise.
        breath: How much noise a voiced frame gets, 0 (pressed) to 1 (breathy).
        cancel: Stops the work.

    Returns:
        float32, shape [frames * HOP]; frame k sounds around sample k * HOP.
    """
    count = envelopes.frames
    length = count * HOP
    centres = np.arange(count) * HOP
    at = np.arange(length)
    pitch = np.interp(at, centres, f0_hz)
    phase = 2.0 * np.pi * np.cumsum(pitch) / SAMPLE_RATE
    pulses = _pulse_train(phase, pitch)
    noise = rng.standard_normal(length).astype(np.float32)
    out = np.zeros(length + _SPAN + FFT, np.float32)
    window = np.hanning(_SPAN + 1)[:-1].astype(np.float32)
    noisy = _noise_share(breath)
    for first in range(0, count, _BLOCK):
        if cancel is not None:
            cancel.check()
        part = slice(first, min(count, first + _BLOCK))
        numbers = np.arange(part.start, part.stop)
        voiced = envelopes.voiced[part, None]
        spectrum = _minimum_phase(envelopes.power[part])
        spoken = _frames(pulses, numbers, _SPAN) * window
        hissed = _frames(noise, numbers, _SPAN) * window
        excitation = scipy.fft.rfft(spoken, FFT) * np.sqrt(voiced * (1.0 - noisy))
        excitation += scipy.fft.rfft(hissed, FFT) * np.sqrt(1.0 - voiced * (1.0 - noisy))
        _overlap_add(out, scipy.fft.irfft(excitation * spectrum, FFT), part.start)
    return out[HOP : HOP + length]


def _pulse_train(phase: Doubles, pitch: Doubles) -> Floats:
    """All harmonics below 20 kHz at phase zero, with the power density of white noise of variance one."""
    harmonics = np.maximum(np.floor(min(20_000.0, 0.49 * SAMPLE_RATE) / pitch), 1.0)
    half = np.sin(phase / 2.0)
    safe = np.abs(half) > 1e-6
    kernel = np.where(safe, np.sin((harmonics + 0.5) * phase) / (2.0 * np.where(safe, half, 1.0)) - 0.5, harmonics)
    result: Floats = (kernel * 2.0 * np.sqrt(pitch / SAMPLE_RATE)).astype(np.float32)
    return result


def _noise_share(breath: float) -> Floats:
    """Share of the power of a voiced frame that is noise, by bin: little below 3 kHz, most near the top."""
    hz = np.arange(BINS) * SAMPLE_RATE / FFT
    share = 0.002 + 0.05 * breath**2 + (0.1 + 0.5 * breath) * np.clip((hz - 3_000.0) / 9_000.0, 0.0, 1.0)
    return np.asarray(np.clip(share, 0.0, 0.95), np.float32)


def _minimum_phase(power: Floats) -> NDArray[np.complex64]:
    """Filters with these log powers, as spectra of shape [frames, BINS], by folding the cepstrum."""
    cepstrum = scipy.fft.irfft(0.5 * power, FFT)
    cepstrum[:, 1 : FFT // 2] *= 2.0
    cepstrum[:, FFT // 2 + 1 :] = 0.0
    result: NDArray[np.complex64] = np.exp(scipy.fft.rfft(cepstrum, FFT))
    return result


def _overlap_add(out: Floats, frames: Floats, first: int) -> None:
    """Add frames that start HOP apart: pieces of HOP samples fall on each other without a loop over frames."""
    pieces = -(-frames.shape[1] // HOP)
    padded = np.pad(frames, ((0, 0), (0, pieces * HOP - frames.shape[1])))
    grid = np.zeros((len(frames) + pieces, HOP), np.float32)
    for piece in range(pieces):
        grid[piece : piece + len(frames)] += padded[:, piece * HOP : (piece + 1) * HOP]
    flat = grid.reshape(-1)[: len(out) - first * HOP]
    out[first * HOP : first * HOP + len(flat)] += flat


def _smoothed(samples: Floats, numbers: NDArray[np.int64], hz: float) -> Floats:
    """Log power around some frames of one fundamental."""
    window = min(FFT, 2 * round(1.5 * SAMPLE_RATE / hz))
    taper = np.hanning(window + 2)[1:-1].astype(np.float32)
    frames = _frames(samples, numbers, window) * (taper / np.sqrt((taper**2).sum()))
    power = np.abs(scipy.fft.rfft(frames, FFT)) ** 2
    width = max(1, round(2.0 * hz / 3.0 * FFT / SAMPLE_RATE))
    # Mirrored at 0 Hz, where speech recordings hold nothing of the voice.
    power = scipy.ndimage.uniform_filter1d(power, width, axis=1, mode="reflect")
    cepstrum = scipy.fft.irfft(np.log(np.maximum(power, np.exp(FLOOR))), FFT)
    quefrency = np.minimum(np.arange(FFT), FFT - np.arange(FFT)) / SAMPLE_RATE
    lifter = np.sinc(hz * quefrency) * (1.0 - 2.0 * _LIFTER + 2.0 * _LIFTER * np.cos(2.0 * np.pi * quefrency * hz))
    result: Floats = scipy.fft.rfft(cepstrum * lifter, FFT).real.astype(np.float32)
    return result


def _continued(power: Floats, band_hz: float) -> Floats:
    edge = int(0.95 * band_hz * FFT / SAMPLE_RATE)
    if edge >= BINS - 1:
        return power
    above = np.arange(edge, BINS)
    fall = 2.0 * np.log(10.0) / 10.0 * 6.0 * np.log2(above / edge)
    result = power.copy()
    result[:, edge:] = power[:, edge - 4 : edge].mean(axis=1, keepdims=True) - fall.astype(np.float32)
    return result


def _frames(samples: Floats, numbers: NDArray[np.int64], width: int, hop: int = HOP) -> Floats:
    """Windows of `width` samples centred at `numbers * hop`; silence lies outside."""
    padded = np.pad(samples, (width // 2, width + hop))
    index = np.asarray(numbers)[:, None] * hop + np.arange(width)[None, :]
    result: Floats = padded[np.minimum(index, len(padded) - 1)]
    return result
