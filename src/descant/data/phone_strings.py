"""The sound of windows for phone readers: short recordings strung together, some turned into singing, some over a band.

Singing has what speech lacks: vowels that last, and a melody in steps. Both are given to speech by the vocoder of the
synthetic band, so that a reader of phones hears them with transcripts that are known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from descant.audio.clip import Clip
from descant.audio.resample import resample
from descant.data.band import vocoder
from descant.data.lyrics_set import SAMPLE_RATE
from descant.data.lyrics_sources import Utterance, mixed
from descant.data.phone_windows import Said

Floats = NDArray[np.float32]

_LONGEST_S = 29.0
_REACH_HZ = 7600.0
"""Recordings of 16 kHz hold no more."""
_SLOWER, _SLOWEST, _MOVING_S = (1.0, 2.6), 6.0, 0.25
_LOWEST_NOTE, _SCALE, _NOTE_S = (44.0, 68.0), (0, 2, 4, 5, 7, 9, 11, 12), (0.2, 0.9)
_GLIDE_FRAMES = 15
_VIBRATO_HZ, _VIBRATO = 5.5, 0.25
_HISS = 1e-4


@dataclass(frozen=True, slots=True)
class WindowShape:
    """What windows are made of.

    Attributes:
        utterances: In one window, at most.
        sung_share: How many windows are sung.
        band_share: How many have a band.
        voice_db: How much louder the voice is than the band, from and to.
    """

    utterances: int = 7
    sung_share: float = 0.5
    band_share: float = 0.4
    voice_db: tuple[float, float] = (2.0, 25.0)


@dataclass(frozen=True, slots=True, eq=False)
class StrungWindow:
    """The sound of a window.

    Attributes:
        samples: Mono at `data.lyrics_set.SAMPLE_RATE`.
        said: Its texts.
        is_sung: See `PhoneWindow`.
        has_band: Likewise.
    """

    samples: Floats
    said: tuple[Said, ...]
    is_sung: bool
    has_band: bool


def strung_window(
    utterances: Sequence[Utterance], bands: Sequence[Floats], shape: WindowShape, rng: np.random.Generator
) -> StrungWindow:
    """Recordings of one voice with pauses between them; what goes beyond 29 s is left out.

    Args:
        utterances: In order.
        bands: What may play along, at `SAMPLE_RATE`.
        shape: Shares of singing and bands.
        rng: Draws everything.
    """
    is_sung = bool(rng.random() < shape.sung_share)
    has_band = bool(rng.random() < shape.band_share) and len(bands) > 0
    sound: list[Floats] = []
    said: list[Said] = []
    now = 0
    for one in utterances:
        voice = resung(one.samples, rng) if is_sung else one.samples
        pause = _pause_s(rng)
        if (now + len(voice)) / SAMPLE_RATE + pause > _LONGEST_S:
            continue
        silence = (_HISS * rng.standard_normal(round(pause * SAMPLE_RATE))).astype(np.float32)
        loud = voice * np.float32(rng.uniform(0.3, 0.9) / (np.abs(voice).max(initial=0.0) + 1e-6))
        sound += [silence, loud]
        first = now + len(silence)
        now = first + len(loud)
        said.append(Said(" ".join(one.words), first / SAMPLE_RATE, now / SAMPLE_RATE))
    samples = np.concatenate(sound) if sound else np.zeros(0, np.float32)
    if has_band and said:
        under = cut(bands[int(rng.integers(len(bands)))], len(samples), rng)
        samples = mixed(samples, under, float(rng.uniform(*shape.voice_db)))
    return StrungWindow(samples, tuple(said), is_sung, has_band)


def cut(sound: Floats, length: int, rng: np.random.Generator) -> Floats:
    """A stretch of this length from anywhere in a sound, which is repeated where it is shorter."""
    first = int(rng.integers(max(1, len(sound) - length)))
    return np.resize(sound[first : first + length], length)


def _pause_s(rng: np.random.Generator) -> float:
    """Mostly short, seldom as long as between two lines."""
    return float(rng.exponential(0.5)) if rng.random() < 0.9 else float(rng.uniform(1.0, 4.0))


def resung(samples: Floats, rng: np.random.Generator) -> Floats:
    """Speech as singing: voiced parts drawn out, now more, now less, on a melody of steps.

    Args:
        samples: Mono at `SAMPLE_RATE`.
        rng: Draws tempo, melody, vibrato and breath.
    """
    high = resample(Clip(samples[np.newaxis], SAMPLE_RATE), vocoder.SAMPLE_RATE).samples[0]
    spoken = vocoder.analyse(high, band_hz=_REACH_HZ)
    sung = spoken.at(_slowed(spoken.voiced, rng))
    hz = 440.0 * 2.0 ** ((_melody(sung.frames, rng) - 69.0) / 12.0)
    sound = vocoder.synthesise(sung, hz, rng, breath=float(rng.uniform(0.0, 0.4)))
    low: Floats = resample(Clip(sound[np.newaxis], vocoder.SAMPLE_RATE), SAMPLE_RATE).samples[0]
    return low


def _slowed(voiced: Floats, rng: np.random.Generator) -> NDArray[np.float64]:
    """Where in the speech each frame of the singing is: consonants pass as fast as they were said."""
    frames = len(voiced)
    slower = rng.uniform(*_SLOWER)
    knots = max(2, int(frames * vocoder.HOP_S / _MOVING_S))
    moving = np.interp(np.arange(frames), np.linspace(0, frames - 1, knots), np.exp(rng.normal(0.0, 0.4, knots)))
    lasting = np.clip(1.0 + (slower - 1.0) * voiced * moving, 0.7, _SLOWEST)
    begins = np.concatenate([[0.0], np.cumsum(lasting)[:-1]])
    return np.interp(np.arange(max(1, int(begins[-1]))), begins, np.arange(frames))


def _melody(frames: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """MIDI pitch of each frame: notes of a major scale with short glides, half of the time with vibrato."""
    base = rng.uniform(*_LOWEST_NOTE)
    pitch = np.zeros(frames)
    first = 0
    while first < frames:
        last = first + int(rng.uniform(*_NOTE_S) / vocoder.HOP_S)
        pitch[first:last] = base + rng.choice(_SCALE)
        first = last
    edge = _GLIDE_FRAMES // 2
    pitch = np.convolve(np.pad(pitch, edge, "edge"), np.full(_GLIDE_FRAMES, 1.0 / _GLIDE_FRAMES), "valid")
    if rng.random() < 0.5:
        pitch = pitch + _VIBRATO * np.sin(2.0 * np.pi * _VIBRATO_HZ * vocoder.HOP_S * np.arange(frames))
    return pitch
