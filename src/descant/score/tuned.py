"""One preset of a sound set, in another concert pitch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from descant.score.render import Sounds
from descant.score.soundfont import Preset
from descant.score.zones import Region, Sample


class Tuned:
    """One preset of a sound set, in another concert pitch.

    Args:
        source: The set.
        preset: Which sound.
        cents: Added to the pitch.
    """

    def __init__(self, source: Sounds, preset: Preset, cents: float) -> None:
        self._source, self._preset, self._cents = source, preset, cents
        self._shifted = tuple(
            replace(r, tuning_cents=r.tuning_cents + (cents if r.cents_per_key else 0.0))
            for r in source.regions(preset)
        )

    def choose(self, program: int, *, is_drum: bool) -> Preset:  # noqa: ARG002 - decided already
        """The preset."""
        return self._preset

    def regions(self, preset: Preset) -> tuple[Region, ...]:  # noqa: ARG002
        """Its regions, tuned."""
        return self._shifted

    def wave(self, sample: Sample) -> NDArray[np.float32]:
        """As in the set."""
        return self._source.wave(sample)
