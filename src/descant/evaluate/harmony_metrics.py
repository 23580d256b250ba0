"""How well key, chords and melody are found: MIREX key score, weighted chord overlap, raw pitch accuracy."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from descant.dsp.pitch import PitchTrack, hz_to_midi
from descant.score.harmony import Chord, Key

TimedChord = tuple[float, float, Chord]
"""Start and end in seconds, and the chord."""

PITCH_TOLERANCE = 0.5


def key_score(reference: Key, estimated: Key | None) -> float:
    """MIREX weighted key score: 1 right, 0.5 a fifth above, 0.3 relative, 0.2 parallel, else 0."""
    if estimated is None:
        return 0.0
    if estimated == reference:
        return 1.0
    if estimated.mode == reference.mode:
        return 0.5 if (estimated.tonic - reference.tonic) % 12 == 7 else 0.0
    if estimated.tonic == reference.tonic:
        return 0.2
    relative = (reference.tonic + (9 if reference.mode == "major" else 3)) % 12
    return 0.3 if estimated.tonic == relative else 0.0


def majmin_overlap(reference: Sequence[TimedChord], estimated: Sequence[TimedChord]) -> float:
    """Share of the time on which root and major or minor agree.

    As in MIREX, only chords of the reference that are major, minor, their extensions, or "none" count; found time
    outside the reference does not matter, and time in which nothing was found is wrong.
    """
    edges = np.unique([t for spans in (reference, estimated) for a, b, _ in spans for t in (a, b)])
    total = right = 0.0
    for start, end in itertools.pairwise(edges.tolist()):
        middle = (start + end) / 2
        true = _at(reference, middle)
        if true is None or not is_majmin(true):
            continue
        total += end - start
        found = _at(estimated, middle)
        if found is not None and (is_majmin(found) or found.is_none) and found.majmin == true.majmin:
            right += end - start
    return float(right / total) if total > 0 else 0.0


def is_majmin(chord: Chord) -> bool:
    """Whether a chord is none, or has a perfect fifth and a third, so that "major or minor" is a question."""
    if chord.is_none:
        return True
    root = chord.root
    assert root is not None
    tones = {(p - root) % 12 for p in Chord(root, chord.quality).pitch_classes}
    return 7 in tones and bool(tones & {3, 4})


def _at(spans: Sequence[TimedChord], time_s: float) -> Chord | None:
    starts = [start for start, _, _ in spans]
    index = int(np.searchsorted(starts, time_s, side="right")) - 1
    return spans[index][2] if index >= 0 and time_s < spans[index][1] else None


def raw_pitch_accuracy(reference: PitchTrack, estimated: PitchTrack) -> float:
    """Share of the truly voiced frames whose pitch is found within half a semitone (whether called voiced or not)."""
    true, found = _aligned(reference, estimated)
    voiced = reference.voiced & (reference.f0_hz > 0)
    if not voiced.any():
        return 0.0
    return float((np.abs(found[voiced] - true[voiced]) <= PITCH_TOLERANCE).mean())


def voicing_scores(reference: PitchTrack, estimated: PitchTrack) -> tuple[float, float]:
    """Voicing recall (voiced frames called voiced) and false alarm (unvoiced frames called voiced)."""
    called = np.interp(reference.times_s, estimated.times_s, estimated.voiced.astype(float)) > 0.5
    recall = float(called[reference.voiced].mean()) if reference.voiced.any() else 0.0
    alarm = float(called[~reference.voiced].mean()) if (~reference.voiced).any() else 0.0
    return recall, alarm


def _aligned(reference: PitchTrack, estimated: PitchTrack) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    true = hz_to_midi(reference.f0_hz)
    found = np.interp(reference.times_s, estimated.times_s, _filled(hz_to_midi(estimated.f0_hz)))
    return true, found


def _filled(midi: ArrayLike) -> NDArray[np.float64]:
    values = np.asarray(midi, float)
    known = np.flatnonzero(np.isfinite(values))
    if len(known) == 0:
        return np.zeros(len(values))
    filled: NDArray[np.float64] = np.interp(np.arange(len(values)), known, values[known])
    return filled


def span_f(reference: NDArray[np.bool_], estimated: NDArray[np.bool_]) -> float:
    """F-measure of frame-wise activity; 1 when both are empty throughout."""
    both = int((reference & estimated).sum())
    total = int(reference.sum()) + int(estimated.sum())
    return 2.0 * both / total if total else 1.0
