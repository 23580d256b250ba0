"""The shipped timbre net, and sounds made by arithmetic whose partials, pitch and loudness are known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from descant.audio.clip import Clip
from descant.instrument.blend.api import Blender

RATE = 48_000


def tone(
    hz: float,
    seconds: float = 0.8,
    *,
    tilt_db: float = -6.0,
    even: float = 1.0,
    vibrato_cents: float = 0.0,
    peak: float = 0.1,
    width: float = 0.0,
    decay_s: float | None = None,
    attack_s: float = 0.01,
) -> Clip:
    """Partials that fall by `tilt_db` an octave; in stereo those of the right are turned by `width` right angles."""
    time = np.arange(round(seconds * RATE)) / RATE
    cents = vibrato_cents * np.sin(2 * np.pi * 5.5 * time)
    phase = 2 * np.pi * np.cumsum(hz * 2 ** (cents / 1200)) / RATE
    left, right = np.zeros_like(time), np.zeros_like(time)
    for rank in range(1, int(18_000 / hz) + 1):
        level = 10 ** (tilt_db * np.log2(rank) / 20) * (even if rank % 2 == 0 else 1.0)
        left += level * np.sin(rank * phase + rank * rank)
        right += level * np.sin(rank * phase + rank * rank + width * np.pi / 2)
    envelope = np.minimum(1.0, time / attack_s) * np.minimum(1.0, (seconds - time) / 0.05)
    if decay_s is not None:
        envelope *= 10 ** (-3 * time / decay_s)
    both = np.stack([left, right]) if width else left[np.newaxis]
    return Clip((both * envelope * peak / np.abs(both).max()).astype(np.float32), RATE)


def hiss(seconds: float = 0.8, *, level: float = 0.05, seed: int = 0) -> Clip:
    """White noise, stereo, the channels independent."""
    return Clip(np.random.default_rng(seed).normal(0, level, (2, round(seconds * RATE))).astype(np.float32), RATE)


def chord(*hz: float, seconds: float = 0.8) -> Clip:
    """Several tones at once."""
    return Clip(np.sum([tone(each, seconds, peak=0.08).samples for each in hz], axis=0), RATE)


def hits(seconds: float = 0.8) -> Clip:
    """Bursts of noise every 0.3 s."""
    time = np.arange(round(seconds * RATE)) / RATE
    return Clip(hiss(seconds, level=0.2).samples * np.exp(-(time % 0.3) / 0.03).astype(np.float32), RATE)


def line_at(samples: NDArray[np.float32], hz: float) -> float:
    """Level in dB of a frequency in the steady middle of a sound, against the loudest one."""
    mono = samples.mean(axis=0)
    middle = mono[len(mono) // 4 : 3 * len(mono) // 4]
    power = np.abs(np.fft.rfft(middle * np.hanning(len(middle)))) ** 2
    near = np.abs(np.fft.rfftfreq(len(middle), 1 / RATE) - hz) < 6.0
    return float(10 * np.log10(power[near].max() / power.max()))


@pytest.fixture(scope="session")
def blender() -> Blender:
    return Blender.load()
