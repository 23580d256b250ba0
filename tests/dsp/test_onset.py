from __future__ import annotations

import numpy as np

from descant.dsp.onset import normalized_onsets, onset_strength


def test_strength_rises_where_bands_grow_and_only_there() -> None:
    bands = np.zeros((100, 20), np.float32)
    bands[40:60] = 1.0
    strength = onset_strength(bands)
    assert set(np.flatnonzero(strength)) <= {40, 41}
    assert strength[40] == 1.0


def test_vibrato_is_not_an_onset() -> None:
    bands = np.zeros((200, 30), np.float32)
    wobble = 15 + np.round(0.6 * np.sin(np.arange(200) * 0.6)).astype(int)
    bands[np.arange(200), wobble] = 1.0
    assert onset_strength(bands)[5:].max() == 0.0


def test_normalized_onsets_are_between_zero_and_one() -> None:
    strength = np.random.default_rng(0).random(500).astype(np.float32) ** 4
    normal = normalized_onsets(strength, 50.0)
    assert normal.min() >= 0.0
    assert normal.max() <= 1.0
    assert normal.max() > 0.9
    assert not normalized_onsets(np.zeros(500, np.float32), 50.0).any()
    assert len(normalized_onsets(np.ones(1, np.float32), 50.0)) == 1
