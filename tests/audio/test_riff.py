"""WAVE files with chunks: read back by libsndfile, by SciPy and by hand."""

from __future__ import annotations

import struct
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from scipy.io import wavfile

from descant.audio.clip import Clip
from descant.audio.riff import Chunk, write_wave
from descant.audio.writer import AudioWriter
from descant.errors import OutputError
from made_instruments import chunks_of

NAMES = st.text("qxz ", min_size=4, max_size=4).map(str.encode)  # of none of which a reader knows anything


def test_the_bytes_of_a_small_file(tmp_path: Path) -> None:
    write_wave(tmp_path / "a.wav", np.array([[0.5, -1.0, 1.0]], np.float32), 44_100, "PCM_24", [Chunk(b"abcd", b"xyz")])
    expected = (
        b"RIFF" + struct.pack("<I", 4 + 24 + 12 + 8 + 10) + b"WAVE"
        + b"fmt " + struct.pack("<IHHIIHH", 16, 1, 1, 44_100, 132_300, 3, 24)
        + b"abcd" + struct.pack("<I", 3) + b"xyz\0"
        + b"data" + struct.pack("<I", 9) + b"\x00\x00\x40" + b"\x00\x00\x80" + b"\xff\xff\x7f" + b"\0"
    )  # fmt: skip
    assert (tmp_path / "a.wav").read_bytes() == expected


@given(
    st.lists(st.tuples(NAMES, st.binary(max_size=33)), max_size=4),
    st.integers(1, 2),
    st.integers(1, 40),
    st.sampled_from(["PCM_24", "FLOAT"]),
    st.integers(0, 2**31),
)
def test_sound_and_chunks_are_read_back(
    parts: list[tuple[bytes, bytes]], channels: int, frames: int, encoding: str, seed: int
) -> None:
    steps = np.random.default_rng(seed).integers(-(2**23), 2**23, (channels, frames))
    samples = (steps / 2**23).astype(np.float32)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.wav"
        write_wave(path, samples, 48_000, encoding, [Chunk(*part) for part in parts])  # type: ignore[arg-type]
        found = chunks_of(path.read_bytes())
        assert [part for part in found if part[0] not in {b"fmt ", b"fact", b"data"}] == parts
        assert found[-1][0] == b"data"
        read, rate = soundfile.read(path, always_2d=True, dtype="float32")
        assert rate == 48_000
        np.testing.assert_array_equal(read.T, samples)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", wavfile.WavFileWarning)  # chunks that SciPy does not know
            rate, again = wavfile.read(path)
        again = again.reshape(frames, channels).astype(np.float64)
        np.testing.assert_array_equal(again.T / (2**31 if encoding == "PCM_24" else 1), samples)


def test_sound_is_as_the_writer_writes_it(tmp_path: Path) -> None:
    samples = np.random.default_rng(0).normal(0, 0.5, (2, 1000)).astype(np.float32)
    write_wave(tmp_path / "a.wav", samples, 48_000, "PCM_24")
    with AudioWriter(tmp_path / "b.wav", 48_000, 2, subtype="PCM_24") as writer:
        writer.write(Clip(samples, 48_000))
    ours, theirs = (dict(chunks_of((tmp_path / name).read_bytes())) for name in ("a.wav", "b.wav"))
    assert ours[b"data"] == theirs[b"data"]
    assert ours[b"fmt "] == theirs[b"fmt "][:16]


def test_what_outgrows_the_format_is_refused(tmp_path: Path) -> None:
    huge = np.broadcast_to(np.float32(0), (1, 2**30))
    with pytest.raises(OutputError, match="4 GiB"):
        write_wave(tmp_path / "a.wav", huge, 48_000, "FLOAT")  # refused before it is laid out in memory
    assert not (tmp_path / "a.wav").exists()
