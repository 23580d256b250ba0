"""From file to files: streaming equals the clip, formats, subsets, gains, and nothing half-written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from stand_ins import noise, rms_db

from descant.audio.clip import Clip
from descant.audio.io import probe, read, write
from descant.errors import (
    AudioReadError,
    Cancelled,
    InputNotFound,
    InvalidAudio,
    InvalidOption,
    OutputIsInput,
    UnsupportedFormat,
)
from descant.progress import CancelToken, Progress
from descant.separate.api import Separator
from descant.separate.files import StemOptions, separate_file


@pytest.fixture
def song(tmp_path: Path) -> Path:
    return write(tmp_path / "song ü 🎵.wav", noise(48_000 * 12 + 7, 48_000), subtype="FLOAT")


def test_streaming_gives_what_the_whole_clip_gives(split: Separator, song: Path, tmp_path: Path) -> None:
    result = separate_file(song, tmp_path / "out", separator=split)
    whole = split(read(song))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["accompaniment.wav", "vocals.wav"]
    assert result.duration_s == pytest.approx(whole["vocals"].duration_s)
    for name, path in result.paths.items():
        assert probe(path).subtype == "FLOAT"
        stem = read(path)
        assert (stem.frames, stem.sample_rate, stem.channels) == (48_000 * 12 + 7, 48_000, 2)
        np.testing.assert_allclose(stem.samples, whole[name].samples, atol=2e-6)


@pytest.mark.parametrize(
    ("options", "error_db"),
    [
        (StemOptions(residual=True), -120.0),
        (StemOptions("flac"), -110.0),
        (StemOptions(".wav", "PCM_16"), -75.0),
        (StemOptions("FLAC", "PCM_16", residual=True), -75.0),
    ],
)
def test_the_files_sum_to_the_song(
    split: Separator, song: Path, tmp_path: Path, options: StemOptions, error_db: float
) -> None:
    result = separate_file(song, tmp_path / "out", options, separator=split)
    mix = read(song).samples
    total = np.sum([read(path).samples for path in result.paths.values()], axis=0)
    assert rms_db(total - mix) - rms_db(mix) < error_db


@pytest.mark.parametrize(("file_format", "tolerance_frames"), [("mp3", 0), ("ogg", 0), ("opus", 0), ("aiff", 0)])
def test_other_formats_keep_the_length(
    split: Separator, song: Path, tmp_path: Path, file_format: str, tolerance_frames: int
) -> None:
    result = separate_file(song, tmp_path / "out", StemOptions(file_format, stems=("vocals",)), separator=split)
    assert list(result.paths) == ["vocals"]
    assert abs(read(result.paths["vocals"]).frames - (48_000 * 12 + 7)) <= tolerance_frames


def test_one_gain_for_all_and_clipping_is_reported(split: Separator, tmp_path: Path) -> None:
    loud = write(tmp_path / "loud.wav", Clip(noise(44_100).samples * np.float32(8), 44_100), subtype="FLOAT")
    clipped = separate_file(loud, tmp_path / "a", StemOptions("flac"), separator=split)
    assert clipped.clipped_samples > 0
    assert clipped.peak_db > 0
    quieter = StemOptions("flac", gain_db=-clipped.peak_db - 0.1)
    clean = separate_file(loud, tmp_path / "b", quieter, separator=split)
    assert clean.clipped_samples == 0
    total = sum(read(path).samples for path in clean.paths.values())
    np.testing.assert_allclose(total, read(loud).gain(quieter.gain_db).samples, atol=1e-5)


def test_silence_is_reported_as_silence(split: Separator, tmp_path: Path) -> None:
    silent = write(tmp_path / "silent.wav", Clip.silence(8_000, 8_000, 1))
    result = separate_file(silent, tmp_path / "out", separator=split)
    assert result.peak_db == float("-inf")
    assert all(read(path).peak == 0.0 for path in result.paths.values())


def test_residual_may_be_asked_for_by_name(split: Separator, song: Path, tmp_path: Path) -> None:
    result = separate_file(song, tmp_path / "out", StemOptions(stems=("residual", "residual")), separator=split)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["residual.wav"]
    assert list(result.paths) == ["residual"]


def _nothing_written(folder: Path) -> bool:
    return not folder.exists() or not any(folder.iterdir())


def test_cancelled_work_leaves_nothing(split: Separator, song: Path, tmp_path: Path) -> None:
    token = CancelToken()

    def stop(event: Progress) -> None:
        if event.fraction > 0.3:
            token.cancel()

    with pytest.raises(Cancelled):
        separate_file(song, tmp_path / "out", separator=split, progress=stop, cancel=token)
    assert _nothing_written(tmp_path / "out")


def test_a_file_that_breaks_in_the_middle_leaves_nothing(split: Separator, tmp_path: Path) -> None:
    samples = noise(44_100 * 11).samples.T.copy()
    samples[44_100 * 10] = np.nan
    soundfile.write(tmp_path / "nan.wav", samples, 44_100, subtype="FLOAT")
    with pytest.raises(InvalidAudio, match=r"10\.000 s"):
        separate_file(tmp_path / "nan.wav", tmp_path / "out", separator=split)
    assert _nothing_written(tmp_path / "out")


def test_earlier_stems_survive_a_failure(split: Separator, tmp_path: Path) -> None:
    good = write(tmp_path / "good.wav", noise(10_000))
    result = separate_file(good, tmp_path / "out", separator=split)
    before = {path: path.read_bytes() for path in result.paths.values()}
    (tmp_path / "bad.wav").write_bytes(good.read_bytes()[:100])
    with pytest.raises(AudioReadError):
        separate_file(tmp_path / "bad.wav", tmp_path / "out", separator=split)
    assert {path: path.read_bytes() for path in result.paths.values()} == before


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("missing.wav", None, InputNotFound),
        ("empty.wav", b"", AudioReadError),
        ("text.mp3", b"no music", AudioReadError),
    ],
)
def test_unreadable_inputs(split: Separator, tmp_path: Path, name: str, content: bytes | None, error: type) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(error):
        separate_file(tmp_path / name, tmp_path / "out", separator=split)
    assert _nothing_written(tmp_path / "out")


def test_the_input_is_never_overwritten(split: Separator, tmp_path: Path) -> None:
    vocals = write(tmp_path / "vocals.wav", noise(1_000))
    before = vocals.read_bytes()
    with pytest.raises(OutputIsInput):
        separate_file(vocals, tmp_path, separator=split)
    assert vocals.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["vocals.wav"]


def test_options_that_make_no_sense(split: Separator, song: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidOption, match="drums"):
        separate_file(song, tmp_path / "out", StemOptions(stems=("drums",)), separator=split)
    with pytest.raises(UnsupportedFormat):
        separate_file(song, tmp_path / "out", StemOptions("xyz"), separator=split)
    with pytest.raises(InvalidOption):
        StemOptions(gain_db=float("nan"))
    assert _nothing_written(tmp_path / "out")


def test_too_many_channels_for_mp3(split: Separator, tmp_path: Path) -> None:
    song = write(tmp_path / "surround.wav", noise(5_000, channels=6))
    with pytest.raises(UnsupportedFormat):
        separate_file(song, tmp_path / "out", StemOptions("mp3"), separator=split)
    assert _nothing_written(tmp_path / "out")
    assert read(separate_file(song, tmp_path / "out", separator=split).paths["vocals"]).channels == 6
