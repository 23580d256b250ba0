"""MP4, WebM and their kin through PyAV: exact lengths, several streams, and what happens without PyAV."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import av
import numpy as np
import pytest

from descant.audio.clip import Clip
from descant.audio.io import probe, read, read_blocks, write
from descant.errors import AudioReadError, InvalidOption, MissingDependency


def _encode(
    path: Path, codec: str, container: str, clips: Sequence[Clip], *, sample_format: str = "fltp", **options: str
) -> Path:
    """A file as other programs write it: one stream per clip."""
    with av.open(str(path), "w", format=container, options=options) as output:
        streams = []
        for clip in clips:
            layout = {1: "mono", 2: "stereo", 6: "5.1"}[clip.channels]
            streams.append(output.add_stream(codec, rate=clip.sample_rate, layout=layout))
        for stream, clip in zip(streams, clips, strict=True):
            samples: np.ndarray = clip.samples
            if sample_format.startswith("s16"):
                samples = np.round(samples * 32_767).astype(np.int16)
            if not sample_format.endswith("p"):
                samples = np.ascontiguousarray(samples.T).reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(samples, format=sample_format, layout=stream.layout.name)
            frame.sample_rate = clip.sample_rate
            frame.pts = 0
            for packet in stream.encode(frame):
                output.mux(packet)
        for stream in streams:
            for packet in stream.encode(None):
                output.mux(packet)
    return path


def _click(at: int, frames: int = 100_000, rate: int = 44_100, channels: int = 2) -> Clip:
    samples = np.zeros((channels, frames), np.float32)
    samples[:, at] = 0.8
    return Clip(samples, rate)


@pytest.mark.parametrize("frames", [44_100, 99_000, 99_999, 100_000])
@pytest.mark.parametrize("container", ["ipod", "mp4", "mov"])
def test_aac_of_other_encoders_has_its_exact_length(frames: int, container: str, tmp_path: Path) -> None:
    path = _encode(tmp_path / "a.m4a", "aac", container, [_click(frames // 2, frames)])
    assert probe(path).frames == frames
    clip = read(path)
    assert clip.frames == frames
    assert np.abs(clip.samples[0]).argmax() == frames // 2


@pytest.mark.parametrize("frames", [1_025, 2_050, 99_328 + 3])
def test_last_packet_that_lies_in_the_rounding_of_the_container_is_lost(frames: int, tmp_path: Path) -> None:
    path = _encode(tmp_path / "a.m4a", "aac", "ipod", [_click(frames // 2, frames)])
    assert frames - 44 <= probe(path).frames == read(path).frames <= frames


def test_edit_that_cuts_more_than_a_millisecond_is_kept(tmp_path: Path) -> None:
    """Apple's encoders fill the last packet and cut by the edit's length alone."""
    path = _encode(tmp_path / "a.m4a", "aac", "ipod", [_click(500, 44_100)], movie_timescale="44100")
    content = bytearray(path.read_bytes())
    edit = content.index(b"elst") + 4 + 8
    content[edit : edit + 4] = (43_500).to_bytes(4, "big")
    path.write_bytes(content)
    assert probe(path).frames == read(path).frames == 43_500


def test_streams_of_a_stem_file(tmp_path: Path) -> None:
    path = _encode(tmp_path / "song.stem.mp4", "aac", "mp4", [_click(40_000 + 100 * k) for k in range(5)])
    assert probe(path).streams == 5
    assert [int(np.abs(read(path, stream=k).samples[0]).argmax()) for k in range(5)] == [
        40_000,
        40_100,
        40_200,
        40_300,
        40_400,
    ]
    np.testing.assert_array_equal(read(path).samples, read(path, stream=0).samples)
    with pytest.raises(InvalidOption, match="no audio stream 5"):
        read(path, stream=5)


@pytest.mark.parametrize(
    ("name", "codec", "container", "rate", "sample_format"),
    [
        ("a.webm", "libopus", "webm", 48_000, "flt"),
        ("a.mkv", "flac", "matroska", 44_100, "s16"),
        ("a.m4a", "alac", "ipod", 44_100, "s16p"),
        ("a.mka", "pcm_s16le", "matroska", 44_100, "s16"),
        ("a.avi", "pcm_s16le", "avi", 44_100, "s16"),
    ],
)
def test_other_containers(name: str, codec: str, container: str, rate: int, sample_format: str, tmp_path: Path) -> None:
    path = _encode(tmp_path / name, codec, container, [_click(60_000, rate=rate)], sample_format=sample_format)
    clip = read(path)
    assert (clip.frames, clip.channels, clip.sample_rate) == (100_000, 2, rate)
    assert np.abs(clip.samples[1]).argmax() == 60_000
    assert clip.peak == pytest.approx(0.8, abs=0.25)
    info = probe(path)
    assert abs(info.frames - 100_000) <= 0.01 * rate
    assert sum(block.frames for block in read_blocks(path, 4_444)) == 100_000


@pytest.mark.parametrize("container", ["webm", "matroska"])
def test_long_webm_begins_at_its_beginning(container: str, tmp_path: Path) -> None:
    """Found by benchmarks/audio_files.py: after seeking back to the start, FFmpeg drops the first Opus packet."""
    path = _encode(tmp_path / "a", "libopus", container, [_click(700, 960_000, 48_000)], sample_format="flt")
    for _ in range(2):
        clip = read(path)
        assert clip.frames == 960_000
        assert np.abs(clip.samples[0, :5_000]).argmax() == 700


def test_video_with_sound_gives_its_sound(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w") as output:
        video = output.add_stream("mpeg4", rate=5)
        video.width = video.height = 32
        video.pix_fmt = "yuv420p"
        audio = output.add_stream("aac", rate=44_100, layout="stereo")
        for _ in range(5):
            picture = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
            output.mux(video.encode(picture))
        frame = av.AudioFrame.from_ndarray(_click(20_000, 44_100).samples, format="fltp", layout="stereo")
        frame.sample_rate = 44_100
        frame.pts = 0
        output.mux(audio.encode(frame))
        output.mux(video.encode(None))
        output.mux(audio.encode(None))
    clip = read(path)
    assert clip.frames == 44_100
    assert np.abs(clip.samples[0]).argmax() == 20_000


def test_film_longer_than_its_sound_is_not_taken_for_damaged(tmp_path: Path) -> None:
    path = tmp_path / "film.mkv"
    with av.open(str(path), "w") as output:
        video = output.add_stream("mpeg4", rate=5)
        video.width = video.height = 32
        video.pix_fmt = "yuv420p"
        audio = output.add_stream("libopus", rate=48_000, layout="stereo")
        for _ in range(25):
            picture = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
            output.mux(video.encode(picture))
        samples = np.ascontiguousarray(_click(20_000, 48_000).samples.T).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(samples, format="flt", layout="stereo")
        frame.sample_rate, frame.pts = 48_000, 0
        output.mux(audio.encode(frame))
        output.mux(video.encode(None))
        output.mux(audio.encode(None))
    assert read(path).frames == pytest.approx(48_000, abs=960)


def test_cut_off_webm_is_refused(tmp_path: Path) -> None:
    noise = Clip(np.random.default_rng(0).uniform(-0.5, 0.5, (2, 240_000)).astype(np.float32), 48_000)
    path = _encode(tmp_path / "a.webm", "libopus", "webm", [noise], sample_format="flt")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(AudioReadError, match="damaged or cut off"):
        read(path)


@pytest.mark.parametrize("channels", range(1, 8))
def test_m4a_keeps_every_channel_in_its_place(channels: int, tmp_path: Path) -> None:
    time = np.arange(44_100) / 44_100
    hz = 60.0 if channels == 6 else 300.0  # the low-frequency channel of 5.1 holds nothing else
    clip = Clip(np.stack([0.5 * np.sin(2 * np.pi * hz * (k + 1) ** 0.5 * time) for k in range(channels)]), 44_100)
    again = read(write(tmp_path / "a.m4a", clip, bitrate=96_000 * channels))
    assert again.samples.shape == clip.samples.shape
    overlap = np.abs(again.samples @ clip.samples.T)
    assert overlap.argmax(axis=1).tolist() == list(range(channels))


def test_without_pyav_only_these_formats_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    m4a = write(tmp_path / "a.m4a", _click(5, 2_000))
    wav = write(tmp_path / "a.wav", _click(5, 2_000))
    rest = tmp_path / "b.mp3"
    rest.write_bytes(b"\1\2\3" + bytes(range(256)) * 10)
    for name in [name for name in sys.modules if name == "av" or name.startswith("av.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(MissingDependency, match="needs PyAV") as caught:
        read(m4a)
    assert "pip install" in caught.value.hint
    with pytest.raises(MissingDependency):
        write(tmp_path / "new.m4a", _click(5, 2_000))
    assert not (tmp_path / "new.m4a").exists()
    assert read(wav).frames == 2_000
    with pytest.raises(AudioReadError):
        read(rest)
