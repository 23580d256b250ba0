"""`Unit`: a syllable as a voice has it, ready for the vocoder."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import scipy.ndimage

from descant.data.band.vocoder import FLOOR, Envelopes


@dataclass(frozen=True, slots=True, eq=False)
class Unit:
    """A syllable as a voice has it.

    Attributes:
        envelopes: The sound without its pitch, vowels at a common loudness.
        vowel: Frame at which the vowel starts.
        coda: Frame at which what follows the vowel starts.
    """

    envelopes: Envelopes
    vowel: int
    coda: int


@dataclass(frozen=True, slots=True)
class Asked:
    """A syllable to sing: its text, its word in full with its place there, and the language."""

    text: str
    word: str
    index: int
    language: str


def evened(unit: Unit) -> Unit:
    """The unit at a common loudness of its vowel, and the vowel without swells longer than a syllable."""
    voiced = slice(unit.vowel, max(unit.coda, unit.vowel + 1))
    level = np.log(np.exp(unit.envelopes.power).mean(axis=1) + 1e-9)
    target = float(np.median(level[voiced]))
    gain = np.full(len(level), -target)
    settled = slice(unit.vowel + 12, max(unit.coda - 8, unit.vowel + 12))
    gain[settled] = -scipy.ndimage.uniform_filter1d(level, 9, mode="nearest")[settled]
    gain = scipy.ndimage.uniform_filter1d(np.clip(gain, -target - 1.5, -target + 1.5), 5, mode="nearest")
    power = unit.envelopes.power + gain[:, None].astype(np.float32)
    return replace(unit, envelopes=Envelopes(np.maximum(power, np.float32(FLOOR)), unit.envelopes.voiced))
