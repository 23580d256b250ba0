"""Gain, sign and channel order: what costs next to nothing and helps separators most (Uhlich et al., ICASSP 2017)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from descant.audio.clip import Clip
from descant.data.augment.step import Range, Step, check_range, draw


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain(Step):
    """Louder or softer by a uniform number of decibels; nothing is clipped.

    Attributes:
        gain_db: Range in decibels. (The separators of Stoller et al. draw factors of 0.7 to 1: -3.1 to 0 dB.)
    """

    gain_db: Range = (-6.0, 6.0)

    def apply(self, clip: Clip, rng: np.random.Generator) -> Clip:
        """See `Step.apply`."""
        return clip.gain(draw(rng, self.gain_db))

    def _check(self) -> None:
        check_range("gain_db", self.gain_db, -120.0, 60.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlipSign(Step):
    """All samples times minus one."""

    chance: float = 0.5

    def apply(self, clip: Clip, rng: np.random.Generator) -> Clip:  # noqa: ARG002 - the chance is all that is random
        """See `Step.apply`."""
        return Clip(-clip.samples, clip.sample_rate)


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapChannels(Step):
    """The channels in reverse order (left and right swapped); mono stays as it is."""

    chance: float = 0.5

    def apply(self, clip: Clip, rng: np.random.Generator) -> Clip:  # noqa: ARG002 - the chance is all that is random
        """See `Step.apply`."""
        return Clip(clip.samples[::-1], clip.sample_rate)
