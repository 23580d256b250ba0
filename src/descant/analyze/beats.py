"""Beats from frame-wise evidence: the path through all tempi that explains every frame best.

A bar-pointer model (Whiteley et al. 2006; Krebs, Boeck and Widmer 2015) written as a semi-Markov search: the state is
"a beat at frame t that came `period` frames after the last", so a tempo may change at every beat and costs more the
more it changes. The cost of a change is what decides how freely a singer may breathe.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from descant.errors import InvalidOption
from descant.score.tempo import BeatGrid

Floats = NDArray[np.float64]

_LEAST_PROBABLE = 0.015
_DOWNBEAT_REACH_S = (-0.04, -0.02, 0.0, 0.02, 0.04)
HINT_TOLERANCE = 0.06
"""How far a tempo may lie from the one that the singer names."""

_METERS = ((4, 0.0), (3, -2.0))
"""Bar lengths in beats, and what each costs beforehand."""


@dataclass(frozen=True, slots=True)
class BeatOptions:
    """How beats are searched.

    Attributes:
        lowest_bpm: Slowest tempo.
        highest_bpm: Fastest tempo.
        stiffness: Cost of a tempo change, per relative change from one beat to the next.
        usual_bpm: Where the tempo prior peaks.
        spread_octaves: Standard deviation of the tempo prior in octaves.
        prior_weight: Weight of the tempo prior, per beat.
        beat_bonus: Log odds that a beat gets for being expected there; larger values find faster beats.
        level_bonus: Log odds that a beat gets when metrical levels are compared.
        level_prior: Weight of the tempo prior when metrical levels are compared, per beat.
        frames_per_s: Resolution of the search.
    """

    lowest_bpm: float = 50.0
    highest_bpm: float = 215.0
    stiffness: float = 40.0
    usual_bpm: float = 100.0
    spread_octaves: float = 0.5
    prior_weight: float = 0.15
    beat_bonus: float = 1.0
    level_bonus: float = 0.5
    level_prior: float = 1.0
    frames_per_s: float = 100.0

    def near(self, bpm: float) -> BeatOptions:
        """The same search within 6 % of a known tempo."""
        low, high = bpm / (1.0 + HINT_TOLERANCE), bpm * (1.0 + HINT_TOLERANCE)
        return replace(self, lowest_bpm=low, highest_bpm=high, usual_bpm=bpm)


def check_tempo(bpm: float | None) -> None:
    """Refuse a tempo that nobody sings at.

    Raises:
        InvalidOption: It is not between 30 and 300 beats per minute.
    """
    if bpm is not None and not 30.0 <= bpm <= 300.0:
        raise InvalidOption(
            f"A tempo of {bpm:g} beats per minute is outside 30 to 300.", "Give quarter notes per minute, such as 96."
        )


def follow_beats(activation: Floats, frames_per_s: float, options: BeatOptions | None = None) -> Floats:
    """Beat times that best explain an activation.

    Args:
        activation: Probability of a beat in each frame, shape [frames], 0..1.
        frames_per_s: Its frame rate.
        options: Tempo range and stiffness.

    Returns:
        Times in seconds, rising; empty when the recording is shorter than two beats of the fastest tempo.
    """
    options = options or BeatOptions()
    if len(activation) < 2:
        return np.zeros(0)
    fine = _resampled(activation, frames_per_s, options.frames_per_s)
    shortest = round(60.0 * options.frames_per_s / options.highest_bpm)
    longest = round(60.0 * options.frames_per_s / options.lowest_bpm)
    if len(fine) < 2 * shortest:
        return np.zeros(0)
    frames = _best_path(fine, np.arange(shortest, longest + 1), options)
    return _refined(frames, fine) / options.frames_per_s


def _resampled(activation: Floats, have: float, want: float) -> Floats:
    count = int((len(activation) - 1) * want / have) + 1
    return np.interp(np.arange(count) / want, np.arange(len(activation)) / have, activation)


def _best_path(activation: Floats, periods: NDArray[np.int64], options: BeatOptions) -> NDArray[np.int64]:
    frames, longest = len(activation), int(periods[-1])
    clipped = np.clip(activation, _LEAST_PROBABLE, 1.0 - _LEAST_PROBABLE)
    beat = np.log(clipped) - np.log1p(-clipped) + options.beat_bonus  # odds against "no beat in this frame"
    change = -options.stiffness * np.abs(np.log(periods[np.newaxis, :] / periods[:, np.newaxis]))
    bpm = 60.0 * options.frames_per_s / periods
    prior = -options.prior_weight * 0.5 * (np.log2(bpm / options.usual_bpm) / options.spread_octaves) ** 2

    # Row t of `arrived` (kept for one longest period only): for each next period, the best score of a path whose last
    # beat is at t. `score` is that of a beat at t by the period before it; `came_from` leads from one to the other.
    ring = longest + 1
    arrived = np.full((ring, len(periods)), -np.inf)
    score = np.full((ring, len(periods)), -np.inf)
    came_from = np.zeros((frames, len(periods)), np.uint8)
    columns = np.arange(len(periods))
    for t in range(frames):
        before = np.maximum(t - periods, 0) % ring
        # A path's first beat comes less than one period after the start.
        score[t % ring] = np.where(t >= periods, arrived[before, columns], 0.0) + beat[t] + prior
        moves = score[t % ring][:, np.newaxis] + change
        came_from[t] = moves.argmax(axis=0)
        arrived[t % ring] = moves[came_from[t], columns]

    last = np.arange(max(0, frames - longest), frames)
    ends = score[last % ring].copy()
    ends[(frames - last)[:, np.newaxis] > periods] = -np.inf
    row, column = (int(i) for i in np.unravel_index(int(ends.argmax()), ends.shape))
    beats = [int(last[row])]
    while beats[-1] >= periods[column]:
        beats.append(beats[-1] - int(periods[column]))
        column = int(came_from[beats[-1], column])
    return np.asarray(beats[::-1], np.int64)


def _refined(frames: NDArray[np.int64], activation: Floats) -> Floats:
    """Move beats that sit on a peak to its top between the frames (a parabola through three points)."""
    inner = frames[(frames > 0) & (frames < len(activation) - 1)]
    times = frames.astype(float)
    left, middle, right = activation[inner - 1], activation[inner], activation[inner + 1]
    curve = left - 2 * middle + right
    peak = (middle >= left) & (middle >= right) & (curve < -1e-9)
    offset = np.where(peak, 0.5 * (left - right) / np.where(peak, curve, -1.0), 0.0)
    times[(frames > 0) & (frames < len(activation) - 1)] += np.clip(offset, -0.5, 0.5)
    return times


def beat_contrast(activation: Floats, frames_per_s: float, times_s: Floats) -> float:
    """How clearly beats stand out: mean activation on beats against half-way between them, 0..1."""
    if len(times_s) < 4:
        return 0.0
    at = np.arange(len(activation)) / frames_per_s

    def level(times: Floats) -> float:
        near = [np.interp(times + shift, at, activation) for shift in (-0.02, 0.0, 0.02)]
        return float(np.max(near, axis=0).mean())

    on, between = level(times_s), level((times_s[1:] + times_s[:-1]) / 2)
    return max(0.0, on - between)


def choose_level(
    beat: Floats, downbeat: Floats, frames_per_s: float, times_s: Floats, options: BeatOptions | None = None
) -> Floats:
    """Whether the beat is the found pulse, every second of it, or twice as fast: the level at which bars make sense.

    A pulse at double the tempo has a downbeat in every second of its bars only; at half the tempo beats are left out
    that the evidence asks for. All candidates are compared on the finest grid, so that they explain the same frames.

    Args:
        beat: Probability of a beat in each frame, shape [frames].
        downbeat: Probability of a downbeat, likewise.
        frames_per_s: Frame rate of both.
        times_s: The pulse, as `follow_beats` found it.
        options: Tempo range, prior and bonus.

    Returns:
        Beat times at the chosen level.
    """
    options = options or BeatOptions()
    if len(times_s) < 8:
        return times_s
    middles = (times_s[1:] + times_s[:-1]) / 2
    finest = np.sort(np.concatenate([times_s, middles]))
    on = _clipped_logit(_near(beat, frames_per_s, finest, (-0.02, 0.0, 0.02)))
    down = _clipped_logit(_near(downbeat, frames_per_s, finest, _DOWNBEAT_REACH_S))
    base = 60.0 / float(np.median(np.diff(times_s)))
    best_score, best = -np.inf, np.arange(0, len(finest), 2)
    for factor, chosen in (
        (1.0, np.arange(0, len(finest), 2)),
        (0.5, np.arange(0, len(finest), 4)),
        (0.5, np.arange(2, len(finest), 4)),
        (2.0, np.arange(len(finest))),
    ):
        bpm = base * factor
        if factor != 1.0 and not options.lowest_bpm <= bpm <= options.highest_bpm:
            continue
        prior = -0.5 * (np.log2(bpm / options.usual_bpm) / options.spread_octaves) ** 2
        bars = max(_bar_path(down[chosen], bar)[0] + cost for bar, cost in _METERS)
        # Points that are no beats hold no downbeats either.
        others = np.ones(len(finest), bool)
        others[chosen] = False
        bars += float(_log_sigmoid(-down[others]).sum())
        score = float((on[chosen] + options.level_bonus).sum()) + bars + options.level_prior * prior * len(times_s)
        if score > best_score:
            best_score, best = score, chosen
    return finest[best]


def _near(values: Floats, frames_per_s: float, times_s: Floats, reach_s: tuple[float, ...]) -> Floats:
    at = np.arange(len(values)) / frames_per_s
    nearest: Floats = np.max([np.interp(times_s + shift, at, values) for shift in reach_s], axis=0)
    return nearest


def _clipped_logit(p: Floats) -> Floats:
    clipped = np.clip(p, 0.015, 0.985)
    logit: Floats = np.log(clipped) - np.log1p(-clipped)
    return logit


def _log_sigmoid(x: Floats) -> Floats:
    result: Floats = np.minimum(x, 0.0) - np.log1p(np.exp(-np.abs(x)))
    return result


def count_bars(downbeat: Floats, frames_per_s: float, times_s: Floats, changes: Floats | None = None) -> BeatGrid:
    """Number the beats within bars of three or four.

    Args:
        downbeat: Probability of a downbeat in each frame, shape [frames].
        frames_per_s: Its frame rate.
        times_s: Beat times.
        changes: Further evidence for a bar's start at each beat (log odds, such as from chord changes).

    Returns:
        The grid; bars are of one length, but a bar may be cut short where the evidence insists.
    """
    if len(times_s) == 0:
        return BeatGrid((), ())
    odds = _clipped_logit(_near(downbeat, frames_per_s, times_s, _DOWNBEAT_REACH_S))
    odds = odds + (0.0 if changes is None else changes)
    best: tuple[float, NDArray[np.int64]] | None = None
    for bar, prior in _METERS:
        value, positions = _bar_path(odds, bar)
        if best is None or value + prior > best[0]:
            best = (value + prior, positions)
    assert best is not None
    return BeatGrid(tuple(times_s.tolist()), tuple(int(x) + 1 for x in best[1]))


def _bar_path(odds: Floats, bar: int) -> tuple[float, NDArray[np.int64]]:
    """Viterbi over positions in a bar; breaking the count costs like four clear beats."""
    yes, no = _log_sigmoid(odds), _log_sigmoid(-odds)
    broken = -12.0
    score = np.where(np.arange(bar) == 0, yes[0], no[0])
    back = np.zeros((len(odds), bar), np.int64)
    for i in range(1, len(odds)):
        follow = np.roll(score, 1)
        jump, best = float(score.max()) + broken, int(score.argmax())
        back[i] = (np.arange(bar) - 1) % bar
        if jump > follow[0]:
            follow[0], back[i, 0] = jump, best
        score = follow + np.where(np.arange(bar) == 0, yes[i], no[i])
    positions = np.zeros(len(odds), np.int64)
    positions[-1] = int(score.argmax())
    for i in range(len(odds) - 1, 0, -1):
        positions[i - 1] = back[i, positions[i]]
    return float(score.max()), positions
