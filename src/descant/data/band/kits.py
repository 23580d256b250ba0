"""Drum kits made of sines and noise: as many as are wanted, each with a character of its own."""

from __future__ import annotations

import numpy as np
import scipy.signal
from numpy.typing import NDArray

from descant.data.splits import digest_of
from descant.score.soundfont import Preset
from descant.score.zones import DRUM_BANK, Region, Sample, Zone, resolve_region

_RATE = 44_100
_HATS = (42, 44, 46)
_LENGTHS_S = {"kick": 0.6, "snare": 0.4, "hat": 0.12, "open": 0.7, "cymbal": 2.2, "tom": 0.6, "stick": 0.08}
_PLAYS = {35: "kick", 36: "kick", 37: "stick", 38: "snare", 39: "snare", 40: "snare", 42: "hat", 44: "hat",
          46: "open", 41: "tom", 43: "tom", 45: "tom", 47: "tom", 48: "tom", 50: "tom", 49: "cymbal", 51: "cymbal",
          52: "cymbal", 53: "cymbal", 55: "cymbal", 57: "cymbal", 59: "cymbal", 56: "stick", 54: "hat", 69: "hat",
          70: "hat", 75: "stick", 76: "stick", 82: "hat"}  # fmt: skip


class DrumMachine:
    """A kit.

    Args:
        name: Decides on every sound.
    """

    def __init__(self, name: str) -> None:
        self._preset = Preset(DRUM_BANK, 0, name)
        rng = np.random.default_rng(digest_of(name))
        self._waves = {key: _hit(kind, key, np.random.default_rng((digest_of(name), key)), rng.uniform())
                       for key, kind in _PLAYS.items()}  # fmt: skip

    def choose(self, program: int, *, is_drum: bool) -> Preset:  # noqa: ARG002 - there is only one kit
        """The one kit."""
        return self._preset

    def regions(self, preset: Preset) -> tuple[Region, ...]:  # noqa: ARG002
        """A region for each key."""
        found = (_region(key, len(wave)) for key, wave in self._waves.items())
        return tuple(region for region in found if region is not None)

    def wave(self, sample: Sample) -> NDArray[np.float32]:
        """The sound of a key."""
        return self._waves[sample.row]


def _region(key: int, frames: int) -> Region | None:
    sample = Sample(key, str(key), 0, frames, 0, 0, _RATE, key, 0, is_vorbis=False)
    pan = {42: -90, 44: -90, 46: -90, 49: 160, 51: 130, 57: -170, 41: 140, 43: 110, 45: 60, 47: 0, 48: -60, 50: -110}
    amounts = {43: key | key << 8, 58: key, 17: pan.get(key, 0), 57: 1 if key in _HATS else 0, 38: -2400}
    return resolve_region(Zone({}, 0), Zone(amounts, 0), sample)


def _hit(kind: str, key: int, rng: np.random.Generator, brightness: float) -> NDArray[np.float32]:
    length = int(_LENGTHS_S[kind] * _RATE * rng.uniform(0.7, 1.2))
    at = np.arange(length) / _RATE
    noise = rng.standard_normal(length)
    if kind in ("kick", "tom"):
        base = rng.uniform(42.0, 62.0) if kind == "kick" else 70.0 * 2.0 ** ((key - 41) / 12.0) * rng.uniform(0.9, 1.2)
        sweep = base * (1.0 + rng.uniform(1.0, 4.0) * np.exp(-at / rng.uniform(0.008, 0.03)))
        body = np.sin(2 * np.pi * np.cumsum(sweep) / _RATE) * np.exp(-at / rng.uniform(0.08, 0.22))
        click = _band(noise, 1_500.0, 6_000.0) * np.exp(-at / 0.004)
        sound = body + rng.uniform(0.05, 0.4) * click
    elif kind == "snare":
        tone = np.sin(2 * np.pi * rng.uniform(160.0, 240.0) * at) * np.exp(-at / rng.uniform(0.03, 0.08))
        rattle = _band(noise, 800.0, 6_000.0 + 8_000.0 * brightness) * np.exp(-at / rng.uniform(0.05, 0.14))
        sound = 0.6 * tone + rng.uniform(0.6, 1.2) * rattle
    elif kind == "stick":
        sound = np.sin(2 * np.pi * rng.uniform(700.0, 1_900.0) * at) * np.exp(-at / 0.01) + 0.3 * noise * np.exp(
            -at / 0.003
        )
    else:
        decay = {"hat": 0.025, "open": 0.22, "cymbal": 0.6}[kind] * rng.uniform(0.7, 1.4)
        partials = rng.uniform(2_500.0, 9_500.0, 8)
        metal = sum(np.sign(np.sin(2 * np.pi * hz * at + hz)) for hz in partials) / 8.0
        low = 5_000.0 + 3_000.0 * brightness
        sound = _band(0.6 * noise + metal, low if kind != "cymbal" else 0.6 * low, 17_000.0) * np.exp(-at / decay)
    sound *= np.minimum(1.0, (length - np.arange(length)) / 200.0)
    return np.asarray(0.8 * sound / np.abs(sound).max(), np.float32)


def _band(noise: NDArray[np.float64], low: float, high: float) -> NDArray[np.float64]:
    sections = scipy.signal.butter(2, [low, min(high, 0.45 * _RATE)], "bandpass", fs=_RATE, output="sos")
    result: NDArray[np.float64] = scipy.signal.sosfilt(sections, noise)
    return result
