"""Text files of people: which encoding they are in, found without asking.

UTF-8 is tried first, since hardly anything else passes for it; UTF-16 is known by its mark or by the zero bytes that
Latin letters have in it; the rest is Windows-1252 where it reads like a Western language in it, and is refused
otherwise: a clear message is better than lyrics in the wrong letters.
"""

from __future__ import annotations

import codecs
import unicodedata
from dataclasses import dataclass
from itertools import groupby

from descant.errors import TextReadError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # begins as the next one does
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SIDE_RATIO = 8  # zero bytes on one side of the pairs against the other, in UTF-16 of mostly Latin letters and spaces
_WESTERN_SIGNS = frozenset("‚„…†‡‘’“”•–—™€¡¢£©ª«®°²³´·¸º»¿½¼¾\N{NO-BREAK SPACE}\N{SOFT HYPHEN}‹›§¨¹")
_INSIDE_WORDS = frozenset("’‘·´\N{SOFT HYPHEN}")
_MOST_ACCENTS = 0.4
_LONGEST_ACCENTED_RUN = 3
_HINT = "Open it in a text editor and save it as UTF-8."


@dataclass(frozen=True, slots=True)
class LyricsText:
    r"""The text of a file.

    Attributes:
        text: With lines that end in \n.
        encoding: "utf-8", "utf-8-sig" (with a mark), "utf-16", "utf-32", "utf-16-le", "utf-16-be" or "cp1252"
            (Windows-1252, which has Latin-1's letters).
    """

    text: str
    encoding: str

    @property
    def is_guessed(self) -> bool:
        """Whether the encoding was told from the letters, so that a person should look at them once."""
        return self.encoding in ("cp1252", "utf-16-le", "utf-16-be")


def decode(data: bytes, name: str) -> LyricsText:
    """The text of a file.

    Args:
        data: All its bytes.
        name: What messages call it.

    Raises:
        TextReadError: It is no text, or in an encoding that cannot be told.
    """
    encoding = next((encoding for mark, encoding in _MARKS if data.startswith(mark)), "")
    if not encoding:
        encoding = _utf16(data, name) if b"\0" in data else "utf-8"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding != "utf-8":
            raise TextReadError(f"{name} begins as {encoding} text, but is damaged.", _HINT) from error
        encoding, text = "cp1252", _western(data, name)
    if "\0" in text:
        raise TextReadError(f"{name} is not a text file.", "Choose a lyrics file.")
    return LyricsText(text.replace("\r\n", "\n").replace("\r", "\n"), encoding)


def _utf16(data: bytes, name: str) -> str:
    first, second = data[0::2].count(0), data[1::2].count(0)
    if len(data) % 2 == 0:
        if second > _SIDE_RATIO * first:
            return "utf-16-le"
        if first > _SIDE_RATIO * second:
            return "utf-16-be"
    raise TextReadError(f"{name} is not a text file.", "Choose a lyrics file.")


def _western(data: bytes, name: str) -> str:
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError:
        text = ""
    if not text or not _reads_western(text):
        raise TextReadError(f"{name} is neither UTF-8 nor UTF-16 text, nor a Western language in Windows-1252.", _HINT)
    return text


def _reads_western(text: str) -> bool:
    """Whether this could be meant: other code pages give rows of accented letters, and signs amid words."""
    if any(unicodedata.category(c) == "Cc" and c not in "\t\n\r\f" for c in text):
        return False
    letters = sum(c.isalpha() for c in text)
    accented = sum(c.isalpha() and not c.isascii() for c in text)
    if accented > _MOST_ACCENTS * letters:
        return False
    for is_high, run in groupby(text, key=lambda c: c.isalpha() and not c.isascii()):
        if is_high and sum(1 for _ in run) > _LONGEST_ACCENTED_RUN:
            return False
    for index, c in enumerate(text):
        if c.isascii() or (c.isalpha() and c not in "ªº"):
            continue
        amid = text[index - 1 : index].isalpha() and text[index + 1 : index + 2].isalpha()
        if c not in _WESTERN_SIGNS or (amid and c not in _INSIDE_WORDS):
            return False
    return True
