"""A voice of formants, for where no recording is given."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy.ndimage

from descant.data.band.units import Asked, Unit, evened
from descant.data.band.vocoder import BINS, FFT, FLOOR, HOP_S, SAMPLE_RATE, Envelopes, Floats
from descant.data.band.words import Mora, Word, mora
from descant.data.singer import BANDWIDTHS_HZ, FORMANTS_HZ
from descant.data.splits import digest_of


class SyntheticSinger:
    """A voice of formants, for where no recording is given; its number decides on everything.

    Args:
        number: Which voice.
    """

    kind = "synthetic"
    licence = "none needed"

    def __init__(self, number: int) -> None:
        self.name = self.person = f"synthetic/{number:02d}"
        rng = np.random.default_rng(digest_of(self.name))
        self.f0_hz = float(rng.choice([130.0, 165.0, 220.0, 280.0]) * rng.uniform(0.9, 1.1))
        self._stretch = float(np.interp(self.f0_hz, [120.0, 300.0], [0.92, 1.17]) * rng.uniform(0.95, 1.05))
        self._tilt_db = float(rng.uniform(8.0, 13.0))
        self._formants = np.asarray(FORMANTS_HZ) * rng.uniform(0.94, 1.06, (len(FORMANTS_HZ), 3)) * self._stretch
        self._singers_db = float(rng.uniform(-6.0, 8.0))

    def unit(self, asked: Asked, rng: np.random.Generator) -> Unit:
        """Formants of the vowel after a burst, hiss or hum of the consonant."""
        sound = mora(asked.text, asked.language)
        vowel = self._vowel(sound.vowel)
        consonant, voiced = self._consonant(sound, vowel, rng)
        frames = round(0.4 / HOP_S)
        power = np.concatenate([consonant, np.repeat(vowel[None], frames, axis=0)])
        power = scipy.ndimage.gaussian_filter1d(power, 1.5, axis=0, mode="nearest").astype(np.float32)
        flags = np.concatenate([np.full(len(consonant), voiced), np.ones(frames)]).astype(np.float32)
        return evened(Unit(Envelopes(power, flags), len(consonant), len(power)))

    def vocabulary(self) -> Sequence[Word]:
        """Any text."""
        return ()

    def can_sing(self, word: Word) -> bool:  # noqa: ARG002
        """Any text."""
        return True

    def pronounces(self, language: str) -> str:  # noqa: ARG002 - the same accent everywhere
        """Five vowels for all languages."""
        return "approximate"

    def _vowel(self, vowel: str) -> Floats:
        hz = np.arange(BINS) * SAMPLE_RATE / FFT
        if vowel == "n":
            hum = _peaks(hz, (280.0, 1_100.0, 2_300.0), (80.0, 250.0, 300.0)) - _fall(hz, 16.0)
            return np.asarray(hum, np.float32)
        level = _peaks(hz, tuple(self._formants["aeiou".index(vowel)]), BANDWIDTHS_HZ)
        level += self._singers_db * np.exp(-(((hz - 3_000.0) / 600.0) ** 2)) * np.log(10.0) / 10.0
        return np.asarray(level - _fall(hz, self._tilt_db), np.float32)

    def _consonant(self, sound: Mora, vowel: Floats, rng: np.random.Generator) -> tuple[Floats, float]:
        hz = np.arange(BINS) * SAMPLE_RATE / FFT
        kind = sound.onset[:1]
        if kind == "":
            return np.zeros((0, BINS), np.float32), 0.0
        if kind in "mnrlwyjbdgz":
            frames = round(rng.uniform(0.04, 0.08) / HOP_S)
            murmur = _peaks(hz, (270.0, 1_200.0, 2_400.0), (90.0, 300.0, 400.0)) - _fall(hz, 14.0) - 1.5
            glide = np.linspace(0.0, 1.0, frames)[:, None] ** 2
            return (murmur * (1.0 - glide) + vowel * glide).astype(np.float32), 1.0
        frames = round((rng.uniform(0.06, 0.11) if kind in "sfhc" else rng.uniform(0.03, 0.05)) / HOP_S)
        centre = {"s": 6_500.0, "c": 3_800.0, "f": 5_000.0, "h": 1_600.0, "t": 4_500.0, "k": 2_000.0}.get(kind, 900.0)
        hiss = -0.5 * ((np.log2(np.maximum(hz, 50.0) / centre)) / 0.8) ** 2 + vowel.max() - 3.5
        shape = np.interp(np.arange(frames), [0, 0.3 * frames, frames], [-4.0, 0.0, -1.0])[:, None]
        return np.maximum(hiss[None] + shape, FLOOR).astype(np.float32), 0.0


def _peaks(hz: np.ndarray, formants: tuple[float, ...], widths: tuple[float, ...]) -> np.ndarray:
    """Natural logarithm of the power of a few resonances."""
    power = 1e-4 + sum(
        weight / (1.0 + ((hz - centre) / width) ** 2) ** 2
        for weight, centre, width in zip((1.0, 0.5, 0.2), formants, widths, strict=True)
    )
    return np.asarray(np.log(power))


def _fall(hz: np.ndarray, db_per_octave: float) -> np.ndarray:
    """What is lost above 500 Hz, as a natural logarithm of power."""
    return np.asarray(np.log2(np.maximum(hz / 500.0, 1.0)) * db_per_octave * 0.5 * np.log(10.0) / 10.0)
