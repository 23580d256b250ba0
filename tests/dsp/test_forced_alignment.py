"""Forced alignment against exhaustive search, and what must hold for any evidence."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from descant.dsp.forced_alignment import Path, ctc_path, line_mask, monotone_path, two_passes
from descant.errors import InvalidOption

BLANK = 3


def log_softmax(x: np.ndarray) -> np.ndarray:
    return x - np.log(np.exp(x).sum(1, keepdims=True))


def collapsed(symbols: tuple[int, ...]) -> list[int]:
    """What CTC reads: repeats once, blanks not at all."""
    return [s for s, _ in itertools.groupby(symbols) if s != BLANK]


def spelled(path: Path, labels: np.ndarray, frames: int) -> list[int]:
    """The symbol of every frame of a path."""
    found = np.full(frames, BLANK)
    for label, start, end in zip(labels, path.starts, path.ends, strict=True):
        found[start:end] = label
    return found.tolist()


def staircase(path: Path, frames: int) -> np.ndarray:
    return np.repeat(np.arange(len(path.starts)), path.ends - path.starts)


def best_by_hand(scores: np.ndarray, staying: float = 1.0) -> float:
    """Every way to give frames to tokens in order."""
    frames, tokens = scores.shape
    best = -np.inf
    for cuts in itertools.combinations(range(1, frames), tokens - 1):
        tokens_of = np.searchsorted(cuts, np.arange(frames), side="right")
        weights = np.where(np.isin(np.arange(frames), [0, *cuts]), 1.0, staying)
        best = max(best, float((weights * scores[np.arange(frames), tokens_of]).sum()))
    return best


@given(st.integers(1, 8), st.integers(1, 3), st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_ctc_is_exhaustive_search(frames: int, tokens: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, BLANK, tokens)
    told = log_softmax(rng.normal(size=(frames, BLANK + 1)))
    ways = [w for w in itertools.product(range(BLANK + 1), repeat=frames) if collapsed(w) == labels.tolist()]
    if not ways:
        with pytest.raises(InvalidOption, match="does not fit"):
            ctc_path(told, labels, BLANK)
        return
    best = max(sum(told[frame, s] for frame, s in enumerate(way)) for way in ways)
    path = ctc_path(told, labels, BLANK)
    way = spelled(path, labels, frames)
    assert path.score == pytest.approx(best)
    assert sum(told[frame, s] for frame, s in enumerate(way)) == pytest.approx(best)
    assert collapsed(tuple(way)) == labels.tolist()


@given(st.integers(3, 40), st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_a_ctc_path_reads_the_text_and_is_monotone(tokens: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, BLANK, tokens)
    told = log_softmax(3.0 * rng.normal(size=(4 * tokens, BLANK + 1)))
    path = ctc_path(told, labels, BLANK)
    assert collapsed(tuple(spelled(path, labels, len(told)))) == labels.tolist()
    assert (path.starts < path.ends).all()
    assert (path.ends[:-1] <= path.starts[1:]).all()
    moved = ctc_path(told + rng.normal(size=(len(told), 1)), labels, BLANK)
    assert (moved.starts == path.starts).all()
    assert (moved.ends == path.ends).all()


@given(st.integers(1, 8), st.integers(1, 3), st.sampled_from([0.0, 0.5, 1.0]), st.integers(0, 2**32 - 1))
@settings(max_examples=80, deadline=None)
def test_the_monotone_path_is_exhaustive_search(frames: int, tokens: int, staying: float, seed: int) -> None:
    scores = np.random.default_rng(seed).normal(size=(frames, tokens))
    if frames < tokens:
        with pytest.raises(InvalidOption, match="does not fit"):
            monotone_path(scores, staying=staying)
        return
    path = monotone_path(scores, staying=staying)
    tokens_of = staircase(path, frames)
    weights = np.where(np.isin(np.arange(frames), path.starts), 1.0, staying)
    assert path.score == pytest.approx(best_by_hand(scores, staying))
    assert (weights * scores[np.arange(frames), tokens_of]).sum() == pytest.approx(path.score)


@given(st.integers(2, 20), st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_a_constant_in_a_frame_changes_no_path(tokens: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.random((5 * tokens, tokens))
    path, moved = monotone_path(scores), monotone_path(scores + rng.normal(size=(len(scores), 1)))
    assert (path.starts == moved.starts).all()
    assert path.starts[0] == 0
    assert (np.diff(path.starts) > 0).all()
    assert path.ends[-1] == len(scores)


def test_equal_evidence_gives_the_same_path_always() -> None:
    labels = np.array([0, 1])
    flat = np.full((7, BLANK + 1), np.log(0.25))
    first = ctc_path(flat, labels, BLANK)
    assert (first.starts == ctc_path(flat, labels, BLANK).starts).all()
    assert collapsed(tuple(spelled(first, labels, 7))) == [0, 1]
    assert monotone_path(np.zeros((6, 3))).starts.tolist() == monotone_path(np.zeros((6, 3))).starts.tolist()


def test_impossible_frames_do_not_break_a_path() -> None:
    told = np.full((6, BLANK + 1), -np.inf)
    told[:, BLANK] = 0.0
    path = ctc_path(told, np.array([0, 0]), BLANK)
    assert np.isfinite(path.score)
    assert path.ends[0] < path.starts[1]  # a blank stands between equal neighbours
    with pytest.raises(InvalidOption, match="needs 3"):
        ctc_path(told[:2], np.array([0, 0]), BLANK)
    with pytest.raises(InvalidOption, match="of 0 symbols"):
        monotone_path(np.zeros((4, 0)))


LINES, TOKENS, LASTING = 6, 5, 4


def sung(rng: np.random.Generator, noise: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A similarity matrix of lines with pauses between them: scores, true starts, lines of tokens."""
    starts = np.concatenate([LASTING * np.arange(TOKENS) + line * 40 + 5 for line in range(LINES)])
    scores = noise * rng.random((40 * LINES + 10, LINES * TOKENS))
    for token, start in enumerate(starts):
        scores[start : start + LASTING, token] += 0.5
    return scores, starts, np.repeat(np.arange(LINES), TOKENS)


