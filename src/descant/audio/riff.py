"""WAVE files with chunks of their own: what samplers and wavetable synthesizers read beside the sound.

libsndfile writes sound alone; where notes, loops and frame lengths go with it, the file is put together here. Layout:
"Multimedia Programming Interface and Data Specifications 1.0" (IBM and Microsoft, 1991), chunks padded to even length.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from descant.audio.clip import Samples
from descant.audio.writer import quantise
from descant.errors import OutputError

Encoding = Literal["PCM_24", "FLOAT"]

_PCM, _FLOAT = 1, 3
_MOST_BYTES = 0xFFFF_FFFF


@dataclass(frozen=True, slots=True)
class Chunk:
    """A named part of a RIFF file; the name has four bytes."""

    name: bytes
    body: bytes

    def to_bytes(self) -> bytes:
        """Name, length without padding, body, and a zero where the length is odd."""
        assert len(self.name) == 4
        return self.name + struct.pack("<I", len(self.body)) + self.body + bytes(len(self.body) % 2)


def write_wave(
    path: Path, samples: Samples, sample_rate: int, encoding: Encoding, chunks: Sequence[Chunk] = ()
) -> None:
    """Write a WAVE file whose further chunks stand before the sound.

    The bytes depend on the arguments alone. It is written in place: use `atomic_output` or `atomic_folder` around it.

    Args:
        path: The file.
        samples: [channels, frames], clipped at full scale where the encoding is an integer.
        sample_rate: In Hz.
        encoding: 24-bit integers or 32-bit floats.
        chunks: In this order.

    Raises:
        OutputError: It would outgrow 4 GiB.
        OSError: It cannot be written.
    """
    channels, frames = samples.shape
    format_tag, width, extra = (_PCM, 3, b"") if encoding == "PCM_24" else (_FLOAT, 4, struct.pack("<H", 0))
    described = struct.pack(
        "<HHIIHH", format_tag, channels, sample_rate, sample_rate * channels * width, channels * width, 8 * width
    )
    facts = () if encoding == "PCM_24" else (Chunk(b"fact", struct.pack("<I", frames)),)
    head = b"".join(chunk.to_bytes() for chunk in (Chunk(b"fmt ", described + extra), *facts, *chunks))
    size = channels * frames * width
    length = 4 + len(head) + 8 + size + size % 2
    if length > _MOST_BYTES:
        raise OutputError(f"{path} would outgrow the 4 GiB its format can hold.", "Export shorter notes.")
    if encoding == "PCM_24":
        steps, _ = quantise(samples, 24)  # in the upper three bytes of four
        data = np.ascontiguousarray(steps.T, "<i4").view(np.uint8).reshape(-1, 4)[:, 1:].tobytes()
    else:
        data = np.ascontiguousarray(samples.T, "<f4").tobytes()
    with path.open("wb") as file:
        file.write(b"RIFF" + struct.pack("<I", length) + b"WAVE" + head + b"data" + struct.pack("<I", size))
        file.write(data)
        file.write(bytes(size % 2))
