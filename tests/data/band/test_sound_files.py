import struct
from pathlib import Path

import numpy as np
import soundfile

from descant.data.band.sound_files import with_serial, write_audio

NOISE = (np.random.default_rng(0).standard_normal((30_000, 2)) * 3000).astype(np.int16)


def crc(page: bytes) -> int:
    """The checksum of an Ogg page bit by bit, as RFC 3533 describes it."""
    value = 0
    for byte in page[:22] + bytes(4) + page[26:]:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1) ^ (0x04C11DB7 if value & 0x80000000 else 0)
            value &= 0xFFFFFFFF
    return value


def pages(ogg: bytes) -> list[bytes]:
    found, at = [], 0
    while at < len(ogg):
        segments = ogg[at + 26]
        end = at + 27 + segments + sum(ogg[at + 27 : at + 27 + segments])
        found.append(ogg[at:end])
        at = end
    return found


def test_flac_keeps_every_sample_and_byte(tmp_path: Path) -> None:
    for name in "ab":
        write_audio(tmp_path / f"{name}.flac", NOISE)
    assert (tmp_path / "a.flac").read_bytes() == (tmp_path / "b.flac").read_bytes()
    samples, rate = soundfile.read(tmp_path / "a.flac", dtype="int16")
    assert rate == 44_100
    assert (samples == NOISE).all()


def test_opus_has_the_same_bytes_whatever_the_clock_says(tmp_path: Path) -> None:
    write_audio(tmp_path / "a.opus", NOISE)
    data = (tmp_path / "a.opus").read_bytes()
    assert with_serial(with_serial(data, 0xDEADBEEF), 1) == data
    for page in pages(data):
        assert struct.unpack_from("<I", page, 14)[0] == 1
        assert struct.unpack_from("<I", page, 22)[0] == crc(page)
    samples, rate = soundfile.read(tmp_path / "a.opus")
    assert rate == 48_000
    assert abs(len(samples) - round(30_000 * 48 / 44.1)) <= 2
