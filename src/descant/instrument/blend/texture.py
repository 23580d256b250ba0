"""Chords, pads, drums, noise and music: each sound's fine structure under the mixed timbre and the mixed loudness.

A sound is divided by the envelope that its code stands for and by its loudness; what remains (partials, grain, phases,
differences of the channels) is filtered by what the mixed code stands for and set to the mixed loudness. With all the
weight on one sound both filters are the same, and the sound comes back as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from descant.audio.clip import Clip
from descant.audio.stretch import time_stretch
from descant.instrument.blend.bands import SAMPLE_RATE, at_places, places
from descant.instrument.blend.coder import Coder
from descant.instrument.blend.frames import FINE_HOP, HOP, TimbreFrames
from descant.instrument.blend.heard import Heard
from descant.instrument.blend.mixing import mixed_codes, mixed_levels
from descant.progress import Monitor

Floats = NDArray[np.float32]

_SIZE, _STEP = 2048, 512
_BINS = np.arange(_SIZE // 2 + 1) * (SAMPLE_RATE / _SIZE)
_BLOCK = 256
_BEYOND = _SIZE // _STEP // 2
_MOST_DB = 18.0
"""By how much a moment of a sound may be raised at most: silence between drums is not made to roar."""
_MOST_STRETCH = 2.0
_REPEAT_FADE_S = 0.05
_LOUDNESS_HOPS = _STEP // FINE_HOP


def blend_textures(
    samples: Sequence[Floats], sounds: Sequence[Heard], weights: Sequence[float], coder: Coder, monitor: Monitor
) -> Floats:
    """Sounds of one length to one.

    Args:
        samples: [2, samples] at 48 kHz, each.
        sounds: The same, heard as wholes.
        weights: Above 0, sum 1.
        coder: The net that heard them.
        monitor: Receives the share that is done.

    Returns:
        [2, samples].
    """
    codes = mixed_codes(sounds, weights)
    none = np.zeros(len(codes), np.float32)
    envelope = coder.decode(codes, none)
    own = [coder.decode(sound.codes, none) for sound in sounds]
    level = mixed_levels(sounds, weights)
    length = samples[0].shape[1]
    # As many frames before the beginning and after the end as make the windows add up there, too.
    count = -(-length // _STEP) + 1 + 2 * _BEYOND
    total = np.zeros((2, (count - 1) * _STEP + _SIZE), np.float32)
    window = np.sqrt(np.hanning(_SIZE + 1)[:-1]).astype(np.float32)
    scale = np.float32(2.0 * _STEP / _SIZE)
    for first in range(0, count, _BLOCK):
        monitor.report(first / count)
        rows = np.arange(first, min(first + _BLOCK, count))
        made = np.zeros((2, len(rows), len(_BINS)), np.complex64)
        for part, sound, timbre, weight in zip(samples, sounds, own, weights, strict=True):
            inside = np.maximum(rows - _BEYOND, 0)
            gain_db = _levels(envelope, inside) - _levels(timbre, inside)
            gain_db += _at(level - sound.contours.level_db, inside)[:, np.newaxis]
            gain = np.sqrt(weight) * 10.0 ** (np.minimum(gain_db, _MOST_DB) / 20.0)
            made += _spectra(part, rows - _BEYOND, window) * gain.astype(np.float32)
        pieces = scipy.fft.irfft(made, _SIZE, axis=-1) * (window * scale)
        for row, piece in zip(rows, np.moveaxis(pieces, 1, 0), strict=True):
            total[:, row * _STEP : row * _STEP + _SIZE] += piece
    start = _SIZE // 2 + _BEYOND * _STEP
    return total[:, start : start + length]


def _spectra(samples: Floats, rows: NDArray[np.int64], window: Floats) -> NDArray[np.complex64]:
    """Frames centred on every 512th sample, [2, frames, bins]."""
    low = int(rows[0]) * _STEP - _SIZE // 2
    high = int(rows[-1]) * _STEP + _SIZE // 2
    part = samples[:, max(low, 0) : max(high, 0)]
    part = np.pad(part, ((0, 0), (max(-low, 0), max(0, high - max(low, 0) - part.shape[1]))))
    cut = np.lib.stride_tricks.sliding_window_view(part, _SIZE, axis=1)[:, ::_STEP]
    found: NDArray[np.complex64] = scipy.fft.rfft(cut * window, axis=-1)
    return found


def _levels(timbre: TimbreFrames, rows: NDArray[np.int64]) -> Floats:
    """The envelope at the bins, in dB, [rows, bins]."""
    place = np.minimum(rows * (_STEP / HOP), len(timbre) - 1)
    low = np.minimum(place.astype(np.int64), max(len(timbre) - 2, 0))
    share = (place - low).astype(np.float32)[:, np.newaxis]
    after = np.minimum(low + 1, len(timbre) - 1)
    bands = timbre.envelope[low] * (1.0 - share) + timbre.envelope[after] * share
    return at_places(bands, places(_BINS)[np.newaxis])


def _at(values: Floats, rows: NDArray[np.int64]) -> Floats:
    """Values of 187.5 a second at the frames."""
    return values[np.minimum(rows * _LOUDNESS_HOPS, len(values) - 1)]


def fitted(samples: Floats, length: int) -> Floats:
    """A sound at another length: stretched up to twice or to a half, beyond that repeated or cut.

    Args:
        samples: [2, samples] at 48 kHz.
        length: In samples.
    """
    ratio = length / samples.shape[1]
    if ratio > _MOST_STRETCH:
        return _repeated(samples, length)
    if ratio < 1.0 / _MOST_STRETCH:
        samples = samples[:, : round(length * _MOST_STRETCH)]
        ratio = length / samples.shape[1]
    made = samples if samples.shape[1] == length else time_stretch(Clip(samples, SAMPLE_RATE), ratio).samples
    return np.pad(made[:, :length], ((0, 0), (0, max(0, length - made.shape[1]))))


def _repeated(samples: Floats, length: int) -> Floats:
    fade = min(round(_REPEAT_FADE_S * SAMPLE_RATE), samples.shape[1] // 4)
    step = samples.shape[1] - fade
    edge = np.sin(np.linspace(0.0, np.pi / 2, fade, endpoint=False, dtype=np.float32))
    total = np.zeros((2, length + samples.shape[1]), np.float32)
    starts = list(range(0, length, step))
    for start, _following in pairwise([*starts, length]):
        piece = samples.copy()
        if start:
            piece[:, :fade] *= edge
        piece[:, step:] *= edge[::-1]
        total[:, start : start + samples.shape[1]] += piece
    return total[:, :length]
