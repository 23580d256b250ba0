"""Reading and writing audio files: `probe`, `read`, `read_blocks`, `write`.

A file is recognised by its content, so a renamed one still opens. Samples come back as float32, integers divided by
their full scale; nothing is normalised, clipped or faded. WAV, FLAC, AIFF, CAF, Ogg Vorbis, Opus and MP3 are read by
libsndfile, MP4, WebM and the rest by PyAV if it is installed.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import soundfile

from descant.audio.clip import MAX_SAMPLE_RATE, MIN_SAMPLE_RATE, Clip, Samples
from descant.audio.formats import AUDIO_SUFFIXES, Content, Reader, recognise
from descant.audio.resample import resample
from descant.audio.truncation import missing_bytes, states_mp3_length
from descant.audio.writer import AudioWriter
from descant.errors import AudioReadError, InputNotFound, InvalidAudio, InvalidOption, UnsupportedFormat
from descant.files import PathLike, as_path, input_error

__all__ = ["AudioInfo", "AudioWriter", "probe", "read", "read_blocks", "write"]

_BLOCK_FRAMES = 1 << 18
_HEADER_SLACK_BYTES = 64  # recorders that count their own header into the data
_MP3_SLACK_FRAMES = 2 * 1152  # a last MPEG frame cut short loses no more than this
_MP3_SLACK_BYTES = 2 * 1441  # the same in bytes at the highest bitrate
_LARGEST_HEADER_BYTES = 4096
_UNKNOWN_FRAMES = 1 << 48  # libsndfile reports 2^63 - 1 for a stream of unknown length
_READABLE = "Descant reads WAV, FLAC, AIFF, CAF, Ogg Vorbis, Opus, MP3 and, with PyAV, M4A, MP4, WebM."


@dataclass(frozen=True, slots=True)
class AudioInfo:
    """What a file holds, read from its header.

    Attributes:
        path: The file.
        format: Container ("WAV", "OGG", "MP4").
        subtype: Sample format or codec ("PCM_24", "OPUS", "AAC").
        sample_rate: Frames per second.
        channels: Channel count.
        frames: Length in frames; for some media containers an estimate within a millisecond.
        streams: How many audio streams the file has (`read` takes the first unless told otherwise).
    """

    path: Path
    format: str
    subtype: str
    sample_rate: int
    channels: int
    frames: int
    streams: int = 1

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.frames / self.sample_rate


class AudioSource(Protocol):
    """An open file that decodes block by block."""

    @property
    def info(self) -> AudioInfo:
        """What the file holds."""

    def blocks(self, first: int, stop: int | None, block_frames: int) -> Iterator[Samples]:
        """Samples of the frames `first` to `stop`, shape [channels, n]; n is `block_frames` but in the last one."""

    def close(self) -> None:
        """Release the file."""


def probe(path: PathLike, *, stream: int | None = None) -> AudioInfo:
    """What an audio file holds, without decoding it.

    Args:
        path: Any audio file.
        stream: Which audio stream of a container to describe, from 0; None is the first.

    Raises:
        InputNotFound: There is no such file, or it is a folder.
        AudioReadError: The file is empty, damaged, cut off, or not audio.
        UnsupportedFormat: Its format is unknown.
        MissingDependency: Its format needs PyAV.
    """
    with closing(_open(as_path(path), stream)) as source:
        return source.info


def read(
    path: PathLike,
    *,
    sample_rate: int | None = None,
    channels: int | None = None,
    start_s: float = 0.0,
    end_s: float | None = None,
    stream: int | None = None,
) -> Clip:
    """Read a file, or a part of it, as a clip.

    Args:
        path: Any audio file.
        sample_rate: Rate to convert to, in Hz; None keeps the file's. (Opus files carry 48 kHz whatever was encoded,
            and are returned at the rate in their header.)
        channels: Channel count to convert to (see `Clip.to_channels`); None keeps the file's.
        start_s: Where to begin, in seconds.
        end_s: Where to end, in seconds; None or a time past the end reads to the end.
        stream: Which audio stream of a container, from 0; None is the first.

    Raises:
        InvalidAudio: The file has no samples, or NaN or infinite ones.
        InvalidOption: The part lies outside the file.
        DescantError: As for `probe`.

    Example:
        >>> clip = read("song.flac", sample_rate=22_050, channels=1)  # doctest: +SKIP
    """
    if start_s < 0 or (end_s is not None and end_s <= start_s):
        raise InvalidOption(f"There is nothing between {start_s} s and {end_s} s.", "Give a start before the end.")
    with closing(_open(as_path(path), stream)) as source:
        info = source.info
        first = round(start_s * info.sample_rate)
        stop = None if end_s is None else round(end_s * info.sample_rate)
        blocks = list(source.blocks(first, stop, _BLOCK_FRAMES))
    if not blocks:
        if start_s > 0:
            raise InvalidOption(f"{info.path} ends before {start_s} s.", f"It lasts {info.duration_s:.3f} s.")
        raise InvalidAudio(f"{info.path} holds no audio: its length is zero.", "Record or export it again.")
    clip = _clip(np.concatenate(blocks, axis=1), info, first)
    if channels is not None:
        clip = clip.to_channels(channels)
    return clip if sample_rate is None else resample(clip, sample_rate)


def read_blocks(path: PathLike, block_frames: int, *, stream: int | None = None) -> Iterator[Clip]:
    """Read a file of any length in bounded memory, at its own rate.

    Args:
        path: Any audio file.
        block_frames: Frames per block.
        stream: Which audio stream of a container, from 0; None is the first.

    Yields:
        Clips of `block_frames` frames; only the last may be shorter.

    Raises:
        DescantError: As for `read`.
    """
    if block_frames < 1:
        raise InvalidOption(f"Blocks of {block_frames} frames are impossible.", "Use at least 1.")
    with closing(_open(as_path(path), stream)) as source:
        position = 0
        for block in source.blocks(0, None, block_frames):
            yield _clip(block, source.info, position)
            position += block.shape[1]
        if position == 0:
            raise InvalidAudio(f"{source.info.path} holds no audio: its length is zero.", "Record or export it again.")


def write(
    path: PathLike, clip: Clip, *, subtype: str | None = None, bitrate: int | None = None, comment: str = ""
) -> Path:
    """Write a clip; the suffix decides the format. See `AudioWriter` for what happens to the samples.

    Args:
        path: Target; parent folders are created, and an existing file is replaced only when the new one is whole.
        clip: What to write; at least one frame.
        subtype: Sample format or codec ("PCM_16", "PCM_24", "FLOAT", "OPUS"); None is the format's default.
        bitrate: Bits per second of a lossy codec, for instance 192_000; None is its default.
        comment: A text to keep in the file.

    Returns:
        The path.

    Raises:
        OutputError: The disk is full, the path is a folder, the file would be too long for the format.
        PermissionRefused: The folder may not be written to.
        UnsupportedFormat: The suffix is unknown or cannot hold so many channels.
        InvalidOption: The format has no such subtype or bitrate.
    """
    target = as_path(path)
    rate, channels = clip.sample_rate, clip.channels
    with AudioWriter(
        target, rate, channels, subtype=subtype, bitrate=bitrate, frames=clip.frames, comment=comment
    ) as writer:
        for start in range(0, clip.frames, _BLOCK_FRAMES):
            writer.write(Clip(clip.samples[:, start : start + _BLOCK_FRAMES], clip.sample_rate))
    return target


def _clip(samples: Samples, info: AudioInfo, position: int) -> Clip:
    bad = ~np.isfinite(samples)
    if bad.any():
        second = (position + int(bad.any(axis=0).argmax())) / info.sample_rate
        raise InvalidAudio(
            f"{info.path} holds NaN or infinite samples, the first at {second:.3f} s.",
            "Export it again from the program that made it.",
        )
    return Clip(samples, info.sample_rate)


def _open(path: Path, stream: int | None) -> AudioSource:
    source = _opened(path, stream)
    if not MIN_SAMPLE_RATE <= source.info.sample_rate <= MAX_SAMPLE_RATE:
        source.close()
        raise InvalidAudio(
            f"{path} claims a sample rate of {source.info.sample_rate} Hz, which is impossible.",
            "Its header is damaged: export it again, or correct the rate in an audio editor.",
        )
    return source


def _opened(path: Path, stream: int | None) -> AudioSource:
    content = _recognise(path)
    if content.reader is Reader.NONE:
        raise AudioReadError(f"{path} is {content.what}, not audio.", "Give an audio file.")
    if content.reader is not Reader.MEDIA:
        try:
            source = SoundFileSource(path)
        except soundfile.LibsndfileError as error:
            return _open_otherwise(path, content, stream, error)
        if source.knows_its_length:
            if stream in {None, 0}:
                return source
            source.close()
            raise InvalidOption(f"{path} has no audio stream {stream}.", "It has one, number 0.")
        source.close()
    from descant.audio.media import MediaSource

    return MediaSource(path, stream)


def _open_otherwise(path: Path, content: Content, stream: int | None, error: soundfile.LibsndfileError) -> AudioSource:
    """What libsndfile cannot open, PyAV may: WAV with a rare codec, Ogg with video, headerless MPEG."""
    from descant.audio.media import MediaSource, is_available

    with suppress(AudioReadError):  # libsndfile's reason is told below
        if is_available():
            return MediaSource(path, stream)
    if content.reader is Reader.SOUNDFILE:
        raise AudioReadError(
            f"{path} is {content.what} but cannot be decoded: {error.error_string.rstrip('.')}.",
            "It is damaged or cut off; get it again.",
        ) from error
    if path.suffix.lower() in AUDIO_SUFFIXES:
        raise AudioReadError(
            f"{path} is not the audio its name promises: its content is {content.what}.", _READABLE
        ) from error
    raise UnsupportedFormat(f"{path} is {content.what}.", _READABLE) from error


def _recognise(path: Path) -> Content:
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise InputNotFound(f"{path} is a folder, not a file.", "Name an audio file inside it.")
        if not stat.S_ISREG(status.st_mode):
            raise InputNotFound(f"{path} is a pipe or device, not a file.", "Save the audio to a file first.")
        with path.open("rb") as file:
            head = file.read(512)
            if not head:
                raise AudioReadError(f"{path} is empty (0 bytes).", "Record, export or download it again.")
            content = recognise(head)
            file.seek(0)
            missing = missing_bytes(file)
    except OSError as error:
        raise input_error(error, path) from error
    is_mp3 = content.what == "an MP3 file"
    if missing > (min(_MP3_SLACK_BYTES, status.st_size // 10) if is_mp3 else _HEADER_SLACK_BYTES):
        raise AudioReadError(
            f"{path} is cut off: at least {missing} bytes are missing at its end.",
            "Copy or download it again, or repair its header in an audio editor.",
        )
    return content


class SoundFileSource:
    """A file that libsndfile reads."""

    def __init__(self, path: Path) -> None:
        # Through a descriptor, so that libsndfile sees the content only, never the suffix.
        try:
            self._descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        except OSError as error:
            raise input_error(error, path) from error
        with ExitStack() as undo:
            undo.callback(os.close, self._descriptor)
            self._file = soundfile.SoundFile(self._descriptor, closefd=False)
            undo.pop_all()
        self._path = path
        self._frames = int(self._file.frames)
        if self._file.format == "MP3":
            self._count_if_unstated()
        self.info = AudioInfo(
            path=path,
            format=self._file.format.replace("WAVEX", "WAV"),
            subtype=self._file.subtype,
            sample_rate=int(self._file.samplerate),
            channels=int(self._file.channels),
            frames=self._frames,
        )

    @property
    def knows_its_length(self) -> bool:
        """False for a stream, or where a recorder was killed before it could fill in the length."""
        if self._frames == 0 and self.info.format == "WAV":
            return self._path.stat().st_size <= _LARGEST_HEADER_BYTES
        return self._frames < _UNKNOWN_FRAMES

    def blocks(self, first: int, stop: int | None, block_frames: int) -> Iterator[Samples]:
        """See `AudioSource.blocks`."""
        promised = self._frames if stop is None else min(stop, self._frames)
        try:
            position = self._file.seek(min(first, self._frames)) if first else 0
            while position < promised:
                block = self._file.read(min(block_frames, promised - position), dtype="float32", always_2d=True)
                if not len(block):
                    break
                position += len(block)
                yield np.ascontiguousarray(block.T)
        except soundfile.LibsndfileError as error:
            raise self._damaged(position) from error
        slack = _MP3_SLACK_FRAMES if self._file.format == "MP3" else 0
        if promised - position > slack:
            raise self._damaged(position)

    def close(self) -> None:
        """Release the file."""
        self._file.close()
        os.close(self._descriptor)

    def _count_if_unstated(self) -> None:
        """An MP3 without a length tag is decoded once to count its frames: what libsndfile reports is a guess."""
        with self._path.open("rb") as file:
            if states_mp3_length(file):
                return
        frames = 0
        with suppress(soundfile.LibsndfileError):  # damage is reported where the samples are read
            while count := len(self._file.read(_BLOCK_FRAMES, dtype="float32")):
                frames += count
        self._frames = frames
        self._file.seek(0)

    def _damaged(self, position: int) -> AudioReadError:
        rate = int(self._file.samplerate)
        return AudioReadError(
            f"{self._path} is damaged or cut off: decoding ends after {position / rate:.2f} s "
            f"of {self._frames / rate:.2f} s.",
            "Copy or download it again.",
        )
