"""What singing tells: whether a voice is alone, and where it sounds."""

from __future__ import annotations

import numpy as np
import scipy.ndimage
from numpy.typing import NDArray

from descant.analyze.analysis import Span
from descant.analyze.features import LOWEST_PITCH, PER_SEMITONE, PITCH_FPS, Features
from descant.dsp.pitch import PitchTrack, hz_to_midi

Floats = NDArray[np.float64]

BARE_SHARE = 0.72
"""Share of the power on the harmonics of one f0 from which a recording counts as a bare voice."""

_HARMONICS = 10
_REACH_BANDS = 3
_SHORTEST_SPAN_S, _LONGEST_REST_S = 0.25, 0.6


def harmonic_share(track: PitchTrack, features: Features) -> float:
    """Share of all power that lies within a semitone of the first ten harmonics of the tracked pitch.

    Near 1 for a voice alone, lower the more else sounds.

    Args:
        track: f0 of the recording.
        features: Its spectra.
    """
    power = np.expm1(features.pitch.astype(np.float64)) ** 2
    total = float(power.sum())
    if total <= 0 or not track.voiced.any():
        return 0.0
    nearest = np.clip(np.searchsorted(track.times_s, np.arange(len(power)) / PITCH_FPS), 0, len(track.times_s) - 1)
    voiced = scipy.ndimage.maximum_filter1d(track.voiced.astype(np.int8), 9)[nearest].astype(bool)
    midi = np.interp(
        np.arange(len(track.times_s)), np.flatnonzero(track.voiced), hz_to_midi(track.f0_hz[track.voiced])
    )[nearest]
    bands = np.arange(power.shape[1])
    covered = np.zeros(power.shape, bool)
    for harmonic in range(1, _HARMONICS + 1):
        centre = (midi + 12 * np.log2(harmonic) - LOWEST_PITCH) * PER_SEMITONE + PER_SEMITONE // 2
        covered |= np.abs(bands - centre[:, np.newaxis]) <= _REACH_BANDS
    top = (midi + 12 * np.log2(_HARMONICS) - LOWEST_PITCH) * PER_SEMITONE + _REACH_BANDS
    considered = bands <= top[:, np.newaxis]
    return float(power[covered & considered & voiced[:, np.newaxis]].sum() / max(power[considered].sum(), 1e-12))


def spans_of(active: NDArray[np.bool_], frames_per_s: float, duration_s: float) -> tuple[Span, ...]:
    """Stretches of activity, rests shorter than 0.6 s closed and stretches shorter than 0.25 s dropped."""
    rest, shortest = round(_LONGEST_REST_S * frames_per_s), round(_SHORTEST_SPAN_S * frames_per_s)
    padded = np.pad(active, rest + 1)
    closed = scipy.ndimage.binary_closing(padded, np.ones(rest + 1, bool))[rest + 1 : -(rest + 1)]
    edges = np.flatnonzero(np.diff(np.pad(closed.astype(np.int8), 1)))
    return tuple(
        Span(float(a / frames_per_s), min(float(b / frames_per_s), duration_s))
        for a, b in zip(edges[::2], edges[1::2], strict=True)
        if b - a >= shortest
    )


def voiced_spans(track: PitchTrack, level_db: Floats, duration_s: float) -> tuple[Span, ...]:
    """Where a vocal stem sings: pitched, and within 40 dB of its loud parts.

    Args:
        track: f0 of the stem.
        level_db: Level of each frame of the track.
        duration_s: Length of the recording.
    """
    if not track.voiced.any():
        return ()
    loud = level_db > np.quantile(level_db[track.voiced], 0.9) - 40.0
    return spans_of(track.voiced & loud, 1.0 / track.hop_s if track.hop_s else 62.5, duration_s)
