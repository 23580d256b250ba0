"""How well chords are found: shares of the time on which two chord sequences agree, as MIREX and `mir_eval.chord` do.

Conventions: a sequence of (start, end, chord) in seconds, sorted, not overlapping. Only the reference's time counts.
What the vocabulary of a measure cannot express in the reference (a diminished chord under "majmin") is left out; time
in which nothing was found is wrong. Basses are ignored.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np

from descant.errors import ScoreReadError
from descant.evaluate.scores import Metric, Scores
from descant.score.harmony import QUALITIES, Chord

TimedChord = tuple[float, float, Chord]
"""Start and end in seconds, and the chord."""

Comparison = Callable[[Chord, Chord], bool | None]
"""Whether an estimate (second) agrees with the truth (first); None where the truth is outside the vocabulary."""

METRICS = (
    Metric("root", "share of the time with the right root"),
    Metric("majmin", "the right root and major or minor"),
    Metric("triads", "the right root and triad"),
    Metric("sevenths", "the right root and major, minor, 7, maj7 or min7"),
    Metric("MIREX", "three pitch classes in common"),
    Metric("segmentation", "agreement of the borders: the smaller of over- and under-segmentation's complement"),
)

_SEVENTHS = ("maj", "min", "7", "maj7", "min7")
_MIREX_TONES = 3


def validate(chords: Sequence[TimedChord]) -> None:
    """Refuse sequences that are none.

    Raises:
        ScoreReadError: A time is not finite or below 0 s, a chord ends before it starts, or two overlap; the message
            names it.
    """
    last = -np.inf
    for number, (start, end, _) in enumerate(chords, 1):
        if not (np.isfinite(start) and np.isfinite(end)) or end <= start or start < 0.0:
            raise ScoreReadError(f"Chord {number} lasts from {start:g} to {end:g} s.", "Times are in seconds.")
        if start < last - 1e-6:
            raise ScoreReadError(
                f"Chord {number} starts at {start:g} s, before the one before it ends at {last:g} s.",
                "Sort the chords by time.",
            )
        last = end


def overlap(reference: Sequence[TimedChord], estimated: Sequence[TimedChord], agrees: Comparison) -> float | None:
    """Share of the reference's time on which the estimate agrees; None if none of it can be compared."""
    edges = np.unique([t for spans in (reference, estimated) for a, b, _ in spans for t in (a, b)])
    total = right = 0.0
    true_at, found_at = _Lookup(reference), _Lookup(estimated)
    for start, end in itertools.pairwise(edges.tolist()):
        middle = (start + end) / 2
        true, found = true_at(middle), found_at(middle)
        verdict = None if true is None else agrees(true, true if found is None else found)
        if verdict is not None:
            total += end - start
            right += (end - start) * (verdict and found is not None)
    return float(right / total) if total > 0 else None


def majmin_overlap(reference: Sequence[TimedChord], estimated: Sequence[TimedChord]) -> float:
    """Share of the time on which root and major or minor agree.

    As in MIREX, only chords of the reference that are major, minor, their extensions, or "none" count; found time
    outside the reference does not matter, and time in which nothing was found is wrong. 0 if nothing counts.
    """
    return overlap(reference, estimated, same_majmin) or 0.0


def is_majmin(chord: Chord) -> bool:
    """Whether a chord is none, or has a perfect fifth and a third, so that "major or minor" is a question."""
    if chord.is_none:
        return True
    tones = {interval % 12 for interval in QUALITIES[chord.quality]}
    return 7 in tones and bool(tones & {3, 4})


def same_root(true: Chord, found: Chord) -> bool:
    """Whether the roots agree; "none" agrees with "none"."""
    return true.root == found.root


def same_majmin(true: Chord, found: Chord) -> bool | None:
    """Whether root and third agree."""
    if not is_majmin(true):
        return None
    return is_majmin(found) and found.majmin == true.majmin


def same_triad(true: Chord, found: Chord) -> bool:
    """Whether the roots and all tones up to the fifth agree."""
    return true.root == found.root and (true.is_none or _triad(true) == _triad(found))


