"""How well words are timed and heard: alignment errors of lyrics, and word and character error rates.

Conventions: alignment compares the starts of words, in seconds, one to one in the text's own order; both sides must
have the same words. AAE, median AE and the share within 0.3 s (at most, as mir_eval; MIREX lyrics-to-audio alignment)
are of one song; over songs they are averaged. Texts are compared without case and punctuation; apostrophes within
words stay.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from descant.errors import TextReadError
from descant.evaluate.scores import Metric, Scores
from descant.text.lyrics import Lyrics

WINDOW_S = 0.3

METRICS = (
    Metric("AAE", "mean absolute error of word starts, s", False),
    Metric("median AE", "median absolute error of word starts, s", False),
    Metric("within 0.3 s", "share of words that start within 0.3 s"),
    Metric("in segments", "share of the time given to the right word (MIREX 2020)"),
    Metric("bias", "median signed error, s: positive is late", None),
    Metric("WER", "word error rate", False),
    Metric("CER", "character error rate", False),
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


def absolute_errors(reference_s: ArrayLike, estimated_s: ArrayLike) -> NDArray[np.float64]:
    """Absolute errors of word starts in seconds, shape [words]."""
    errors: NDArray[np.float64] = np.abs(np.asarray(estimated_s, float) - np.asarray(reference_s, float))
    return errors


def share_within(reference_s: ArrayLike, estimated_s: ArrayLike, *, window_s: float = WINDOW_S) -> float:
    """Share of words whose start lies at most `window_s` from the truth."""
    return float((absolute_errors(reference_s, estimated_s) <= window_s).mean())


def share_in_segments(reference_s: ArrayLike, estimated_s: ArrayLike) -> float | None:
    """Share of the time between first and last true start during which the right word is current.

    This is PCS as MIREX counts it since 2020; None with fewer than two words or all at one time.
    """
    true, found = np.asarray(reference_s, float), np.asarray(estimated_s, float)
    if len(true) < 2 or true[-1] <= true[0]:
        return None
    together = np.minimum(true[1:], found[1:]) - np.maximum(true[:-1], found[:-1])
    return float(np.maximum(together, 0.0).sum() / (true[-1] - true[0]))


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
    starts = [word.start_s for word in lyrics.words if word.start_s is not None]
    return np.asarray(starts, float) if starts and len(starts) == len(lyrics.words) else None


def evaluate(reference: Lyrics, estimated: Lyrics) -> Scores:
    """All measures of one song by the names in `METRICS`.

    The alignment is measured when both sides time every word and have the same words, otherwise it is None: two
    different texts cannot be aligned one to one.

    Raises:
        TextReadError: The times cannot be compared (see `validate`).
    """
    scores: Scores = {metric.name: None for metric in METRICS}
    scores["WER"] = word_error_rate(reference.text, estimated.text)
    scores["CER"] = character_error_rate(reference.text, estimated.text)
    true, found = word_starts(reference), word_starts(estimated)
    if true is None or found is None or not _has_same_words(reference, estimated):
        return scores
    validate(true, found)
    errors = absolute_errors(true, found)
    scores |= {
        "AAE": float(errors.mean()),
        "median AE": float(np.median(errors)),
        "within 0.3 s": share_within(true, found),
        "in segments": share_in_segments(true, found),
        "bias": float(np.median(found - true)),
    }
    return scores


def _has_same_words(reference: Lyrics, estimated: Lyrics) -> bool:
    """Word by word; a list of starts without texts goes with any text of as many words."""
    if len(reference.words) != len(estimated.words):
        return False
    if not reference.text.strip() or not estimated.text.strip():
        return True
    return all(
        plain_words(a.text) == plain_words(b.text) for a, b in zip(reference.words, estimated.words, strict=True)
    )
