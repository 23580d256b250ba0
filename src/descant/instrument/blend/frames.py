"""`TimbreFrames`: what a sound is made of, moment by moment, apart from its pitch and its loudness.

The envelope of a pitched moment is read at its partials and continued between them, so that it is the same at every
pitch; that of any other moment is its spectrum, smoothed as the ear does. Beside it stand the noise between partials,
what single partials have more or less than the envelope says (a clarinet's even ones), the width, and the panorama.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from descant.instrument.blend.bands import BANDS

Floats = NDArray[np.float32]

HOP = 1024
"""Samples between frames of timbre: 47 a second at 48 kHz."""
FINE_HOP = 256
"""Samples between values of pitch and loudness."""
FINER = HOP // FINE_HOP

HISS_BANDS, NAMED_PARTIALS, WIDTH_BANDS, PLACE_BANDS = 24, 32, 16, 8
FEATURES = BANDS + HISS_BANDS + NAMED_PARTIALS + WIDTH_BANDS + PLACE_BANDS + 1

FLOOR_DB = -110.0
"""Of levels, below full scale: what is quieter is silence."""

_SCALES = (20.0, 20.0, 10.0, 15.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class TimbreFrames:
    """See the module; frame k is centred on sample 1024 k at 48 kHz.

    Attributes:
        envelope: Power density in dB over `bands.centres_hz`, at a loudness of 0 dB, [frames, 48].
        hiss: Noise, in dB above the envelope, over 24 bands, [frames, 24]; 0 where there is no pitch.
        partials: The first 32 partials, in dB above the envelope, [frames, 32]; 0 where there is no pitch.
        width: Power of the side over that of the mid, in dB over 16 bands, [frames, 16].
        place: How alike side and mid are, -1 (right) to 1 (left), over 8 bands, [frames, 8].
        pitched: 0..1, [frames].
    """

    envelope: Floats
    hiss: Floats
    partials: Floats
    width: Floats
    place: Floats
    pitched: Floats

    def __len__(self) -> int:
        return len(self.envelope)

    def features(self) -> Floats:
        """All of it, each at about the same range, [frames, 129]: what the encoder hears."""
        return np.concatenate([part / scale for part, scale in zip(self._parts(), _SCALES, strict=True)], axis=1)

    def _parts(self) -> tuple[Floats, ...]:
        return self.envelope, self.hiss, self.partials, self.width, self.place, self.pitched[:, np.newaxis]

    @classmethod
    def of(cls, features: Floats) -> TimbreFrames:
        """From what `features` returns, or what the decoder makes of it; out-of-range values are put right."""
        ends = np.cumsum([BANDS, HISS_BANDS, NAMED_PARTIALS, WIDTH_BANDS, PLACE_BANDS])
        parts = np.split(features, ends, axis=1)
        envelope, hiss, partials, width, place, pitched = (p * s for p, s in zip(parts, _SCALES, strict=True))
        return cls(envelope, hiss, partials, width, np.clip(place, -1.0, 1.0), np.clip(pitched[:, 0], 0.0, 1.0))


@dataclass(frozen=True, slots=True, eq=False)
class Contours:
    """Pitch and loudness; value k belongs to sample 256 k at 48 kHz.

    Attributes:
        hz: Fundamental frequency, also guessed where none sounds, [values].
        pitched: 0..1 that there is one, [values].
        level_db: Loudness (power under the ear's weighting, mean of both channels), [values].
    """

    hz: Floats
    pitched: Floats
    level_db: Floats
