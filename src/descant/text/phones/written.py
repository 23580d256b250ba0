"""Written words as lower-case Latin letters, each knowing which part of the word it stands for."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from functools import lru_cache

APOSTROPHES = frozenset("'’‘ʼ`´′＇")

_SPECIAL = {
    "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ø": "ö", "ı": "i", "ŋ": "ng", "ħ": "h", "ŧ": "t", "ə": "e", "ĸ": "k",
    "ſ": "s", "ĳ": "ij", "ŀ": "l", "ŉ": "n", "ª": "a", "º": "o", "ƒ": "f", "ȷ": "j", "ẞ": "ß",
}  # fmt: skip
_PLAIN = {"ß": "ss", "æ": "ae", "œ": "oe", "ñ": "ny", "ç": "s", "ä": "e", "ö": "o", "ü": "u"}
_CYRILLIC = dict(zip("абвгдезийклмнопрстуфыэіґўј", "abvgdeziyklmnoprstufieiguy", strict=True)) | {
    "ё": "yo",
    "ж": "zh",
    "х": "kh",
    "ц": "ts",
    "ч": "ch",
    "ш": "sh",
    "щ": "sh",
    "ю": "yu",
    "я": "ya",
    "ї": "yi",
    "є": "ye",
    "љ": "ly",
    "њ": "ny",
    "ћ": "ch",
    "ђ": "dzh",
    "џ": "dzh",
}
_GREEK = dict(zip("αβγδεζηικλμνξοπρσςτυφω", "avgdeziiklmnxoprsstifo", strict=True)) | {
    "θ": "th",
    "χ": "kh",
    "ψ": "ps",
}
_KINDS = dict.fromkeys("$€£¥", "C") | dict.fromkeys(".,:", "P") | dict.fromkeys("%°", "R") | dict.fromkeys("&+=@#", "S")
_PART = re.compile(r"(?P<number>C?D+(?:PD+)*[CR]?|[CRS])|(?P<letters>A*L[AL]*)")


@dataclass(frozen=True, slots=True)
class Letter:
    """One Latin letter of a word.

    Attributes:
        letter: In lower case.
        written: The part of the word that it stands for; empty when the letter before stands for it already.
    """

    letter: str
    written: str


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a word that is read at once.

    Attributes:
        text: As written, with the punctuation around it.
        letters: Its letters; none in a number.
        number: A number or sign such as "1984", "$5" or "&", with plain digits; empty in a run of letters.
    """

    text: str
    letters: tuple[Letter, ...] = ()
    number: str = ""

    def with_text(self, more: str) -> Part:
        """The part with more text behind it, which is not read."""
        if not more:
            return self
        letters = self.letters
        if letters:
            letters = (*letters[:-1], replace(letters[-1], written=letters[-1].written + more))
        return Part(self.text + more, letters, self.number)


def scripts(text: str) -> frozenset[str]:
    """Which scripts the letters of a text are from, as Unicode names them: "LATIN", "CYRILLIC", "CJK", "ARABIC", ...

    Args:
        text: Any.
    """
    return frozenset(_script(sign) for sign in text if sign.isalpha())


def clusters(word: str) -> list[str]:
    """A word cut into signs, each with the accents that are written as signs of their own."""
    result: list[str] = []
    for sign in word:
        if result and unicodedata.category(sign).startswith("M"):
            result[-1] += sign
        else:
            result.append(sign)
    return result


@lru_cache(maxsize=4096)
def latin(cluster: str, alphabet: str) -> str:
    """The lower-case Latin letters that a sign stands for; an empty text for one that stands for none.

    Args:
        cluster: A sign with its accents.
        alphabet: Letters beside a to z that are kept; others lose their accents.
    """
    if cluster[0] in APOSTROPHES:
        return "'"
    if not (cluster[0].isalpha() or cluster[0] in "ªº"):
        return ""
    composed = unicodedata.normalize("NFC", unicodedata.normalize("NFKC", cluster).lower())
    return "".join(_reduced(sign, alphabet) for sign in composed)


def _reduced(sign: str, alphabet: str) -> str:
    if "a" <= sign <= "z" or sign in alphabet:
        return sign
    special = _SPECIAL.get(sign, sign)
    if special != sign:
        return "".join(_reduced(each, alphabet) for each in special)
    if sign in _PLAIN:
        return _PLAIN[sign]
    base = unicodedata.normalize("NFD", sign)[0]
    if "a" <= base <= "z":
        return base
    return _CYRILLIC.get(sign) or _CYRILLIC.get(base) or _GREEK.get(base) or ""


def _script(sign: str) -> str:
    return unicodedata.name(sign, "UNKNOWN").split(" ")[0].split("-")[0]


def spelled(word: str, alphabet: str) -> list[Part]:
    """The readable parts of a word: runs of letters, and numbers with the signs that are read with them.

    What stands between them belongs to the part before, or to the first part, so the texts of all parts joined are
    the word.

    Args:
        word: Any text.
        alphabet: Letters beside a to z that the language knows.
    """
    signs = clusters(word)
    parts: list[Part] = []
    done = 0
    for match in _PART.finditer("".join(_kind(sign, alphabet) for sign in signs)):
        start, end = match.span()
        between = "".join(signs[done:start])
        if parts:
            parts[-1] = parts[-1].with_text(between)
            between = ""
        run = signs[start:end]
        if match.lastgroup == "letters":
            letters = [
                Letter(letter, sign * (not place)) for sign in run for place, letter in enumerate(latin(sign, alphabet))
            ]
            letters[0] = Letter(letters[0].letter, between + letters[0].written)
            parts.append(Part(between + "".join(run), tuple(letters)))
        else:
            parts.append(Part(between + "".join(run), number="".join(map(_plain_sign, run))))
        done = end
    if parts:
        parts[-1] = parts[-1].with_text("".join(signs[done:]))
    return parts


def _kind(sign: str, alphabet: str) -> str:
    """A letter for the kind of a sign: Letter, Apostrophe, Digit, Currency, a Point in numbers, a Sign, Other."""
    if sign[0].isnumeric() and not sign[0].isalpha():
        return "D"
    letters = latin(sign, alphabet)
    if letters:
        return "A" if letters == "'" else "L"
    return _KINDS.get(sign[0], "O")


def _plain_sign(sign: str) -> str:
    """Digits of all scripts, circled and raised ones too, as 0 to 9; other signs as they are."""
    value = unicodedata.numeric(sign[0], None)
    return sign if value is None or sign.isascii() else f"{value:g}" if value < 1e6 else str(int(value))
