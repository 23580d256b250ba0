"""Recordings as the aligner hears them, made of phones that are heard without doubt."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from descant.align.chain import WORDLESS, Chain, Kind, SungWord, build_chain
from descant.align.hearing import Heard
from descant.text.phones import PHONES

UNHEARD = -8.0
FRAMES = {Kind.PHONE: 5, Kind.GAP: 3, Kind.REST: 20}


def heard(sounds: Iterable[tuple[str, int]]) -> Heard:
    """Phones ("" where there are no words), each for a number of frames of 20 ms."""
    numbers = [PHONES.index(phone) if phone else WORDLESS for phone, frames in sounds for _ in range(frames)]
    phones = np.full((len(numbers), len(PHONES) + 1), UNHEARD, np.float32)
    phones[np.arange(len(numbers)), numbers] = 0.0
    return Heard(phones, ())


def chain_of(text: str, language: str = "en", *, backing: Iterable[int] = ()) -> Chain:
    """The chain of some lines; `backing` names the words that may be missing."""
    missing = set(backing)
    pairs = [(word, line) for line, row in enumerate(text.split("\n")) for word in row.split()]
    return build_chain([SungWord(word, line, n in missing) for n, (word, line) in enumerate(pairs)], language)


def as_sung(chain: Chain, *, without: Iterable[int] = ()) -> list[tuple[str, int]]:
    """All that a chain holds, in order: phones of 0.1 s, gaps of 60 ms, rests of 0.4 s; some words may be left out."""
    left_out = set(without)
    return [
        (PHONES[phone] if kind == Kind.PHONE else "", FRAMES[Kind(kind)])
        for kind, phone, word in zip(chain.kinds.tolist(), chain.phones.tolist(), chain.words.tolist(), strict=True)
        if word not in left_out
    ]


def starts(chain: Chain) -> list[int]:
    """The frame in which each word that sounds starts when it is sung so."""
    found, frame, last = [], 0, -1
    for kind, word in zip(chain.kinds.tolist(), chain.words.tolist(), strict=True):
        if kind == Kind.PHONE and word != last:
            found.append(frame)
            last = word
        frame += FRAMES[Kind(kind)]
    return found
