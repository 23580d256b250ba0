"""Tables of numbers as pictures inside SVG, without a plotting library: a PNG written here, with axes around it."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]

GLOW = ("#0b0724", "#3b0f70", "#8c2981", "#de4968", "#fe9f6d", "#fcfdbf")
"""Dark to bright, for levels."""
TWO_SIDED = ("#2166ac", "#92c5de", "#f7f7f7", "#f4a582", "#b2182b")
"""Blue over white to red, for what has a sign."""


def png_of(pixels: Bytes) -> bytes:
    """A PNG file of 8-bit RGB pixels, shape [rows, columns, 3]."""
    rows, columns, _ = pixels.shape
    lines = np.concatenate([np.zeros((rows, 1), np.uint8), pixels.reshape(rows, columns * 3)], axis=1)
    header = struct.pack(">IIBBBBB", columns, rows, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines.tobytes(), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def coloured(values: NDArray[Any], low: float, high: float, colours: Sequence[str]) -> Bytes:
    """Numbers between `low` and `high` as colours between the given ones, shape [..., 3]."""
    stops = np.array([[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in colours], float)
    place = np.clip((np.asarray(values, float) - low) / (high - low), 0.0, 1.0) * (len(stops) - 1)
    channels = [np.interp(place, np.arange(len(stops)), stops[:, channel]) for channel in range(3)]
    return np.round(np.stack(channels, axis=-1)).astype(np.uint8)


def image(pixels: Bytes, x: float, y: float, width: float, height: float) -> str:
    """Pixels as an SVG image, stretched over a rectangle without smoothing."""
    data = base64.b64encode(png_of(pixels)).decode("ascii")
    return (
        f'<image x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" preserveAspectRatio="none" '
        f'style="image-rendering:pixelated" href="data:image/png;base64,{data}"/>'
    )


def text(words: str, x: float, y: float, *, anchor: str = "start", size: int = 12, turned: bool = False) -> str:
    """A line of text; `turned` runs upwards."""
    turn = f' transform="rotate(-90 {x:g} {y:g})"' if turned else ""
    return (
        f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" font-size="{size}" fill="#333"{turn}>{escape(words)}</text>'
    )


def ticks(longest: float, wanted: int = 6) -> list[float]:
    """Round values from 0 to `longest`, about as many as wanted."""
    steps = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600)
    step = next((s for s in steps if longest / s <= wanted), 1200)
    return [step * i for i in range(int(longest / step + 1e-9) + 1)]


def minutes(seconds: float) -> str:
    """Minutes and seconds, as in 1:05."""
    return f"{int(seconds // 60)}:{seconds % 60:02.0f}"


def document(body: str, width: float, height: float, title: str) -> str:
    """A stand-alone SVG."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        f'height="{height:g}" role="img" font-family="system-ui, sans-serif"><title>{escape(title)}</title>'
        f'<rect width="{width:g}" height="{height:g}" rx="8" fill="#f7f7f4"/>{body}</svg>\n'
    )
