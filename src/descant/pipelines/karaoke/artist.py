"""What is drawn: rows of words at rest and sung, dots of a count-in, the bar of a break, the title."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter
from PIL.ImageFont import FreeTypeFont

from descant.pipelines.karaoke.fonts import Typeface
from descant.pipelines.karaoke.pixels import Colour, Sprite
from descant.pipelines.karaoke.rows import Piece, Row

Mask = NDArray[np.float64]

_OUTLINE: Colour = (14, 12, 30)
_RESTING: Colour = (255, 255, 255)
_BACKING: Colour = (198, 204, 226)
SINGERS: tuple[Colour, ...] = ((255, 178, 36), (84, 200, 255), (255, 122, 172), (142, 226, 112))
"""Colours of what is sung, one per singer in the order in which they come in."""

_TINT = 0.22  # of a singer's colour in the resting words of a duet
_BACKING_SIZE = 0.82
_SHADOW = 0.55
_ROWS_TOP, _ROWS_HEIGHT = 0.20, 0.74
_BAR_TOP = 0.085
_MARGIN = 0.05
_SHRINKS = 0.82  # a row a little too long is written smaller rather than divided


@dataclass(frozen=True, slots=True, eq=False)
class Element:
    """A thing on the screen with two looks, the second of which comes from the left.

    Attributes:
        x: Left edge in pixels, even.
        y: Upper edge in pixels, even.
        rest: Before.
        sung: After; None where it never changes.
        spans: For each piece of it, where its wipe begins and ends, in pixels from the left.
    """

    x: int
    y: int
    rest: Sprite
    sung: Sprite | None = None
    spans: tuple[tuple[float, float], ...] = ()

    def edge(self, done: int, share: float) -> int:
        """How many pixels from the left have the second look (even), after `done` pieces and a share of the next."""
        if self.sung is None:
            return 0
        if done >= len(self.spans):
            return self.rest.width
        start, end = self.spans[done]
        before = self.spans[done - 1][1] if done else 0.0
        reached = start + (end - start) * share if share > 0.0 else before
        return min(self.rest.width, 2 * round(reached / 2))


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things stand on a screen.

    Attributes:
        width: In pixels, even.
        height: In pixels, even.
        slots: How many rows it has.
    """

    width: int
    height: int
    slots: int = 4

    @property
    def room(self) -> int:
        """Pixels between the safe margins."""
        return _even(self.width * (1.0 - 2.0 * _MARGIN))

    @property
    def pitch(self) -> int:
        """Height of a slot in pixels."""
        return _even(self.height * _ROWS_HEIGHT / self.slots)

    @property
    def font_size(self) -> int:
        """Of the words."""
        return max(8, int(min(0.074 * self.height, 0.052 * self.width, 0.52 * self.pitch)))

    def row_top(self, slot: int) -> int:
        """Upper edge of a row's text."""
        return _even(self.height * _ROWS_TOP) + slot * self.pitch + self.pitch - self.row_height

    @property
    def row_height(self) -> int:
        """Height of a row's picture: less than its slot, the rest is for the dots of a count-in."""
        return _even(self.font_size * 1.42)

    @property
    def dot_size(self) -> int:
        """Diameter of a dot."""
        return max(2, _even(min(self.font_size * 0.30, (self.pitch - self.row_height) * 0.8)))


