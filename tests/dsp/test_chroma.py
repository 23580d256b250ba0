from __future__ import annotations

import numpy as np
import pytest

from descant.dsp.chroma import chroma_from_pitch_bands, tuning_cents
from descant.dsp.pitch import midi_to_hz


@pytest.mark.parametrize("cents", [-40.0, -12.0, 0.0, 25.0, 45.0])
def test_tuning_of_a_chord(cents: float) -> None:
    at = np.arange(3 * 22_050) / 22_050
    chord = sum(np.sin(2 * np.pi * hz * at) for hz in midi_to_hz(np.array([60, 64, 67]) + cents / 100))
    assert tuning_cents((0.2 * chord).astype(np.float32), 22_050) == pytest.approx(cents, abs=2.0)


def test_no_peaks_no_tuning() -> None:
    assert tuning_cents(np.zeros(22_050, np.float32), 22_050) == 0.0
    assert tuning_cents(np.zeros(1, np.float32), 22_050) == 0.0


def test_octaves_fold_into_one_class() -> None:
    bands = np.zeros((2, 36 * 3), np.float32)
    bands[0, [3 * 4 + 1, 3 * 16 + 1, 3 * 28 + 1]] = 1.0  # E in three octaves above C
    bands[0, 3 * 7 + 1] = 1.0
    chroma = chroma_from_pitch_bands(bands, lowest=24, per_semitone=3)
    assert chroma[0, 4] == pytest.approx(0.75)
    assert chroma[0, 7] == pytest.approx(0.25)
    assert not chroma[1].any()
