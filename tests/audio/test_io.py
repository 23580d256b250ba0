"""Reading and writing: what goes in comes out, at the same index, in every format, under every name."""

from __future__ import annotations

import struct
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from descant.audio.clip import Clip
from descant.audio.io import AudioWriter, probe, read, read_blocks, write
from descant.errors import AudioReadError, InvalidOption

INTEGERS = {"PCM_16": 16, "PCM_24": 24, "PCM_32": 32}


def _noise(channels: int = 2, frames: int = 20_000, sample_rate: int = 44_100, seed: int = 0) -> Clip:
    random = np.random.default_rng(seed)
    return Clip(random.uniform(-0.5, 0.5, (channels, frames)).astype(np.float32), sample_rate)


def _click(at: int, frames: int, sample_rate: int, channels: int = 2) -> Clip:
    samples = np.zeros((channels, frames), np.float32)
    samples[:, at] = 0.8
    return Clip(samples, sample_rate)


@pytest.mark.parametrize("sample_rate", [8_000, 11_025, 44_100, 48_000, 96_000, 192_000])
@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize(
    ("suffix", "subtype", "tolerance"),
    [
        (".wav", "PCM_U8", 2**-8),
        (".wav", "PCM_16", 2**-16),
        (".wav", "PCM_24", 2**-24),
        (".wav", "FLOAT", 0.0),
        (".flac", "PCM_16", 2**-16),
        (".flac", "PCM_24", 2**-24),
        (".aiff", "PCM_24", 2**-24),
    ],
)
def test_rate_depth_and_channels_are_kept(
    sample_rate: int, channels: int, suffix: str, subtype: str, tolerance: float, tmp_path: Path
) -> None:
    clip = _noise(channels, 3_000, sample_rate)
    info = probe(write(tmp_path / f"a{suffix}", clip, subtype=subtype))
    assert (info.sample_rate, info.channels, info.frames, info.subtype) == (sample_rate, channels, 3_000, subtype)
    assert info.duration_s == pytest.approx(3_000 / sample_rate)
    again = read(tmp_path / f"a{suffix}")
    assert np.abs(again.samples - clip.samples).max() <= tolerance * 1.0001


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".aiff", ".caf", ".ogg", ".opus", ".mp3", ".m4a"])
@pytest.mark.parametrize("sample_rate", [44_100, 48_000])
@pytest.mark.parametrize("frames", [1, 2, 1_000, 1_152, 20_001])
def test_length_and_onset_are_exact(suffix: str, sample_rate: int, frames: int, tmp_path: Path) -> None:
    clip = _click(frames // 2, frames, sample_rate)
    again = read(write(tmp_path / f"a{suffix}", clip), sample_rate=sample_rate)
    assert (again.frames, again.sample_rate, again.channels) == (frames, sample_rate, 2)
    if frames > 10_000:
        assert np.abs(again.samples[1]).argmax() == frames // 2


@pytest.mark.parametrize(("rate", "stored"), [(44_100, 48_000), (11_025, 12_000), (16_000, 16_000), (96_000, 48_000)])
def test_opus_stores_the_next_rate_it_knows(rate: int, stored: int, tmp_path: Path) -> None:
    info = probe(write(tmp_path / "a.opus", _noise(sample_rate=rate)))
    assert (info.sample_rate, info.frames, info.subtype) == (stored, round(20_000 * stored / rate), "OPUS")


@pytest.mark.parametrize("subtype", list(INTEGERS))
@given(seed=st.integers(0, 2**31))
def test_integer_audio_survives_reading_and_writing_bit_for_bit(
    tmp_path_factory: pytest.TempPathFactory, subtype: str, seed: int
) -> None:
    folder = tmp_path_factory.mktemp("bits")
    bits = min(INTEGERS[subtype], 24)  # float32 holds 24 bits
    steps = np.random.default_rng(seed).integers(-(2 ** (bits - 1)), 2 ** (bits - 1), (500, 2))
    steps[:2] = [[-(2 ** (bits - 1))] * 2, [2 ** (bits - 1) - 1] * 2]
    first, second = folder / "first.wav", folder / "second.wav"
    soundfile.write(first, (steps << (32 - bits)).astype(np.int32), 44_100, subtype=subtype)
    write(second, read(first), subtype=subtype)
    assert soundfile.read(second, dtype="int32")[0].tolist() == soundfile.read(first, dtype="int32")[0].tolist()


def test_other_readers_agree_on_gapless_mp3(tmp_path: Path) -> None:
    import av

    path = write(tmp_path / "a.mp3", _click(12_345, 44_100, 44_100))
    with av.open(str(path)) as container:
        decoded = np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)
    assert decoded.shape == (2, 44_100)
    assert np.abs(decoded[0]).argmax() == 12_345
    foreign, _ = soundfile.read(path)
    assert len(foreign) == 44_100


