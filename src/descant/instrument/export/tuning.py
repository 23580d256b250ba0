"""By how many cents a note is off its pitch, on average over vibrato."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from descant.dsp.pitch import midi_to_hz

_PARTIALS = 4
_ONSET_S = 0.08
_LONGEST_S = 2.0
_STEP_PERIODS = 2
_WINDOW_PERIODS = 8
_COHERENT = 0.9
_FARTHEST_CENTS = 50.0
_AUDIBLE = 0.45


def cents_off(samples: NDArray[np.float32], sample_rate: int, pitch: float, held_s: float) -> float:
    """How much higher than its pitch a note sounds.

    Each of the lowest partials is moved to zero frequency and smoothed over eight periods; the mean turn of its phase
    over two periods is how far it is off. Partials count by their power.

    Args:
        samples: [channels, frames].
        sample_rate: In Hz.
        pitch: MIDI number.
        held_s: When the key was let go; what follows is not heard.

    Returns:
        Cents, -50 to 50; 0 where nothing has a pitch near there.
    """
    hertz = float(midi_to_hz(pitch))
    first = round(_ONSET_S * sample_rate)
    last = min(round(min(held_s, _ONSET_S + _LONGEST_S) * sample_rate), samples.shape[1])
    step = max(1, round(_STEP_PERIODS * sample_rate / hertz))
    size = round(_WINDOW_PERIODS * sample_rate / hertz)
    if last - first < 2 * size:
        return 0.0
    tones = samples[:, first:last].astype(np.float64)
    window = np.hanning(size + 2)[1:-1]
    starts = np.arange(0, tones.shape[1] - size + 1, step)
    time = np.arange(size) / sample_rate
    views = np.lib.stride_tricks.sliding_window_view(tones, size, axis=1)[:, starts]
    total = weight = 0.0
    for partial in range(1, _PARTIALS + 1):
        nominal = partial * hertz
        if nominal > _AUDIBLE * sample_rate:
            break
        turning = np.exp(-2j * np.pi * nominal * starts / sample_rate)
        baseband = (views @ (window * np.exp(-2j * np.pi * nominal * time))) * turning
        pairs = (baseband[:, 1:] * baseband[:, :-1].conj()).sum()
        power = float(np.square(np.abs(baseband)).sum())
        if power <= 0.0 or abs(pairs) < _COHERENT * power:
            continue
        off_hz = float(np.angle(pairs)) / (2 * np.pi) * sample_rate / step
        total += power * 1200.0 * np.log2(1.0 + off_hz / nominal)
        weight += power
    cents = total / weight if weight else 0.0
    return cents if abs(cents) <= _FARTHEST_CENTS else 0.0
