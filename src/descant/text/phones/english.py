"""English: the words of the CMU Pronouncing Dictionary, and for others what was learnt from its spelling.

The table is made by scripts/english_lexicon.py; it has one sign for each letter of a word.
"""

from __future__ import annotations

import lzma
from functools import lru_cache
from importlib import resources

from descant.text.phones.inventory import VOWELS
from descant.text.phones.rules import Sound
from descant.text.phones.syllables import Division

ALPHABET = ""
DIVISION = Division(
    stays=frozenset({"ck", "ng", "x", "dg"}),
    closing=frozenset({"æ", "ɛ"}),
    endings=frozenset({"ing", "in'", "ings", "n't"}),
)
EDGE = "_"

_PHONES = {
    "AA": "ɑ", "AE": "æ", "AH": "ʌ", "AH0": "ə", "AO": "ɔ", "AW": "a ʊ", "AY": "a ɪ", "B": "b", "CH": "t ʃ", "D": "d",
    "DH": "ð", "EH": "ɛ", "ER": "ɜ ɹ", "ER0": "ə ɹ", "EY": "e ɪ", "F": "f", "G": "ɡ", "HH": "h", "IH": "ɪ", "IY": "i",
    "JH": "d ʒ", "K": "k", "L": "l", "M": "m", "N": "n", "NG": "ŋ", "OW": "o ʊ", "OY": "ɔ ɪ", "P": "p", "R": "ɹ",
    "S": "s", "SH": "ʃ", "T": "t", "TH": "θ", "UH": "ʊ", "UW": "u", "V": "v", "W": "w", "Y": "j", "Z": "z", "ZH": "ʒ",
}  # fmt: skip
_PAIRS = (
    *("K+S", "G+Z", "Y+UW", "Y+UH", "Y+AH0", "Y+ER0", "Y+ER", "W+AH", "W+AA", "AH0+M", "AH0+N", "AH0+L", "K+SH"),
    *(
        "K+W",
        "T+S",
        "HH+W",
        "R+AH0",
        "AH0+R",
        "Y+AH",
        "Y+IY",
        "Y+AA",
        "Y+OW",
        "AY+AH0",
        "AW+AH0",
        "IY+AH0",
        "Y+EH",
        "AH0+K",
    ),
)
_CODES = "AaUuOWYbCdDERrefghIijklmnNoPpxsStTXLvwyzZ" + "0123456789" + "BFGHJKMQV" + "!#$%&()*+,.:;"
# Each sign of the table and the phones it stands for, in the order of the dictionary's names.
SIGNS: dict[str, str] = {"": "-"} | dict(zip((*_PHONES, *_PAIRS), _CODES, strict=False))
_HEARD = {
    sign: tuple(phone for name in filter(None, names.split("+")) for phone in _PHONES[name].split())
    for names, sign in SIGNS.items()
}
# Letters that make one consonant together, of which the table gives one as silent.
_DIGRAPHS = frozenset(
    {
        *(
            "ch",
            "sh",
            "th",
            "ph",
            "gh",
            "wh",
            "ng",
            "ck",
            "dg",
            "kn",
            "wr",
            "ps",
            "sc",
            "qu",
            "gn",
            "rh",
            "tz",
            "mb",
            "lk",
        ),
    }
)


def contexts(word: str, place: int) -> list[str]:
    """What stands around a letter, from the letter alone to four letters before and after; the letter is a capital.

    Args:
        word: In lower case.
        place: Of the letter.
    """
    padded = EDGE * 4 + word + EDGE * 4
    at = place + 4
    letter = '"' if word[place] == "'" else word[place].upper()
    reach = ((0, 0), (0, 1), (1, 1), (1, 2), (2, 2), (2, 3), (3, 3), (3, 4), (4, 4))
    return [padded[at - left : at] + letter + padded[at + 1 : at + 1 + right] for left, right in reach]


@lru_cache(maxsize=1)
def _table() -> tuple[dict[str, str], dict[str, str]]:
    """The words, and the contexts."""
    packed = resources.files(__package__).joinpath("english.xz").read_bytes()
    words, _, rules = lzma.decompress(packed).decode().partition("\n\n")
    return (
        dict(row.split(" ") for row in words.split("\n")),
        dict(row.split(" ") for row in rules.split("\n")),
    )


def read(word: str) -> list[Sound]:
    """The sounds of an English word.

    Args:
        word: In lower case.
    """
    words, rules = _table()
    signs = _looked_up(word, words)
    if signs is None:
        signs = "".join(
            next((rules[c] for c in reversed(contexts(word, place)) if c in rules), "-") for place in range(len(word))
        )
    return _joined(_settled([Sound(letter, _HEARD[sign]) for letter, sign in zip(word, signs, strict=True)]))


def _looked_up(word: str, words: dict[str, str]) -> str | None:
    """The signs of a word, also of sung forms and of forms with an ending that the dictionary leaves out."""
    if word in words:
        return words[word]
    if word.endswith("in'") and word[:-1] + "g" in words:  # lovin'
        return words[word[:-1] + "g"][:-2] + SIGNS["N"] + "-"
    bare = word.strip("'")
    if bare and bare != word:
        signs = _looked_up(bare, words)
        start = word.index(bare)
        return signs and "-" * start + signs + "-" * (len(word) - start - len(bare))
    if word.endswith("'s") and word[:-2] in words:
        stem = words[word[:-2]]
        is_sharp = _HEARD[stem.rstrip("-")[-1:] or "-"][-1:] in {("p",), ("t",), ("k",), ("f",), ("θ",)}
        return f"{stem}-{SIGNS['S'] if is_sharp else SIGNS['Z']}"
    return None


def _settled(sounds: list[Sound]) -> list[Sound]:
    """Vowels on the letters they are heard with; the table has them on the consonant beside ("summer", "little")."""
    result = list(sounds)
    last = ""  # phone that was heard before
    for place, after in enumerate(result[1:]):
        sound = result[place]
        last = sound.phones[-1] if sound.phones else last
        if sound.letters in "aeiou" and after.letters == "r":
            if sound.phones[-2:] == ("ə", "ɹ") and not after.phones:
                result[place : place + 2] = [Sound(sound.letters, ("ə",)), Sound("r", ("ɹ",))]
            elif not sound.phones and after.phones[:1] == ("ə",) and (sound.letters == "e" or last not in VOWELS):
                result[place : place + 2] = [Sound(sound.letters, ("ə",)), Sound("r", after.phones[1:])]
            elif after.phones == ("ə", "ɹ") and last in VOWELS:  # our: one syllable
                result[place + 1] = Sound("r", ("ɹ",))
        elif sound.phones == ("ə",) and sound.letters not in "aeiouy'" and after.letters in "lmnr":
            result[place : place + 2] = [Sound(sound.letters, ()), Sound(after.letters, ("ə", *after.phones))]
        elif sound.letters == "'" and after == Sound("r", ("ə", "ɹ")) and last in VOWELS:
            result[place + 1] = Sound("r", ("ɹ",))
    return result


def _joined(sounds: list[Sound]) -> list[Sound]:
    """Letters of one consonant put together: th, ck, the two of a double letter."""
    result: list[Sound] = []
    for sound in sounds:
        before = result[-1] if result else None
        pair = before.letters + sound.letters if before else ""
        is_pair = pair in _DIGRAPHS or (len(pair) == 2 and pair[0] == pair[1] and pair[0] not in "aeiou'")
        if before and is_pair and not (before.phones and sound.phones):
            result[-1] = Sound(pair, before.phones or sound.phones)
        else:
            result.append(sound)
    return result
