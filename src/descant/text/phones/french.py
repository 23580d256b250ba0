"""French as it is sung: the e at the end of words may sound (it is marked as optional), liaison is left out."""

from __future__ import annotations

from descant.text.phones.rules import RuleTable, Sound, listed
from descant.text.phones.syllables import Division

ALPHABET = "àâäæçéèêëîïôöœùûüÿ"
DIVISION = Division()

# -ent is silent in verbs and nasal in these; stems of words, with their plural and -ment left to the rule.
_NASAL_ENT = (
    *("absent", "accent", "accident", "adolescent", "apparent", "argent", "ardent", "cent", "content", "continent"),
    *("contient", "couvent", "dent", "différent", "décent", "encens", "équivalent", "évident", "excellent", "fervent"),
    *("fréquent", "gent", "imprudent", "incident", "indifférent", "innocent", "insolent", "intelligent", "lent"),
    *("mécontent", "occident", "orient", "parent", "patient", "président", "présent", "prudent", "récent", "sent"),
    *("serpent", "souvent", "suivent", "talent", "torrent", "transparent", "urgent", "vent", "violent", "tourment"),
)
_LISTED = listed(
    """
    e:ɛ s:s t:t?
    e:ɛ st:
    e:ɛ s:
    e:e t:
    l:l e:ɛ s:
    d:d e:ɛ s:
    m:m e:ɛ s:
    t:t e:ɛ s:
    s:s e:ɛ s:
    c:s e:ɛ s:
    f:f i:i l: s:s
    s:s e:ɛ p: t:t
    h: ui:ɥ.i t:t
    s:s i:i x:s
    d:d i:i x:s
    m:m o:ə n:s ieu:j.ø r:
    f:f e:a mm:m e:ə?
    f:f e:a mm:m e:ə? s:
    v:v i:i ll:l e:ə?
    v:v i:i ll:l a:a g:ʒ e:ə?
    m:m i:i ll:l e:ə?
    t:t r:ʁ an:ɑ̃ qu:k i:i ll:l e:ə?
    h: i:i v:v e:ɛ r:ʁ
    h: i:j e:ɛ r:ʁ
    m:m e:ɛ r:ʁ
    f:f e:ɛ r:ʁ
    ch:ʃ e:ɛ r:ʁ
    f:f i:j e:ɛ r:ʁ
    en:ɑ̃ f:f e:ɛ r:ʁ
    a:a m:m e:ɛ r:ʁ
    v:v e:ɛ r:ʁ s:
    t:t ou:u s:
    p:p l:l u:y s:
    h: é:e l:l a:a s:s
    j:ʒ a:a d:d i:i s:s
    o:ɔ s:s
    ou:u r:ʁ s:s
    s:s en:ɑ̃ s:s
    m:m a:a r:ʁ s:s
    l:l y:i s:s
    o:o s:s
    n:n e:ɛ t:t
    ou:w i:i
    s:s e:ə c:ɡ on:ɔ̃ d:
    g:ɡ en:ɑ̃ s:
    t:t em:ɑ̃ p: s:
    c:k o:ɔ r:ʁ p: s:
    p:p ie:j.e d:
    c:k l:l e:e f:
    n:n e:ɛ r:ʁ f:
    t:t a:a b:b a:a c:
    e:ɛ s:s t:t o:ɔ m:m a:a c:
    p:p o:ɔ r:ʁ c:
    b:b l:l an:ɑ̃ c:
    f:f r:ʁ an:ɑ̃ c:
    b:b an:ɑ̃ c:
    g:ʒ en:ɑ̃ t:t i:i l:
    s:s ou:u r:ʁ c:s i:i l:
    f:f u:y s:z i:i l:
    au:o j:ʒ ou:u r:ʁ d:d ': h: ui:ɥ.i
    eu:y
    eu:y t:
    eu:y rent:ʁ
    p:p a:ɛ y:i s:
    """
)

