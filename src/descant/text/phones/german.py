"""German: prefixes and endings are cut off first, then the rules of spelling; vowels are long in open syllables."""

from __future__ import annotations

import re

from descant.text.phones.rules import BREAK, RuleTable, Sound, listed
from descant.text.phones.syllables import Division

ALPHABET = "äöüßàéèêâô"
DIVISION = Division()

_LISTED = listed(
    """
    d:d a:a s:s
    w:v a:a s:s
    d:d e:ɛ s:s
    w:v e:ɛ s:s
    e:ɛ s:s
    w:v e:ɛ g:k
    u:ʊ m:m
    u:ʊ n:n d:t
    i:ɪ n:n
    i:ɪ m:m
    b:b i:ɪ n:n
    h:h i:ɪ n:n
    b:b i:ɪ s:s
    m:m i:ɪ t:t
    o:ɔ b:p
    v:f o:ɔ n:n
    v:f o:ɔ m:m
    z:t.s u:ʊ m:m
    z:t.s u:u r:ʁ
    d:d e:e r:ʁ
    w:v e:e r:ʁ
    d:d e:e n:n
    w:v e:e n:n
    d:d e:e m:m
    w:v e:e m:m
    e:ɛ r:ʁ
    v:f ie:i l:l
    v:f ie:i r:ʁ
    v:f ie:ɪ r:ʁ z:t.s i:ɪ g:ç
    e:e r:ʁ d:d e:ə
    e:e r:ʁ s:s t:t
    e:e r:ʁ s:s t:t e:ə
    w:v e:e r:ʁ d:d e:ə n:n
    w:v e:e r:ʁ t:t
    p:p f:f e:e r:ʁ d:t
    h:h e:e r:ʁ d:t
    m:m o:o n:n d:t
    n:n o:ɔ ch:x
    d:d o:ɔ ch:x
    h:h o:o ch:x
    n:n a:a ch:x
    b:b u:u ch:x
    t:t u:u ch:x
    s:z u:u ch:x e:ə n:n
    k:k l:l a:a v:v ie:i r:ʁ
    l:l e:e b:b e:ɛ n:n d:d i:ɪ g:ç
    g:ɡ e:ɛ s:s t:t e:ɐ r: n:n
    """
)

_PREFIXES = (
    *("auseinander", "herunter", "hinunter", "hinüber", "herüber", "zusammen", "entgegen", "vorüber", "hinauf"),
    *("herauf", "hinein", "herein", "hinaus", "heraus", "hervor", "zurück", "wieder", "gegen", "hinter", "unter"),
    *("durch", "empor", "nieder", "nach", "über", "auf", "aus", "ein", "weg", "vorbei", "fort", "her", "hin"),
    *("ver", "zer", "ent", "emp", "miss", "er", "be", "ge", "un", "ur", "an", "ab", "um", "vor", "zu", "bei", "mit"),
)
_ENDINGS = (
    *("schaft", "heiten", "heit", "keiten", "keit", "losen", "lose", "los", "lichen", "liche", "licher", "liches"),
    *("lich", "haft", "same", "sam", "bare", "bar", "chen", "lein", "ling", "linge", "nisse", "nis", "tum"),
)
_STARTS = re.compile(
    r"(?:[bcdfghjklmnpqrstvwxz]|bl|br|dr|fl|fr|gl|gn|gr|kl|kn|kr|ph|pl|pr|pf|pfl|pfr|qu|sch|schl|schm|schn|schr|schw"
    r"|sk|sp|spr|spl|st|str|tr|th|zw|wr)?[aeiouyäöü]"
)
_WEAK_END = re.compile(r"(?:e[nrlms]?|ern|ers|eln|els|est|et|ten?|tes?t|end|ens)$")
_VOWEL = re.compile(r"[aeiouyäöüéèàêâô]")
_CLOSED = listed(
    """
    b:b e:ə
    g:ɡ e:ə
    e:ɛ r:ʁ
    v:f e:ɛ r:ʁ
    z:t.s e:ɛ r:ʁ
    e:ɛ n:n t:t
    e:ɛ m:m p:p
    a:a n:n
    a:a b:p
    u:ʊ n:n
    u:ʊ m:m
    u:u r:ʁ
    m:m i:ɪ ss:s
    h:h i:ɪ n:n
    w:v e:ɛ g:k
    m:m i:ɪ t:t
    """
)

