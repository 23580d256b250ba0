"""The shared inventory: one set of IPA symbols for all languages, so that one acoustic model can know them all.

It is broad on purpose: singing keeps few of the distinctions of speech. Long vowels are written as short ones,
diphthongs and affricates as two symbols, all tapped and trilled r as `r`, and the nasal vowels of Portuguese as the
nearest French ones. What is kept apart is what sounds apart: the three r (`r` trilled, `ʁ` uvular, `ɹ` English).
"""

from __future__ import annotations

ORAL_VOWELS: tuple[str, ...] = (
    *("i", "ɪ", "y", "ʏ", "u", "ʊ", "e", "ø", "o", "ə"),
    *("ɛ", "œ", "ɔ", "ɜ", "ʌ", "ɐ", "æ", "a", "ɑ"),
)
NASAL_VOWELS: tuple[str, ...] = ("ɑ̃", "ɛ̃", "ɔ̃", "ĩ", "ũ")
CONSONANTS: tuple[str, ...] = (
    *("p", "b", "t", "d", "k", "ɡ", "m", "n", "ɲ", "ŋ"),
    *("f", "v", "θ", "ð", "s", "z", "ʃ", "ʒ", "ç", "x", "h"),
    *("r", "ʁ", "ɹ", "l", "ʎ", "j", "w", "ɥ"),
)

VOWELS: frozenset[str] = frozenset(ORAL_VOWELS + NASAL_VOWELS)

PHONES: tuple[str, ...] = ORAL_VOWELS + NASAL_VOWELS + CONSONANTS
