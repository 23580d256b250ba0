"""How well a melody's pitch is found, and how well a converted voice keeps it.

Conventions: a `PitchTrack` per recording, of any frame times; the estimate is read at the reference's times, between
two frames with a pitch by interpolation in semitones. A frame has a guess if its frequency is positive, whether it is
called voiced or not: raw pitch accuracy judges the guess, voicing is judged by itself (MIREX audio melody extraction;
Poliner et al. 2007). Outside the estimate's time there is neither guess nor voice.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from descant.dsp.pitch import PitchTrack, hz_to_midi
from descant.errors import InvalidAudio
from descant.evaluate.scores import Metric, Scores

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]

PITCH_TOLERANCE = 0.5

METRICS = (
    Metric("RPA", "raw pitch accuracy: truly voiced frames within 50 cents"),
    Metric("RCA", "raw chroma accuracy: the same, octaves forgiven"),
    Metric("voicing recall", "voiced frames called voiced"),
    Metric("voicing false alarm", "unvoiced frames called voiced", False),
    Metric("overall accuracy", "frames right in voicing and, where voiced, in pitch"),
    Metric("f0 correlation", "Pearson's correlation of log f0 where both are voiced"),
    Metric("cents off", "median distance where both are voiced, cents", False),
    Metric("shift", "median signed distance where both are voiced, semitones: transposition", None),
)


def validate(track: PitchTrack) -> None:
    """Refuse tracks that are none.

    Raises:
        InvalidAudio: There are no frames, times do not rise, or a value is not finite; the message names the frame.
    """
    if not len(track.times_s):
        raise InvalidAudio("The pitch track has no frames.", "Expected rows of time and frequency.")
    for field, values in (("time", track.times_s), ("frequency", track.f0_hz)):
        wrong = np.flatnonzero(~np.isfinite(values))
        if len(wrong):
            raise InvalidAudio(f"Frame {wrong[0] + 1}: its {field} is {values[wrong[0]]}.", "Write unvoiced as 0.")
    falls = np.flatnonzero(np.diff(track.times_s) <= 0)
    if len(falls):
        raise InvalidAudio(f"Frame {falls[0] + 2} is not later than the one before.", "Sort the frames by time.")


def raw_pitch_accuracy(reference: PitchTrack, estimated: PitchTrack) -> float:
    """Share of the truly voiced frames whose pitch is found within half a semitone (whether called voiced or not)."""
    return _accuracy(reference, estimated, octaves=False)


def raw_chroma_accuracy(reference: PitchTrack, estimated: PitchTrack) -> float:
    """The same with octave errors forgiven."""
    return _accuracy(reference, estimated, octaves=True)


def voicing_scores(reference: PitchTrack, estimated: PitchTrack) -> tuple[float, float]:
    """Voicing recall (voiced frames called voiced) and false alarm (unvoiced frames called voiced)."""
    _, called = _at(estimated, reference.times_s)
    recall = float(called[reference.voiced].mean()) if reference.voiced.any() else 0.0
    alarm = float(called[~reference.voiced].mean()) if (~reference.voiced).any() else 0.0
    return recall, alarm


def overall_accuracy(reference: PitchTrack, estimated: PitchTrack) -> float:
    """Share of all frames that are called unvoiced rightly, or voiced rightly with the pitch within 50 cents."""
    found, called = _at(estimated, reference.times_s)
    voiced = reference.voiced & (reference.f0_hz > 0)
    near = _distances(hz_to_midi(reference.f0_hz), found) <= PITCH_TOLERANCE
    return float(np.where(voiced, called & near, ~called).mean())


def f0_correlation(reference: PitchTrack, estimated: PitchTrack) -> float:
    """Pearson's correlation of log frequency over the frames voiced in both; NaN if too few or one does not move."""
    true, found = _both_voiced(reference, estimated)
    if len(true) < 2 or np.ptp(true) == 0.0 or np.ptp(found) == 0.0:
        return float("nan")
    return float(np.corrcoef(true, found)[0, 1])


def pitch_distances(reference: PitchTrack, estimated: PitchTrack) -> Floats:
    """Estimate minus truth in semitones over the frames voiced in both, shape [such frames]."""
    true, found = _both_voiced(reference, estimated)
    return found - true


def evaluate(reference: PitchTrack, estimated: PitchTrack) -> Scores:
    """All measures of one recording by the names in `METRICS`; None where no frame asks the question.

    Raises:
        InvalidAudio: A track is none (see `validate`).
    """
    validate(reference)
    validate(estimated)
    is_sung, is_silent = bool(reference.voiced.any()), bool((~reference.voiced).any())
    recall, alarm = voicing_scores(reference, estimated)
    distances = pitch_distances(reference, estimated)
    correlation = f0_correlation(reference, estimated)
    return {
        "RPA": raw_pitch_accuracy(reference, estimated) if is_sung else None,
        "RCA": raw_chroma_accuracy(reference, estimated) if is_sung else None,
        "voicing recall": recall if is_sung else None,
        "voicing false alarm": alarm if is_silent else None,
        "overall accuracy": overall_accuracy(reference, estimated),
        "f0 correlation": None if np.isnan(correlation) else correlation,
        "cents off": float(np.median(np.abs(distances)) * 100.0) if len(distances) else None,
        "shift": float(np.median(distances)) if len(distances) else None,
    }


def _accuracy(reference: PitchTrack, estimated: PitchTrack, *, octaves: bool) -> float:
    voiced = reference.voiced & (reference.f0_hz > 0)
    if not voiced.any():
        return 0.0
    found, _ = _at(estimated, reference.times_s)
    distances = _distances(hz_to_midi(reference.f0_hz)[voiced], found[voiced], octaves=octaves)
    return float((distances <= PITCH_TOLERANCE).mean())


def _distances(true: Floats, found: Floats, *, octaves: bool = False) -> Floats:
    """Absolute semitones; infinite where there is no guess."""
    difference = np.abs(found - true)
    if octaves:
        difference = np.abs(difference - 12.0 * np.round(difference / 12.0))
    return np.where(np.isnan(difference), np.inf, difference)


def _both_voiced(reference: PitchTrack, estimated: PitchTrack) -> tuple[Floats, Floats]:
    found, called = _at(estimated, reference.times_s)
    true = hz_to_midi(reference.f0_hz)
    both = reference.voiced & called & np.isfinite(true) & np.isfinite(found)
    return true[both], found[both]


def _at(track: PitchTrack, times_s: Floats) -> tuple[Floats, Booleans]:
    """MIDI numbers (NaN without a guess) and voicing of a track at other times."""
    midi = hz_to_midi(track.f0_hz)
    right = np.clip(np.searchsorted(track.times_s, times_s), 1, max(1, len(midi) - 1))
    left = right - 1
    right = np.minimum(right, len(midi) - 1)
    width = np.maximum(track.times_s[right] - track.times_s[left], 1e-12)
    weight = np.clip((times_s - track.times_s[left]) / width, 0.0, 1.0)
    between = (1.0 - weight) * midi[left] + weight * midi[right]
    nearest = np.where(weight > 0.5, right, left)
    values = np.where(np.isfinite(between), between, midi[nearest])
    inside = (times_s >= track.times_s[0] - track.hop_s) & (times_s <= track.times_s[-1] + track.hop_s)
    return np.where(inside, values, np.nan), track.voiced[nearest] & inside
