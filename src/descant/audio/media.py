"""Audio inside MP4, WebM, Matroska and rarer containers, through PyAV (the extra `media`).

PyAV is imported only when such a file is met. Frames are decoded from the start, since seeking in lossy streams is
not exact to the sample.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from descant.audio.clip import Samples
from descant.errors import AudioReadError, InvalidOption, MissingDependency, OutputError
from descant.files import input_error

if TYPE_CHECKING:
    from descant.audio.io import AudioInfo

_LAYOUTS = ("mono", "stereo", "3.0", "4.0", "5.0", "5.1", "6.1")
_BITRATE_PER_CHANNEL = 96_000
_EDIT_ROUNDING_S = Fraction(1, 1000)  # most MP4 writers round the length of the edit to a millisecond
_SHORTFALL_S = 0.1
_MOOV_BYTES = 1 << 24


def is_available() -> bool:
    """Whether PyAV is installed."""
    return importlib.util.find_spec("av") is not None


class MediaSource:
    """A file that PyAV reads; see `descant.audio.io.AudioSource`.

    Args:
        path: The file.
        stream: Which of its audio streams, from 0; None is the first.

    Raises:
        MissingDependency: PyAV is not installed.
        AudioReadError: The file is damaged, cut off, protected or has no audio.
        InvalidOption: It has no such stream.
    """

    def __init__(self, path: Path, stream: int | None) -> None:
        self._av = _import_av(path)
        self._path = path
        try:
            self._file = path.open("rb")
        except OSError as error:
            raise input_error(error, path) from error
        with ExitStack() as undo:
            undo.callback(self._file.close)
            _refuse_protected(self._file, path)
            self._container: Any = None
            self._stream: Any = None
            self._start(stream)
            self._end = self._edit_end()
            self.info = self._describe()
            undo.pop_all()

    def blocks(self, first: int, stop: int | None, block_frames: int) -> Iterator[Samples]:
        """See `descant.audio.io.AudioSource.blocks`."""
        held: list[Samples] = []
        count = position = 0
        for samples in self._decoded():
            begin, position = position, position + samples.shape[1]
            part = samples[:, max(0, first - begin) : None if stop is None else max(0, stop - begin)]
            held.append(part)
            count += part.shape[1]
            if count >= block_frames:
                joined = np.concatenate(held, axis=1)
                whole = count - count % block_frames
                for start in range(0, whole, block_frames):
                    yield np.ascontiguousarray(joined[:, start : start + block_frames])
                held, count = [joined[:, whole:]], count - whole
            if stop is not None and position >= stop:
                break
        else:
            self._check_length(position)
        if count:
            yield np.ascontiguousarray(np.concatenate(held, axis=1))

    def close(self) -> None:
        """Release the file."""
        self._container.close()
        self._file.close()

    def _decoded(self) -> Iterator[Samples]:
        """Everything the stream plays, without the encoder's padding at its end."""
        # Opened anew: after a seek back to the start some containers lose the first packet.
        self._start(self._number)
        rate = self.info.sample_rate
        with self._errors("decoded"):
            for frame in self._container.decode(self._stream):
                samples = _to_float(frame)
                if self._end is not None and frame.pts is not None:
                    samples = samples[:, : max(0, self._end - round(frame.pts * frame.time_base * rate))]
                if samples.shape[1]:
                    yield samples

    def _start(self, stream: int | None) -> None:
        """Open the container at its beginning and choose the stream."""
        if self._container is not None:
            self._container.close()
        self._file.seek(0)
        with self._errors("opened"):
            self._container = self._av.open(self._file, mode="r")
        self._stream = self._choose(stream)
        self._number = stream

    def _edit_end(self) -> int | None:
        """Frame at which an MP4's edit ends; None where the container says nothing exact.

        The edit's length is often rounded to a millisecond; where the last packet ends within a millisecond of it,
        the packet's end is exact.
        """
        stream = self._stream
        if "mp4" not in self._container.format.name or stream.duration is None:
            return None
        rate = stream.codec_context.sample_rate
        start = stream.start_time or 0
        edit_end = (start + stream.duration) * stream.time_base
        with self._errors("read"):
            self._container.seek(max(start, start + stream.duration - 1), stream=stream)
            ends = [
                (packet.pts + packet.duration) * stream.time_base
                for packet in self._container.demux(stream)
                if packet.pts is not None and packet.duration
            ]
        packet_end = max(ends, default=edit_end)
        exact = packet_end if abs(packet_end - edit_end) <= _EDIT_ROUNDING_S else edit_end
        return round(Fraction(exact) * int(rate))

    def _describe(self) -> AudioInfo:
        from descant.audio.io import AudioInfo

        stream = self._stream
        codec = stream.codec_context
        rate = int(codec.sample_rate)
        if self._end is not None:
            frames = self._end - round((stream.start_time or 0) * stream.time_base * rate)
        elif self._container.duration is not None and "matroska" in self._container.format.name:
            frames = round(Fraction(self._container.duration, self._av.time_base) * rate)
        else:
            # Bare streams state no length, or a guess from their bitrate.
            with self._errors("read"):
                frames = round(
                    sum(packet.duration or 0 for packet in self._container.demux(stream)) * stream.time_base * rate
                )
        return AudioInfo(
            path=self._path,
            format=_container_name(self._container.format.name, self._path),
            subtype=str(codec.name).upper(),
            sample_rate=rate,
            channels=len(codec.layout.channels),
            frames=frames,
            streams=len(self._container.streams.audio),
        )

    def _choose(self, stream: int | None) -> Any:
        streams = self._container.streams.audio
        if not streams:
            raise AudioReadError(f"{self._path} has no audio stream.", "Give a file with sound.")
        wanted = 0 if stream is None else stream
        if not 0 <= wanted < len(streams):
            raise InvalidOption(
                f"{self._path} has no audio stream {wanted}.", f"It has {len(streams)}, counted from 0."
            )
        chosen = streams[wanted]
        codec = chosen.codec_context
        if codec is None or not codec.sample_rate or not codec.layout.channels:
            raise AudioReadError(
                f"The audio in {self._path} is in a codec that PyAV cannot decode, or protected.",
                "Convert the file with the program that made it.",
            )
        return chosen

    def _check_length(self, decoded: int) -> None:
        if self._end is None and self._container.streams.video:
            return  # the length is the film's; its sound may end earlier
        missing = (self.info.frames - decoded) / self.info.sample_rate
        if missing > _SHORTFALL_S:
            raise AudioReadError(
                f"{self._path} is damaged or cut off: decoding ends after {decoded / self.info.sample_rate:.2f} s "
                f"of {self.info.duration_s:.2f} s.",
                "Copy or download it again.",
            )

    @contextmanager
    def _errors(self, action: str) -> Iterator[None]:
        try:
            yield
        except self._av.FFmpegError as error:
            raise AudioReadError(
                f"{self._path} cannot be {action}: {error.strerror or error}.",
                "It is damaged or cut off; get it again.",
            ) from error


