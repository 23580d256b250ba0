"""The error table of audio files: what happens, what is said, and that nothing is touched or half-written."""

from __future__ import annotations

import os
import resource
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import hostile_files as hostile
import numpy as np
import pytest

from descant.audio.clip import Clip
from descant.audio.io import AudioWriter, probe, read, read_blocks, write
from descant.errors import (
    AudioReadError,
    DescantError,
    InputNotFound,
    InvalidAudio,
    InvalidOption,
    OutputError,
    OutputIsInput,
    PermissionRefused,
    UnsupportedFormat,
)
from descant.files import require_distinct

Snapshot = dict[str, tuple[int, bytes]]


@dataclass(frozen=True)
class Broken:
    """An input, and how it must be refused."""

    make: hostile.Maker
    error: type[DescantError]
    says: str
    probes: bool = False  # the header is fine: only the samples are not

    @property
    def id(self) -> str:
        return f"{self.make.__name__} {self.says}"


INPUTS = (
    Broken(hostile.missing, InputNotFound, "does not exist"),
    Broken(hostile.a_folder, InputNotFound, "is a folder"),
    Broken(hostile.named_pipe, InputNotFound, "is a pipe or device"),
    Broken(hostile.empty, AudioReadError, "is empty (0 bytes)"),
    Broken(hostile.text_renamed, AudioReadError, "is text, not audio"),
    Broken(hostile.web_page, AudioReadError, "is a web page, not audio"),
    Broken(hostile.midi_renamed, AudioReadError, "is a MIDI file, not audio"),
    Broken(hostile.picture, AudioReadError, "is a PNG picture, not audio"),
    Broken(hostile.noise_named_mp3, AudioReadError, "is not the audio its name promises"),
    Broken(hostile.unknown_format, UnsupportedFormat, "of no known format"),
    Broken(hostile.header_only, AudioReadError, "cannot be decoded"),
    Broken(hostile.truncated("WAV", "PCM_16", ".wav"), AudioReadError, "bytes are missing at its end"),
    Broken(hostile.truncated("RF64", "PCM_16", ".rf64"), AudioReadError, "bytes are missing at its end"),
    Broken(hostile.truncated("AIFF", "PCM_16", ".aiff", 0.99), AudioReadError, "bytes are missing at its end"),
    Broken(hostile.truncated("OGG", "VORBIS", ".ogg"), AudioReadError, "bytes are missing at its end"),
    Broken(hostile.truncated("OGG", "OPUS", ".opus"), AudioReadError, "bytes are missing at its end"),
    Broken(hostile.truncated("FLAC", "PCM_16", ".flac"), AudioReadError, "damaged or cut off", probes=True),
    Broken(hostile.truncated("MP3", "MPEG_LAYER_III", ".mp3"), AudioReadError, "bytes are missing at its end"),
    Broken(hostile.truncated_m4a, AudioReadError, "cannot be opened"),
    Broken(hostile.protected, AudioReadError, "protected against copying"),
    Broken(hostile.video_without_sound, AudioReadError, "has no audio stream"),
    Broken(hostile.with_nan, InvalidAudio, "NaN or infinite samples, the first at 0.500 s", probes=True),
    Broken(hostile.with_infinity, InvalidAudio, "NaN or infinite samples, the first at 1.000 s", probes=True),
    Broken(hostile.no_frames, InvalidAudio, "its length is zero", probes=True),
    Broken(hostile.impossible_rate, InvalidAudio, "claims a sample rate of 7 Hz, which is impossible"),
)


def _snapshot(folder: Path) -> Snapshot:
    def content(path: Path) -> bytes:
        return path.read_bytes() if stat.S_ISREG(path.stat().st_mode) else b""

    return {str(path): (path.stat().st_mode, content(path)) for path in sorted(folder.rglob("*"))}


def _check(error: DescantError, says: str) -> None:
    assert says in error.message
    assert error.hint, f"no hint: {error.message}"
    assert "\n" not in error.message + error.hint
    assert error.message.endswith("."), error.message


@pytest.mark.parametrize("case", INPUTS, ids=lambda case: case.id)
@pytest.mark.parametrize(
    "action", [read, probe, lambda path: list(read_blocks(path, 1_000))], ids=["read", "probe", "blocks"]
)
def test_broken_input(case: Broken, action: Callable[[Path], object], tmp_path: Path) -> None:
    path = case.make(tmp_path)
    before = _snapshot(tmp_path)
    if action is probe and case.probes:
        assert probe(path).path == path
    else:
        with pytest.raises(case.error) as caught:
            action(path)
        assert type(caught.value) is case.error
        _check(caught.value, case.says)
        assert path.name in caught.value.message
    assert _snapshot(tmp_path) == before


TONE = Clip(np.random.default_rng(0).uniform(-0.5, 0.5, (2, 60_000)).astype(np.float32), 44_100)


def _file_in_the_way(folder: Path) -> Path:
    (folder / "file").write_text("mine")
    return folder / "file" / "out.wav"


def _folder_there(folder: Path) -> Path:
    (folder / "out.wav").mkdir()
    return folder / "out.wav"


