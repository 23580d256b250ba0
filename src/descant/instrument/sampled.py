"""Sound sets as `Playable`: a preset of a SoundFont, an SFZ mapping, or a folder of recorded notes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from descant.score.render import Sounds
from descant.score.single_note import Pressed, render_note
from descant.score.tuned import Tuned
from descant.score.zones import Region

SAMPLE_RATE = 48_000

_FARTHEST_CENTS = 1_250.0


class Sampled:
    """A sampled instrument.

    Args:
        name: For files and messages.
        sounds: What plays; its `choose` answers with the one sound that is meant.
        sample_rate: Of the result, in Hz.
    """

    def __init__(self, name: str, sounds: Sounds, *, sample_rate: int = SAMPLE_RATE) -> None:
        self._name = name
        self._sounds = sounds
        self._rate = sample_rate
        self._preset = sounds.choose(0, is_drum=False)
        self._pitches = reached(sounds.regions(self._preset))

    @property
    def name(self) -> str:
        """Its name."""
        return self._name

    @property
    def sounds(self) -> Sounds:
        """What plays."""
        return self._sounds

    @property
    def sample_rate(self) -> int:
        """In Hz."""
        return self._rate

    @property
    def pitches(self) -> range:
        """From the lowest to the highest key that no recording is transposed to by more than an octave."""
        return self._pitches

    def note(self, pitch: float, velocity: int, held_s: float, length_s: float | None = None) -> NDArray[np.float32]:
        """See `Playable`.

        Raises:
            DescantError: A recording cannot be read.
        """
        key = min(max(round(pitch), 0), 127)
        sounds = Tuned(self._sounds, self._preset, 100.0 * (pitch - key))
        return render_note(sounds, Pressed(key, velocity), sample_rate=self._rate, held_s=held_s, length_s=length_s)


def reached(regions: Sequence[Region]) -> range:
    """The span of keys that regions reach without being transposed by more than an octave; all 128 if none."""
    keys = {
        key
        for region in regions
        if region.fixed_key < 0 < region.cents_per_key
        for key in range(max(region.keys[0], 0), min(region.keys[1], 127) + 1)
        if abs((key - region.root_key) * region.cents_per_key + region.tuning_cents) <= _FARTHEST_CENTS
    }
    return range(min(keys), max(keys) + 1) if keys else range(128)
