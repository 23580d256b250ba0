"""The letters of the picture: Source Sans from the hub, or a font file of the user's own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from descant.errors import InputNotFound, MissingDependency, UnsupportedFormat
from descant.files import PathLike, as_path
from descant.hub.store import fetch
from descant.progress import CancelToken, ProgressSink

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

CARD = "source-sans"
_UPRIGHT, _ITALIC = "SourceSansPro-Bold.ttf", "SourceSansPro-BoldIt.ttf"
_NOWHERE = "\U0010ffff"  # no font has a letter for it, so it draws what a font draws instead of one
_PROBE_SIZE = 40


@dataclass(frozen=True, slots=True)
class Typeface:
    """Two fonts.

    Attributes:
        upright: File of the font for the words.
        italic: File of the font for backing voices.
    """

    upright: Path
    italic: Path

    def font(self, size: int, *, italic: bool = False) -> FreeTypeFont:
        """A font in a size in pixels."""
        return _font(self.italic if italic else self.upright, size)

    def lacking(self, text: str) -> str:
        """The letters of a text that the fonts do not have, each once."""
        font = self.font(_PROBE_SIZE)
        nothing = _drawn(font, _NOWHERE)
        letters = sorted(set(text) - set(" \t\n"))
        return "".join(letter for letter in letters if _drawn(font, letter) == nothing)


def load_typeface(
    font: PathLike | None = None, *, progress: ProgressSink | None = None, cancel: CancelToken | None = None
) -> Typeface:
    """A typeface: from one file of the user's own, else Source Sans from the hub.

    Raises:
        MissingDependency: Pillow is not installed.
        InputNotFound: The file is not there.
        UnsupportedFormat: It is no font.
        DescantError: As `descant.hub.store.fetch` does.
    """
    try:
        from PIL import ImageFont
    except ImportError as error:
        raise MissingDependency("The karaoke video needs Pillow.", "Run `pip install descant[karaoke]`.") from error
    if font is None:
        folder = fetch(CARD, progress=progress, cancel=cancel)
        return Typeface(folder / _UPRIGHT, folder / _ITALIC)
    path = as_path(font)
    if not path.is_file():
        raise InputNotFound(f"{path} does not exist.", "Give a .ttf or .otf file.")
    try:
        ImageFont.truetype(str(path), _PROBE_SIZE)
    except OSError as error:
        raise UnsupportedFormat(f"{path} is no font that can be drawn.", "Give a .ttf or .otf file.") from error
    return Typeface(path, path)


@lru_cache(maxsize=64)
def _font(path: Path, size: int) -> FreeTypeFont:
    from PIL import ImageFont

    # The basic layout puts letters side by side without ligatures, so that a syllable ends where its letters do.
    return ImageFont.truetype(str(path), size, layout_engine=ImageFont.Layout.BASIC)


def _drawn(font: FreeTypeFont, letter: str) -> tuple[tuple[int, int], bytes]:
    mask, _ = font.getmask2(letter, mode="L")
    return mask.size, bytes(mask)
