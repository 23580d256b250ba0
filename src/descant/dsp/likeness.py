"""Whether two recordings are the same music: chroma cross-recurrence, whatever key, tempo, timbre and arrangement.

Conventions: two clips of any rate, channel count and length. Chroma vectors (five a second, in tune) of the last 1.8
s make a state; two states recur when each is among the nearest tenth of the other's neighbours; Qmax is the longest
diagonal of such recurrences that forgives short gaps and changes of tempo (Serra, Serra and Andrzejak, "Cross
recurrence quantification for cover song identification", New Journal of Physics 2009), here as a share of the shorter
recording. All twelve transpositions are tried.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray

from descant.audio.clip import Clip
from descant.dsp.chroma import chroma_from_pitch_bands, tuning_cents
from descant.dsp.filters import pitch_filters
from descant.dsp.stft import filtered

Floats = NDArray[np.float32]
Booleans = NDArray[np.bool_]

SAMPLE_RATE = 22_050
STATE_FRAMES = 9
NEAREST_SHARE = 0.1
GAP_ONSET, GAP_EXTENSION = 5.0, 0.5

_SIZE, _HOP = 8192, 2205
_FRAMES_PER_CHROMA = 2
_LOWEST, _SEMITONES, _PER_SEMITONE = 36, 60, 3


@dataclass(frozen=True, slots=True)
class Likeness:
    """How much of two recordings is the same music.

    Attributes:
        qmax: 0..1.
        transposition: Semitones by which the second lies higher, -5..6.
    """

    qmax: float
    transposition: int


def chroma(clip: Clip) -> Floats:
    """Pitch classes over time in the recording's own tuning, C first, five frames a second, shape [frames, 12].

    Frames have unit norm, or are zero in silence.
    """
    mono = np.ascontiguousarray(clip.to_mono().samples[0])
    if clip.sample_rate != SAMPLE_RATE:
        mono = np.asarray(soxr.resample(mono, clip.sample_rate, SAMPLE_RATE), np.float32)
    bank = pitch_filters(
        SAMPLE_RATE, _SIZE, lowest=_LOWEST, semitones=_SEMITONES, per_semitone=_PER_SEMITONE,
        tuning_cents=tuning_cents(mono, SAMPLE_RATE, size=_SIZE),
    )  # fmt: skip
    bands = filtered(mono, _SIZE, _HOP, bank)
    loudest = max(float(bands.max(initial=0.0)), 1e-9)
    folded = chroma_from_pitch_bands(
        np.log1p(bands * np.float32(100.0 / loudest)), lowest=_LOWEST, per_semitone=_PER_SEMITONE
    )
    frames = len(folded) // _FRAMES_PER_CHROMA
    means = folded[: frames * _FRAMES_PER_CHROMA].reshape(frames, _FRAMES_PER_CHROMA, 12).mean(axis=1)
    # What all pitch classes share (noise, drums, reverberation) says nothing about harmony.
    peaks = means - np.minimum(np.median(means, axis=1, keepdims=True), means)
    norm = np.linalg.norm(peaks, axis=1, keepdims=True)
    unit: Floats = (peaks / np.where(norm > 0, norm, 1.0)).astype(np.float32)
    return unit


def likeness(reference: Floats, estimated: Floats) -> Likeness:
    """The longest common course of two chroma sequences, shapes [frames, 12], in the best of twelve keys."""
    states = _states(reference)
    scores = [qmax(cross_recurrence(states, _states(np.roll(estimated, -shift, axis=1)))) for shift in range(-5, 7)]
    best = int(np.argmax(scores))
    return Likeness(scores[best], best - 5)


def cross_recurrence(first: Floats, second: Floats) -> Booleans:
    """Which states of two sequences are mutual neighbours, shapes [m, d] and [n, d] to [m, n]."""
    squares = np.square(first).sum(axis=1)[:, np.newaxis] + np.square(second).sum(axis=1)
    distances = squares - 2.0 * (first @ second.T)
    near_first = distances <= np.quantile(distances, NEAREST_SHARE, axis=1, keepdims=True)
    near_second = distances <= np.quantile(distances, NEAREST_SHARE, axis=0, keepdims=True)
    mutual: Booleans = near_first & near_second
    return mutual


def qmax(recurrence: Booleans) -> float:
    """Longest diagonal that tolerates gaps and bends (Serra et al. 2009), as a share of the shorter side, 0..1.

    A cell that recurs continues the best of its three predecessors (one and one, two and one, one and two steps
    back); one that does not loses 5 where a gap opens and 0.5 where it goes on.
    """
    rows, columns = recurrence.shape
    if not rows or not columns:
        return 0.0
    length = np.zeros((rows + 2, columns + 2))
    penalty = np.full((rows + 2, columns + 2), GAP_EXTENSION)
    penalty[2:, 2:][recurrence] = GAP_ONSET
    for row in range(2, rows + 2):
        before = (
            (length[row - 1, 1:-1], penalty[row - 1, 1:-1]),
            (length[row - 2, 1:-1], penalty[row - 2, 1:-1]),
            (length[row - 1, :-2], penalty[row - 1, :-2]),
        )
        longer = np.max([run for run, _ in before], axis=0) + 1.0
        broken = np.maximum(0.0, np.max([run - gap for run, gap in before], axis=0))
        length[row, 2:] = np.where(recurrence[row - 2], longer, broken)
    return float(length.max() / min(rows, columns))


def _states(frames: Floats) -> Floats:
    """Each frame with the eight after it, shape [frames - 8, 9 * 12]."""
    if len(frames) < STATE_FRAMES:
        return np.zeros((0, STATE_FRAMES * 12), np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(frames, STATE_FRAMES, axis=0)
    return np.ascontiguousarray(windows.transpose(0, 2, 1)).reshape(len(windows), -1)
