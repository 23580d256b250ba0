"""Pitch of a clip, at the same length; tempo belongs to whole songs and is a matter of `crops`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from descant.audio.clip import Clip
from descant.audio.stretch import time_stretch
from descant.data.augment.step import Range, Step, check_range, draw


@dataclass(frozen=True, slots=True, kw_only=True)
class Transpose(Step):
    """Higher or lower, formants and all, in the same time (Signalsmith Stretch).

    Labels of pitch no longer hold: use it where there are none (noises, drums), or `CropOptions.semitones`, which
    says how far each crop was moved.

    Attributes:
        semitones: Range of the interval.
        whole: Whether only whole semitones are used, which keeps a song in tune with a piano.
    """

    semitones: Range = (-2.0, 2.0)
    whole: bool = True

    def apply(self, clip: Clip, rng: np.random.Generator) -> Clip:
        """See `Step.apply`."""
        return time_stretch(clip, 1.0, semitones=interval(rng, self.semitones, whole=self.whole))

    def _check(self) -> None:
        check_range("semitones", self.semitones, -24.0, 24.0)


def interval(rng: np.random.Generator, semitones: Range, *, whole: bool) -> float:
    """A random interval in semitones."""
    moved = draw(rng, semitones)
    return float(round(moved)) if whole else moved