_TABLE = RuleTable(
    """
    ^<y>$             i
    <tch>             t ʃ
    <ch>[rlnt]        k
    <ch>              ʃ
    <sch>             ʃ
    <sh>              ʃ
    <sc>[eiéèêyî]     s
    <cc>[eiéèêyî]     k s
    <c>[eiéèêyîœ]     s
    <cqu>             k
    <cc>              k
    <ck>              k
    <ct>s?$           k t
    n<c>s?$           -
    <c>               k
    <ç>               s
    <ge>[aoâô]        ʒ
    <g>[eiéèêyî]      ʒ
    <gu>[eiéèêyî]     ɡ
    <gn>              ɲ
    <gg>              ɡ
    <gt>s?$           -
    [nr]<g>s?$        -
    <g>               ɡ
    <j>               ʒ
    <qu>              k
    <q>               k
    <ph>              f
    <th>              t
    <h>               -
    V<s>V             z
    <ss>              s
    <s>$              -
    <x>$              -
    ^e<x>h?V          ɡ z
    <x>               k s
    <ti>on            s j
    [^s]<ti>e[lnu]    s j
    <tt>              t
    <ts>$             -
    <t>$              -
    <ds>$             -
    <d>$              -
    <ps>$             -
    <p>$              -
    m<pt>             t
    m<b>s?$           -
    <z>$              -
    <bb>              b
    <dd>              d
    <ff>              f
    ^i<ll>            l
    ^[mv]i<ll>        l
    i<ll>             j
    <ll>              l
    <mm>              m
    <nn>              n
    <pp>              p
    <rr>              ʁ
    <r>               ʁ
    <zz>              d z
    <w>               w

    <aim>N            ɛ̃
    <ain>N            ɛ̃
    <ein>N            ɛ̃
    <eim>N            ɛ̃
    o<in>N            ɛ̃
    <oin>N            w ɛ̃
    <ouin>N           w ɛ̃
    i<en>(?=s?$|[st][^e]) ɛ̃
    é<en>s?$          ɛ̃
    y<en>s?$          ɛ̃
    <an>N             ɑ̃
    <am>P             ɑ̃
    <ân>N             ɑ̃
    ^<enn>            ɑ̃ n
    ^<emm>            ɑ̃ m
    ^<eni>v           ɑ̃ n i
    <ênt>s?$          ɑ̃      # written so for -ent where it is nasal
    [^i]m<ent>s?$     ɑ̃
    im<ent>$          ɑ̃
    [éèêaiuCâîo]<ent>$  ə?
    <en>N             ɑ̃
    <em>P             ɑ̃
    <aon>$            ɑ̃
    <in>N             ɛ̃
    <în>N             ɛ̃
    <im>P             ɛ̃
    <yn>N             ɛ̃
    <ym>P             ɛ̃
    <on>N             ɔ̃
    <om>P             ɔ̃
    <om>s?$           ɔ̃
    <um>P             ɛ̃
    <um>$             ɔ m
    <un>N             ɛ̃
    <eun>$            ɛ̃

    <oeu>[xd]?s?$     ø
    <œu>[xd]?s?$      ø
    <oeu>fs$          ø
    <œu>fs$           ø
    <oeu>             œ
    <œu>              œ
    <œ>               ø
    <eaux>$           o
    <eau>             o
    <aux>$            o
    <au>              o
    <aî>              ɛ
    <aie>s?$          ɛ
    <aient>$          ɛ
    <ai>ll            a
    <ail>s?$          a j
    <ei>ll            ɛ
    <eil>s?$          ɛ j
    <eui>ll           œ
    <uei>ll           œ
    <euil>s?$         œ j
    <ueil>s?$         œ j
    <œil>             œ j
    <oui>ll           u
    <ouil>s?$         u j
    <ay>V             ɛ j
    <ey>V             ɛ j
    <oy>V             w a j
    <uy>V             ɥ i j
    <aï>              a i
    <ai>$             e
    <ai>              ɛ
    <ay>              ɛ
    <ei>              ɛ
    <ey>              ɛ
    <eû>              ø
    <eu>s?e           ø
    <eu>[xt]?s?$      ø
    <eu>t?re?         œ
    <eu>[ntsm]        ø
    <eu>              œ
    <oî>              w a
    <oê>              w a
    <oy>              w a
    <oi>              w a
    <oo>              u
    <où>              u
    <oû>              u
    <ou>[aeiéèêâî](?!s?$) w
    <ou>[ié]          w
    <ou>              u
    V<i>ll            -
    <i>ll             i
    q<u>              -
    <u>[iîaoéèâ]      ɥ
    <ue>s?$           y
    <uë>              y
    <u>               y
    <ù>               y
    <û>               y
    <ü>               y
    <ie>s?$           i
    <ie>ra            i
    <ée>s?$           e
    <és>$             e
    CC<i>V            i
    <i>[aeoéèêâôuœ]   j
    <î>               i
    <ï>V              j
    <ï>               i
    V<y>V             j
    ^<y>V             j
    <y>V              j
    <y>               i
    <é>               e
    <è>               ɛ
    <ê>               ɛ
    <ë>               ɛ
    <à>               a
    <â>               a
    <ä>               a
    <æ>               e
    <o>s?$            o
    <o>ts?$           o
    <o>[sz]V          o
    <ô>               o
    <ö>               ø
    <o>               ɔ
    <er>s?$           e
    <ez>$             e
    ^[^V]?[^V]?<e>s?$ ə
    ^[^V][^V]?<e>$    ə
    ([aeioéèêyû]|[^qg]u)<e>s?$ -
    <e>s?$            ə?
    <et>s?$           ɛ
    <ed>s?$           e
    <ef>s?$           ɛ f
    <e>[cflbk]s?$     ɛ
    <e>s[cptqm]       ɛ
    <e>xV             ɛ
    <e>x              ɛ
    <e>(ss|ll|tt|rr|nn|mm|ff|pp|cc|zz) ɛ
    <e>[bcdfgptv][lr] ə
    <e>gn             ɛ
    <e>(ch|ph|th)     ə
    <e>CC             ɛ
    ^C?C?<e>          ə
    CC<e>             ə
    <e>C              ə?
    <e>               ə
    """,
    {
        "V": "aeiouyàâäæéèêëîïôöœùûü",
        "C": "bcdfghjklmnpqrstvwxzç",
        "N": "(?![aeiouyàâéèêëîïôœùûhnm])",
        "P": "(?=[bp])",
    },
    same="abdfiklmnpstvz",
)


def read(word: str) -> list[Sound]:
    """The sounds of a French word.

    Args:
        word: In lower case.
    """
    if word in _LISTED:
        return _LISTED[word]
    head, apostrophe, tail = word.partition("'")
    if apostrophe and tail:
        return [*_TABLE.read(head), Sound("'", ()), *read(tail)]
    stem = word.removesuffix("s")
    if stem.endswith("ent") and (stem in _NASAL_ENT or stem.removeprefix("in") in _NASAL_ENT):
        return _relabelled(_TABLE.read(stem[:-3] + "ênt" + word[len(stem) :]), word)
    return _TABLE.read(word)


def _relabelled(sounds: list[Sound], word: str) -> list[Sound]:
    """The sounds of a respelled word with the letters of the word itself."""
    result, place = [], 0
    for sound in sounds:
        result.append(Sound(word[place : place + len(sound.letters)], sound.phones))
        place += len(sound.letters)
    return result
