"""What lies behind the words: a soft gradient, a colour, a picture, or a video that is repeated."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from descant.errors import InputNotFound, UnsupportedFormat
from descant.pipelines.karaoke.pixels import Planes, parse_colour

_TOP, _BOTTOM, _GLOW = (34, 22, 74), (9, 11, 30), (92, 36, 110)
_DIMMED = 0.55  # of a picture's brightness, so that words stand out
_BLACK_LEVEL = 16
_MOST_PIXELS = 100_000_000


class Background(Protocol):
    """What lies behind the words."""

    is_still: bool

    def at(self, time_s: float) -> Planes:
        """The picture of a time; times do not fall."""
        ...

    def close(self) -> None:
        """Release files."""
        ...


class Still:
    """A background that does not move.

    Args:
        picture: It.
    """

    is_still = True

    def __init__(self, picture: Planes) -> None:
        self._picture = picture

    def at(self, time_s: float) -> Planes:  # noqa: ARG002 (it is the same at all times)
        """The picture."""
        return self._picture

    def close(self) -> None:
        """Nothing is open."""


class Moving:
    """A video, dimmed, cut to the size of the screen and begun again when it ends.

    Args:
        path: The file.
        width: Of the screen in pixels.
        height: Of the screen in pixels.

    Raises:
        UnsupportedFormat: It has no picture that can be decoded.
    """

    is_still = False

    def __init__(self, path: Path, width: int, height: int) -> None:
        import av

        self._av = av
        self._path = path
        self._size = (width, height)
        self._darker = _dimming_table()
        self._container: Any = None
        self._begun_s = 0.0
        self._open()
        self._next: Any = self._decoded()
        if self._next is None:
            raise UnsupportedFormat(f"{path} has no moving picture.", "Give an MP4 or WebM, a picture, or a colour.")
        self._shown: Any = None
        self._planes = Planes.black(width, height)

    def at(self, time_s: float) -> Planes:
        """The frame of a time."""
        newest = self._shown
        while self._next is not None and self._begun_s + self._next_s <= time_s + 1e-6:
            newest = self._next
            self._last_s = self._next_s
            self._next = self._decoded()
            if self._next is None:
                self._begun_s += self._last_s + self._period_s
                self._open()
                self._next = self._decoded()
        if newest is not self._shown:
            self._shown = newest
            self._planes = self._cut(newest)
        return self._planes

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    def _open(self) -> None:
        if self._container is not None:
            self._container.close()
        try:
            self._container = self._av.open(str(self._path))
        except self._av.FFmpegError as error:
            raise UnsupportedFormat(f"{self._path} cannot be decoded.", "Give a picture, or a colour.") from error
        if not self._container.streams.video:
            raise UnsupportedFormat(f"{self._path} has no moving picture.", "Give an MP4 or WebM, or a colour.")
        stream = self._container.streams.video[0]
        stream.thread_type = "AUTO"
        self._period_s = float(1 / (stream.average_rate or 25))
        self._frames = self._container.decode(stream)
        self._next_s = 0.0

    def _decoded(self) -> Any:
        try:
            frame = next(self._frames, None)
        except self._av.FFmpegError as error:
            raise UnsupportedFormat(f"{self._path} is damaged.", "Get it again.") from error
        if frame is not None:
            self._next_s = float(frame.time or 0.0)
        return frame

    def _cut(self, frame: Any) -> Planes:
        width, height = self._size
        scale = max(width / frame.width, height / frame.height)
        across, down = (2 * int(np.ceil(side * scale / 2 - 1e-9)) for side in (frame.width, frame.height))
        scaled = frame.reformat(across, down, "yuv420p")
        y, u, v = (_plane(scaled.planes[index]) for index in range(3))
        left, top = (across - width) // 4 * 2, (down - height) // 4 * 2
        cut = Planes(y, u, v).box(left, top, width, height)
        return Planes(self._darker[cut.y], cut.u, cut.v)


def open_background(text: str, width: int, height: int) -> Background:
    """The background of a description.

    Args:
        text: Empty for the gradient, a colour, or the path of a picture or a video.
        width: Of the screen in pixels, even.
        height: Of the screen in pixels, even.

    Raises:
        InvalidOption: It is neither a colour nor a file.
        UnsupportedFormat: The file cannot be decoded.
    """
    if not text:
        return Still(Planes.from_rgb(_gradient(width, height), dither=True))
    path = Path(text)
    if not path.is_file():
        if path.suffix and not text.startswith("#"):
            raise InputNotFound(f"{path} does not exist.", "Give a picture, a video, or a colour.")
        return Still(Planes.from_rgb(np.broadcast_to(np.asarray(parse_colour(text), float), (height, width, 3))))
    picture = _image(path, width, height)
    return Moving(path, width, height) if picture is None else Still(Planes.from_rgb(_DIMMED * picture, dither=True))


def _gradient(width: int, height: int) -> NDArray[np.float64]:
    """Dark blue with a glow from above on one side."""
    y, x = np.mgrid[0:height, 0:width].astype(float)
    down = (y / max(1, height - 1))[..., None]
    ground = np.asarray(_TOP) * (1.0 - down) + np.asarray(_BOTTOM) * down
    glow = np.exp(-(((x / width - 0.22) / 0.45) ** 2) - ((y / height - 0.05) / 0.55) ** 2)[..., None]
    mixed: NDArray[np.float64] = ground + 0.55 * glow * (np.asarray(_GLOW) - ground)
    return mixed


def _image(path: Path, width: int, height: int) -> NDArray[np.float64] | None:
    """A picture cut to the size, as red, green, blue; None if the file is no picture."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            if image.width * image.height > _MOST_PIXELS:
                raise UnsupportedFormat(f"{path} has too many pixels.", "Make the picture smaller.")
            fitted = ImageOps.fit(ImageOps.exif_transpose(image).convert("RGB"), (width, height))
    except UnidentifiedImageError:
        return None
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise UnsupportedFormat(f"{path} is a damaged picture.", "Save it again.") from error
    return np.asarray(fitted, float)


def _dimming_table() -> NDArray[np.uint8]:
    levels = np.arange(256)
    dimmed: NDArray[np.uint8] = np.clip(_BLACK_LEVEL + (levels - _BLACK_LEVEL) * _DIMMED, 0, 255).astype(np.uint8)
    return dimmed


def _plane(plane: Any) -> NDArray[np.uint8]:
    rows: NDArray[np.uint8] = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
    shown: NDArray[np.uint8] = rows[: plane.height, : plane.width]
    return shown
