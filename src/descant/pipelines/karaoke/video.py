"""Encoding: the same frames and sound into MP4 (H.264, AAC) and WebM (VP9, Opus), frame by frame through PyAV."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any, Self

import numpy as np

from descant.audio.clip import Clip
from descant.audio.resample import Resampler
from descant.errors import InvalidOption, MissingDependency, OutputError
from descant.files import output_error
from descant.pipelines.karaoke.pixels import Planes
from descant.progress import Monitor

AUDIO_RATE = 48_000
"""What AAC and Opus both know; sound of other rates is converted."""

_AUDIO_BITRATE = 192_000
_KEY_FRAME_S = 4
_BT709, _LIMITED = 1, 1
_SMALLEST, _LARGEST = 64, 4096  # 4K; memory and time grow with the pixels


@dataclass(frozen=True, slots=True)
class Codec:
    """An encoder of pictures and how it is set.

    Attributes:
        name: PyAV's.
        options: Its options.
    """

    name: str
    options: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Container:
    """A kind of file.

    Attributes:
        name: Its suffix without the dot.
        video: Encoders to try in order; which ones there are differs between builds of PyAV.
        audio: The encoder of its sound.
        options: Of the container.
    """

    name: str
    video: tuple[Codec, ...]
    audio: str
    options: Mapping[str, str]


# Presets by measurement (benchmarks/karaoke.py): letters on a still ground gain little from slower ones.
CONTAINERS = {
    "mp4": Container(
        "mp4",
        (
            Codec("libx264", {"preset": "veryfast", "tune": "animation", "crf": "20"}),
            Codec("libopenh264", {"b": "6M"}),
            Codec("h264", {"b": "6M"}),
            Codec("mpeg4", {"qscale": "3"}),
        ),
        "aac",
        {"movflags": "faststart"},
    ),
    "webm": Container(
        "webm",
        (
            Codec("libvpx-vp9", {"deadline": "realtime", "cpu-used": "8", "crf": "30", "b": "0", "row-mt": "1"}),
            Codec("libvpx", {"deadline": "realtime", "cpu-used": "8", "crf": "10", "b": "6M"}),
        ),
        "libopus",
        {},
    ),
}
"""Kinds of video files by suffix."""


@dataclass(frozen=True, slots=True)
class Screen:
    """The size of a video.

    Attributes:
        width: In pixels, even.
        height: In pixels, even.
        fps: Frames per second.
    """

    width: int = 1920
    height: int = 1080
    fps: int = 30

    def __post_init__(self) -> None:
        if not all(_SMALLEST <= side <= _LARGEST and side % 2 == 0 for side in (self.width, self.height)):
            raise _impossible(self.width, self.height)
        if not 1 <= self.fps <= 120:
            raise InvalidOption(f"{self.fps} frames per second are not possible.", "Choose 1 to 120, for instance 30.")

    @classmethod
    def parse(cls, size: str, fps: int = 30) -> Screen:
        """A screen of "1920x1080" or "720p"; odd numbers lose their last pixel, which video cannot hold.

        Raises:
            InvalidOption: It is no size.
        """
        text = size.strip().lower().replace("×", "x")
        try:
            if text.endswith("p"):
                height = int(text[:-1])
                width = round(height * 16 / 9)
            else:
                width, height = (int(part) for part in text.split("x"))
        except ValueError as error:
            raise InvalidOption(f"{size!r} is not the size of a video.", 'Write "1920x1080" or "720p".') from error
        if min(width, height) < _SMALLEST or max(width, height) > _LARGEST:
            raise _impossible(width, height)
        return cls(width // 2 * 2, height // 2 * 2, fps)


def _impossible(width: int, height: int) -> InvalidOption:
    return InvalidOption(
        f"A video of {width}x{height} pixels is not possible.",
        f"Choose even numbers from {_SMALLEST} to {_LARGEST}, for instance 1920x1080.",
    )


def require_av() -> ModuleType:
    """PyAV.

    Raises:
        MissingDependency: It is not installed.
    """
    try:
        import av
    except ImportError as error:
        raise MissingDependency("The karaoke video needs PyAV.", "Run `pip install descant[karaoke]`.") from error
    module: ModuleType = av
    return module


class VideoFile:
    """A video file that is being written.

    Args:
        path: An existing file, overwritten.
        container: Its kind.
        screen: Its size.
        title: Kept in the file.

    Raises:
        MissingDependency: PyAV is not installed, or has no encoder for this kind.
    """

    def __init__(self, path: Path, container: Container, screen: Screen, *, title: str = "") -> None:
        self._av = require_av()
        codec = _first_codec(self._av, container)
        self._path = path
        self._container: Any = self._av.open(str(path), "w", format=container.name, options=dict(container.options))
        if title:
            self._container.metadata["title"] = title
        video: Any = self._container.add_stream(codec.name, rate=screen.fps)
        video.width, video.height, video.pix_fmt = screen.width, screen.height, "yuv420p"
        video.options = dict(codec.options)
        context = video.codec_context
        context.time_base = Fraction(1, screen.fps)
        context.gop_size = _KEY_FRAME_S * screen.fps
        context.thread_count = max(1, min(os.cpu_count() or 1, 8))
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        context.color_range = _LIMITED
        self._video = video
        self._audio: Any = self._container.add_stream(container.audio, rate=AUDIO_RATE, layout="stereo")
        self._audio.bit_rate = _AUDIO_BITRATE
        self._heard = 0

    def show(self, frame: Any) -> None:
        """Append a frame, which has its time."""
        self._mux(self._video, frame)

    def hear(self, clip: Clip) -> None:
        """Append sound: stereo at `AUDIO_RATE`."""
        if not clip.frames:
            return
        sound = self._av.AudioFrame.from_ndarray(np.ascontiguousarray(clip.samples), format="fltp", layout="stereo")
        sound.sample_rate = AUDIO_RATE
        sound.pts = self._heard
        sound.time_base = Fraction(1, AUDIO_RATE)
        self._heard += clip.frames
        self._mux(self._audio, sound)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            for stream in (self._video, self._audio):
                self._mux(stream, None)
        self._container.close()

    def _mux(self, stream: Any, frame: Any) -> None:
        try:
            for packet in stream.encode(frame):
                self._container.mux(packet)
        except self._av.FFmpegError as error:
            if isinstance(error, OSError) and error.errno and error.errno > 0:
                raise output_error(error, self._path) from error
            raise OutputError(
                f"{self._path} cannot be encoded: {error.strerror or error}.", "Try another size."
            ) from error


def write_videos(
    paths: Mapping[str, Path],
    screen: Screen,
    paint: Callable[[Planes, float], None],
    sound: Iterable[Clip],
    *,
    duration_s: float,
    title: str = "",
    monitor: Monitor | None = None,
) -> int:
    """Write the same frames and sound into files of one or several kinds, in memory that does not grow with them.

    Args:
        paths: Kind ("mp4", "webm") to an existing file, which is overwritten.
        screen: Size and frame rate.
        paint: Brings the frame of the call before to a time in seconds.
        sound: Consecutive blocks of one rate, stereo.
        duration_s: Length of the sound; the last frame is the one that is shown at its end.
        title: Kept in the files.
        monitor: Receives the share that is done.

    Returns:
        How many frames were written.

    Raises:
        MissingDependency: PyAV or an encoder is missing.
        OutputError: A file cannot be written.
    """
    av = require_av()
    monitor = monitor or Monitor()
    frames = max(1, int(np.ceil(duration_s * screen.fps - 1e-6)))
    frame = av.VideoFrame(screen.width, screen.height, "yuv420p")
    planes = _planes_of(frame)
    frame.time_base = Fraction(1, screen.fps)
    with ExitStack() as stack:
        files = [
            stack.enter_context(VideoFile(path, CONTAINERS[kind], screen, title=title)) for kind, path in paths.items()
        ]
        blocks = _converted(sound)
        heard_s = 0.0
        for index in range(frames):
            while heard_s <= index / screen.fps:  # sound and picture are written side by side, as players read them
                block = next(blocks, None)
                if block is None:
                    heard_s = float("inf")
                    break
                heard_s += block.frames / AUDIO_RATE
                for file in files:
                    file.hear(block)
            paint(planes, index / screen.fps)
            frame.pts = index
            for file in files:
                file.show(frame)
            if index % screen.fps == 0:
                monitor.report(index / frames)
        for block in blocks:
            for file in files:
                file.hear(block)
    monitor.report(1.0)
    return frames


def _first_codec(av: ModuleType, container: Container) -> Codec:
    for codec in container.video:
        try:
            av.codec.Codec(codec.name, "w")
        except av.codec.codec.UnknownCodecError:
            continue
        return codec
    raise MissingDependency(
        f"This PyAV cannot encode {container.name.upper()} video.", "Install PyAV's wheel from the package index."
    )


def _planes_of(frame: Any) -> Planes:
    """A frame's own memory as arrays: what is painted into them is what is encoded."""
    y, u, v = (
        np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[: plane.height, : plane.width]
        for plane in frame.planes
    )
    return Planes(y, u, v)


def _converted(sound: Iterable[Clip]) -> Iterator[Clip]:
    resampler: Resampler | None = None
    rate = AUDIO_RATE
    for block in sound:
        rate = block.sample_rate
        resampler = resampler or Resampler(rate, AUDIO_RATE, block.channels)
        yield resampler.push(block)
    if resampler is not None and rate != AUDIO_RATE:
        yield resampler.push(Clip.silence(0, rate, 2), last=True)
