"""Sounds of a word put together to syllables, each with one vowel, divided as scores divide words under notes."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from descant.text.phones.inventory import VOWELS
from descant.text.phones.rules import BREAK, OPTIONAL, Sound

_LIQUIDS = frozenset({"l", "r", "ʁ", "ɹ"})
_GLIDES = frozenset({"j", "w", "ɥ"})
_BEFORE_LIQUID = frozenset({"p", "b", "t", "d", "k", "ɡ", "f", "v", "θ", "ʃ"})
_STEM_ENDS = frozenset({"ll", "ss", "ff", "zz"})
_NO_START = frozenset({"tl", "dl", "θl"})


@dataclass(frozen=True, slots=True)
class Division:
    """How a language divides words.

    Attributes:
        s_opens: Whether s before a consonant belongs to the next syllable, as in Italian (fe-sta).
        stays: Letters that stay with the vowel before them (luck-y).
        opens: Letters that are not cut but open the next syllable (ca-lle).
        endings: Ends of words before which the consonants stay with the vowel before (mak-ing).
        closing: Vowels that a single consonant stays with (nev-er).
    """

    s_opens: bool = False
    stays: frozenset[str] = frozenset()
    opens: frozenset[str] = frozenset()
    endings: frozenset[str] = frozenset()
    closing: frozenset[str] = frozenset()


def bare(phone: str) -> str:
    """A phone without the mark that it may stay unsung."""
    return phone.removesuffix(OPTIONAL)


def is_nucleus(sound: Sound) -> bool:
    """Whether a sound holds a vowel."""
    return any(bare(phone) in VOWELS for phone in sound.phones)


def syllables(sounds: Sequence[Sound], division: Division) -> list[list[Sound]]:
    """Groups of sounds, one for each vowel; all in one when there is no vowel.

    A double consonant is cut in two: its phone stands in the second syllable, as it is sung.

    Args:
        sounds: Of one word.
        division: How its language divides words.
    """
    nuclei = [place for place, sound in enumerate(sounds) if is_nucleus(sound)]
    if not nuclei:
        return [list(sounds)]
    groups = [list(sounds[: nuclei[0] + 1])]
    for first, second in itertools.pairwise(nuclei):
        is_ending = "".join(sound.letters for sound in sounds[second:]) in division.endings
        if is_ending and (not _is_double(sounds[second - 1]) or sounds[second - 1].letters in _STEM_ENDS):
            groups[-1] += sounds[first + 1 : second]
            groups.append([sounds[second]])
        else:
            head, tail = _divided(sounds[first], sounds[first + 1 : second], division)
            groups[-1] += head
            groups.append([*tail, sounds[second]])
    groups[-1] += sounds[nuclei[-1] + 1 :]
    return groups


def _divided(vowel: Sound, between: Sequence[Sound], division: Division) -> tuple[list[Sound], list[Sound]]:
    """What stands between two vowels, cut into the end of one syllable and the start of the next."""
    if BREAK in between:
        place = list(between).index(BREAK)
        return list(between[:place]), list(between[place:])
    if len(between) > 1 and between[-1] == Sound("e", ()):  # some-one
        return list(between), []
    sounding = [place for place, sound in enumerate(between) if sound.phones]
    if not sounding:
        start = next((place for place, sound in enumerate(between) if sound.letters == "h"), len(between))
        return list(between[:start]), list(between[start:])
    start = _onset(between, sounding, division.s_opens)
    opening = between[start]
    is_cut = _is_double(opening) and opening.letters not in division.opens | division.stays
    is_closing = opening.letters in division.stays or vowel.phones[-1] in division.closing
    if len(sounding) == 1 and is_closing and not is_cut:
        return list(between[: start + 1]), list(between[start + 1 :])
    if is_cut:
        half = Sound(opening.letters[1:], opening.phones)
        return [*between[:start], Sound(opening.letters[0], ())], [half, *between[start + 1 :]]
    return list(between[:start]), list(between[start:])


def _is_double(sound: Sound) -> bool:
    letters = sound.letters
    return letters in {"ng", "cq"} or (len(letters) > 1 and letters[0] == letters[1] and letters[0] not in "aeiou'")


def _onset(between: Sequence[Sound], sounding: Sequence[int], s_opens: bool) -> int:
    """Where the next syllable starts: as many consonants as can open one."""
    place = len(sounding) - 1
    while place:
        before, after = between[sounding[place - 1]], between[sounding[place]]
        last, first = bare(before.phones[-1]), bare(after.phones[0])
        is_cluster = first in _GLIDES or (
            first in _LIQUIDS and last in _BEFORE_LIQUID and last + first not in _NO_START
        )
        opens = s_opens and last in {"s", "z"} and len(before.phones) == 1 and not _is_double(before)
        is_parted = sounding[place] - sounding[place - 1] > 1  # a silent e stands between: love-ly
        if is_parted or not (is_cluster or opens):
            break
        place -= 1
        if opens:
            break
    return sounding[place]