class Artist:
    """Draws elements for a screen.

    Args:
        layout: The screen.
        typeface: The letters.
        singers: Everyone who sings, in the order of their colours.
    """

    def __init__(self, layout: Layout, typeface: Typeface, singers: Sequence[str] = ("",)) -> None:
        self.layout = layout
        self._typeface = typeface
        self._singers = {name: SINGERS[index % len(SINGERS)] for index, name in enumerate(singers)}

    def fits(self, text: str) -> bool:
        """Whether a text goes between the margins in one row, a little smaller if need be."""
        font = self._typeface.font(self.layout.font_size)
        length = font.getlength(text) + 2 * _padding(self.layout.font_size)
        return length * _SHRINKS <= self.layout.room

    def row(self, row: Row, slot: int) -> Element:
        """A row of words."""
        size = self.layout.font_size
        while size > 6 and self._length(row.pieces, size) + 2 * _padding(size) > self.layout.room:
            size = min(size - 1, int(size * self.layout.room / (self._length(row.pieces, size) + 2 * _padding(size))))
        height, padding = self.layout.row_height, _padding(size)
        width = min(_even(self._length(row.pieces, size) + 2 * padding) + 2, self.layout.room)
        baseline = round(height / 2 + 0.32 * size)
        fills, outline, spans = self._write(row.pieces, size, (width, height), (padding, baseline))
        colour = self._singers.get(row.singer, SINGERS[0])
        resting = _mixed(_RESTING, colour, _TINT) if len(self._singers) > 1 else _RESTING
        shadow = _blurred(outline, size / 14)
        under = [(_SHADOW * shadow, (0, 0, 0)), (outline, _OUTLINE)]
        rest = Sprite.of([*under, (fills[False], resting), (fills[True], _mixed(_BACKING, resting, 0.3))])
        sung = Sprite.of([*under, (fills[False], colour), (fills[True], _mixed(colour, _BACKING, 0.25))])
        x = _even((self.layout.width - width) / 2)
        return Element(x, self.layout.row_top(slot), rest, sung, spans)

    def dots(self, count: int, beside: Element) -> Element:
        """The dots of a count-in, above the beginning of a row; they go out one by one from the left."""
        size = self.layout.dot_size
        pitch = 2 * size
        gap = max(2, _even(size * 0.25))
        width, height = count * pitch + gap, size + gap
        discs = _discs(count, size, pitch, (width, height), gap / 2)
        rims = _blurred(discs, size / 8)
        colour = next(iter(self._singers.values()), SINGERS[0])
        under = (_SHADOW * rims, (0, 0, 0))
        rest = Sprite.of([under, (discs, colour)])
        sung = Sprite.of([(0.25 * discs, _RESTING)])
        spans = tuple((index * pitch, (index + 1) * pitch) for index in range(count))
        return Element(beside.x, beside.y - height, rest, sung, spans)

    def bar(self) -> Element:
        """The bar of a break, which fills."""
        width, height = _even(self.layout.width * 0.44), max(6, _even(self.layout.height * 0.014))
        mask = _rounded(width, height)
        rest = Sprite.of([(0.28 * mask, _RESTING)])
        sung = Sprite.of([(0.28 * mask, _RESTING), (mask, SINGERS[0])])
        x, y = _even((self.layout.width - width) / 2), _even(self.layout.height * _BAR_TOP)
        return Element(x, y, rest, sung, ((0.0, float(width)),))

    def seconds(self, seconds: int) -> Element:
        """What is left of a break, to the right of the bar."""
        bar = self.bar()
        size = max(8, int(self.layout.height * 0.034))
        text = f"{seconds // 60}:{seconds % 60:02d}"
        room = self.layout.width - self.layout.width // 20 - (bar.x + bar.rest.width)
        sprite = self._caption([(text, size, _RESTING)], max_width=room)
        y = _even(bar.y + bar.rest.height / 2 - sprite.height / 2)
        return Element(_even(bar.x + bar.rest.width + size * 0.5), y, sprite)

    def title(self, title: str, artist: str) -> Element:
        """The card at the beginning; with a duet, who has which colour."""
        height = self.layout.height
        lines = [(title, round(0.115 * height), _RESTING), (artist, round(0.058 * height), SINGERS[0])]
        named = [(name, colour) for name, colour in self._singers.items() if name]
        if len(named) > 1:
            lines += [(name, round(0.045 * height), colour) for name, colour in named[:4]]
        sprite = self._caption([line for line in lines if line[0]], max_width=self.layout.room)
        x = _even((self.layout.width - sprite.width) / 2)
        return Element(x, _even((height - sprite.height) / 2), sprite)

    def _length(self, pieces: Sequence[Piece], size: int) -> float:
        return sum(font.getlength(text) for font, text, _, _ in self._runs(pieces, size))

    def _runs(self, pieces: Sequence[Piece], size: int) -> list[tuple[FreeTypeFont, str, list[Piece], bool]]:
        """Neighbouring pieces that are written in one font."""
        runs = []
        for is_backing, group in groupby(pieces, key=lambda piece: piece.is_backing):
            members = list(group)
            font = self._typeface.font(round(size * _BACKING_SIZE) if is_backing else size, italic=is_backing)
            runs.append((font, "".join(piece.text for piece in members), members, is_backing))
        font, text, members, is_backing = runs[-1]
        runs[-1] = (font, text.rstrip(), members, is_backing)
        return runs

    def _write(
        self, pieces: Sequence[Piece], size: int, shape: tuple[int, int], origin: tuple[int, int]
    ) -> tuple[dict[bool, Mask], Mask, tuple[tuple[float, float], ...]]:
        """Masks of the letters (main, backing), of their outline, and the span of each piece."""
        images = {kind: Image.new("L", shape) for kind in (False, True)}
        outline = Image.new("L", shape)
        spans: list[tuple[float, float]] = []
        x = float(origin[0])
        for font, text, members, is_backing in self._runs(pieces, size):
            place = (x, origin[1])
            ImageDraw.Draw(images[is_backing]).text(place, text, font=font, fill=255, anchor="ls")
            ImageDraw.Draw(outline).text(place, text, font=font, fill=255, anchor="ls", stroke_width=_stroke(size))
            done = ""
            for piece in members:
                start = x + font.getlength(done)
                spans.append((start, x + font.getlength(done + piece.text.rstrip())))
                done += piece.text
            x += font.getlength(text)
        return {kind: _mask(image) for kind, image in images.items()}, _mask(outline), tuple(spans)

    def _caption(self, lines: Sequence[tuple[str, int, Colour]], *, max_width: int) -> Sprite:
        """Centred lines."""
        fitted = [(text, self._fitted(text, size, max_width), colour) for text, size, colour in lines]
        heights = [round(size * 1.5) for _, size, _ in fitted]
        widths = [self._typeface.font(size).getlength(text) + 2 * _padding(size) for text, size, _ in fitted]
        shape = (min(_even(max(widths)) + 2, _even(max_width)), _even(sum(heights)) + 2)
        outline = Image.new("L", shape)
        fills: list[tuple[Mask, Colour]] = []
        top = 0.0
        for (text, size, colour), height in zip(fitted, heights, strict=True):
            place = (shape[0] / 2, top + height / 2 + 0.32 * size)
            fill = Image.new("L", shape)
            font = self._typeface.font(size)
            ImageDraw.Draw(fill).text(place, text, font=font, fill=255, anchor="ms")
            ImageDraw.Draw(outline).text(place, text, font=font, fill=255, anchor="ms", stroke_width=_stroke(size))
            fills.append((_mask(fill), colour))
            top += height
        edge = _mask(outline)
        shadow = _blurred(edge, fitted[0][1] / 14)
        return Sprite.of([(_SHADOW * shadow, (0, 0, 0)), (edge, _OUTLINE), *fills])

    def _fitted(self, text: str, size: int, max_width: int) -> int:
        needed = self._typeface.font(size).getlength(text) + 2 * _padding(size)
        return size if needed <= max_width else max(6, int(size * (max_width - 2 * _padding(size)) / needed))


