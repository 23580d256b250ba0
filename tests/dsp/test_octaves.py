from __future__ import annotations

import numpy as np

from descant.dsp.octaves import fill_short_gaps, repair_octaves
from descant.dsp.pitch import PitchTrack, midi_to_hz


def track(midi: list[float]) -> PitchTrack:
    pitch = np.asarray(midi, float)
    voiced = np.isfinite(pitch)
    return PitchTrack(np.arange(len(pitch)) * 0.016, midi_to_hz(np.where(voiced, pitch, 60.0)), voiced * 1.0, voiced)


def test_a_short_octave_error_moves_back() -> None:
    for wrong in (72.1, 48.2):
        broken = track([60.0] * 20 + [wrong] * 4 + [60.3] * 20)
        fixed = repair_octaves(broken)
        assert np.abs(fixed.midi - 60.0).max() < 0.5
        assert np.abs(broken.midi[20:24] - wrong).max() < 1e-9, "the input stays as it was"


def test_a_sung_octave_leap_stays() -> None:
    leap = track([60.0] * 20 + [72.0] * 20 + [60.0] * 20)
    np.testing.assert_array_equal(repair_octaves(leap).f0_hz, leap.f0_hz)
    step_up = track([60.0] * 20 + [72.0] * 4)
    np.testing.assert_array_equal(repair_octaves(step_up).f0_hz, step_up.f0_hz)


def test_another_interval_stays() -> None:
    seventh = track([60.0] * 20 + [70.0] * 4 + [60.0] * 20)
    np.testing.assert_array_equal(repair_octaves(seventh).f0_hz, seventh.f0_hz)


def test_tracks_without_voice() -> None:
    nothing = track([np.nan] * 5)
    assert repair_octaves(nothing) is nothing
    assert len(repair_octaves(track([])).f0_hz) == 0


def test_gaps() -> None:
    voiced = np.array([0, 1, 1, 0, 0, 1, 1, 1, 0, 0, 0, 0, 1, 0], bool)
    expected = np.array([0, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0], bool)
    np.testing.assert_array_equal(fill_short_gaps(voiced, 2), expected)
