"""Spanish as it is sung in the Americas: c and z as s, ll as y."""

from __future__ import annotations

from descant.text.phones.rules import RuleTable, Sound
from descant.text.phones.syllables import Division

ALPHABET = "áéíóúüñàèìòùâêîôûç"
DIVISION = Division(opens=frozenset({"ll", "rr"}))

_TABLE = RuleTable(
    """
    <ch>          t ʃ
    <sh>          ʃ
    <ll>$         l
    <ll>          j
    <rr>          r
    <qu>[eiéí]    k
    <q>           k
    <gu>[eiéí]    ɡ
    <gü>[eiéí]    ɡ w
    <g>[eiéí]     x
    <g>           ɡ
    <cc>[eiéí]    k s
    <c>[eiéí]     s
    <ck>          k
    <c>           k
    <ç>           s
    <z>           s
    <j>           x
    <ñ>           ɲ
    ^<x>          s
    <x>           k s
    <ph>          f
    <th>          t
    ^<hu>[eaoéáó] w
    ^<hi>[eé]     j
    <h>           -
    <v>           b
    ^<ps>         s
    <nn>          n
    <ss>          s
    <mm>          m
    <tt>          t
    <ff>          f
    <n>[gckqjxw]  ŋ

    <ai>(?!V)     a ɪ     # a weak vowel after a strong one makes a diphthong, unless it has the accent
    <ái>(?!V)     a ɪ
    <ay>(?!V)     a ɪ
    <au>(?!V)     a ʊ
    <áu>(?!V)     a ʊ
    <ei>(?!V)     e ɪ
    <éi>(?!V)     e ɪ
    <ey>(?!V)     e ɪ
    <eu>(?!V)     e ʊ
    <éu>(?!V)     e ʊ
    <oi>(?!V)     o ɪ
    <ói>(?!V)     o ɪ
    <oy>(?!V)     o ɪ
    <ou>(?!V)     o ʊ
    <uy>$         w i
    <y>V          j
    <y>           i
    <i>[aeouáéóú] j
    <u>[aeioáéíó] w
    <ü>           w
    <á>           a
    <é>           e
    <í>           i
    <ó>           o
    <ú>           u
    <à>           a
    <è>           e
    <ì>           i
    <ò>           o
    <ù>           u
    <â>           a
    <ê>           e
    <î>           i
    <ô>           o
    <û>           u
    """,
    {"V": "aeiouáéíóúü"},
    same="abdefiklmnoprstuw",
)


def read(word: str) -> list[Sound]:
    """The sounds of a Spanish word.

    Args:
        word: In lower case.
    """
    return _TABLE.read(word)
