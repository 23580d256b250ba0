"""Audio files whose bytes depend on their samples alone."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from descant.data.band.vocoder import SAMPLE_RATE

OPUS_RATE = 48_000
SUFFIXES = {"flac": ".flac", "opus": ".opus"}
RATES = {"flac": SAMPLE_RATE, "opus": OPUS_RATE}

_FLAC_LEVEL = 0.2
_OPUS_LEVEL = 1.0 - (64_000 - 6_000) / 250_000  # 128 kbit/s in stereo
_CRC_POLYNOMIAL = 0x04C11DB7
_PAGE_HEAD, _SERIAL_AT, _CRC_AT = 27, 14, 22


def write_audio(path: Path, samples: NDArray[np.int16]) -> None:
    """Write 16-bit samples at 44.1 kHz, shape [frames, channels], as FLAC or (at 48 kHz) as Opus, by the suffix.

    Raises:
        OSError: The file cannot be written; the encoder works in memory, as it cannot say why a disk refuses.
    """
    coded = io.BytesIO()
    if path.suffix == ".flac":
        soundfile.write(coded, samples, SAMPLE_RATE, format="FLAC", subtype="PCM_16", compression_level=_FLAC_LEVEL)
        path.write_bytes(coded.getvalue())
        return
    faster = soxr.resample(samples.astype(np.float32) / 32_768, SAMPLE_RATE, OPUS_RATE)
    soundfile.write(coded, faster, OPUS_RATE, format="OGG", subtype="OPUS", compression_level=_OPUS_LEVEL)
    path.write_bytes(with_serial(coded.getvalue(), 1))


def with_serial(ogg: bytes, serial: int) -> bytes:
    """An Ogg stream with another serial number, which the encoder draws from the clock.

    The checksum of a page is linear in its bytes: only what the changed ones add is computed (RFC 3533, section 6).
    """
    out = bytearray(ogg)
    at = 0
    while at < len(out):
        segments = out[at + _PAGE_HEAD - 1]
        length = _PAGE_HEAD + segments + sum(out[at + _PAGE_HEAD : at + _PAGE_HEAD + segments])
        place = slice(at + _SERIAL_AT, at + _SERIAL_AT + 4)
        new = struct.pack("<I", serial)
        changed = int.from_bytes(out[place], "big") ^ int.from_bytes(new, "big")
        out[place] = new
        shift = _power_of_x(8 * (length - _SERIAL_AT - 4) + 32)
        crc = struct.unpack_from("<I", out, at + _CRC_AT)[0] ^ _times(changed, shift)
        struct.pack_into("<I", out, at + _CRC_AT, crc)
        at += length
    return bytes(out)


def _times(a: int, b: int) -> int:
    """The product of two polynomials over GF(2), modulo that of the checksum."""
    product = 0
    while b:
        if b & 1:
            product ^= a
        b >>= 1
        a = (a << 1) ^ (_CRC_POLYNOMIAL if a & 0x80000000 else 0)
        a &= 0xFFFFFFFF
    return product


def _power_of_x(exponent: int) -> int:
    result, base = 1, 2
    while exponent:
        if exponent & 1:
            result = _times(result, base)
        base = _times(base, base)
        exponent >>= 1
    return result
