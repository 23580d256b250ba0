"""Time: `TempoMap` (quarters to seconds and back), `TimeSignature`, and `BeatGrid` (beats as heard)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from descant.errors import ScoreReadError


@dataclass(frozen=True, slots=True)
class TimeSignature:
    """`numerator`/`denominator` from `start` (quarters) on."""

    start: float
    numerator: int
    denominator: int

    @property
    def bar_quarters(self) -> float:
        """Length of one bar in quarter notes."""
        return self.numerator * 4.0 / self.denominator


@dataclass(frozen=True, slots=True)
class TempoMap:
    """Piecewise linear map between quarter notes and seconds, extended at its ends with the outer tempi.

    Attributes:
        anchors: (quarter, seconds) pairs, both strictly rising, at least two. The first is (0, 0) for every score
            that goes to MIDI; `BeatGrid.tempo_map` sees to that.

    Raises:
        ScoreReadError: Fewer than two anchors, or anchors that do not rise.
    """

    anchors: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        if len(self.anchors) < 2:
            raise ScoreReadError("A tempo map needs at least two anchors.")
        points = np.asarray(self.anchors, float)
        if not np.isfinite(points).all() or (np.diff(points, axis=0) <= 0).any():
            raise ScoreReadError("A tempo map's anchors must rise in quarters and in seconds.")

    @classmethod
    def constant(cls, bpm: float) -> TempoMap:
        """One tempo in quarter notes per minute."""
        if not 0 < bpm < 100_000:
            raise ScoreReadError(f"A tempo of {bpm} quarter notes per minute is impossible.")
        return cls(((0.0, 0.0), (1.0, 60.0 / bpm)))

    @classmethod
    def from_tempi(cls, tempi: Iterable[tuple[float, float]]) -> TempoMap:
        """From (quarter, quarter notes per minute) changes; the first is taken from quarter 0 on."""
        anchors: list[tuple[float, float]] = [(0.0, 0.0)]
        bpm = 120.0
        for index, (quarter, new_bpm) in enumerate(sorted(tempi)):
            last_quarter, last_seconds = anchors[-1]
            if index > 0 and quarter > last_quarter:
                anchors.append((quarter, last_seconds + (quarter - last_quarter) * 60.0 / bpm))
            bpm = new_bpm
        last_quarter, last_seconds = anchors[-1]
        anchors.append((last_quarter + 1.0, last_seconds + 60.0 / bpm))
        return cls(tuple(anchors))

    def seconds(self, quarter: float) -> float:
        """Time in seconds of a position in quarters."""
        return float(self.seconds_at([quarter])[0])

    def quarter(self, seconds: float) -> float:
        """Position in quarters of a time in seconds."""
        return float(self.quarters_at([seconds])[0])

    def seconds_at(self, quarters: ArrayLike) -> NDArray[np.float64]:
        """`seconds` for an array of positions."""
        points = np.asarray(self.anchors, float)
        return _interpolate(np.asarray(quarters, float), points[:, 0], points[:, 1])

    def quarters_at(self, seconds: ArrayLike) -> NDArray[np.float64]:
        """`quarter` for an array of times."""
        points = np.asarray(self.anchors, float)
        return _interpolate(np.asarray(seconds, float), points[:, 1], points[:, 0])

    def bpm_at(self, quarter: float) -> float:
        """Quarter notes per minute just after a position."""
        quarters = [q for q, _ in self.anchors]
        index = min(max(int(np.searchsorted(quarters, quarter, side="right")) - 1, 0), len(quarters) - 2)
        (q0, s0), (q1, s1) = self.anchors[index], self.anchors[index + 1]
        return 60.0 * (q1 - q0) / (s1 - s0)


def _interpolate(x: NDArray[np.float64], xs: NDArray[np.float64], ys: NDArray[np.float64]) -> NDArray[np.float64]:
    index = np.clip(np.searchsorted(xs, x, side="right") - 1, 0, len(xs) - 2)
    slope = (ys[index + 1] - ys[index]) / (xs[index + 1] - xs[index])
    result: NDArray[np.float64] = ys[index] + (x - xs[index]) * slope
    return result


@dataclass(frozen=True, slots=True)
class BeatGrid:
    """Beats as heard in audio; one beat is one quarter note.

    Attributes:
        times_s: Beat times in seconds, rising.
        bar_positions: For each beat its place in the bar, 1 for a downbeat.
    """

    times_s: tuple[float, ...]
    bar_positions: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.times_s) != len(self.bar_positions):
            raise ScoreReadError("A beat grid needs one bar position for each beat.")

    @property
    def downbeats_s(self) -> tuple[float, ...]:
        """Times of the first beats of bars."""
        return tuple(t for t, p in zip(self.times_s, self.bar_positions, strict=True) if p == 1)

    @property
    def beats_per_bar(self) -> int:
        """The most frequent bar length in beats; 4 when no whole bar is known."""
        downbeats = [i for i, p in enumerate(self.bar_positions) if p == 1]
        lengths = np.diff(downbeats)
        return int(np.bincount(lengths).argmax()) if len(lengths) else 4

    @property
    def bpm(self) -> float:
        """Median tempo in beats per minute; 0 with fewer than two beats."""
        return 60.0 / float(np.median(np.diff(self.times_s))) if len(self.times_s) > 1 else 0.0

    def tempo_map(self) -> TempoMap:
        """The grid as a tempo map in which bars start at multiples of `beats_per_bar` and quarter 0 is second 0.

        Time before the first beat becomes a lead-in of whole beats, as near to the first tempo as that allows; a
        first downbeat that lies less than a quarter of a beat after second 0 is moved onto it.

        Raises:
            ScoreReadError: Fewer than two beats.
        """
        if len(self.times_s) < 2:
            raise ScoreReadError("A tempo map needs at least two beats.", "Give a tempo with --tempo.")
        bar = self.beats_per_bar
        period = self.times_s[1] - self.times_s[0]
        lead_in = self.times_s[0] / period
        # The bar positions fix the first beat's number modulo the bar; take the number nearest to the lead-in.
        first = (self.bar_positions[0] - 1) % bar
        if first < lead_in:
            first += bar * max(0, round((lead_in - first) / bar))
        anchors = [(float(first + i), t) for i, t in enumerate(self.times_s)]
        if first == 0:
            if lead_in >= 0.25:
                anchors = [(0.0, 0.0), *((q + bar, t) for q, t in anchors)]
            else:
                anchors[0] = (0.0, 0.0)
        elif self.times_s[0] > 0:
            anchors = [(0.0, 0.0), *anchors]
        else:
            # The first beat sounds at second 0 in mid-bar: a lead-in has no room, so it is squeezed into 1 ms a beat.
            anchors = [(0.0, 0.0), (float(first), 1e-3 * first), *anchors[1:]]
        return TempoMap(tuple(anchors))
