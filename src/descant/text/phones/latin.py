"""A reading of Latin letters for languages that have no reader of their own: as in Italian, with common digraphs."""

from __future__ import annotations

from descant.text.phones.rules import RuleTable, Sound
from descant.text.phones.syllables import Division

ALPHABET = "äöüåøæœßçñšžčćśźżąęãõğşıýůřěâêîôû"
DIVISION = Division()

_TABLE = RuleTable(
    """
    <sch>       ʃ
    <tsch>      t ʃ
    <sh>        ʃ
    <sz>        ʃ
    <cz>        t ʃ
    <zh>        ʒ
    <ch>        t ʃ
    <kh>        x
    <gh>        ɡ
    <ph>        f
    <th>        θ
    <ts>        t s
    <tz>        t s
    <ck>        k
    <qu>        k w
    <q>         k
    <ng>(?!V)   ŋ
    <n>[gk]     ŋ
    <gn>V       ɲ
    <ny>V       ɲ
    <ny>$       ɲ
    <ñ>         ɲ
    <c>[eiéè]   s
    <c>         k
    <ç>         s
    <x>         k s
    <š>         ʃ
    <ş>         ʃ
    <ś>         ʃ
    <ž>         ʒ
    <ż>         ʒ
    <ź>         ʒ
    <č>         t ʃ
    <ć>         t ʃ
    <ğ>         -
    <ř>         r ʒ
    <ß>         s
    <g>         ɡ
    V<h>(?!V)   -
    <j>         j
    <y>V        j
    <y>         i
    <ý>         i
    <ı>         ɪ

    <ai>(?!V)   a ɪ
    <ay>(?!V)   a ɪ
    <au>(?!V)   a ʊ
    <ei>(?!V)   e ɪ
    <ey>(?!V)   e ɪ
    <oi>(?!V)   o ɪ
    <oy>(?!V)   o ɪ
    <i>V        j
    <u>[aeioàèéìò] w
    <aa>        a
    <ee>        e
    <ii>        i
    <oo>        u
    <uu>        u
    <ie>(?!V)   i
    <ä>         ɛ
    <æ>         ɛ
    <ö>         ø
    <ø>         ø
    <œ>         ø
    <ü>         y
    <å>         o
    <ą>         ɔ̃
    <ę>         ɛ̃
    <ã>         ɑ̃
    <õ>         ɔ̃
    <ů>         u
    <ě>         j e
    <â>         a
    <ê>         e
    <î>         i
    <ô>         o
    <û>         u
    <bb>        b
    <dd>        d
    <ff>        f
    <gg>        ɡ
    <kk>        k
    <ll>        l
    <mm>        m
    <nn>        n
    <pp>        p
    <rr>        r
    <ss>        s
    <tt>        t
    <zz>        t s
    """,
    {"V": "aeiouyäöüåøæœąęãõâêîôû"},
    same="abdefhiklmnoprstuvwz",
)


def read(word: str) -> list[Sound]:
    """The sounds of a word in no known language.

    Args:
        word: In lower case.
    """
    return _TABLE.read(word)
