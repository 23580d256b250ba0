"""Loops in the held part of a note: where they lie, how their ends are joined, and whether the seam is heard.

A loop is searched where both channels around its end are most like those around its start, in phase and in level; a
short cross-fade baked into the file before its end makes the jump back seamless. The same fade the other way round
follows its end, so that a player without loops, and the interpolation of one with them, meets no step either.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import correlate

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

LARGEST_STEP = 1.0
"""The bend of the wave at a seam may be no sharper than the sharpest one elsewhere in the loop."""
LARGEST_CHANGE_DB = 1.0
"""So much more than between other neighbouring moments of the loop may the spectrum change around a seam."""

_SETTLED = 0.3
_END_PLACES = 8
_ENDS_WITHIN = 0.2
_SHORTEST = 0.25
_SHORTEST_PERIODS = 12
_VIEW_S, _VIEW_PERIODS = 0.08, 6
_FADES_S = (0.04, 0.08, 0.16)
_AS_GOOD = 0.001
_FRAME_S = 0.046
_BANDS_PER_OCTAVE = 3
_BAND_RANGE_DB = 50.0


@dataclass(frozen=True, slots=True)
class Seam:
    """What is heard where a loop jumps back.

    Attributes:
        step: Sharpest bend of the wave (second difference) at the jump, as a multiple of the sharpest elsewhere in
            the loop.
        change_db: How much more the spectrum changes from moment to moment around the jump than it does elsewhere in
            the loop at most; thirds of an octave, weighted by their energy. Negative: less.
    """

    step: float
    change_db: float

    @property
    def is_seamless(self) -> bool:
        """Whether both are within their bounds."""
        return self.step <= LARGEST_STEP and self.change_db <= LARGEST_CHANGE_DB


@dataclass(frozen=True, slots=True)
class Loop:
    """A loop that is baked into its note.

    Attributes:
        start: First frame.
        end: The frame after the last.
        fade: Frames of the cross-fade before the end, and after it.
        likeness: How like each other both ends were before: 1 is the same, 0 nothing alike.
        seam: As measured after the cross-fade.
    """

    start: int
    end: int
    fade: int
    likeness: float
    seam: Seam


@dataclass(frozen=True, slots=True)
class _Place:
    start: int
    end: int
    likeness: float


def looped(samples: Floats, sample_rate: int, hertz: float, held_s: float) -> tuple[Floats, Loop] | None:
    """A note with the best loop that its held part has.

    Args:
        samples: [channels, frames].
        sample_rate: In Hz.
        hertz: Of the note.
        held_s: When its key is let go.

    Returns:
        The note with the cross-fades, and the loop; None where the held part is too short. Places are tried from the
        most alike to the least, with fades of 40, 80 and 160 ms; the first seamless one is taken, else the one whose
        spectrum changes least.
    """
    best: tuple[Floats, Loop] | None = None
    for fade_s in _FADES_S:
        fade = round(fade_s * sample_rate)
        for place in _places(samples, sample_rate, hertz, held_s, fade):
            joined = _joined(samples, place, fade)
            seam = seam_of(joined, sample_rate, place.start, place.end, fade)
            loop = Loop(place.start, place.end, fade, place.likeness, seam)
            if seam.is_seamless:
                return joined, loop
            if best is None or seam.change_db < best[1].seam.change_db:
                best = joined, loop
    return best


def seam_of(samples: Floats, sample_rate: int, start: int, end: int, fade: int) -> Seam:
    """What is heard where a loop jumps back.

    Args:
        samples: [channels, frames], as the file has them.
        sample_rate: In Hz.
        start: First frame of the loop.
        end: The frame after its last.
        fade: Frames before its end that are not as they were played.
    """
    body = samples[:, start:end].astype(np.float64)
    twice = np.concatenate((body, body), axis=1)
    bends = np.abs(np.diff(twice, 2, axis=1)).max(axis=0)
    jump = body.shape[1]
    at_jump, elsewhere = bends[jump - 3 : jump + 1].max(), bends[: jump - fade - 3].max(initial=0.0)
    step = float(at_jump / elsewhere) if elsewhere > 0 else (0.0 if at_jump == 0 else np.inf)
    size = round(_FRAME_S * sample_rate)
    hop = size // 2
    starts = np.arange(jump % hop, twice.shape[1] - size + 1, hop)
    changes = _changes(twice.mean(axis=0), starts, size, sample_rate)
    # A change between two frames belongs to the span that both of them hear.
    touched = (starts[:-1] < jump + hop) & (starts[1:] + size > jump - fade)
    if touched.all() or not touched.any():
        return Seam(step, float(changes.max(initial=0.0)))
    return Seam(step, float(changes[touched].max() - changes[~touched].max()))


def _places(samples: Floats, sample_rate: int, hertz: float, held_s: float, fade: int) -> list[_Place]:
    """Where loops may lie, the most alike first: one place for each of some ends, starts searched sample by sample."""
    tones = samples.astype(np.float64)
    held = min(round(held_s * sample_rate), tones.shape[1])
    half = round(max(_VIEW_S, _VIEW_PERIODS / hertz) * sample_rate / 2)
    first = round(_SETTLED * held) + max(half, fade)
    shortest = round(max(_SHORTEST * held, _SHORTEST_PERIODS / hertz * sample_rate, 2 * fade))
    latest = held - max(half, fade)
    if latest - first <= shortest:
        return []
    earliest = max(latest - round(_ENDS_WITHIN * held), first + shortest)
    found = []
    for end in np.linspace(earliest, latest, _END_PLACES).astype(int).tolist():
        likeness = _likeness(tones, end, first, end - shortest, half)
        # The longest of those that are as good as the best: the longer a loop, the less it is heard as one.
        start = int(np.argmax(likeness >= likeness.max() - _AS_GOOD))
        found.append(_Place(first + start, end, float(likeness[start])))
    return sorted(found, key=lambda place: (-round(place.likeness / _AS_GOOD), place.start - place.end))


def _likeness(tones: Doubles, end: int, first: int, last: int, half: int) -> Doubles:
    """2 <a, b> / (|a|^2 + |b|^2) of the view around the end and those around each start: phase, and level, count."""
    view = tones[:, end - half : end + half]
    searched = tones[:, first - half : last + half]
    products = sum(correlate(searched[c], view[c], "valid", "fft") for c in range(len(tones)))
    summed = np.concatenate(([0.0], np.cumsum(np.square(searched).sum(axis=0))))
    power = summed[2 * half :] - summed[: -2 * half]
    likeness: Doubles = 2.0 * np.asarray(products) / np.maximum(power + np.square(view).sum(), 1e-20)
    return likeness


def _joined(samples: Floats, place: _Place, fade: int) -> Floats:
    """The note with both fades; what is alike keeps its level by equal gain, what is not by equal power."""
    result = samples.copy()
    start, end = place.start, place.end
    into = (np.arange(fade) + 1) / fade
    for at, source, share in ((end - fade, start - fade, into), (end, start, 1.0 - into)):
        held = samples[:, at : at + fade].astype(np.float64)
        other = samples[:, source : source + fade].astype(np.float64)
        norms = float(np.sqrt(np.square(held).sum() * np.square(other).sum()))
        alike = min(max(float((held * other).sum()) / norms, 0.0), 1.0) if norms > 0 else 1.0
        gain = 1.0 / np.sqrt(share**2 + (1.0 - share) ** 2 + 2.0 * alike * share * (1.0 - share))
        result[:, at : at + fade] = gain * (share * other + (1.0 - share) * held)
    return result


def _changes(mono: Doubles, starts: NDArray[np.int_], size: int, sample_rate: int) -> Doubles:
    """By how many dB the bands change from each frame to the next, weighted by their energy."""
    frames = np.stack([mono[start : start + size] for start in starts.tolist()]) * np.hanning(size + 2)[1:-1]
    power = np.square(np.abs(np.fft.rfft(frames, axis=1)))
    hz = np.fft.rfftfreq(size, 1.0 / sample_rate)[1:]
    band = np.floor(_BANDS_PER_OCTAVE * np.log2(hz / hz[0])).astype(int)
    edges = np.flatnonzero(np.diff(band, prepend=-1))
    bands = np.add.reduceat(power[:, 1:], edges, axis=1)
    floor = bands.max(initial=1e-20) * 10.0 ** (-_BAND_RANGE_DB / 10.0)
    levels = 10.0 * np.log10(bands + floor)
    weights = bands.mean(axis=0) + floor
    changes: Doubles = np.sqrt((np.square(np.diff(levels, axis=0)) * weights).sum(axis=1) / weights.sum())
    return changes
