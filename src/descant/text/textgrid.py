"""Praat TextGrid: tiers of intervals that tile the whole time."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from descant.errors import TextReadError
from descant.text.lyrics import Line, Lyrics, SungNote, Syllable, Word
from descant.text.pieces import TimedLine, on_one_row, timed_lines, timed_words
from descant.text.protocol import WORDY_BYTES, TextFormat

_DECIMALS = 6
_MOST_ITEMS = 200_000
_TOKEN = re.compile(r'"((?:[^"]|"")*)"|(<[a-z]+>)(?=\s|$)|(-?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)(?=\s|$)|!.*|\S+')
_TIERS = {  # what tiers of other programs are called, by a part of their names; the first that fits counts
    "notes": ("note", "pitch", "midi"),
    "syllables": ("syllable", "syl"),
    "words": ("word",),
    "lines": ("line", "phrase", "sentence", "utterance", "lyric", "segment"),
    "": ("phone", "phoneme", "silence"),
}


@dataclass(frozen=True, slots=True)
class _Interval:
    start_s: float
    end_s: float
    text: str


@dataclass(frozen=True, slots=True)
class _Tier:
    name: str
    intervals: tuple[_Interval, ...]


class TextGridFormat(TextFormat):
    """Tiers lines, words, syllables and notes (MIDI numbers), for each singer; written long, read long and short.

    Tiers that would be empty are left out; a singer's have the name before them (`Ann - words`). Intervals cannot
    overlap: where lines or words of one singer do, the earlier one is cut; of those that start together only the last
    keeps more than a microsecond.

    Kept: the text, starts and ends of lines, words, syllables and notes, singers, to the microsecond. Lost:
    confidences, title, artist, language. Ends that are not known are estimated (see `descant.text.pieces`), lines in
    which a word has no time have no words in the tier of words. A file without a tier of lines is read as one line per
    singer; tiers of points and of phones are passed over.
    """

    name: ClassVar[str] = "textgrid"
    suffix: ClassVar[str] = ".TextGrid"
    largest_bytes: ClassVar[int] = WORDY_BYTES

    def read(self, text: str) -> Lyrics:
        """Lyrics from the tiers whose names tell what they are, or from the only one.

        Raises:
            TextReadError: It is no TextGrid, is cut off, or has no tier with words.
        """
        if not text.strip():
            return Lyrics()
        return _lyrics(_Parser(text).tiers())

    def write(self, lyrics: Lyrics) -> str:
        """A TextGrid in Praat's long form.

        Raises:
            TextReadError: A line has no time.
        """
        lines = timed_lines(lyrics)
        if not lines:
            return ""
        tiers = []
        for singer in dict.fromkeys(timed.line.singer for timed in lines):
            prefix = f"{on_one_row(singer)} - " if singer.strip() else ""
            for name, found in _singer_tiers([timed for timed in lines if timed.line.singer == singer]):
                tiers.append(_Tier(prefix + name, _without_overlaps(found)))
        end = max(interval.end_s for tier in tiers for interval in tier.intervals)
        rows = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0", f"xmax = {_time(end)}"]
        rows += ["tiers? <exists>", f"size = {len(tiers)}", "item []:"]
        for number, tier in enumerate(tiers, 1):
            rows += _tier_rows(number, tier, end)
        return "\n".join([*rows, ""])


def _singer_tiers(lines: Sequence[TimedLine]) -> Iterator[tuple[str, list[_Interval]]]:
    words: list[Word] = []
    for index, timed in enumerate(lines):
        following = lines[index + 1].start_s if index + 1 < len(lines) else None
        words += timed_words(timed.line, following) if timed.pieces else []
    syllables = [
        piece
        for timed in lines
        for piece in timed.pieces
        if piece.notes or any(len(word.syllables) > 1 for word in timed.line.words)
    ]
    notes = [note for timed in lines for piece in timed.pieces for note in piece.notes]
    yield "lines", [_Interval(timed.start_s, timed.end_s, timed.text) for timed in lines]
    yield from (
        (name, found)
        for name, found in (
            ("words", [_Interval(w.start_s or 0.0, w.end_s or 0.0, on_one_row(w.text)) for w in words]),
            ("syllables", [_Interval(p.start_s, p.end_s, p.text) for p in syllables]),
            ("notes", [_Interval(n.start_s, n.end_s, str(n.pitch)) for n in notes]),
        )
        if found
    )


def _without_overlaps(intervals: Iterable[_Interval]) -> tuple[_Interval, ...]:
    """By start, each at least a microsecond long, none over the next."""
    shortest = 10.0**-_DECIMALS
    found: list[_Interval] = []
    for each in sorted(intervals, key=lambda i: i.start_s):
        start = round(max(each.start_s, found[-1].start_s + shortest if found else 0.0), _DECIMALS)
        if found and found[-1].end_s > start:
            found[-1] = replace(found[-1], end_s=start)
        found.append(_Interval(start, round(max(each.end_s, start + shortest), _DECIMALS), each.text))
    return tuple(found)


def _tier_rows(number: int, tier: _Tier, end: float) -> list[str]:
    tiles: list[_Interval] = []
    at = 0.0
    for interval in tier.intervals:
        if interval.start_s > at:
            tiles.append(_Interval(at, interval.start_s, ""))
        tiles.append(interval)
        at = interval.end_s
    if at < end:
        tiles.append(_Interval(at, end, ""))
    rows = [f"    item [{number}]:", '        class = "IntervalTier"', f"        name = {_quoted(tier.name)}"]
    rows += ["        xmin = 0", f"        xmax = {_time(end)}", f"        intervals: size = {len(tiles)}"]
    for index, tile in enumerate(tiles, 1):
        rows += [f"        intervals [{index}]:", f"            xmin = {_time(tile.start_s)}"]
        rows += [f"            xmax = {_time(tile.end_s)}", f"            text = {_quoted(tile.text)}"]
    return rows


def _time(seconds: float) -> str:
    return f"{seconds:.{_DECIMALS}f}".rstrip("0").rstrip(".")


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


class _Parser:
    """Reads as Praat does: strings, numbers and flags that stand free count, all else is for people."""

    def __init__(self, text: str) -> None:
        self._tokens = (match for match in _TOKEN.finditer(text) if match.lastindex is not None)

    def tiers(self) -> list[_Tier]:
        # "ooTextFile short" is what older programs wrote; short and long are read alike.
        if not self._string().startswith("ooTextFile") or self._string() != "TextGrid":
            raise TextReadError("The file is no TextGrid.", "Save the annotation from Praat as a TextGrid text file.")
        self._number(), self._number()
        if self._next("flag") != "<exists>":
            return []
        return [tier for _ in range(self._count()) if (tier := self._tier()) is not None]

    def _tier(self) -> _Tier | None:
        kind, name = self._string(), self._string()
        self._number(), self._number()
        if kind == "TextTier":
            for _ in range(self._count()):
                self._number(), self._string()
            return None
        if kind != "IntervalTier":
            raise TextReadError(
                f"The TextGrid has a tier of the unknown kind {kind[:40]!r}.", "Save it again in Praat."
            )
        intervals = []
        for _ in range(self._count()):
            start, end, text = self._number(), self._number(), self._string()
            if end < start or not -1e7 < start <= end < 1e7:
                raise TextReadError(f"The tier {name!r} has an interval from {start:g} to {end:g} s.", "Correct it.")
            if text.strip() and end > 0.0:
                intervals.append(_Interval(max(start, 0.0), end, on_one_row(text)))
        return _Tier(name, tuple(sorted(intervals, key=lambda i: i.start_s)))

    def _count(self) -> int:
        count = self._number()
        if not 0 <= count <= _MOST_ITEMS or count != int(count):
            raise TextReadError(f"The TextGrid is damaged: it counts {count:g} items.", "Save it again in Praat.")
        return int(count)

    def _string(self) -> str:
        return self._next("string").replace('""', '"')

    def _number(self) -> float:
        return float(self._next("number"))

    def _next(self, wanted: str) -> str:
        token = next(self._tokens, None)
        kinds = ("string", "flag", "number")
        if token is None or token.lastindex is None or kinds[token.lastindex - 1] != wanted:
            found = "its end" if token is None else repr(token.group()[:40])
            raise TextReadError(f"The TextGrid is damaged: a {wanted} is missing before {found}.", "Save it again.")
        return str(token.group(token.lastindex))


def _lyrics(tiers: Sequence[_Tier]) -> Lyrics:
    singers: dict[str, dict[str, _Tier]] = {}
    for tier in tiers:
        singer, _, name = tier.name.rpartition(" - ")
        kind = next((k for k, parts in _TIERS.items() if any(part in name.lower() for part in parts)), None)
        if kind is None and len(tiers) == 1:
            kind = "lines" if any(" " in interval.text for interval in tier.intervals) else "words"
        if kind:
            singers.setdefault(singer, {}).setdefault(kind, tier)
    lines = [line for singer, found in singers.items() for line in _lines(found, singer.strip())]
    if not lines and any(tier.intervals for tier in tiers):
        names = ", ".join(repr(tier.name) for tier in tiers)
        raise TextReadError(f"The TextGrid has no tier of words or lines, only {names[:200]}.", "Name one `words`.")
    return Lyrics(tuple(sorted(lines, key=lambda line: line.start_s or 0.0)))


def _lines(tiers: dict[str, _Tier], singer: str) -> list[Line]:
    words = _words(tiers)
    if "lines" not in tiers:
        return [Line(tuple(words), singer=singer)] if words else []
    intervals = tiers["lines"].intervals
    found = _by_texts(words, intervals) or _by_times(words, intervals)
    lines = [
        Line(tuple(sung or map(Word, interval.text.split())), interval.start_s, interval.end_s, singer)
        for interval, sung in zip(intervals, found, strict=False)
    ]
    return [*lines, *(Line((word,), singer=singer) for word in found[-1])]


def _by_texts(words: list[Word], lines: Sequence[_Interval]) -> list[list[Word]]:
    """The words of each line, and none left over, where the tiers say the same; else nothing.

    This keeps the words of lines that overlap, whose intervals had to be cut.
    """
    found: list[list[Word]] = []
    at = 0
    for line in lines:
        count = len(line.text.split())
        fits = " ".join(word.text for word in words[at : at + count]) == line.text
        found.append(words[at : at + count] if fits else [])
        at += count if fits else 0
    return [*found, []] if at == len(words) else []


def _by_times(words: list[Word], lines: Sequence[_Interval]) -> list[list[Word]]:
    """The words of each line by where their middles lie, then those outside of all lines."""
    found: list[list[Word]] = [[] for _ in range(len(lines) + 1)]
    for word, index in zip(words, _inside([(w.start_s or 0.0, w.end_s or 0.0) for w in words], lines), strict=True):
        found[-1 if index is None else index].append(word)
    return found


def _words(tiers: dict[str, _Tier]) -> list[Word]:
    """Words with the syllables and notes whose middles lie in them."""
    if "words" not in tiers:
        return []
    intervals = tiers["words"].intervals
    notes = _sung(tiers["notes"]) if "notes" in tiers else []
    parts = [Syllable(i.text, i.start_s, i.end_s) for i in tiers["syllables"].intervals] if "syllables" in tiers else []
    of_words: list[list[Syllable]] = [[] for _ in intervals]
    for part, index in zip(parts, _inside([(p.start_s or 0, p.end_s or 0) for p in parts], intervals), strict=True):
        if index is not None:
            of_words[index].append(part)
    notes_of: list[list[SungNote]] = [[] for _ in intervals]
    for note, index in zip(notes, _inside([(n.start_s, n.end_s) for n in notes], intervals), strict=True):
        if index is not None:
            notes_of[index].append(note)
    return [
        Word(i.text, i.start_s, i.end_s, None, _with_notes(i, syllables, sung))
        for i, syllables, sung in zip(intervals, of_words, notes_of, strict=True)
    ]


def _with_notes(word: _Interval, parts: list[Syllable], notes: list[SungNote]) -> tuple[Syllable, ...]:
    """Syllables that make up the word, with its notes; none where a tier says something else."""
    if "".join(part.text for part in parts) != word.text:
        parts = [Syllable(word.text, word.start_s, word.end_s)]
    if len(parts) == 1 and not notes:
        return ()
    places = [_Interval(part.start_s or 0.0, part.end_s or 0.0, "") for part in parts]
    of_parts = list(_inside([(n.start_s, n.end_s) for n in notes], places))
    return tuple(
        replace(part, notes=tuple(n for n, at in zip(notes, of_parts, strict=True) if at == index))
        for index, part in enumerate(parts)
    )


def _sung(tier: _Tier) -> list[SungNote]:
    return [
        SungNote(int(i.text), i.start_s, i.end_s)
        for i in tier.intervals
        if re.fullmatch("[0-9]{1,3}", i.text) and int(i.text) <= 127
    ]


def _inside(spans: Iterable[tuple[float, float]], places: Sequence[_Interval]) -> Iterator[int | None]:
    """For each span the place its middle lies in; places are in order."""
    starts = [place.start_s for place in places]
    for start, end in spans:
        middle = (start + end) / 2.0
        index = bisect_right(starts, middle) - 1
        yield index if index >= 0 and middle <= places[index].end_s else None