class MediaSink:
    """Writes AAC in an M4A file whose length is exact to the sample.

    Args:
        path: An existing file, overwritten.
        sample_rate: In Hz; one that AAC knows.
        channels: 1 to 7.
        bitrate: Bits per second; None is 96 kbit/s per channel.
        comment: A text to keep in the file.
    """

    def __init__(self, path: Path, sample_rate: int, channels: int, bitrate: int | None, comment: str = "") -> None:
        self._av = _import_av(path)
        self._path = path
        self._rate = sample_rate
        self._position = 0
        self._layout = _LAYOUTS[channels - 1]
        self._file: BinaryIO = path.open("wb")
        # The length of the edit is counted in the movie's time scale: the sample rate makes it exact.
        options = {"movie_timescale": str(sample_rate)}
        self._container: Any = self._av.open(self._file, mode="w", format="ipod", options=options)
        if comment:
            self._container.metadata["comment"] = comment
        self._stream: Any = self._container.add_stream("aac", rate=sample_rate, layout=self._layout)
        self._stream.bit_rate = bitrate or _BITRATE_PER_CHANNEL * channels

    def write(self, interleaved: NDArray[np.generic]) -> None:
        """Append samples of shape [frames, channels]."""
        planes = np.ascontiguousarray(interleaved.T, np.float32)
        frame = self._av.AudioFrame.from_ndarray(planes, format="fltp", layout=self._layout)
        frame.sample_rate = self._rate
        frame.pts = self._position
        frame.time_base = Fraction(1, self._rate)
        self._position += planes.shape[1]
        self._mux(frame)

    def close(self, frames: int) -> None:
        """Finish the file and make sure that it holds `frames` frames."""
        self._mux(None)
        self._container.close()
        self._file.close()
        source = MediaSource(self._path, None)
        source.close()
        if source.info.frames != frames:
            raise OutputError(f"Only {source.info.frames} of {frames} frames were written.", "Check the disk.")

    def abandon(self) -> None:
        """Give up the file, which is about to be removed."""
        self._file.close()

    def _mux(self, frame: Any) -> None:
        for packet in self._stream.encode(frame):
            self._container.mux(packet)


