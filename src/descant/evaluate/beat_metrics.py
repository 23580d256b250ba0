"""How well beats and tempo are found: F-measure, continuity and tempo accuracies, as mir_eval and MIREX define them.

Conventions: times are in seconds and rise. Beats before 5 s do not count, as is usual: listeners need that long to find
the beat, and so may programs. F is Dixon (2007); CMLc, CMLt, AMLc and AMLt are Hainsworth (2004) and Klapuri et al.
(2006): the share of beats in the longest unbroken run (c) or in all runs (t) that agree in phase and period within
17.5 %, at the annotated level (CML) or also at double, half and the off-beat (AML).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from descant.dsp.beat_agreement import USUAL_SKIP_S, beat_f, beats_from
from descant.errors import ScoreReadError
from descant.evaluate.scores import Metric, Scores
from descant.score.tempo import BeatGrid

TEMPO_TOLERANCE = 0.08
CONTINUITY = 0.175

Times = NDArray[np.float64]

METRICS = (
    Metric("beat F", "beats within 70 ms"),
    Metric("CMLc", "longest run of right beats at the annotated level"),
    Metric("CMLt", "all right beats at the annotated level"),
    Metric("AMLc", "longest run, also at double or half the level or on the off-beat"),
    Metric("AMLt", "all right beats, also at double or half the level or on the off-beat"),
    Metric("downbeat F", "first beats of bars within 70 ms"),
    Metric("tempo 1", "median tempo within 8 %"),
    Metric("tempo 2", "the same, or half, double, a third, three times"),
)


@dataclass(frozen=True, slots=True)
class Continuity:
    """Shares of beats that are continuously right, 0..1.

    Attributes:
        cml_c: Longest run at the annotated level.
        cml_t: All runs at the annotated level.
        aml_c: Longest run at any of five levels.
        aml_t: All runs at any of five levels.
    """

    cml_c: float
    cml_t: float
    aml_c: float
    aml_t: float


def validate(times_s: ArrayLike) -> None:
    """Refuse times that are no beats.

    Raises:
        ScoreReadError: One is not finite or below 0 s, or they do not rise; the message names the beat.
    """
    times = np.asarray(times_s, float)
    wrong = np.flatnonzero(~(np.isfinite(times) & (times >= 0.0)))
    if len(wrong):
        raise ScoreReadError(f"Beat {wrong[0] + 1} is at {times[wrong[0]]} s.", "Times are in seconds, from 0.")
    falls = np.flatnonzero(np.diff(times) <= 0)
    if len(falls):
        raise ScoreReadError(
            f"Beat {falls[0] + 2}, at {times[falls[0] + 1]:g} s, is not after the one before.", "Sort beats by time."
        )


def tempo_accuracy_1(reference_bpm: float, estimated_bpm: float) -> float:
    """1 when the tempo is within 8 % of the true one, else 0 (half and double do not count)."""
    if reference_bpm <= 0:
        return 0.0
    return float(abs(estimated_bpm / reference_bpm - 1.0) <= TEMPO_TOLERANCE)


def tempo_accuracy_2(reference_bpm: float, estimated_bpm: float) -> float:
    """As Accuracy 1, where the half, the double, the third and the triple count too."""
    return max(tempo_accuracy_1(factor * reference_bpm, estimated_bpm) for factor in (1.0, 0.5, 2.0, 1 / 3, 3.0))


def continuity(reference_s: ArrayLike, estimated_s: ArrayLike, *, skip_s: float = USUAL_SKIP_S) -> Continuity:
    """CMLc, CMLt, AMLc and AMLt; all 0 when either side has fewer than two beats.

    Args:
        reference_s: True times, rising.
        estimated_s: Found times, rising.
        skip_s: What happens before this time does not count.
    """
    reference, estimated = beats_from(reference_s, skip_s), beats_from(estimated_s, skip_s)
    if len(reference) < 2 or len(estimated) < 2:
        return Continuity(0.0, 0.0, 0.0, 0.0)
    halves = np.interp(np.arange(0, len(reference) - 0.5, 0.5), np.arange(len(reference)), reference)
    levels = (reference, halves[1::2], halves, reference[::2], reference[1::2])
    runs = [_runs(level, estimated) for level in levels]
    longest, all_of = zip(*runs, strict=True)
    return Continuity(longest[0], all_of[0], max(longest), max(all_of))


def _runs(reference: Times, estimated: Times) -> tuple[float, float]:
    """Share of beats in the longest run of right ones, and of all right ones."""
    if len(reference) < 2:  # no interval to measure phase or period by
        return 0.0, 0.0
    count = max(len(reference), len(estimated))
    used = np.zeros(len(reference), bool)
    right = np.zeros(count, bool)
    for index, time in enumerate(estimated):
        nearest = int(np.abs(time - reference).argmin())
        if used[nearest]:
            continue
        forward = index == 0 or nearest == 0
        interval = _interval(reference, nearest, forward=forward)
        phase = abs(time - reference[nearest]) / interval
        period = abs(1.0 - _interval(estimated, index, forward=forward) / interval)
        right[index] = used[nearest] = phase < CONTINUITY and period < CONTINUITY
    wrong = np.flatnonzero(np.concatenate([[False], right, [False]]) == 0)
    return float(np.diff(wrong).max() - 1) / count, float(right.sum()) / count


def _interval(times: Times, index: int, *, forward: bool) -> float:
    """To the next beat if `forward` and there is one, else from the one before."""
    first = index if (forward and index + 1 < len(times)) or index == 0 else index - 1
    return float(times[first + 1] - times[first])


def evaluate(reference: BeatGrid, estimated: BeatGrid) -> Scores:
    """All measures of one song by the names in `METRICS`.

    Without a beat of the reference after 5 s there is nothing to score; without bars there are no downbeats.

    Raises:
        ScoreReadError: The times are no beats (see `validate`).
    """
    validate(reference.times_s)
    validate(estimated.times_s)
    if not len(beats_from(reference.times_s, USUAL_SKIP_S)):
        return {metric.name: None for metric in METRICS}
    runs = continuity(reference.times_s, estimated.times_s)
    has_tempo = len(reference.times_s) > 1
    tempo = estimated.bpm if len(estimated.times_s) > 1 else 0.0
    has_bars = len(beats_from(reference.downbeats_s, USUAL_SKIP_S)) > 0
    return {
        "beat F": beat_f(reference.times_s, estimated.times_s),
        "CMLc": runs.cml_c,
        "CMLt": runs.cml_t,
        "AMLc": runs.aml_c,
        "AMLt": runs.aml_t,
        "downbeat F": beat_f(reference.downbeats_s, estimated.downbeats_s) if has_bars else None,
        "tempo 1": tempo_accuracy_1(reference.bpm, tempo) if has_tempo else None,
        "tempo 2": tempo_accuracy_2(reference.bpm, tempo) if has_tempo else None,
    }
