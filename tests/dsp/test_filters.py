from __future__ import annotations

import librosa
import numpy as np

from descant.dsp.filters import mel_filters, pitch_filters


def test_mel_bands_sit_where_librosa_puts_them() -> None:
    ours = mel_filters(22_050, 2048, 40, 30.0, 10_000.0)
    theirs = librosa.filters.mel(sr=22_050, n_fft=2048, n_mels=40, fmin=30.0, fmax=10_000.0, htk=True, norm=1)
    bins = np.arange(1025)
    centres = [(f * bins).sum(axis=1) / f.sum(axis=1) for f in (ours, theirs)]
    np.testing.assert_allclose(centres[0][6:], centres[1][6:], rtol=0.03)
    np.testing.assert_allclose(ours.sum(axis=1), 1.0, rtol=1e-5)


def test_a_pitch_falls_into_the_middle_band_of_its_semitone() -> None:
    bank = pitch_filters(22_050, 8192, lowest=24, semitones=84, per_semitone=3)
    for midi in (48, 60, 69, 90):
        bin_ = round(440 * 2 ** ((midi - 69) / 12) / 22_050 * 8192)
        assert abs(bank[:, bin_].argmax() - ((midi - 24) * 3 + 1)) <= (1 if midi < 60 else 0)


def test_tuning_moves_the_bands() -> None:
    flat = pitch_filters(22_050, 8192, lowest=60, semitones=24, per_semitone=3, tuning_cents=-33.0)
    straight = pitch_filters(22_050, 8192, lowest=60, semitones=24, per_semitone=3)
    bins = np.arange(4097)
    ratio = ((straight * bins).sum(axis=1) / (flat * bins).sum(axis=1)).mean()
    assert 1200 * np.log2(ratio) == np.clip(1200 * np.log2(ratio), 30, 36)
