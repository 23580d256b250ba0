"""What samplers and wavetable synthesizers read from a WAVE file: the chunks `smpl`, `inst` and `clm `."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass

from descant.audio.riff import Chunk

FRAME = 2048
"""Samples of a wavetable's frame, as Serum and all that read its tables have them."""

_FOREVER = 0
_FRACTION = 1 << 32
_CENTS_AT_MOST = 50


@dataclass(frozen=True, slots=True)
class Zone:
    """Where a sample is played.

    Attributes:
        root: The key at which it sounds as recorded.
        cents: How much higher than that key it sounds.
        keys: Lowest and highest key.
        velocities: Lowest and highest velocity.
    """

    root: int
    cents: float
    keys: tuple[int, int]
    velocities: tuple[int, int]


def smpl_chunk(zone: Zone, sample_rate: int, loop: tuple[int, int] | None) -> Chunk:
    """The root note, by how much the sound is above it, and the loop.

    The fraction of a semitone counts upwards only: a sound 4 cents below C4 is said to lie 96 cents above B3.

    Args:
        zone: Of the sample.
        sample_rate: In Hz.
        loop: First frame, and the frame after the last; the chunk names the last one itself.
    """
    sounding = round((zone.root + zone.cents / 100.0) * _FRACTION)
    note, fraction = divmod(min(max(sounding, 0), 128 * _FRACTION - 1), _FRACTION)
    loops = b"" if loop is None else struct.pack("<IIIIII", 0, 0, loop[0], loop[1] - 1, 0, _FOREVER)
    head = struct.pack("<IIIIIIIII", 0, 0, round(1e9 / sample_rate), note, fraction, 0, 0, 0 if loop is None else 1, 0)
    return Chunk(b"smpl", head + loops)


def inst_chunk(zone: Zone) -> Chunk:
    """Root note, the cents that tune the sound when it is played, no gain, keys and velocities."""
    tune = -round(math.copysign(min(abs(zone.cents), _CENTS_AT_MOST), zone.cents))
    return Chunk(b"inst", struct.pack("<BbbBBBB", zone.root, tune, 0, *zone.keys, *zone.velocities))


def clm_chunk() -> Chunk:
    """Serum's: frames of 2,048 samples, to be interpolated linearly (the first flag), made elsewhere."""
    return Chunk(b"clm ", f"<!>{FRAME} 10000000 wavetable (www.xferrecords.com)".encode("ascii"))