def comment_of(path: Path) -> str:
    """The comment in a container that PyAV reads; empty if there is none."""
    av = _import_av(path)
    try:
        with av.open(str(path)) as container:
            return str(container.metadata.get("comment", ""))
    except av.FFmpegError as error:
        raise AudioReadError(f"{path} cannot be opened: {error.strerror or error}.", "Get it again.") from error


def _import_av(path: Path) -> ModuleType:
    try:
        import av
    except ImportError as error:
        raise MissingDependency(
            f"{path} needs PyAV, which is not installed.",
            "Run `pip install descant[media]`, or convert the file to WAV, FLAC, Ogg, Opus or MP3, which work without.",
        ) from error
    module: ModuleType = av
    return module


def _to_float(frame: Any) -> Samples:
    """A decoded frame as float32 [channels, frames], integers divided by their full scale."""
    values = frame.to_ndarray()
    if not frame.format.is_planar:
        values = values.reshape(-1, len(frame.layout.channels)).T
    if values.dtype == np.uint8:
        values = (values.astype(np.float32) - 128.0) / 128.0
    elif np.issubdtype(values.dtype, np.integer):
        values = values / float(1 << (8 * values.dtype.itemsize - 1))
    samples: Samples = values.astype(np.float32)
    return samples


def _container_name(names: str, path: Path) -> str:
    """One of PyAV's comma-separated names, the suffix's if it is among them."""
    known = names.split(",")
    suffix = path.suffix.lower().lstrip(".")
    if suffix in known:
        return suffix.upper()
    return ("mp4" if "mp4" in known else known[0]).upper()


def _refuse_protected(file: BinaryIO, path: Path) -> None:
    """Encrypted MP4 audio decodes to noise, so it is told by its sample entry before anything is decoded."""
    position = 0
    while True:
        file.seek(position)
        header = file.read(16)
        if len(header) < 8 or not header[4:8].isalnum():
            break
        size = int.from_bytes(header[:4], "big")
        if size == 1 and len(header) == 16:
            size = int.from_bytes(header[8:16], "big")
        if header[4:8] == b"moov":
            file.seek(position)
            content = file.read(min(size, _MOOV_BYTES) if size else _MOOV_BYTES)
            if b"sinf" in content and (b"drms" in content or b"enca" in content):
                raise AudioReadError(
                    f"{path} is protected against copying (DRM).", "Use a file without protection, or record it."
                )
            break
        if size < 8:
            break
        position += size
    file.seek(0)