OUTPUTS: tuple[tuple[str, Callable[[Path], Path], dict[str, object], Clip, type[DescantError], str], ...] = (
    ("folder", _folder_there, {}, TONE, OutputError, "is a folder"),
    ("file in the way", _file_in_the_way, {}, TONE, OutputError, "a part of its path is a file"),
    ("long name", lambda f: f / ("x" * 300 + ".wav"), {}, TONE, OutputError, "name is too long"),
    ("unknown suffix", lambda f: f / "out.xyz", {}, TONE, UnsupportedFormat, ".xyz files are not supported"),
    ("no suffix", lambda f: f / "out", {}, TONE, UnsupportedFormat, "without a suffix"),
    ("subtype", lambda f: f / "out.flac", {"subtype": "FLOAT"}, TONE, InvalidOption, "cannot hold"),
    ("bitrate in kbit", lambda f: f / "out.mp3", {"bitrate": 192}, TONE, InvalidOption, "192 bit/s is impossible"),
    ("bitrate of PCM", lambda f: f / "out.wav", {"bitrate": 192_000}, TONE, InvalidOption, "no bitrate"),
    ("six channels", lambda f: f / "o.mp3", {}, TONE.to_channels(6), UnsupportedFormat, "at most 2 channels"),
    ("nine channels", lambda f: f / "o.flac", {}, TONE.to_channels(9), UnsupportedFormat, "at most 8 channels"),
    ("no frames", lambda f: f / "out.wav", {}, Clip.silence(0, 44_100), InvalidAudio, "there is no audio in it"),
    ("NUL in name", lambda f: Path(f"{f}/a\0b.wav"), {}, TONE, InvalidOption, "is not a file name"),
)


@pytest.mark.parametrize(("name", "make", "options", "clip", "error", "says"), OUTPUTS, ids=[row[0] for row in OUTPUTS])
def test_refused_output(
    name: str,
    make: Callable[[Path], Path],
    options: dict[str, object],
    clip: Clip,
    error: type[DescantError],
    says: str,
    tmp_path: Path,
) -> None:
    target = make(tmp_path)
    before = _snapshot(tmp_path)
    with pytest.raises(error) as caught:
        write(target, clip, **options)  # type: ignore[arg-type]
    assert type(caught.value) is error
    _check(caught.value, says)
    assert _snapshot(tmp_path) == before


@contextmanager
def _largest_file(size: int) -> Iterator[None]:
    """The closest to a full disk that needs no privileges: writing beyond `size` bytes fails."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".aiff", ".ogg", ".opus", ".mp3", ".m4a"])
@pytest.mark.parametrize("size", [0, 10, 5_000])
def test_full_disk(suffix: str, size: int, tmp_path: Path) -> None:
    target = tmp_path / f"song{suffix}"
    target.write_text("an older take")
    before = _snapshot(tmp_path)
    with _largest_file(size), pytest.raises(OutputError) as caught:
        write(target, TONE)
    _check(caught.value, "disk is full")
    assert target.name in caught.value.message
    assert _snapshot(tmp_path) == before


def test_disk_that_fills_up_only_at_the_last_byte(tmp_path: Path) -> None:
    for suffix in (".wav", ".flac", ".ogg", ".opus", ".mp3", ".m4a"):
        whole = write(tmp_path / f"a{suffix}", TONE).stat().st_size
        with _largest_file(whole - 1), pytest.raises(OutputError):
            write(tmp_path / f"b{suffix}", TONE)
        assert not (tmp_path / f"b{suffix}").exists()


@pytest.mark.parametrize("number", ["EACCES", "EROFS", "EPERM"])
def test_read_only_folder(number: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import errno

    def refuse(*_: object, **__: object) -> int:
        raise OSError(getattr(errno, number), os.strerror(getattr(errno, number)), "out")

    monkeypatch.setattr("descant.files.os.open", refuse)
    with pytest.raises(PermissionRefused) as caught:
        write(tmp_path / "new" / "folder" / "out.wav", TONE)
    _check(caught.value, "cannot be written")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read and write everywhere")
def test_folder_and_file_without_permission(tmp_path: Path) -> None:
    song = hostile.tone_file(tmp_path / "song.wav")
    song.chmod(0)
    with pytest.raises(PermissionRefused, match="cannot be read"):
        read(song)
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionRefused, match="cannot be written"):
        write(tmp_path / "out.wav", TONE)
    tmp_path.chmod(0o700)


def test_unreadable_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    song = hostile.tone_file(tmp_path / "song.wav")

    def refuse(*_: object, **__: object) -> object:
        raise PermissionError(13, "Permission denied", str(song))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(PermissionRefused) as caught:
        read(song)
    _check(caught.value, "cannot be read")


@pytest.mark.parametrize("failure", [KeyboardInterrupt, ValueError, MemoryError])
@pytest.mark.parametrize("suffix", [".wav", ".flac", ".opus", ".mp3", ".m4a"])
def test_interrupted_writing_leaves_nothing(failure: type[BaseException], suffix: str, tmp_path: Path) -> None:
    target = tmp_path / "new" / f"song{suffix}"
    with pytest.raises(failure), AudioWriter(target, 44_100, 2) as writer:  # noqa: PT012
        writer.write(TONE)
        raise failure
    assert list(tmp_path.iterdir()) == []


def test_output_over_input_is_refused_through_links_too(tmp_path: Path) -> None:
    song = hostile.tone_file(tmp_path / "song.wav")
    link = tmp_path / "link.wav"
    link.symlink_to(song)
    for target in (song, tmp_path / "x" / ".." / "song.wav", link):
        (tmp_path / "x").mkdir(exist_ok=True)
        with pytest.raises(OutputIsInput) as caught:
            require_distinct(song, target)
        _check(caught.value, "would overwrite the input")
    require_distinct(song, tmp_path / "other.wav")


def test_writing_over_the_file_that_was_read_is_whole(tmp_path: Path) -> None:
    song = write(tmp_path / "song.wav", TONE, subtype="FLOAT")
    write(song, read(song).gain(-6.0), subtype="FLOAT")
    np.testing.assert_allclose(read(song).samples, TONE.gain(-6.0).samples)
