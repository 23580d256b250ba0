"""Portuguese as it is sung in Brazil; open and closed e and o are told apart only where an accent says which."""

from __future__ import annotations

from descant.text.phones.rules import RuleTable, Sound
from descant.text.phones.syllables import Division

ALPHABET = "áàâãéêíóôõúüçèìòù"
DIVISION = Division()

_NASAL = "(?:[mn](?![aeiouáàâãéêíóôõúühmn]))"

_TABLE = RuleTable(
    """
    <ch>              ʃ
    <lh>              ʎ
    <nh>              ɲ
    <rr>              x
    ^<r>              x
    [nls]<r>          x
    <r>               r
    <ss>              s
    <sc>[eiéêí]       s
    <sç>              s
    <sh>              ʃ
    <xc>[eiéêí]       s
    V<s>h?V           z
    <s>[bdgmnlrvz]    z
    <qu>[eiéêí]       k
    <qu>              k w
    <q>               k
    <qü>              k w
    <gu>[eiéêí]       ɡ
    <gü>              ɡ w
    <gu>[aoáâãóô]     ɡ w
    <g>[eiéêí]        ʒ
    <g>               ɡ
    <cc>[eiéêí]       k s
    <c>[eiéêí]        s
    <ck>              k
    <c>               k
    <ç>               s
    <j>               ʒ
    ^<x>              ʃ
    ^he?<x>a          k s
    ^e<x>h?V          z
    ^ine<x>V          z
    e<x>[cpt]         s
    <x>$              k s
    <x>               ʃ
    <z>$              s
    <ph>              f
    <th>              t
    <h>               -
    <t>[iíy]          t ʃ
    <d>[iíy]          d ʒ
    <t>es?$           t ʃ
    <d>es?$           d ʒ
    <lm>$             ʊ m
    V<l>$             w
    V<l>(?![Vhl])     w
    <ll>              l
    <nn>              n
    <tt>              t
    <mm>              m

    <ães>             ɑ̃ ɪ s
    <ãe>              ɑ̃ ɪ
    <ão>              ɑ̃ ʊ
    <õe>              ɔ̃ ɪ
    <ã>               ɑ̃
    <õ>               ɔ̃
    m<ui>t            ũ ɪ
    [aâá]<m>$         ʊ
    V<m>$             -
    V<ns>$            s
    V<m>[pb]          m
    V<n>[ckgq]        ŋ
    <am>$             ɑ̃ ʊ
    <em>$             ɛ̃ ɪ
    <ém>$             ɛ̃ ɪ
    <êm>$             ɛ̃ ɪ
    <ens>$            ɛ̃ ɪ s
    <éns>$            ɛ̃ ɪ s
    <a>N              ɑ̃
    <â>N              ɑ̃
    <á>N              ɑ̃
    <e>N              ɛ̃
    <ê>N              ɛ̃
    <é>N              ɛ̃
    <i>N              ĩ
    <í>N              ĩ
    <o>N              ɔ̃
    <ô>N              ɔ̃
    <ó>N              ɔ̃
    <u>N              ũ
    <ú>N              ũ
    <a>nh             ɑ̃
    <ai>(?!N|nh)      a ɪ
    <ái>              a ɪ
    <au>(?!V|N)       a ʊ
    <áu>(?!V)         a ʊ
    <ei>(?!N|nh)      e ɪ
    <éi>              ɛ ɪ
    <êi>              e ɪ
    <eu>(?!V|N)       e ʊ
    <éu>(?!V)         ɛ ʊ
    <oi>(?!N|nh)      o ɪ
    <ói>              ɔ ɪ
    <ôi>              o ɪ
    <ou>(?!V|N)       o ʊ
    <iu>$             i ʊ
    <ui>(?!N|nh)      u ɪ
    ^<e>$             i
    ^<o>s?$           u
    [^^]<e>s?$        i
    [^^]<o>s?$        u
    <i>[aouáâãóôõ]    j
    <u>[aeioáâãéêíóô] w
    <á>               a
    <à>               a
    <â>               ɐ
    <é>               ɛ
    <è>               ɛ
    <ê>               e
    <í>               i
    <ì>               i
    <ó>               ɔ
    <ò>               ɔ
    <ô>               o
    <ú>               u
    <ù>               u
    <ü>               u
    <y>               i
    """,
    {"V": "aeiouáàâãéêíóôõúü", "N": _NASAL},
    same="abdefiklmnoprstuvwz",
)


def read(word: str) -> list[Sound]:
    """The sounds of a Portuguese word.

    Args:
        word: In lower case.
    """
    return _TABLE.read(word)