def _even(value: float) -> int:
    return max(2, 2 * round(value / 2))


def _stroke(size: int) -> int:
    return max(1, round(size / 16))


def _padding(size: int) -> int:
    """Room for outline and shadow, and for italic letters that lean over."""
    return max(2, round(size * 0.22))


def _mixed(first: Colour, second: Colour, share: float) -> Colour:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def _mask(image: Image.Image) -> Mask:
    return np.asarray(image, float) / 255.0


def _blurred(mask: Mask, radius: float) -> Mask:
    image = Image.fromarray(np.rint(mask * 255.0).astype(np.uint8))
    return _mask(image.filter(ImageFilter.GaussianBlur(max(radius, 0.5))))


def _discs(count: int, size: int, pitch: int, shape: tuple[int, int], margin: float) -> Mask:
    width, height = shape
    y, x = np.mgrid[0:height, 0:width] + 0.5
    cover = np.zeros((height, width))
    for index in range(count):
        distance = np.hypot(x - margin - index * pitch - size / 2, y - margin - size / 2)
        cover = np.maximum(cover, np.clip(size / 2 - distance + 0.5, 0.0, 1.0))
    return cover


def _rounded(width: int, height: int) -> Mask:
    """A bar with round ends."""
    y, x = np.mgrid[0:height, 0:width] + 0.5
    radius = height / 2
    beyond = np.maximum(np.maximum(radius - x, x - (width - radius)), 0.0)
    cover: Mask = np.clip(radius - np.hypot(beyond, y - radius) + 0.5, 0.0, 1.0)
    return cover


def seconds_left(until_s: float, now_s: float) -> int:
    """Whole seconds that are shown as left."""
    return max(0, math.ceil(until_s - now_s))
