"""What every lyrics format offers, and what those made of text have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, Protocol

from descant.errors import TextReadError
from descant.text.encoding import decode
from descant.text.lyrics import Lyrics


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

    @abstractmethod
    def read(self, text: str) -> Lyrics:
        """Lyrics from the text of a file."""

    @abstractmethod
    def write(self, lyrics: Lyrics) -> str:
        """The text of a file."""

    def read_bytes(self, data: bytes, name: str) -> Lyrics:
        """Lyrics from the bytes of a file, in any encoding that `descant.text.encoding` knows."""
        text = decode(data, name).text
        try:
            return self.read(text)
        except TextReadError as error:
            raise TextReadError(f"{name}: {error.message}", error.hint) from error

    def write_bytes(self, lyrics: Lyrics) -> bytes:
        """The text as UTF-8; halves of surrogate pairs, which no encoding has, become question marks."""
        return self.write(lyrics).encode("utf-8", errors="replace")
