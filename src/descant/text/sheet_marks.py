"""What stands in lyrics as people write them and is not sung: headers, repeats, chords, directions, web leftovers."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

_KINDS = {
    "prechorus": (
        r"pre-? ?chorus|pré-? ?refrain|pre-? ?(?:coro|estribillo|ritornello)|pré-? ?refr[ãa]o|vorrefrain|pre-? ?refrain"
    ),
    "postchorus": r"post-? ?chorus|post-? ?refrain|post-? ?coro",
    "chorus": r"chorus|refrain|kehrreim|kehrvers|estribillo|coro|ritornello|refr[ãa]o|hook|rit\.|ref\.",
    "verse": r"verse|strophe|couplet|estrofa|estrofe|strofa|verso|vers",
    "bridge": r"bridge|brücke|pont|puente|ponte|middle (?:8|eight)",
    "intro": r"intro|introduction|vorspiel|introducción|introdução",
    "outro": r"outro|nachspiel|ending|coda|schluss|final|fin",
    "part": (
        r"interlude|zwischenspiel|instrumental|instrumentale|solo|break|breakdown|drop|tag|rap|spoken|gesprochen|part|"
        r"teil"
    ),
}
_PLAIN_KINDS = ("prechorus", "postchorus", "chorus", "verse", "bridge", "intro", "outro")
_NOT_PLAIN = re.compile(r"(?:final|fin|vers|hook|pont|ponte|ending|coda|schluss)", re.IGNORECASE)
_NUMBER = r"(?:\d{1,2}|[ivx]{1,4}|[a-d])"
_ORDINAL = r"(?:\d{1,2}(?:st|nd|rd|th|\.|ª|º|e|er|ère)?|first|second|third|last|final|erste|zweite|dritte|letzte)"
_TIMES = (
    r"(?:[x×*] ?(?P<{0}1>\d{{1,2}})|(?P<{0}2>\d{{1,2}}) ?(?:[x×]|times|mal|fois|veces|volte|vezes)|"
    r"(?P<{0}3>bis|ter|twice))"
)
_REPEAT_WORD = r"(?:repeat|repetir|repete|ripetere|répéter|wiederholen|wdh\.?|rep\.?)"
_HEADER = re.compile(
    rf"(?:{_REPEAT_WORD} )?(?:{_ORDINAL} )?(?P<kind>"
    + "|".join(f"(?P<{kind}>{names})" for kind, names in _KINDS.items())
    + rf")(?: ?#?(?P<number>{_NUMBER}))?(?P<more> ?\(?(?:{_REPEAT_WORD} ?)?(?:{_TIMES.format('t')})?\)?)"
    rf"(?P<rest>[:.\-–,/ ].*)?",
    re.IGNORECASE,
)
_REPEAT_ROW = re.compile(
    rf"[\[(/\s]*(?:{_REPEAT_WORD} ?)?(?:{_TIMES.format('r')}|{_REPEAT_WORD})[\])/\s.!]*", re.IGNORECASE
)
_REPEAT_END = re.compile(
    rf"\s*(?:[\[(/]\s*(?:{_REPEAT_WORD} ?)?{_TIMES.format('b')}\s*[\])/]?|"
    rf"\s(?:[x×] ?(?P<e1>\d{{1,2}})|(?P<e2>\d{{1,2}})[x×]))\s*$",
    re.IGNORECASE,
)
_CHORD = (
    r"(?>N\.?C\.?|[A-H](?:[#♯]|b(?!e)|♭)?(?:maj|min|dim|aug|sus|add|m|M|°|ø|\+|-(?![A-H]))?\d{0,2}"
    r"(?:(?:sus|add|maj|b|#|♭|♯)\d{1,2})*(?:/[A-H][#b♭♯]?)?)"
)
# Nothing is given back: "A--A--A-- love" can be parted in as many ways as there are chords.
_CHORD_ROW = re.compile(rf"[\s|:/%.(\[]*+{_CHORD}[)\]]*+(?:[\s|:/%.\-,(\[]++(?:{_CHORD}|[x×]\d)?[)\]]*+)*+")
_INLINE_CHORD = re.compile(rf"\[{_CHORD}\]|\{{[^}}]*\}}")
_TABLATURE = re.compile(r"\s*[eBGDAEb]?\s*\|[-0-9|hpbrxX/\\~^()= ]{4,}")
_STAMP = re.compile(r"[\[<]\d{1,3}:\d{2}(?:[.:]\d{1,3})?[\]>]")
_DIRECTION = re.compile(
    r"instrumental\w*|solo|interlude|zwischenspiel|vorspiel|nachspiel|guitar|gitarre|guitare|guitarra|chitarra|drums?|piano|"
    r"music|musik|musique|música|musica|applause|applaus|laugh\w*|lacht|rires?|cheer\w*|fade\w*|whistl\w*|spoken|gesprochen|"
    r"parlé|hablado|parlato|pause|break|silence|clap\w*|sax\w*|speaking|repeat to fade|ad[ -]?libs?",
    re.IGNORECASE,
)
_WEB = re.compile(
    r"you might also like|\d*\s*embed|see .{1,60} live|get tickets as low as .*|\d+ contributors?.*|translations?|"
    r"(?:lyrics|paroles|letra|songtext|testo)(?: (?:by|from|von|de) .*)?|written by:? .*|source:? .*|copyright .*|©.*",
    re.IGNORECASE,
)
_FIRST_WEB = re.compile(r".{1,120}\blyrics", re.IGNORECASE)
_EMBED_END = re.compile(r"(?<=[^\W\d_])\d{0,4}Embed$|(?<=[.!?,)\]\"'])\d{1,4}Embed$")
_TAG = re.compile(r"</?[A-Za-z][^<>]{0,80}>")
_BREAK = re.compile(r"<br\s*/?>|</p>|</div>", re.IGNORECASE)
_INVISIBLE = re.compile("[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f]")
_SIGNS_ONLY = re.compile(r"[\W_]*")
_SINGER = re.compile(r"(?P<name>[^\W\d_][^\n:()\[\]]{0,28}?) ?: +(?P<rest>\S.*)")


@dataclass(frozen=True, slots=True)
class Header:
    """The head of a section.

    Attributes:
        kind: "chorus", "verse", "bridge", ...; empty for one that is not known.
        number: "2" in "Verse 2"; may be empty.
        times: How often its lines are sung.
        rest: Words of the song that stand behind it in the same row.
    """

    kind: str
    number: str = ""
    times: int = 1
    rest: str = ""


def rows_of(text: str) -> list[str]:
    """Rows of a pasted text, with all kinds of line ends and spaces, without HTML and signs that cannot be seen.

    Args:
        text: As it was pasted.
    """
    text = _BREAK.sub("\n", text)
    if re.search(r"&(?:[a-z]+|#\d+);", text):
        text = html.unescape(text)
    text = _CONTROL.sub("", _INVISIBLE.sub("", _TAG.sub("", text)))
    return [" ".join(row.split()) for row in text.splitlines()]


def header(row: str) -> Header | None:
    """The header that a row is; None when it is sung.

    Args:
        row: Without spaces around it.
    """
    inner, bracket = _unbracketed(row)
    match = _HEADER.fullmatch(inner.strip())
    if match is None:
        return Header("") if bracket == "[" or (bracket == "*" and inner) else None
    kind = next(name for name in _KINDS if match[name])
    rest = (match["rest"] or "").strip()
    colon = rest.startswith(":")
    if not bracket and not _stands_plain(match, kind, rest):
        return None
    if bracket == "(" and rest and not colon:
        return None
    times = match["t1"] or match["t2"]
    count = int(times) if times else {"ter": 3}.get((match["t3"] or "").lower(), 2 if match["t3"] else 1)
    return Header(
        kind,
        (match["number"] or "").lower(),
        min(max(count, 1), 20),
        "" if bracket else rest[1:].strip() if colon else "",
    )


def _stands_plain(match: re.Match[str], kind: str, rest: str) -> bool:
    """Whether a header without brackets is one: words of songs may start with "Solo" or "Final" too."""
    if rest.startswith(":"):
        return True
    return kind in _PLAIN_KINDS and not rest and (bool(match["number"]) or not _NOT_PLAIN.fullmatch(match["kind"]))


def _unbracketed(row: str) -> tuple[str, str]:
    """What stands in brackets around a whole row, and the opening one; empty when there are none."""
    for opening, closing in ("[]", "()", "**", "{}", "<>"):
        if len(row) > 1 and row[0] == opening and row[-1] == closing and opening not in row[1:-1].strip("*"):
            return row[1:-1].strip("*# "), "[" if opening in "{<" else opening
    return row.strip("#*_= "), ""


def repeats(row: str) -> int:
    """How often a row that says only "x3" or "bis" lets the lines above be sung; 0 when it says something else."""
    match = _REPEAT_ROW.fullmatch(row) if row else None
    return _count(match, "r") if match else 0


def cut_repeats(row: str) -> tuple[str, int]:
    """A row without the "(x2)" at its end, and how often it is sung."""
    match = _REPEAT_END.search(row)
    if match is None or not match.start():
        return row, 1
    plain = match["e1"] or match["e2"]
    return row[: match.start()].rstrip(), min(max(int(plain), 1), 20) if plain else _count(match, "b")


def _count(match: re.Match[str], name: str) -> int:
    digits = match[f"{name}1"] or match[f"{name}2"]
    if digits:
        return min(max(int(digits), 1), 20)
    return 3 if (match[f"{name}3"] or "").lower() == "ter" else 2


def is_chords(row: str) -> bool:
    """Whether a row holds only chords, or strings of a tablature; a lone A or E may be a word."""
    return bool(_TABLATURE.fullmatch(row)) or (
        bool(_CHORD_ROW.fullmatch(row)) and row.strip("|:/ .") not in {"A", "E", "H"}
    )


def is_direction(row: str) -> bool:
    """Whether a row in brackets or between asterisks says what happens instead of what is sung."""
    inner, bracket = _unbracketed(row)
    return bracket in {"[", "*"} or (bracket == "(" and len(inner.split()) <= 4 and bool(_DIRECTION.search(inner)))


def is_web_leftover(row: str, is_first: bool) -> bool:
    """Whether a row comes from the web page around the lyrics."""
    return bool(_WEB.fullmatch(row)) or (is_first and bool(_FIRST_WEB.fullmatch(row)))


def without_marks(row: str) -> str:
    """A row without chords, times and directions between its words."""
    row = _STAMP.sub("", _INLINE_CHORD.sub("", row))
    row = re.sub(r"\[[^\[\]]*\]|\*[^*]{1,40}\*", " ", _EMBED_END.sub("", row))
    row = re.sub(r"\(([^()]*)\)", lambda m: " " if is_direction(m.group(0)) else m.group(0), row)
    return " ".join(row.split())


def without_number(row: str) -> str:
    """The first row of a strophe without its number ("1. ")."""
    return re.sub(r"^\d{1,2}[.)]\s+(?=\S)", "", row)


def singer(row: str) -> tuple[str, str]:
    """Who a row names as its singer ("ANNA: ..."; empty when nobody), and what is sung.

    The name must be in capitals, so that "She said: come" stays as it is.
    """
    match = _SINGER.fullmatch(row)
    if match is None or not match["name"].isupper() or len(match["name"].split()) > 4:
        return "", row
    return match["name"].strip(), match["rest"]


def has_words(row: str) -> bool:
    """Whether anything but signs stands in a row."""
    return not _SIGNS_ONLY.fullmatch(row)
