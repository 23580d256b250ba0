"""Italian; open and closed e and o are told apart only where an accent says which."""

from __future__ import annotations

from descant.text.phones.rules import RuleTable, Sound, listed
from descant.text.phones.syllables import Division

ALPHABET = "àèéìíòóùúáâêîôû"
DIVISION = Division(s_opens=True)

# Short words whose i or u before the last vowel has the stress, so that both are vowels.
_LISTED = listed(
    """
    m:m i:i o:o
    m:m i:i a:a
    m:m i:i e:e
    t:t u:u o:o
    t:t u:u a:a
    t:t u:u e:e
    s:s u:u o:o
    s:s u:u a:a
    s:s u:u e:e
    i:i o:o
    d:d i:i o:o
    d:d i:i a:a
    z:d.z i:i o:o
    z:d.z i:i a:a
    v:v i:i a:a
    d:d u:u e:e
    f:f u:u i:i
    c:k u:u i:i
    l:l u:u i:i
    p:p i:i ù:u
    """
) | listed("p:p i:j ù:u")

_TABLE = RuleTable(
    """
    <sci>[aouàòù]   ʃ
    <sc>[eièéìí]    ʃ
    <sch>           s k
    <cci>[aouàòù]   t ʃ
    <cc>[eièéìí]    t ʃ
    <cch>           k
    <ci>[aouàòù]    t ʃ
    <c>[eièéìí]     t ʃ
    <ch>            k
    <cc>            k
    <cq>            k
    <ck>            k
    <c>             k
    <ggi>[aouàòù]   d ʒ
    <gg>[eièéìí]    d ʒ
    <ggh>           ɡ
    <gg>            ɡ
    <gi>[aouàòù]    d ʒ
    <g>[eièéìí]     d ʒ
    <gh>            ɡ
    <gli>[aeouàèéòù] ʎ
    ^<gl>i          ʎ
    [aeioué]<gl>i   ʎ
    <gn>            ɲ
    <g>             ɡ
    <qu>            k w
    <q>             k
    <ss>            s
    V<s>V           z
    <s>[bdglmnrv]   z
    <sh>            ʃ
    <zz>            t s
    ^<z>            d z
    <z>             t s
    <bb>            b
    <dd>            d
    <ff>            f
    <ll>            l
    <mm>            m
    <nn>            n
    <pp>            p
    <rr>            r
    <tt>            t
    <vv>            v
    <n>[cgkq]       ŋ
    <ph>            f
    <h>             -
    <j>             j
    <x>             k s
    <y>V            j
    <y>             i

    <ai>(?!V)       a ɪ
    <àì>(?!V)       a ɪ
    <au>(?!V)       a ʊ
    <ei>(?!V)       e ɪ
    <èi>(?!V)       ɛ ɪ
    <eu>(?!V)       e ʊ
    <oi>(?!V)       o ɪ
    <òi>(?!V)       ɔ ɪ
    <ui>$           u ɪ
    ^<io>$          i
    <i>[aeouàèéòóù] j
    <u>o            w
    [gq]<u>V        w
    <u>[aeièéàì]    w
    u<o>(?!V)       ɔ
    <à>             a
    <è>             ɛ
    <é>             e
    <ì>             i
    <í>             i
    <ò>             ɔ
    <ó>             o
    <ù>             u
    <ú>             u
    <á>             a
    <â>             a
    <ê>             e
    <î>             i
    <ô>             o
    <û>             u
    """,
    {"V": "aeiouàèéìíòóùú"},
    same="abdefiklmnoprstuvw",
)


def read(word: str) -> list[Sound]:
    """The sounds of an Italian word.

    Args:
        word: In lower case.
    """
    return _LISTED.get(word) or _TABLE.read(word)
