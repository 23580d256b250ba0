from __future__ import annotations

import numpy as np
import pytest

from descant.dsp.pitch import PitchTrack, hz_to_midi, midi_to_hz
from descant.errors import InvalidAudio


def test_conversions_are_inverse_and_silent_about_zero() -> None:
    midi = np.linspace(20, 110, 50)
    np.testing.assert_allclose(hz_to_midi(midi_to_hz(midi)), midi)
    assert np.isnan(hz_to_midi([0.0, -3.0])).all()


def test_midi_is_nan_where_unvoiced() -> None:
    track = PitchTrack(np.array([0.0, 0.016]), np.array([440.0, 220.0]), np.ones(2), np.array([True, False]))
    assert track.midi[0] == pytest.approx(69)
    assert np.isnan(track.midi[1])
    assert track.hop_s == pytest.approx(0.016)


def test_arrays_must_agree() -> None:
    with pytest.raises(InvalidAudio):
        PitchTrack(np.zeros(2), np.zeros(3), np.zeros(2), np.zeros(2, bool))
