"""How far word starts are from the truth, song by song, and what a sceptic would hold against them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from descant.data.lyrics_set import Piece
from descant.reproduce.lyrics.claims_list import WITHIN_S
from descant.text.lyrics import Line, Lyrics
from descant.text.sung_symbols import letters
from descant.train.lyrics_align import word_errors

Times = NDArray[np.float64]


def song_measures(errors_s: Times) -> dict[str, float]:
    """Of one song: mean and median absolute error, share of words within 0.3 s, signed median error."""
    off = np.abs(errors_s)
    return {
        "aae": float(off.mean()),
        "medae": float(np.median(off)),
        "pco": float((off < WITHIN_S).mean()),
        "bias": float(np.median(errors_s)),
        "words": len(off),
    }


def even_spread(lyrics: Lyrics) -> Times:
    """Word starts if letters were spread evenly from the first line's start to the last line's end."""
    lines = lyrics.lines
    return _spread(lines, _s(lines[0].start_s), _s(lines[-1].end_s))


def oracle_lines(lyrics: Lyrics, *, with_ends: bool) -> Times:
    """Word starts if lines were known, and letters spread evenly to their ends, or to the next line's start."""
    starts = [_s(line.start_s) for line in lyrics.lines]
    ends = [_s(line.end_s) for line in lyrics.lines]
    until = ends if with_ends else [*starts[1:], ends[-1]]
    return np.concatenate(
        [_spread((line,), *ends) for line, ends in zip(lyrics.lines, zip(starts, until, strict=True), strict=True)]
    )


def _spread(lines: Sequence[Line], start_s: float, end_s: float) -> Times:
    counts = np.array([max(1, len(letters(word.text))) for line in lines for word in line.words], float)
    before = np.cumsum(counts) - counts
    spread: Times = start_s + (end_s - start_s) * before / counts.sum()
    return spread


def floors(pieces: Sequence[Piece]) -> dict[str, Any]:
    """The three floors, by song, and the songs' languages."""
    ways: dict[str, Callable[[Lyrics], Times]] = {
        "even": even_spread,
        "line_starts": lambda lyrics: oracle_lines(lyrics, with_ends=False),
        "lines": lambda lyrics: oracle_lines(lyrics, with_ends=True),
    }
    found = {
        name: {p.song: song_measures(word_errors(way(p.lyrics), p.lyrics)) for p in pieces}
        for name, way in ways.items()
    }
    return {"ways": found, "languages": {p.song: p.lyrics.language for p in pieces}}


def _s(value: float | None) -> float:
    assert value is not None, "lines of a set have times"
    return value
