"""Noise at a stated level.

SingSong (Donahue et al. 2023) adds noise to the vocals a model hears, so that it cannot copy the faint remains of the
instruments that separation leaves in them. Its level is not published; `SINGSONG_NOISE` is the centre of the sweep
that `singsong.md` proposes (-60, -50, -40, -30 dB below full scale).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from descant.audio.clip import Clip
from descant.data.augment.step import Range, Step, check_range, draw
from descant.errors import InvalidOption

Colour = Literal["white", "pink"]
_PINK_FROM_HZ = 20.0  # below, pink noise goes on as white: its power has to end somewhere


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise(Step):
    """Gaussian noise added, different in each channel.

    Attributes:
        level_db: Range of its RMS in dB below full scale; or, if `relative`, above the RMS of the clip (-30 is 30 dB
            below it; a silent clip then stays silent).
        relative: Whether the level follows the clip.
        colour: "white", or "pink" (3 dB less per octave).
    """

    level_db: Range = (-60.0, -30.0)
    relative: bool = False
    colour: Colour = "white"

    def apply(self, clip: Clip, rng: np.random.Generator) -> Clip:
        """See `Step.apply`."""
        level = 10.0 ** (draw(rng, self.level_db) / 20.0)
        if self.relative and clip.frames:
            level *= float(np.sqrt(np.mean(np.square(clip.samples, dtype=np.float64))))
        noise = rng.standard_normal(clip.samples.shape, np.float32)
        if self.colour == "pink":
            noise = _pink(noise, clip.sample_rate)
        return Clip(clip.samples + np.float32(level) * noise, clip.sample_rate)

    def _check(self) -> None:
        check_range("level_db", self.level_db, -200.0, 60.0)
        if self.colour not in {"white", "pink"}:
            raise InvalidOption(f"colour = {self.colour!r} is unknown.", "Use white or pink.")


SINGSONG_NOISE = Noise(level_db=(-40.0, -40.0))
"""White noise at -40 dB below full scale."""


def _pink(white: NDArray[np.float32], sample_rate: int) -> NDArray[np.float32]:
    """White noise of RMS 1 with its spectrum bent, and RMS 1 again (on average over all noise, not of each draw)."""
    frames = white.shape[1]
    size = scipy.fft.next_fast_len(max(frames, 2), real=True)
    bend = (1.0 / np.sqrt(np.maximum(scipy.fft.rfftfreq(size, 1.0 / sample_rate), _PINK_FROM_HZ))).astype(np.float32)
    mean_power = (2.0 * np.sum(np.square(bend, dtype=np.float64)) - bend[0] ** 2) / size
    bent = scipy.fft.irfft(scipy.fft.rfft(white, n=size) * (bend / np.float32(np.sqrt(mean_power))), n=size)
    shaped: NDArray[np.float32] = bent[:, :frames].astype(np.float32)
    return shaped