def test_mp3_of_another_encoder_is_read_gapless(tmp_path: Path) -> None:
    import av

    path = tmp_path / "foreign.mp3"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libmp3lame", rate=44_100, layout="stereo")
        frame = av.AudioFrame.from_ndarray(_click(12_345, 44_100, 44_100).samples, format="fltp", layout="stereo")
        frame.sample_rate = 44_100
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    clip = read(path)
    assert clip.frames == 44_100
    assert np.abs(clip.samples[0]).argmax() == 12_345


@pytest.mark.parametrize("source", [".wav", ".flac", ".aiff", ".ogg", ".opus", ".mp3", ".m4a"])
@pytest.mark.parametrize("name", ["song.mp3", "song.wav", "song.txt", "song.raw", "song", "song.m4a"])
def test_content_decides_not_the_suffix(source: str, name: str, tmp_path: Path) -> None:
    path = write(tmp_path / f"original{source}", _noise(frames=5_000, sample_rate=48_000))
    renamed = path.rename(tmp_path / "renamed" if name == "song" else tmp_path / name)
    assert read(renamed).frames == probe(renamed).frames == 5_000


NAMES = (
    "🎤 sing 🎶.flac",
    "歌ってみた。.flac",
    "نشيد.flac",
    "[live] (take #2) {x} & 'y'?.flac",
    "a:b|c*d<e>.flac",
    "-rf.flac",
    "concat:a.flac",
    "dot..flac",
    " spaces at both ends .flac",
    "é" * 122 + ".flac",
    "x" * 250 + ".flac",
)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("suffix", [".flac", ".m4a"])
def test_any_file_name(name: str, suffix: str, tmp_path: Path) -> None:
    name = name[: -len(".flac")] + suffix
    clip = _noise(frames=2_000)
    path = write(tmp_path / "ordner ü" / name, clip)
    assert path.name == name
    assert read(str(path)).frames == 2_000
    assert [p.name for p in path.parent.iterdir()] == [name]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows names are Unicode")
def test_name_that_is_not_unicode(tmp_path: Path) -> None:
    import os

    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.wav"))
    write(path, _noise(frames=100))
    assert read(path).frames == 100


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg", ".opus", ".mp3", ".m4a"])
def test_parts_and_blocks_equal_the_whole(suffix: str, tmp_path: Path) -> None:
    path = write(tmp_path / f"a{suffix}", _noise(frames=48_000, sample_rate=48_000))
    whole = read(path)
    part = read(path, start_s=0.25, end_s=0.75)
    np.testing.assert_array_equal(part.samples, whole.samples[:, 12_000:36_000])
    to_the_end = read(path, start_s=0.9, end_s=7.0)
    np.testing.assert_array_equal(to_the_end.samples, whole.samples[:, 43_200:])
    blocks = list(read_blocks(path, 7_000))
    assert [block.frames for block in blocks] == [7_000] * 6 + [6_000]
    np.testing.assert_array_equal(np.concatenate([b.samples for b in blocks], axis=1), whole.samples)


