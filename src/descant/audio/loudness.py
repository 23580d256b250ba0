"""Loudness after ITU-R BS.1770-4 and EBU Tech 3341/3342: integrated, momentary, short-term, range, true peak.

The K-weighting is designed for each sample rate from the analogue parameters behind the published 48 kHz
coefficients. Channels are weighted by their place: 1 for front, 1.41 for side surrounds, 0 for the low-frequency
channel, in the order of WAV files (5.1: L R C LFE Ls Rs).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.signal import sosfilt

from descant.audio.clip import Clip, Samples
from descant.audio.oversample import REACH, interval_peaks, interval_peaks_by_span
from descant.audio.spans import spans
from descant.errors import InvalidOption

_SHELF_HZ, _SHELF_DB, _SHELF_Q = 1681.974450955533, 3.999843853973347, 0.7071752369554196
_SHELF_SLOPE = 0.4996667741545416
_HIGH_PASS_HZ, _HIGH_PASS_Q = 38.13547087602444, 0.5003270373238773
_OFFSET_DB = -0.691

STEPS_PER_S = 10
MOMENTARY_STEPS = 4
_SHORT_TERM_STEPS = 30
_ABSOLUTE_GATE = -70.0
_RELATIVE_GATE_LU = 10.0
_RANGE_GATE_LU = 20.0
_RANGE_PERCENTILES = (10.0, 95.0)

_SURROUND = 1.41
_WEIGHTS: dict[int, tuple[float, ...]] = {
    4: (1, 1, _SURROUND, _SURROUND),
    5: (1, 1, 1, _SURROUND, _SURROUND),
    6: (1, 1, 1, 0, _SURROUND, _SURROUND),
    7: (1, 1, 1, 0, 1, _SURROUND, _SURROUND),
    8: (1, 1, 1, 0, 1, 1, _SURROUND, _SURROUND),
}


class LoudnessMeter:
    """Measures a stream block by block, with the same results as the whole at once.

    Memory holds one block and eight bytes per tenth of a second.

    Args:
        sample_rate: Rate of the clips that will be pushed, in Hz.
        channels: Their channel count.
        with_true_peak: Whether to measure the true peak as well, which takes most of the time.

    Example:
        >>> meter = LoudnessMeter(48_000, 1)
        >>> meter.push(Clip(np.sin(2 * np.pi * 997 / 48_000 * np.arange(96_000)), 48_000))
        >>> round(meter.integrated_lufs(), 2)
        -3.01
    """

    def __init__(self, sample_rate: int, channels: int, *, with_true_peak: bool = True) -> None:
        self._with_true_peak = with_true_peak
        self._sample_rate = sample_rate
        self._channels = channels
        self._weights = channel_weights(channels)
        self._sections = k_weighting(sample_rate)
        self._state = np.zeros((len(self._sections), channels, 2))
        self._energies: list[float] = []
        self._open_energy = 0.0
        self._frames = 0
        self._peak = 0.0
        self._held = np.zeros((channels, 0), np.float32)
        self._held_from = 0

    def push(self, clip: Clip) -> None:
        """Measure the next block, of any length."""
        if (clip.sample_rate, clip.channels) != (self._sample_rate, self._channels):
            raise InvalidOption(
                f"The meter measures {self._channels} channels at {self._sample_rate} Hz, "
                f"not {clip.channels} at {clip.sample_rate} Hz."
            )
        for span in spans(clip.frames):
            samples = clip.samples[:, span]
            if self._with_true_peak:
                self._push_peak(samples)
            self._push_energy(samples)

    def integrated_lufs(self) -> float:
        """Gated loudness of everything pushed; -inf if all of it is below the gate of -70 LUFS."""
        return gated_lufs(self._window_energies(MOMENTARY_STEPS))

    def loudness_range_lu(self) -> float:
        """Spread of the short-term loudness (EBU Tech 3342); 0 for silence and for less than 3 s."""
        if self._frames < _SHORT_TERM_STEPS * self._sample_rate / STEPS_PER_S:
            return 0.0
        blocks = self._window_energies(_SHORT_TERM_STEPS)
        loud = blocks[_lufs(blocks) >= _ABSOLUTE_GATE]
        if not len(loud):
            return 0.0
        values = _lufs(loud[_lufs(loud) >= _lufs(loud.mean()) - _RANGE_GATE_LU])
        low, high = np.percentile(values, _RANGE_PERCENTILES)
        return float(high - low)

    def true_peak_db(self) -> float:
        """Highest fourfold oversampled peak in dBTP; -inf for silence.

        Raises:
            InvalidOption: The meter was made without it.
        """
        if not self._with_true_peak:
            raise InvalidOption("This meter does not measure the true peak.", "Make it with `with_true_peak=True`.")
        # The held end lacks what follows it: at the end of the stream that is silence.
        tail = interval_peaks(self._held)[:, self._held_from :]
        peak = max(self._peak, float(tail.max(initial=0.0)))
        return 20.0 * math.log10(peak) if peak > 0 else -math.inf

    def momentary_lufs(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Centres in seconds and loudness of the 400 ms windows, ten per second."""
        return self._curve(MOMENTARY_STEPS)

    def short_term_lufs(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Centres in seconds and loudness of the 3 s windows, ten per second."""
        return self._curve(_SHORT_TERM_STEPS)

    def _push_energy(self, samples: Samples) -> None:
        weighted, self._state = sosfilt(self._sections, samples.astype(np.float64), axis=-1, zi=self._state)
        power = (self._weights * weighted * weighted).sum(axis=0)
        end = self._frames + power.shape[0]
        edges = [self._frames]
        step = len(self._energies) + 1
        while self._edge(step) <= end:
            edges.append(self._edge(step))
            step += 1
        starts = np.array(edges) - self._frames
        sums = [float(part.sum()) for part in np.split(power, starts[1:])]
        sums[0] += self._open_energy
        self._energies += sums[:-1]
        self._open_energy = sums[-1]
        self._frames = end

    def _push_peak(self, samples: Samples) -> None:
        joined = np.concatenate([self._held, samples], axis=1)
        ready = joined.shape[1] - REACH
        if ready > self._held_from:
            peaks = interval_peaks(joined)[:, self._held_from : ready]
            self._peak = max(self._peak, float(peaks.max(initial=0.0)))
        keep = max(0, min(ready, joined.shape[1]) - REACH)
        self._held = joined[:, keep:].copy()
        self._held_from = max(self._held_from, ready) - keep

    def _edge(self, step: int) -> int:
        """Frame at which a tenth of a second ends; not every rate divides by ten."""
        return round(step * self._sample_rate / STEPS_PER_S)

    def _window_energies(self, steps: int) -> NDArray[np.float64]:
        """Mean weighted power of each window of `steps` tenths; audio shorter than one window is one window."""
        count = len(self._energies)
        if count < steps:
            total = sum(self._energies) + self._open_energy
            return np.array([total / self._frames]) if self._frames else np.zeros(0)
        sums = np.convolve(np.array(self._energies), np.ones(steps), "valid")
        edges = np.array([self._edge(step) for step in range(count + 1)])
        powers: NDArray[np.float64] = np.maximum(sums, 0.0) / (edges[steps:] - edges[:-steps])
        return powers

    def _curve(self, steps: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        values = _lufs(self._window_energies(steps))
        span = min(steps / STEPS_PER_S, self._frames / self._sample_rate)
        times = np.arange(len(values)) / STEPS_PER_S + span / 2
        return times, values


def integrated_lufs(clip: Clip) -> float:
    """Gated loudness of a clip in LUFS; -inf for silence.

    Args:
        clip: Any rate, any channel count; under 400 ms it counts as one window.
    """
    return _measured(clip).integrated_lufs()


def true_peak_db(clip: Clip) -> float:
    """Highest peak between and at the samples, in dBTP; -inf for silence."""
    peak = max((float(part.max()) for _, part in interval_peaks_by_span(clip.samples)), default=0.0)
    return 20.0 * math.log10(peak) if peak > 0 else -math.inf


def loudness_range_lu(clip: Clip) -> float:
    """Loudness range in LU (EBU Tech 3342); 0 for silence and for less than 3 s."""
    return _measured(clip).loudness_range_lu()


def momentary_lufs(clip: Clip) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Centres in seconds and loudness in LUFS of 400 ms windows, ten per second; -inf where silent."""
    return _measured(clip).momentary_lufs()


def short_term_lufs(clip: Clip) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Centres in seconds and loudness in LUFS of 3 s windows, ten per second; -inf where silent."""
    return _measured(clip).short_term_lufs()


@cache
def k_weighting(sample_rate: int) -> NDArray[np.float64]:
    """The two K-weighting filters as second-order sections, shape [2, 6]: head shelf, then high-pass."""
    k = math.tan(math.pi * _SHELF_HZ / sample_rate)
    high = 10.0 ** (_SHELF_DB / 20.0)
    band = high**_SHELF_SLOPE
    a0 = 1.0 + k / _SHELF_Q + k * k
    shelf_b = [
        (high + band * k / _SHELF_Q + k * k) / a0,
        2 * (k * k - high) / a0,
        (high - band * k / _SHELF_Q + k * k) / a0,
    ]
    shelf_a = [1.0, 2 * (k * k - 1) / a0, (1 - k / _SHELF_Q + k * k) / a0]
    k = math.tan(math.pi * _HIGH_PASS_HZ / sample_rate)
    a0 = 1.0 + k / _HIGH_PASS_Q + k * k
    high_pass_a = [1.0, 2 * (k * k - 1) / a0, (1 - k / _HIGH_PASS_Q + k * k) / a0]
    return np.array([[*shelf_b, *shelf_a], [1.0, -2.0, 1.0, *high_pass_a]])


def _measured(clip: Clip) -> LoudnessMeter:
    meter = LoudnessMeter(clip.sample_rate, clip.channels, with_true_peak=False)
    meter.push(clip)
    return meter


def channel_weights(channels: int) -> NDArray[np.float64]:
    """[channels, 1] how much each channel counts."""
    return np.array(_WEIGHTS.get(channels, (1.0,) * channels), float)[:, np.newaxis]


def gated_lufs(powers: NDArray[np.float64]) -> float:
    """Loudness of the windows that pass the absolute and the relative gate; -inf if none does."""
    loud = powers[_lufs(powers) >= _ABSOLUTE_GATE]
    if not len(loud):
        return -math.inf
    loud = loud[_lufs(loud) >= _lufs(loud.mean()) - _RELATIVE_GATE_LU]
    return float(_lufs(loud.mean()))


def _lufs(power: NDArray[np.float64] | Sequence[float] | float) -> NDArray[np.float64]:
    with np.errstate(divide="ignore"):
        values: NDArray[np.float64] = _OFFSET_DB + 10.0 * np.log10(np.asarray(power, float))
    return values
