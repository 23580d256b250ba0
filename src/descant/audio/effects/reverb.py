"""Reverberation by convolution, with impulse responses of imagined rooms."""

from __future__ import annotations

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt

from descant.audio.clip import Clip
from descant.audio.resample import resample
from descant.audio.spans import spans
from descant.errors import InvalidOption

_BAND_EDGES_HZ = (250.0, 1_000.0, 4_000.0)
_BAND_DECAY = (1.1, 1.0, 0.8, 0.5)  # air and curtains swallow the treble first
_REFLECTIONS = 12
_SPEED_OF_SOUND_M_S = 343.0
_TAIL_DB = -60.0
_BLOCK_PER_TAP = 4  # longer blocks save little work, and leave the cache
_SMALLEST_FFT_BITS = 12


def room_impulse(
    sample_rate: int, *, decay_s: float = 1.2, size_m: float = 8.0, channels: int = 2, seed: int = 0
) -> Clip:
    """The answer of an imagined room to a click, without the click itself.

    A dozen early reflections whose delays fit the room's size, then noise that decays by 60 dB in `decay_s` (a
    little slower in the bass, twice as fast above 4 kHz), different in each channel. Its energy is one per channel,
    so that a wet signal is about as loud as the dry one.

    Args:
        sample_rate: In Hz.
        decay_s: Reverberation time of the middle frequencies, 0.05 to 20 s.
        size_m: Distance between the walls: sets when the reflections begin.
        channels: Channel count of the response.
        seed: Which room; the same seed gives the same bytes.

    Raises:
        InvalidOption: No such room is possible.
    """
    if not 0.05 <= decay_s <= 20.0 or size_m <= 0 or channels < 1:
        raise InvalidOption(
            f"A room of {size_m} m with a decay of {decay_s} s is impossible.",
            "The decay lies between 0.05 and 20 s, the size is positive.",
        )
    random = np.random.default_rng(seed)
    frames = max(1, round(decay_s * max(_BAND_DECAY) * sample_rate))
    first = round(size_m / _SPEED_OF_SOUND_M_S * sample_rate)
    noise = random.standard_normal((channels, frames))
    tail = np.zeros((channels, frames))
    times = np.arange(frames) / sample_rate
    for band, decay in zip(_bands(noise, sample_rate), _BAND_DECAY, strict=True):
        tail += band * 10.0 ** (_TAIL_DB / 20.0 * times / (decay * decay_s))
    onset = np.minimum(1.0, times / (3 * size_m / _SPEED_OF_SOUND_M_S))  # echoes get denser with the square of time
    response = np.zeros((channels, first + frames))
    response[:, first:] = tail * onset
    response[:, first : first + frames] += _reflections(random, channels, frames, first, decay_s, sample_rate)
    response /= np.sqrt(np.square(response).sum(axis=1, keepdims=True).mean())
    return Clip(response.astype(np.float32), sample_rate)


def convolve(clip: Clip, impulse: Clip, *, keep_tail: bool = False) -> Clip:
    """The clip heard through an impulse response.

    Args:
        clip: Any clip.
        impulse: The response, resampled to the clip's rate if it has another. One channel serves all channels of the
            clip; else the counts must agree.
        keep_tail: Whether the result is longer by the response; else it is as long as the clip.

    Raises:
        InvalidOption: The channel counts do not fit, or the response is empty.
    """
    if impulse.channels not in {1, clip.channels} or impulse.frames == 0:
        raise InvalidOption(
            f"An impulse response of {impulse.channels} channels and {impulse.frames} frames does not fit a clip of "
            f"{clip.channels} channels.",
            "Use a response with one channel, or with as many as the clip.",
        )
    response = resample(impulse, clip.sample_rate).samples
    if clip.frames == 0:
        return clip
    taps = response.shape[1]
    size = 1 << max(_SMALLEST_FFT_BITS, (_BLOCK_PER_TAP * taps - 1).bit_length())
    spectrum = scipy.fft.rfft(response, n=size)
    wet = np.zeros((clip.channels, clip.frames + taps - 1 if keep_tail else clip.frames), np.float32)
    for span in spans(clip.frames, size - taps + 1):
        answer = scipy.fft.irfft(scipy.fft.rfft(clip.samples[:, span], n=size) * spectrum, n=size)
        place = wet[:, span.start : span.start + size]
        place += answer[:, : place.shape[1]]
    return Clip(wet, clip.sample_rate)


def reverb(
    clip: Clip,
    amount: float = 0.2,
    *,
    decay_s: float = 1.2,
    size_m: float = 8.0,
    seed: int = 0,
    keep_tail: bool = False,
) -> Clip:
    """The clip in a room: the dry signal plus `amount` of the room's answer.

    Args:
        clip: Any clip; a mono clip stays mono.
        amount: 0 is dry, 1 as much room as signal.
        decay_s: Reverberation time in seconds.
        size_m: Size of the room in metres.
        seed: Which room.
        keep_tail: Whether the result is longer by the room's tail.
    """
    if amount < 0:
        raise InvalidOption(f"A reverb amount of {amount} is impossible.", "Use 0 (dry) to 1 (very wet).")
    room = room_impulse(clip.sample_rate, decay_s=decay_s, size_m=size_m, channels=clip.channels, seed=seed)
    wet = convolve(clip, room, keep_tail=keep_tail)
    dry = np.pad(clip.samples, ((0, 0), (0, wet.frames - clip.frames)))
    return Clip(dry + np.float32(amount) * wet.samples, clip.sample_rate)


def _bands(noise: NDArray[np.float64], sample_rate: int) -> list[NDArray[np.float64]]:
    """The noise split at the band edges below the Nyquist frequency; the bands sum to the noise."""
    rest = noise
    bands = []
    for edge in _BAND_EDGES_HZ:
        if edge < 0.45 * sample_rate:
            low = sosfilt(butter(2, edge, fs=sample_rate, output="sos"), rest, axis=-1)
        else:
            low = rest
        bands.append(low)
        rest = rest - low
    return [*bands, rest]


def _reflections(
    random: np.random.Generator, channels: int, frames: int, first: int, decay_s: float, sample_rate: int
) -> NDArray[np.float64]:
    """The first sparse echoes: delays between one and six crossings of the room, weaker with distance."""
    early = np.zeros((channels, frames))
    delays = np.sort(random.uniform(0.0, 5.0 * max(first, 1), (channels, _REFLECTIONS)), axis=1).astype(int)
    signs = random.choice([-1.0, 1.0], (channels, _REFLECTIONS))
    for channel in range(channels):
        for delay, sign in zip(delays[channel], signs[channel], strict=True):
            if delay < frames:
                level = 10.0 ** (_TAIL_DB / 20.0 * delay / sample_rate / decay_s)
                early[channel, delay] += sign * 3.0 * level * first / (first + delay) if first else sign * level
    return early
