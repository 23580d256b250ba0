"""Pictures as the planes a video encoder takes (Y, U, V at half the size), and sprites laid over them.

Everything is drawn once per appearance and then only copied, so that a frame costs what changes in it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from descant.errors import InvalidOption

Plane = NDArray[np.uint8]
Colour = tuple[int, int, int]
"""Red, green, blue, 0 to 255."""

_NAMES = {"black": "#000000", "white": "#ffffff", "green": "#00b140", "blue": "#0047bb", "grey": "#303038"}
_KR, _KB = 0.2126, 0.0722  # ITU-R BT.709


def parse_colour(text: str) -> Colour:
    """A colour as "#rrggbb", "#rgb" or one of a few names ("green" is that of a green screen).

    Raises:
        InvalidOption: It is none.
    """
    digits = _NAMES.get(text.strip().lower(), text.strip()).removeprefix("#")
    if len(digits) == 3:
        digits = "".join(2 * digit for digit in digits)
    try:
        value = int(digits, 16) if len(digits) == 6 else -1
    except ValueError:
        value = -1
    if value < 0:
        raise InvalidOption(f"{text!r} is not a colour.", f'Write "#1a2b3c", or {", ".join(_NAMES)}.')
    return value >> 16, value >> 8 & 255, value & 255


def to_yuv(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """Colours to Y, U, V of ITU-R BT.709 in the range of video (16 to 235, 16 to 240), shape [..., 3] both."""
    red, green, blue = (rgb[..., i] / 255.0 for i in range(3))
    luma = _KR * red + (1.0 - _KR - _KB) * green + _KB * blue
    chroma = [(part - luma) / (2.0 - 2.0 * weight) for part, weight in ((blue, _KB), (red, _KR))]
    return np.stack([16.0 + 219.0 * luma, *(128.0 + 224.0 * part for part in chroma)], axis=-1)


@dataclass(frozen=True, slots=True, eq=False)
class Planes:
    """A picture.

    Attributes:
        y: Luma, shape [height, width], both even.
        u: Blue difference, shape [height / 2, width / 2].
        v: Red difference, likewise.
    """

    y: Plane
    u: Plane
    v: Plane

    @classmethod
    def from_rgb(cls, rgb: NDArray[np.float64], *, dither: bool = False) -> Planes:
        """From red, green, blue, shape [height, width, 3], height and width even.

        Args:
            rgb: 0 to 255.
            dither: Whether to hide the steps of soft gradients in a still noise of one step.
        """
        yuv = to_yuv(rgb)
        noise = np.random.default_rng(0).random(yuv.shape[:2]) if dither else np.full(yuv.shape[:2], 0.5)
        height, width = yuv.shape[:2]
        quarters = yuv.reshape(height // 2, 2, width // 2, 2, 3).mean(axis=(1, 3))
        half = noise[::2, ::2]
        exact = (yuv[..., 0] + noise, quarters[..., 1] + half, quarters[..., 2] + half)
        return cls(*(np.floor(plane).astype(np.uint8) for plane in exact))

    @classmethod
    def black(cls, width: int, height: int) -> Planes:
        """A black picture."""
        return cls(
            np.full((height, width), 16, np.uint8),
            np.full((height // 2, width // 2), 128, np.uint8),
            np.full((height // 2, width // 2), 128, np.uint8),
        )

    def box(self, x: int, y: int, width: int, height: int) -> Planes:
        """A view of a part; all four even."""
        rows, columns = slice(y // 2, (y + height) // 2), slice(x // 2, (x + width) // 2)
        return Planes(self.y[y : y + height, x : x + width], self.u[rows, columns], self.v[rows, columns])

    def copy_from(self, other: Planes) -> None:
        """Take over another picture of the same size."""
        self.y[...], self.u[...], self.v[...] = other.y, other.u, other.v


@dataclass(frozen=True, slots=True, eq=False)
class Sprite:
    """A picture with soft edges, to be laid over another.

    Attributes:
        ink: Its colours times its cover, of the same shapes as `Planes`.
        cover: How much it hides, 0 to 255, shape [height, width].
        half_cover: The same for U and V.
    """

    ink: Planes
    cover: Plane
    half_cover: Plane

    @property
    def width(self) -> int:
        """In pixels, even."""
        return int(self.cover.shape[1])

    @property
    def height(self) -> int:
        """In pixels, even."""
        return int(self.cover.shape[0])

    @classmethod
    def of(cls, layers: list[tuple[NDArray[np.float64], Colour]]) -> Sprite:
        """From layers, the lowest first.

        Args:
            layers: Masks 0 to 1 of one shape [height, width], both even, each with its colour.
        """
        shape = layers[0][0].shape
        ink, cover = np.zeros((*shape, 3)), np.zeros(shape)
        for mask, colour in layers:
            ink = ink * (1.0 - mask[..., None]) + to_yuv(np.asarray(colour, float)) * mask[..., None]
            cover = cover * (1.0 - mask) + mask
        half_shape = (shape[0] // 2, 2, shape[1] // 2, 2)
        chroma = [ink[..., i].reshape(half_shape).mean(axis=(1, 3)) for i in (1, 2)]
        half = cover.reshape(half_shape).mean(axis=(1, 3)) * 255.0
        y, u, v, full, small = (
            np.clip(np.rint(p), 0, 255).astype(np.uint8) for p in (ink[..., 0], *chroma, cover * 255.0, half)
        )
        return cls(Planes(y, u, v), full, small)

    def over(self, ground: Planes, first: int = 0, stop: int | None = None) -> Planes:
        """Columns `first` to `stop` (both even) of this laid over a picture of just their size."""
        columns = slice(first, self.width if stop is None else stop)
        half = slice(columns.start // 2, columns.stop // 2)
        return Planes(
            _blend(self.ink.y[:, columns], self.cover[:, columns], ground.y),
            _blend(self.ink.u[:, half], self.half_cover[:, half], ground.u),
            _blend(self.ink.v[:, half], self.half_cover[:, half], ground.v),
        )


def _blend(ink: Plane, cover: Plane, ground: Plane) -> Plane:
    """`ink + ground * (1 - cover)`, in 16 bits; x * 257 >> 16 divides by 255."""
    rest = ground.astype(np.uint16) * (255 - cover)
    return (ink + ((rest + 128 + (rest >> 8)) >> 8).astype(np.uint8)).astype(np.uint8)