def same_seventh(true: Chord, found: Chord) -> bool | None:
    """Whether roots and full qualities agree, of truths that are plain triads or sevenths."""
    if true.is_none:
        return found.is_none
    if true.quality not in _SEVENTHS:
        return None
    return true.root == found.root and _tones(true) == _tones(found)


def same_mirex(true: Chord, found: Chord) -> bool | None:
    """Whether three pitch classes are shared; chords of fewer have no say."""
    if true.is_none:
        return found.is_none
    if len(_tones(true)) < _MIREX_TONES:
        return None
    return len(_absolute(true) & _absolute(found)) >= _MIREX_TONES


def segmentation(reference: Sequence[TimedChord], estimated: Sequence[TimedChord]) -> float | None:
    """The smaller of 1 - over- and 1 - under-segmentation (Mauch 2010), of the reference's time; None without chords.

    Neighbours of the same chord are one segment; time without an estimate is "none".
    """
    if not reference:
        return None
    true = _merged(reference)
    found = _merged(_clipped(estimated, reference[0][0], reference[-1][1]))
    return min(1.0 - _directional_hamming(true, found), 1.0 - _directional_hamming(found, true))


def evaluate(reference: Sequence[TimedChord], estimated: Sequence[TimedChord]) -> Scores:
    """All measures of one song by the names in `METRICS`.

    Raises:
        ScoreReadError: A sequence is none (see `validate`).
    """
    validate(reference)
    validate(estimated)
    return {
        "root": overlap(reference, estimated, same_root),
        "majmin": overlap(reference, estimated, same_majmin),
        "triads": overlap(reference, estimated, same_triad),
        "sevenths": overlap(reference, estimated, same_seventh),
        "MIREX": overlap(reference, estimated, same_mirex),
        "segmentation": segmentation(reference, estimated),
    }


class _Lookup:
    """The chord at a time, None outside all spans."""

    def __init__(self, spans: Sequence[TimedChord]) -> None:
        self._spans = spans
        self._starts = np.array([start for start, _, _ in spans])

    def __call__(self, time_s: float) -> Chord | None:
        index = int(np.searchsorted(self._starts, time_s, side="right")) - 1
        return self._spans[index][2] if index >= 0 and time_s < self._spans[index][1] else None


def _tones(chord: Chord) -> frozenset[int]:
    """Intervals above the root."""
    return frozenset(interval % 12 for interval in QUALITIES[chord.quality])


def _absolute(chord: Chord) -> frozenset[int]:
    return frozenset() if chord.root is None else frozenset((chord.root + tone) % 12 for tone in _tones(chord))


def _triad(chord: Chord) -> frozenset[int]:
    return frozenset(tone for tone in _tones(chord) if tone <= 7) if not chord.is_none else frozenset()


def _merged(spans: Sequence[TimedChord]) -> list[TimedChord]:
    merged: list[TimedChord] = []
    for start, end, chord in spans:
        if merged and merged[-1][2] == chord and abs(merged[-1][1] - start) < 1e-6:
            merged[-1] = (merged[-1][0], end, chord)
        else:
            merged.append((start, end, chord))
    return merged


def _clipped(spans: Sequence[TimedChord], start_s: float, end_s: float) -> list[TimedChord]:
    """The spans within a time, its gaps filled with "none"."""
    filled: list[TimedChord] = []
    reached = start_s
    for start, end, chord in (*spans, (end_s, end_s, Chord(None))):
        first, last = max(start, start_s), min(end, end_s)
        if first > reached + 1e-6:
            filled.append((reached, min(first, end_s), Chord(None)))
        if last > first:
            filled.append((first, last, chord))
        reached = max(reached, last)
    return filled


def _directional_hamming(reference: Sequence[TimedChord], estimated: Sequence[TimedChord]) -> float:
    """Share of the time of each estimated segment beyond its largest overlap with one segment of the reference."""
    missed = 0.0
    starts, ends = (np.array([span[i] for span in reference], float) for i in (0, 1))
    for start, end, _ in estimated:
        together = np.minimum(ends, end) - np.maximum(starts, start)
        missed += (end - start) - float(together.max(initial=0.0))
    return missed / (estimated[-1][1] - estimated[0][0]) if estimated else 0.0
