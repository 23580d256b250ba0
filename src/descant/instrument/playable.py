"""`Playable`: anything that sounds single notes in stereo, whatever is behind it.

What exports, measures and renders instruments asks for no more than this: a neural instrument, a blend of sounds and a
sampler all offer it.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Playable(Protocol):
    """An instrument."""

    @property
    def name(self) -> str:
        """Its name, for files and messages."""
        ...

    @property
    def sample_rate(self) -> int:
        """Of its sound, in Hz."""
        ...

    @property
    def pitches(self) -> range:
        """MIDI numbers that it plays well."""
        ...

    def note(self, pitch: float, velocity: int, held_s: float, length_s: float | None = None) -> NDArray[np.float32]:
        """One note, the same for the same arguments.

        Args:
            pitch: MIDI number; between two keys is allowed.
            velocity: 1 to 127.
            held_s: Seconds until the key is let go.
            length_s: Length of the result; None until it has rung out.

        Returns:
            [2, samples] within -1..1 for all but extreme settings.
        """
        ...