def test_read_converts_rate_and_channels(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", _click(22_050, 44_100, 44_100), subtype="FLOAT")
    clip = read(path, sample_rate=16_000, channels=1)
    assert (clip.channels, clip.frames, clip.sample_rate) == (1, 16_000, 16_000)
    assert np.abs(clip.samples[0]).argmax() == 8_000


@pytest.mark.parametrize(("start_s", "end_s"), [(-1.0, None), (0.5, 0.5), (0.6, 0.2), (9.0, None)])
def test_part_outside_the_file(start_s: float, end_s: float | None, tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", _noise())
    with pytest.raises(InvalidOption):
        read(path, start_s=start_s, end_s=end_s)


def test_only_one_stream_in_a_wav(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", _noise())
    assert read(path, stream=0).frames == 20_000
    with pytest.raises(InvalidOption, match="no audio stream 1"):
        read(path, stream=1)
    with pytest.raises(InvalidOption, match="Blocks of 0"):
        next(read_blocks(path, 0))


@pytest.mark.parametrize("stated", [0, 0xFFFF_FFFF, 0x7FFF_FFFF])
def test_wav_of_a_recorder_that_was_killed_is_read_to_its_end(stated: int, tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", _noise(), subtype="PCM_16")
    content = bytearray(path.read_bytes())
    content[40:44] = struct.pack("<I", stated)
    path.write_bytes(content)
    assert read(path).frames == 20_000


def test_flac_that_does_not_know_its_length(tmp_path: Path) -> None:
    path = write(tmp_path / "a.flac", _noise())
    content = bytearray(path.read_bytes())
    content[21] &= 0xF0
    content[22:26] = bytes(4)
    path.write_bytes(content)
    assert probe(path).frames == 20_000
    assert read(path).frames == 20_000
    assert sum(block.frames for block in read_blocks(path, 999)) == 20_000


@pytest.mark.parametrize("subtype", ["ULAW", "ALAW", "IMA_ADPCM", "MS_ADPCM", "GSM610"])
def test_rare_wav_codecs_are_read(subtype: str, tmp_path: Path) -> None:
    tone = 0.5 * np.sin(2 * np.pi * 200 * np.arange(8_000) / 8_000)
    soundfile.write(tmp_path / "a.wav", tone, 8_000, subtype=subtype)
    clip = read(tmp_path / "a.wav")
    assert clip.samples[0, :8_000] @ tone / (tone @ tone) == pytest.approx(1.0, abs=0.1)


def test_float_over_full_scale_is_kept_and_integers_clip_without_wrapping(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    hot = Clip(np.array([[1.5, -1.5, 1.0, -1.0, 0.25]], np.float32), 44_100)
    np.testing.assert_array_equal(read(write(tmp_path / "f.wav", hot, subtype="FLOAT")).samples, hot.samples)
    assert not caplog.records
    for suffix, subtype, bits in ((".wav", "PCM_U8", 8), (".wav", "PCM_16", 16), (".flac", "PCM_24", 24)):
        caplog.clear()
        step = 2.0 ** (1 - bits)
        samples = read(write(tmp_path / f"i{suffix}", hot, subtype=subtype)).samples
        np.testing.assert_allclose(samples, [[1 - step, -1, 1 - step, -1, 0.25]])
        assert "2 samples beyond full scale were clipped" in caplog.text


@pytest.mark.parametrize("bitrate", [64_000, 128_000])
@pytest.mark.parametrize("tagged", [0, 4_096])
def test_mp3_without_a_length_is_counted_not_guessed(bitrate: int, tagged: int, tmp_path: Path) -> None:
    """As old encoders write them: no Xing frame, but pictures and titles in front that mislead a guess."""
    content = write(tmp_path / "a.mp3", _noise(frames=100_000), bitrate=bitrate).read_bytes()
    second_frame = content.index(content[:2], 4)
    front = b"ID3\x02\0\0" + bytes([0, 0, tagged >> 7, tagged & 0x7F]) + bytes(tagged) if tagged else b""
    path = tmp_path / "old.mp3"
    path.write_bytes(front + content[second_frame:])
    clip = read(path)
    assert probe(path).frames == clip.frames == sum(block.frames for block in read_blocks(path, 9_999))
    assert 100_000 <= clip.frames <= 100_000 + 3 * 1_152
    late = read(path, start_s=1.0)
    np.testing.assert_array_equal(late.samples, clip.samples[:, 44_100:])


def test_streamed_reading_and_writing_need_memory_for_blocks_only(tmp_path: Path) -> None:
    def peak(seconds: int) -> int:
        path, copy = tmp_path / f"{seconds}.wav", tmp_path / f"{seconds}.flac"
        block = _noise(frames=44_100)
        with AudioWriter(path, 44_100, 2) as writer:
            for _ in range(seconds):
                writer.write(block)
        tracemalloc.start()
        with AudioWriter(copy, 44_100, 2) as writer:
            for part in read_blocks(path, 1 << 14):
                writer.write(part)
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert probe(copy).frames == seconds * 44_100
        return used

    peak(1)
    assert peak(20) < 1.1 * peak(2)


def test_damage_in_the_middle_is_reported_with_its_place(tmp_path: Path) -> None:
    path = write(tmp_path / "a.flac", _noise(frames=100_000))
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 2_000] = bytes(2_000)
    path.write_bytes(content)
    with pytest.raises(AudioReadError, match=r"damaged or cut off: decoding ends after [01]\.\d\d s of 2\.27 s"):
        read(path)
