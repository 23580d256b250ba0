"""How well words are timed and heard: alignment errors of lyrics, and word and character error rates.

Conventions: alignment is that of `alignment_metrics`, of which a few measures are shown; both sides must have the same
words. Texts are compared without case and punctuation; apostrophes within words stay.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from descant.evaluate import alignment_metrics
from descant.evaluate.scores import Metric, Scores
from descant.text.lyrics import Lyrics

_ALIGNMENT = ("AAE", "median AE", "within 0.3 s", "in segments", "bias")

METRICS = (
    *(metric for metric in alignment_metrics.METRICS if metric.name in _ALIGNMENT),
    Metric("WER", "word error rate", False),
    Metric("CER", "character error rate", False),
)


def plain_words(text: str) -> list[str]:
    """Words without case, accents composed (NFKC), and without punctuation but apostrophes inside words."""
    folded = unicodedata.normalize("NFKC", text).casefold().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    kept = "".join(c if c.isalnum() or c == "'" or unicodedata.combining(c) else " " for c in folded)
    return [word for each in kept.split() if (word := each.strip("'"))]


def edit_distance(reference: Sequence[object], estimated: Sequence[object]) -> int:
    """Fewest insertions, deletions and substitutions that turn one sequence into the other (Levenshtein 1966)."""
    names = {token: number for number, token in enumerate({*reference, *estimated})}
    found = np.array([names[token] for token in estimated], np.int64)
    steps = np.arange(len(found) + 1)
    row = steps.copy()
    for token in reference:
        best = np.empty_like(row)
        best[0] = row[0] + 1
        best[1:] = np.minimum(row[1:] + 1, row[:-1] + (found != names[token]))
        row = np.minimum.accumulate(best - steps) + steps  # insertions: each costs one more than its left neighbour
    return int(row[-1])


def word_error_rate(reference: str, estimated: str) -> float | None:
    """Edits of words per true word; may exceed 1; None when the reference has no words."""
    true = plain_words(reference)
    return edit_distance(true, plain_words(estimated)) / len(true) if true else None


def character_error_rate(reference: str, estimated: str) -> float | None:
    """Edits of characters (spaces between words included) per true character; None when the reference has none."""
    true = " ".join(plain_words(reference))
    return edit_distance(true, " ".join(plain_words(estimated))) / len(true) if true else None


def word_starts(lyrics: Lyrics) -> NDArray[np.float64] | None:
    """Starts of all words in seconds, shape [words]; None if any is untimed."""
    return _all_known([word.start_s for word in lyrics.words])


def word_ends(lyrics: Lyrics) -> NDArray[np.float64] | None:
    """Ends of all words in seconds, shape [words]; None if any is unknown."""
    return _all_known([word.end_s for word in lyrics.words])


def _all_known(times: Sequence[float | None]) -> NDArray[np.float64] | None:
    known = [time for time in times if time is not None]
    return np.asarray(known, float) if known and len(known) == len(times) else None


def evaluate(reference: Lyrics, estimated: Lyrics) -> Scores:
    """All measures of one song by the names in `METRICS`.

    The alignment is measured when both sides time every word and have the same words, otherwise it is None: two
    different texts cannot be aligned one to one.

    Raises:
        TextReadError: The times cannot be compared (see `alignment_metrics.validate`).
    """
    scores: Scores = {metric.name: None for metric in METRICS}
    scores["WER"] = word_error_rate(reference.text, estimated.text)
    scores["CER"] = character_error_rate(reference.text, estimated.text)
    true, found = word_starts(reference), word_starts(estimated)
    if true is None or found is None or parting(reference, estimated) is not None:
        return scores
    aligned = alignment_metrics.evaluate(true, found)
    return scores | {name: aligned[name] for name in _ALIGNMENT}


def parting(reference: Lyrics, estimated: Lyrics) -> int | None:
    """Index of the first word in which two texts differ; None when they are the same words.

    Where one text is the beginning of the other, it is the length of the shorter. A list of starts without texts goes
    with any text of as many words.
    """
    true, found = (tuple(plain_words(word.text) for word in side.words) for side in (reference, estimated))
    shorter = min(len(true), len(found))
    if any(true) and any(found):
        for index in range(shorter):
            if true[index] != found[index]:
                return index
    return None if len(true) == len(found) else shorter
