"""What every lyrics format offers, and what those made of text have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar, Protocol

from descant.errors import TextReadError
from descant.text.encoding import decode
from descant.text.lyrics import Lyrics

LARGEST_BYTES = 2 << 20
"""What a file of words may have: a book of ten hours read aloud fits in."""

WORDY_BYTES = 8 * LARGEST_BYTES
"""What it may have in formats that spend hundreds of bytes on a word."""


class LyricsFormat(Protocol):
    """A format: lyrics to the bytes of a file, and back.

    Attributes:
        name: What options call it.
        suffix: How the names of files end that Descant writes; some have two parts (`.lyrics.mid`), so that the words
            of a song do not take the name of its score.
        other_suffixes: How names end that are read as this format as well.
    """

    name: ClassVar[str]
    suffix: ClassVar[str]
    other_suffixes: ClassVar[tuple[str, ...]]

    def read_bytes(self, data: bytes, name: str) -> Lyrics:
        """Lyrics from the bytes of a file that messages call `name`."""

    def write_bytes(self, lyrics: Lyrics) -> bytes:
        """The bytes of a file."""


class TextFormat(ABC):
    """A format that is text: `read` and `write` work on strings."""

    name: ClassVar[str]
    suffix: ClassVar[str]
    other_suffixes: ClassVar[tuple[str, ...]] = ()
    largest_bytes: ClassVar[int] = LARGEST_BYTES

    @abstractmethod
    def read(self, text: str) -> Lyrics:
        """Lyrics from the text of a file."""

    @abstractmethod
    def write(self, lyrics: Lyrics) -> str:
        """The text of a file."""

    def read_bytes(self, data: bytes, name: str) -> Lyrics:
        """Lyrics from the bytes of a file, in any encoding that `descant.text.encoding` knows."""
        require_size(len(data), name, self.largest_bytes)
        text = decode(data, name).text
        try:
            return self.read(text)
        except TextReadError as error:
            raise TextReadError(f"{name}: {error.message}", error.hint) from error

    def write_bytes(self, lyrics: Lyrics) -> bytes:
        """The text as UTF-8; halves of surrogate pairs, which no encoding has, become question marks."""
        return self.write(lyrics).encode("utf-8", errors="replace")


def require_size(size: int, name: str, largest: int = LARGEST_BYTES) -> None:
    """Refuse a file that is too large for the words of a song, before it is read for minutes.

    Args:
        size: Its bytes.
        name: What messages call it.
        largest: How many it may have.

    Raises:
        TextReadError: It has more.
    """
    if size > largest:
        raise TextReadError(
            f"{name} is too large for a song with words (over {largest >> 20} MiB).", "Is it the right file?"
        )


@contextmanager
def on_line(number: int) -> Iterator[None]:
    """Let messages about a part of a text name its line.

    Args:
        number: Of the line, from 1.
    """
    try:
        yield
    except TextReadError as error:
        raise TextReadError(f"Line {number}: {error.message}", error.hint) from error
