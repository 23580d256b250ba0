"""A voice made by arithmetic, for tests that need one."""

from __future__ import annotations

import numpy as np

from descant.audio.clip import Clip


def hum(seconds: float = 4.0, f0_hz: float = 196.0, rate: int = 44_100, *, channels: int = 1, seed: int = 0) -> Clip:
    """A voice-like tone with vibrato, a rest in the middle and consonants of noise."""
    time_s = np.arange(round(seconds * rate)) / rate
    phase = 2 * np.pi * np.cumsum(f0_hz * 2 ** (0.3 * np.sin(2 * np.pi * 5 * time_s) / 12)) / rate
    voice = sum(np.sin(k * phase) / k for k in range(1, 20))
    rng = np.random.default_rng(seed)
    noise = 0.1 * rng.standard_normal(len(time_s)) * (np.sin(2 * np.pi * 1.5 * time_s) > 0.97)
    rest = (time_s < 0.45 * seconds) | (time_s > 0.6 * seconds)
    return Clip((0.1 * (voice + noise) * rest).astype(np.float32)[None], rate).to_channels(channels)
