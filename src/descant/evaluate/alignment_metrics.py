"""How well words are placed in time: the measures of MIREX, mir_eval and JamendoLyrics for lyrics that are aligned.

Conventions: the starts of words, in seconds, one to one in the text's own order; both sides have the same words. All
measures are of one song; over songs they are averaged afterwards (song by song first), so that a long rap counts as
much as a short ballad. "Within" is at most, as in mir_eval (the evaluator that came with JamendoLyrics counts less
than; only an error of exactly the tolerance tells them apart). Within 1 s is the percentage of Mauch, Fujihara and Goto
(2012). Signed errors are estimate minus reference: positive is late.

The share of the time given to the right word exists in two forms. Until 2019 (Fujihara et al. 2011) the song, from its
first sample to its last, was cut at the word starts; MIREX 2020 leaves out what lies before the first and after the
last start of the reference. They differ by several points and cannot be compared.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import skewnorm

from descant.errors import TextReadError
from descant.evaluate.scores import Metric, Scores

Floats = NDArray[np.float64]

WINDOW_S = 0.3
WINDOWS_S = (0.1, 0.2, 0.3, 0.5, 1.0)

# Lizé Masclef, Vaglio and Moussallam (2021): how synchronous karaoke was judged, over the error in seconds.
_SKEW, _LOCATION_S, _SCALE_S, _PEAK = 1.12244251, -0.22270315, 0.29779424, 1.6857


def within_name(window_s: float) -> str:
    """Name of the share of words within a tolerance: "within 0.3 s"."""
    return f"within {window_s:g} s"


METRICS = (
    Metric("AAE", "mean absolute error of word starts, s", False),
    Metric("median AE", "median absolute error of word starts, s", False),
    *(
        Metric(within_name(window), f"share of words whose start is at most {window:g} s off{also}")
        for window, also in zip(WINDOWS_S, ("", "", " (PCO, PC)", "", " (Mauch's percentage)"), strict=True)
    ),
    Metric("in segments", "share of the time from first to last start given to the right word (PCS, MIREX 2020)"),
    Metric("in segments, 2019", "the same from the song's first second to its last (Perc); needs its length"),
    Metric("perceptual", "how synchronous listeners would judge it (Lizé Masclef 2021): late is worse than early"),
    Metric("bias", "median signed error of word starts, s: positive is late", None),
    Metric("ends AAE", "mean absolute error of word ends, s", False),
    Metric("ends within 0.3 s", "share of words whose end is at most 0.3 s off"),
    Metric("overlap", "share of the time in which words sound that the same words have in the estimate"),
)


def validate(reference_s: ArrayLike, estimated_s: ArrayLike) -> None:
    """Refuse word starts that cannot be compared.

    Raises:
        TextReadError: The counts differ, there are none, or a time is negative, not finite or falls; the message names
            the word.
    """
    true, found = np.asarray(reference_s, float), np.asarray(estimated_s, float)
    if len(true) != len(found) or not len(true):
        raise TextReadError(
            f"The reference times {len(true)} words, the estimate {len(found)}.", "Align the same words on both sides."
        )
    for side, times in (("reference", true), ("estimate", found)):
        wrong = np.flatnonzero(~(np.isfinite(times) & (times >= 0)))
        if len(wrong):
            raise TextReadError(f"Word {wrong[0] + 1} of the {side} starts at {times[wrong[0]]} s.", "Time it again.")
        falls = np.flatnonzero(np.diff(times) < 0)
        if len(falls):
            raise TextReadError(
                f"Word {falls[0] + 2} of the {side} starts before the one before it.", "Sort the words."
            )


def absolute_errors(reference_s: ArrayLike, estimated_s: ArrayLike) -> Floats:
    """Absolute errors in seconds, shape [words]."""
    errors: Floats = np.abs(np.asarray(estimated_s, float) - np.asarray(reference_s, float))
    return errors


def share_within(reference_s: ArrayLike, estimated_s: ArrayLike, *, window_s: float = WINDOW_S) -> float:
    """Share of words whose start lies at most `window_s` from the truth."""
    return float((absolute_errors(reference_s, estimated_s) <= window_s).mean())


def share_in_segments(
    reference_s: ArrayLike, estimated_s: ArrayLike, *, duration_s: float | None = None
) -> float | None:
    """Share of the time during which the right word is current; a word lasts until the next one starts.

    Args:
        reference_s: True starts, shape [words].
        estimated_s: Starts that are judged, shape [words].
        duration_s: Length of the song: its start and its end bound the first and the last stretch (the form of 2019).
            None counts from the first to the last true start (MIREX 2020).

    Returns:
        None when there is no such time: fewer than two words or all at once, or (2019) words after the song's end.
    """
    true, found = np.asarray(reference_s, float), np.asarray(estimated_s, float)
    if duration_s is not None:
        if duration_s <= 0.0 or max(true.max(initial=0.0), found.max(initial=0.0)) > duration_s:
            return None
        true, found = (np.concatenate([[0.0], times, [duration_s]]) for times in (true, found))
    if len(true) < 2 or true[-1] <= true[0]:
        return None
    together = np.minimum(true[1:], found[1:]) - np.maximum(true[:-1], found[:-1])
    return float(np.maximum(together, 0.0).sum() / (true[-1] - true[0]))


def perceptual_score(reference_s: ArrayLike, estimated_s: ArrayLike) -> float:
    """Mean judgement of synchrony over the words, 0..1: a skewed bell that peaks where words come a little early."""
    errors = np.asarray(estimated_s, float) - np.asarray(reference_s, float)
    return float(skewnorm.pdf(errors, _SKEW, loc=_LOCATION_S, scale=_SCALE_S).mean() / _PEAK)


def share_of_overlap(
    reference_s: ArrayLike, estimated_s: ArrayLike, reference_ends_s: ArrayLike, estimated_ends_s: ArrayLike
) -> float | None:
    """Share of the time in which true words sound that the estimate gives to the same words.

    Returns:
        None when no true word has a length.
    """
    starts, ends = (np.asarray(each, float) for each in (reference_s, reference_ends_s))
    sounding = float((ends - starts).sum())
    if sounding <= 0.0:
        return None
    together = np.minimum(ends, np.asarray(estimated_ends_s, float)) - np.maximum(
        starts, np.asarray(estimated_s, float)
    )
    return float(np.maximum(together, 0.0).sum() / sounding)


def evaluate(
    reference_s: ArrayLike,
    estimated_s: ArrayLike,
    *,
    ends_s: tuple[ArrayLike, ArrayLike] | None = None,
    duration_s: float | None = None,
) -> Scores:
    """All measures of one song by the names in `METRICS`.

    Args:
        reference_s: True starts in seconds, shape [words].
        estimated_s: Starts that are judged, shape [words].
        ends_s: True and estimated ends, where both sides have all of them.
        duration_s: Length of the song, if it is known.

    Raises:
        TextReadError: The starts cannot be compared (see `validate`).
    """
    validate(reference_s, estimated_s)
    true, found = np.asarray(reference_s, float), np.asarray(estimated_s, float)
    errors = absolute_errors(true, found)
    scores: Scores = {metric.name: None for metric in METRICS}
    scores |= {
        "AAE": float(errors.mean()),
        "median AE": float(np.median(errors)),
        **{within_name(window): share_within(true, found, window_s=window) for window in WINDOWS_S},
        "in segments": share_in_segments(true, found),
        "perceptual": perceptual_score(true, found),
        "bias": float(np.median(found - true)),
    }
    if duration_s is not None:
        scores["in segments, 2019"] = share_in_segments(true, found, duration_s=duration_s)
    if ends_s is not None:
        scores["ends AAE"] = float(absolute_errors(*ends_s).mean())
        scores["ends within 0.3 s"] = share_within(*ends_s)
        scores["overlap"] = share_of_overlap(true, found, *ends_s)
    return scores
