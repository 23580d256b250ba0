"""`AudioWriter`: streaming equals writing at once, settings, limits."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from descant.audio.clip import Clip
from descant.audio.io import probe, read, write
from descant.audio.writer import AudioWriter, quantise
from descant.errors import InvalidOption, OutputError

NOISE = Clip(np.random.default_rng(0).uniform(-0.5, 0.5, (2, 48_000)).astype(np.float32), 48_000)


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg", ".opus", ".mp3", ".m4a"])
@pytest.mark.parametrize("sample_rate", [44_100, 48_000])
def test_blocks_give_the_same_samples_as_one_write(suffix: str, sample_rate: int, tmp_path: Path) -> None:
    noise = Clip(NOISE.samples, sample_rate)
    whole = read(write(tmp_path / f"whole{suffix}", noise))
    with AudioWriter(tmp_path / f"parts{suffix}", sample_rate, 2) as writer:
        for start in range(0, noise.frames, 7_777):
            writer.write(Clip(noise.samples[:, start : start + 7_777], sample_rate))
    np.testing.assert_array_equal(read(tmp_path / f"parts{suffix}").samples, whole.samples)


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".mp3", ".m4a"])
def test_same_clip_same_bytes(suffix: str, tmp_path: Path) -> None:
    first, second = (write(tmp_path / f"{name}{suffix}", NOISE) for name in "ab")
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize(
    ("suffix", "bitrate", "tolerance"),
    [
        (".mp3", 64_000, 0.1),
        (".mp3", 128_000, 0.1),
        (".mp3", 320_000, 0.1),
        (".opus", 64_000, 0.3),
        (".opus", 192_000, 0.3),
        (".ogg", 96_000, 0.6),
        (".ogg", 320_000, 0.6),
        (".m4a", 128_000, 0.3),
    ],
)
def test_bitrate_is_met(suffix: str, bitrate: int, tolerance: float, tmp_path: Path) -> None:
    noise = Clip(np.tile(NOISE.samples, 4), 48_000)
    path = write(tmp_path / f"a{suffix}", noise, bitrate=bitrate)
    assert path.stat().st_size * 8 / noise.duration_s == pytest.approx(bitrate, rel=tolerance)


def test_new_file_has_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    mask = os.umask(0o027)
    try:
        path = write(tmp_path / "a.wav", NOISE)
    finally:
        os.umask(mask)
    assert path.stat().st_mode & 0o777 == 0o640


def test_wav_that_would_pass_4_gib_becomes_rf64(tmp_path: Path) -> None:
    with AudioWriter(tmp_path / "long.wav", 48_000, 2, frames=1 << 31) as writer:
        writer.write(NOISE)
    info = probe(tmp_path / "long.wav")
    assert (info.format, info.frames) == ("RF64", 48_000)


def test_wav_that_outgrows_4_gib_unannounced_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    huge = Clip(np.broadcast_to(np.zeros((1, 1), np.float32), (2, 1 << 20)), 48_000)
    with pytest.raises(OutputError, match="4 GiB"), AudioWriter(tmp_path / "long.wav", 48_000, 2) as writer:  # noqa: PT012
        monkeypatch.setattr(writer, "_store", lambda _: None)
        for _ in range(1_000):
            writer.write(huge)
    assert list(tmp_path.iterdir()) == []


def test_block_of_another_shape_is_refused(tmp_path: Path) -> None:
    for block in (NOISE.to_mono(), Clip(NOISE.samples, 44_100)):
        with pytest.raises(InvalidOption, match="does not fit"), AudioWriter(tmp_path / "a.wav", 48_000, 2) as writer:
            writer.write(block)
    with pytest.raises(InvalidOption, match="is not open"):
        AudioWriter(tmp_path / "a.wav", 48_000, 2).write(NOISE)
    with pytest.raises(InvalidOption, match="rate of 3 Hz"):
        AudioWriter(tmp_path / "a.wav", 3, 2)
    assert list(tmp_path.iterdir()) == []


def test_quantise_rounds_to_nearest_and_counts_what_it_clips() -> None:
    samples = np.array([[0.0, 0.4 / 128, 0.6 / 128, 1.0, -1.0, 1.01, -3.0]], np.float32)
    steps, clipped = quantise(samples, 8)
    assert (steps[0] >> 8).tolist() == [0, 0, 1, 127, -128, 127, -128]
    assert clipped == 2


def test_the_hour_of_writing_leaves_no_trace(tmp_path: Path) -> None:
    clip = Clip(np.random.default_rng(0).uniform(-1, 1, (2, 3000)).astype(np.float32), 44_100)
    kinds = (("wav", "FLOAT"), ("wav", "DOUBLE"), ("rf64", "FLOAT"), ("aiff", "FLOAT"), ("caf", "FLOAT"),
             ("w64", "FLOAT"), ("flac", None))  # fmt: skip
    for turn in ("first", "second"):
        for suffix, subtype in kinds:
            write(tmp_path / turn / f"{subtype}.{suffix}", clip, subtype=subtype)
        time.sleep(1.1)  # libsndfile counts whole seconds
    for suffix, subtype in kinds:
        first, second = (tmp_path / turn / f"{subtype}.{suffix}" for turn in ("first", "second"))
        assert first.read_bytes() == second.read_bytes(), suffix
        np.testing.assert_allclose(soundfile.read(first)[0].T, clip.samples, atol=1e-4)