_TABLE = RuleTable(
    """
    <tsch>            t ʃ
    <sch>             ʃ
    <chs>(?=$|[te])   k s
    ^<ch>[alor]       k
    [aou]<ch>         x
    <ch>              ç
    <ck>              k
    <c>[eiyäéè]       t s
    <cc>              k
    <c>               k
    ^<s>p             ʃ
    ^<s>t             ʃ
    <ss>              s
    <ß>               s
    ^<s>V             z
    [Vnlrm]<s>V       z
    <s>               s
    <tz>              t s
    <zz>              t s
    <z>               t s
    <th>              t
    <tt>              t
    <dt>              t
    <ti>on            t s j
    <t>               t
    <ph>              f
    <pf>              p f
    <ff>              f
    <pp>              p
    <p>               p
    <qu>              k v
    <q>               k
    <ng>e[lnrs]?$     ŋ
    <ng>(?![aouäöü])  ŋ
    <n>k              ŋ
    <nn>              n
    <bb>              b
    <b>[st]           p
    <b>$              p
    <dd>              d
    <d>$              t
    <d>s              t
    <gg>              ɡ
    Vi<g>$            k
    i<g>$             ç
    i<g>s?t           ç
    <g>[st]           k
    <g>$              k
    <g>               ɡ
    V<h>              -
    <h>               h
    <j>               j
    <kk>              k
    <ll>              l
    <mm>              m
    <rr>              ʁ
    <rh>              ʁ
    <r>               ʁ
    <v>$              f
    [aei]<v>e$        v
    <v>[aiouäéè]?[lv]i v
    ^<va>[sr]         v a
    ^<v>io            v
    <v>               f
    <w>               v
    <x>               k s
    <ñ>               ɲ

    <aa>              a
    <ah>(?!V)         a
    <ai>              a ɪ
    <ay>              a ɪ
    <au>              a ʊ
    <äu>              ɔ ɪ
    <ä>               ɛ
    <eu>              ɔ ɪ
    <ei>              a ɪ
    <ey>              a ɪ
    <ee>              e
    <ie>r             i
    <ie>n$            i
    <ie>              i
    <ih>              i
    <oo>              o
    <ou>              u

    K<er>$            ɐ
    K<el>n?$          ə l
    K<e>n[sd]?$       ə
    K<e>nd[aeäöü]     ə
    K<e>[mst]$        ə
    K<e>ste?[nrsm]?$  ə
    K<e>$             ə
    K<er>[ns]$        ɐ
    K<e>r[eltw]       ə
    <e>h              e
    <e>L              e
    <e>$              e
    <é>               e
    <è>               ɛ
    <ê>               ɛ
    <e>               ɛ
    <i>h              i
    <i>[gk]$          ɪ
    <i>gs?t           ɪ
    <i>g[eks]         ɪ
    <i>sch            ɪ
    <i>L              i
    <i>$              i
    i<o>n             o
    <i>               ɪ
    <o>h              o
    <o>ß              o
    <o>L              o
    <o>$              o
    <ô>               o
    <o>               ɔ
    <ö>h              ø
    <ö>ß              ø
    <ö>L              ø
    <ö>               œ
    <u>ng             ʊ
    <u>h              u
    <u>ß              u
    <u>L              u
    <u>$              u
    <u>               ʊ
    <ü>h              y
    <ü>ß              y
    <ü>L              y
    <ü>               ʏ
    <y>L              y
    <y>$              i
    <y>V              j
    <y>               ʏ
    <à>               a
    <â>               a
    """,
    {
        "V": "aeiouyäöüéèàêâô",
        "K": "(?:[aeiouyäöü].*[bcdfghjklmnpqrstvwxzß]|[aeiouyäöü]h?|[aeiouyäöü].*[eaä][iu])",
        # Where a vowel is long: one consonant (or one with l or r) and a vowel follow, or one soft consonant ends it.
        "L": "(?:(?:[bdfghjklmnprstvwzß]|ph|th|[bdgptk][lr])[aeiouyäöü]|[bdg]s?t?$|[bdgptkfmnlrs]$)",
    },
    same="abdfhklmn",
)


def read(word: str) -> list[Sound]:
    """The sounds of a German word.

    Args:
        word: In lower case.
    """
    if word in _LISTED:
        return _LISTED[word]
    for prefix in _PREFIXES:
        rest = word.removeprefix(prefix)
        if rest != word and _can_stand_alone(rest) and not (prefix in {"be", "ge"} and rest[0] in "eiu"):
            return [*(_CLOSED.get(prefix) or _TABLE.read(prefix)), BREAK, *read(rest)]
    for ending in _ENDINGS:
        stem = word.removesuffix(ending)
        if stem != word and len(stem) > 2 and _VOWEL.search(stem) and not _is_vowel_cut(stem, ending):
            return [*read(stem), BREAK, *_TABLE.read(ending)]
    return _TABLE.read(word)


def _can_stand_alone(rest: str) -> bool:
    """Whether what follows a prefix starts as words do and has a vowel beside that of its ending."""
    return bool(_STARTS.match(rest)) and bool(_VOWEL.search(_WEAK_END.sub("", rest)))


def _is_vowel_cut(stem: str, ending: str) -> bool:
    """Whether the ending is only the last letters of a longer stem: "sch" is one sound, "ck" and "st" too."""
    return (ending == "chen" and stem[-1] == "s") or (stem[-1] == ending[0] and ending[0] != "l")
