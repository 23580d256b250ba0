"""Colour: random equalisers, and bands that a cheap microphone or a telephone would leave."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from descant.audio.clip import Clip
from descant.audio.effects import high_pass, high_shelf, low_pass, low_shelf, peak
from descant.data.augment.step import Range, Step, check_range, draw
from descant.errors import InvalidOption

_NYQUIST_SHARE = 0.45
"""No filter is placed above this share of the sample rate, where the bilinear transform squeezes its shape."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Equalise(Step):
    """A low shelf, a high shelf and some bells, each with a gain of its own.

    Attributes:
        gain_db: Range of each filter's gain.
        bells: How many bells between 100 Hz and 8 kHz.
        q: Range of the bells' Q; larger is narrower.
    """

    gain_db: Range = (-6.0, 6.0)
    bells: int = 2
    q: Range = (0.5, 2.0)

    def apply(self, clip: Clip, rng: np.random.Generator) -> Clip:
        """See `Step.apply`."""
        top = _NYQUIST_SHARE * clip.sample_rate
        clip = low_shelf(clip, min(draw(rng, (60.0, 300.0), scale="log"), top), draw(rng, self.gain_db))
        clip = high_shelf(clip, min(draw(rng, (3_000.0, 12_000.0), scale="log"), top), draw(rng, self.gain_db))
        for _ in range(self.bells):
            where = min(draw(rng, (100.0, 8_000.0), scale="log"), top)
            clip = peak(clip, where, draw(rng, self.gain_db), q=draw(rng, self.q, scale="log"))
        return clip

    def _check(self) -> None:
        check_range("gain_db", self.gain_db, -40.0, 40.0)
        check_range("q", self.q, 0.05, 50.0)
        if not 0 <= self.bells <= 16:
            raise InvalidOption(f"bells = {self.bells} is impossible.", "Use 0 to 16.")


@dataclass(frozen=True, slots=True, kw_only=True)
class BandLimit(Step):
    """Lows and highs cut off, 12 dB per octave.

    Attributes:
        low_hz: Range of the lower edge.
        high_hz: Range of the upper edge; an edge near or above half the sample rate leaves the highs alone.
    """

    low_hz: Range = (20.0, 300.0)
    high_hz: Range = (3_000.0, 20_000.0)

    def apply(self, clip: Clip, rng: np.random.Generator) -> Clip:
        """See `Step.apply`."""
        low, high = draw(rng, self.low_hz, scale="log"), draw(rng, self.high_hz, scale="log")
        top = _NYQUIST_SHARE * clip.sample_rate
        clip = high_pass(clip, min(low, top))
        return low_pass(clip, high) if high < top else clip

    def _check(self) -> None:
        check_range("low_hz", self.low_hz, 1.0, 100_000.0)
        check_range("high_hz", self.high_hz, 1.0, 400_000.0)
