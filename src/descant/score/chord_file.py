"""Chord files: harmony as plain text that people edit.

Written, and the friendliest to read back, is one line a bar:

    # tempo 92.5, key A minor          (what follows a # is ignored)
    1   | Am        F
    2   | C   .  G/B  .

The number of the bar stands before the stroke, and its chords share the bar evenly; "." or "%" goes on with the chord
before, "N.C." is no chord. Without numbers each line is the next bar; a number that leaves bars out lets the chord
before go on through them. The length of a bar comes from the score's time signature, 4/4 unless told.

Also read: `quarter chord` ("16.5 Am7", lasts until the next line), `start end chord` in quarters, and MIREX .lab files
(`start end label` in seconds), which need the tempo map that says where seconds lie.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

from descant.errors import ScoreReadError
from descant.files import PathLike, as_path
from descant.score.files import read_bytes, write_bytes
from descant.score.harmony import NO_CHORD, Chord, ChordSpan, Key
from descant.score.tempo import TempoMap, TimeSignature

_MAX_BYTES = 2**20
_SAME = (".", "%", "-", "/")
_CELLS = 16
_COMMON_TIME = (TimeSignature(0.0, 4, 4),)
_HINT = 'Write one bar a line, as in "1 | Am F", or "quarter chord", as in "16 Am7".'
_LAST_QUARTERS = 4.0
_MOST_BARS = 20_000  # over ten hours
_MOST_QUARTERS = 4.0 * _MOST_BARS


def read_chords(
    path: PathLike,
    tempo: TempoMap | None = None,
    *,
    time_signatures: Iterable[TimeSignature] = _COMMON_TIME,
) -> tuple[ChordSpan, ...]:
    """The chords in a chord file, in quarters.

    Args:
        path: A text file as described above; `.lab` means seconds.
        tempo: Where quarters lie in seconds; needed for .lab files only.
        time_signatures: How long bars are.

    Raises:
        InputNotFound, PermissionRefused: The file cannot be opened.
        ScoreReadError: A line cannot be read; the message names it.
    """
    source = as_path(path)
    text = _decode(read_bytes(source, what="chord file", max_bytes=_MAX_BYTES), source.name)
    lines = [(n, line) for n, raw in enumerate(text.splitlines(), 1) if (line := _without_comment(raw))]
    if not lines:
        raise ScoreReadError(f"{source.name} holds no chords.", _HINT)
    if source.suffix.lower() == ".lab":
        if tempo is None:
            raise ScoreReadError(
                f"{source.name} gives times in seconds, and no beats are known.", "Give a tempo, or a file of bars."
            )
        return _merged(_timed(lines, source.name, tempo))
    if any("|" in line for _, line in lines):
        return _merged(_bars(lines, source.name, tuple(time_signatures)))
    return _merged(_timed(lines, source.name, None))


def write_chords(
    path: PathLike,
    chords: Iterable[ChordSpan],
    *,
    time_signatures: Iterable[TimeSignature] = _COMMON_TIME,
    key: Key | None = None,
) -> Path:
    """Write chords one bar a line, in a form that `read_chords` reads back to the nearest sixteenth of a bar.

    Args:
        path: Where to write.
        chords: Sorted, not overlapping.
        time_signatures: How long bars are.
        key: Decides between sharps and flats, and is noted in a comment.

    Raises:
        PermissionRefused, OutputError: The file cannot be written.
    """
    spans = tuple(chords)
    lines = ["# Chords, one bar a line; chords of a line share the bar evenly. Edit, and run again with --chords."]
    if key is not None:
        lines.append(f"# key {key.name}")
    end = max((s.end for s in spans), default=0.0)
    number, start = 1, 0.0
    meters = sorted(time_signatures, key=lambda m: m.start) or list(_COMMON_TIME)
    while start < end - 1e-6:
        length = _meter_at(meters, start).bar_quarters
        cells = _cells(spans, start, length, key)
        lines.append(f"{number:<4}| " + "  ".join(f"{c:<6}" for c in cells).rstrip())
        number, start = number + 1, start + length
    return write_bytes(path, ("\n".join(lines) + "\n").encode())


def _cells(spans: tuple[ChordSpan, ...], start: float, length: float, key: Key | None) -> list[str]:
    """A bar's chords in as few equal cells as show every change, sixteen at most."""
    flats = key is not None and key.uses_flats
    grid = [_chord_at(spans, start + (i + 0.5) * length / _CELLS) for i in range(_CELLS)]
    count = next(n for n in (1, 2, 4, 8, _CELLS) if _is_constant(grid, _CELLS // n))
    chords = grid[:: _CELLS // count]
    cells = [_symbol(chords[0], flats=flats)]
    cells += ["." if chord == before else _symbol(chord, flats=flats) for before, chord in pairwise(chords)]
    return cells


def _is_constant(grid: list[Chord], width: int) -> bool:
    return all(len(set(grid[i : i + width])) == 1 for i in range(0, len(grid), width))


def _symbol(chord: Chord, *, flats: bool) -> str:
    if chord.is_none:
        return "N.C."
    symbol = chord.symbol(flats=flats)
    return symbol if Chord.parse(symbol) == chord else chord.label(flats=flats)


def _chord_at(spans: tuple[ChordSpan, ...], quarter: float) -> Chord:
    return next((s.chord for s in spans if s.start <= quarter < s.end), NO_CHORD)


def _meter_at(meters: list[TimeSignature], quarter: float) -> TimeSignature:
    return [m for m in meters if m.start <= quarter + 1e-6 or m is meters[0]][-1]


def _decode(data: bytes, name: str) -> str:
    for encoding in ("utf-8-sig", "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise ScoreReadError(f"{name} is not a text file.", _HINT)


def _without_comment(line: str) -> str:
    """A "#" starts a comment at the start of a line or after a space; within a word it is a sharp."""
    return re.sub(r"(^|\s)#.*$", "", line).strip()


def _bars(lines: list[tuple[int, str]], name: str, meters: tuple[TimeSignature, ...]) -> list[ChordSpan]:
    spans: list[ChordSpan] = []
    ordered = sorted(meters, key=lambda m: m.start) or list(_COMMON_TIME)
    start, last, bars = 0.0, NO_CHORD, 0
    for number, line in lines:
        head, _, rest = line.partition("|")
        numbered = re.fullmatch(r"\s*(\d{0,9})[.:]?\s*", head)
        if "|" not in line or not numbered:
            rest = line  # "| Am | F |" without a number, or a line without strokes between others
        elif numbered[1]:
            skipped = _skipped_bars(int(numbered[1]), bars, name, number)
            for _ in range(skipped):
                length = _meter_at(ordered, start).bar_quarters
                spans.append(ChordSpan(start, start + length, last))
                start += length
            bars += skipped
        for bar in rest.strip().strip("|").split("|"):
            bars += 1
            if bars > _MOST_BARS:
                raise ScoreReadError(f"{name} has over {_MOST_BARS} bars.", "Check that it is the right file.")
            length = _meter_at(ordered, start).bar_quarters
            cells = bar.split() or ["."]
            for index, cell in enumerate(cells):
                last = last if cell in _SAME else _chord(cell, name, number)
                a, b = (start + i * length / len(cells) for i in (index, index + 1))
                spans.append(ChordSpan(a, b, last))
            start += length
    return spans


def _skipped_bars(stated: int, before: int, name: str, number: int) -> int:
    """How many bars a line's number leaves out; 0 where it repeats or goes back, as songs numbered in parts do."""
    if stated > _MOST_BARS:
        raise ScoreReadError(f"{name}, line {number}: there is no bar {stated}.", f"Bars go up to {_MOST_BARS}.")
    return max(0, stated - before - 1)


def _timed(lines: list[tuple[int, str]], name: str, tempo: TempoMap | None) -> list[ChordSpan]:
    rows: list[tuple[int, float, float | None, Chord]] = []
    for number, line in lines:
        words = line.replace(",", " ").split()
        times = [t for t in map(_time, words[:2]) if t is not None]
        if not times or len(words) != len(times) + 1:
            raise ScoreReadError(f"{name}, line {number}: {line[:40]!r} is not a chord with its time.", _HINT)
        if tempo is not None:
            times = [tempo.quarter(t) for t in times]
        if max(times) > _MOST_QUARTERS:
            raise ScoreReadError(
                f"{name}, line {number}: the time {words[0]} lies beyond any song.",
                f"Times go up to {_MOST_QUARTERS:g} quarters.",
            )
        rows.append((number, times[0], times[1] if len(times) > 1 else None, _chord(words[-1], name, number)))
    spans: list[ChordSpan] = []
    for index, (number, start, stop, chord) in enumerate(rows):
        following = rows[index + 1][1] if index + 1 < len(rows) else None
        end = stop if stop is not None else following if following is not None else start + _LAST_QUARTERS
        if end < start or (following is not None and following < start):
            raise ScoreReadError(f"{name}, line {number}: its times go backwards.", "Sort the lines by time.")
        end = end if following is None else min(end, following)
        start = max(0.0, start)
        if end > start:
            spans.append(ChordSpan(start, end, chord))
    return spans


def _time(word: str) -> float | None:
    try:
        value = float(word)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _chord(word: str, name: str, number: int) -> Chord:
    try:
        return Chord.parse(word)
    except ScoreReadError as error:
        raise ScoreReadError(f"{name}, line {number}: {error.message}", error.hint) from error


def _merged(spans: list[ChordSpan]) -> tuple[ChordSpan, ...]:
    """Without "no chord", and with neighbours of the same chord as one."""
    merged: list[ChordSpan] = []
    for span in spans:
        if merged and merged[-1].chord == span.chord and abs(merged[-1].end - span.start) < 1e-6:
            merged[-1] = ChordSpan(merged[-1].start, span.end, span.chord)
        else:
            merged.append(span)
    return tuple(s for s in merged if not s.chord.is_none)