def searched(scores: np.ndarray, mask: np.ndarray | None) -> Path:
    """As lyrics nets are read: a token counts where it begins."""
    return monotone_path(np.log(np.maximum(scores if mask is None else scores * mask, 1e-4)), staying=0.0)


SIZES = {"token_frames": float(LASTING), "ramp_frames": 12.0}


def test_a_line_mask_is_one_around_the_middle_and_falls_to_nothing() -> None:
    path = Path(np.array([10, 20, 30, 60, 70]), np.array([20, 30, 60, 70, 90]), 0.0)
    mask = line_mask(path, np.array([0, 0, 0, 1, 1]), 100, token_frames=10.0, ramp_frames=20.0)
    assert mask.shape == (100, 5)
    # three tokens of ten frames around frame 20: (30 - 10) / 2 before it, (30 + 10) / 2 after it
    assert (mask[10:41, :3] == 1.0).all()
    assert mask[9, 0] == pytest.approx(0.95)
    assert mask[50, 0] == pytest.approx(0.5)
    assert mask[60:, 0].max() == 0.0
    # two tokens: the middle one is the second, at frame 70
    assert (mask[65:86, 3:] == 1.0).all()
    assert mask[64, 3] < 1.0 > mask[86, 3]


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_the_mask_changes_nothing_where_evidence_is_clean(seed: int) -> None:
    scores, starts, lines = sung(np.random.default_rng(seed), 0.02)

    def search(mask: np.ndarray | None) -> Path:
        return searched(scores, mask)

    once, twice = search(None), two_passes(search, lines, len(scores), **SIZES)
    first_of_line = np.flatnonzero(np.diff(lines, prepend=-1))
    inside = np.setdiff1d(np.arange(len(lines)), first_of_line)  # what a pause belongs to, nothing tells
    assert np.abs(once.starts[inside] - starts[inside]).max() < LASTING
    assert np.abs(twice.starts[inside] - once.starts[inside]).max() <= 1


def test_the_mask_helps_where_evidence_is_corrupted() -> None:
    errors: dict[str, list[float]] = {"clean": [], "once": [], "twice": []}
    for seed in range(20):
        rng = np.random.default_rng(seed)
        scores, starts, lines = sung(rng, 0.1)
        errors["clean"].append(float(np.abs(searched(scores, None).starts - starts).mean()))
        # the last tokens of line 2 seem to be sung again, and louder, long after it
        scores[2 * 40 + 35 : 3 * 40, 2 * TOKENS + 3 : 3 * TOKENS] += 0.6

        def search(mask: np.ndarray | None, scores: np.ndarray = scores) -> Path:
            return searched(scores, mask)

        for name, path in (("once", search(None)), ("twice", two_passes(search, lines, len(scores), **SIZES))):
            errors[name].append(float(np.abs(path.starts - starts).mean()))
    clean, once, twice = (np.mean(errors[name]) for name in ("clean", "once", "twice"))
    assert once - clean > 0.8  # frames
    assert twice - clean < 0.25 * (once - clean)


def test_the_mask_works_on_ctc() -> None:
    rng = np.random.default_rng(0)
    labels = np.array([0, 1, 2, 0, 1, 2])
    told = np.full((120, BLANK + 1), 0.02)
    told[:, BLANK] = 0.9
    for token, start in enumerate((10, 14, 18, 80, 84, 88)):
        told[start, labels[token]] = 0.6
    told[30:34, 2] = 3.0  # something else sounds like the last token of the first line
    told = log_softmax(np.log(told) + 0.01 * rng.normal(size=told.shape))
    lines = np.array([0, 0, 0, 1, 1, 1])
    plain = ctc_path(told, labels, BLANK)
    masked = two_passes(
        lambda mask: ctc_path(told, labels, BLANK, mask=mask), lines, 120, token_frames=4.0, ramp_frames=10.0
    )
    assert plain.starts[2] >= 30
    assert masked.starts.tolist() == [10, 14, 18, 80, 84, 88]
