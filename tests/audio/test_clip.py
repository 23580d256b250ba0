"""Clips: what becomes of the channels when one is wanted."""

from __future__ import annotations

import numpy as np
import pytest

from descant.audio.clip import Clip

VOICE = np.random.default_rng(0).normal(0, 0.1, 4_000).astype(np.float32)


def test_mono_is_the_mean_of_channels_that_agree_or_have_nothing_in_common() -> None:
    other = np.random.default_rng(1).normal(0, 0.1, 4_000).astype(np.float32)
    for channels in ([VOICE, 0.5 * VOICE], [VOICE, other], [VOICE, 0 * VOICE], [VOICE, -0.5 * VOICE]):
        samples = np.stack(channels)
        np.testing.assert_array_equal(Clip(samples, 8_000).to_mono().samples[0], samples.mean(axis=0))


@pytest.mark.parametrize("gain", [1.0, 1e-6, 1e18, 1e37])
def test_channels_that_cancel_each_other_are_still_heard(gain: float) -> None:
    loud = VOICE * np.float32(gain)
    np.testing.assert_allclose(Clip(np.stack([loud, -loud]), 8_000).to_mono().samples[0], loud, rtol=1e-5)
    four = np.stack([loud, -loud, loud, -loud])
    np.testing.assert_allclose(Clip(four, 8_000).to_mono().samples[0], loud, rtol=1e-5)


def test_a_song_with_one_side_miswired_keeps_what_is_in_the_middle() -> None:
    left, right = (0.1 * np.random.default_rng(seed).normal(0, 0.1, 4_000).astype(np.float32) for seed in (1, 2))
    song = Clip(np.stack([VOICE + left, VOICE + right]), 8_000)
    miswired = Clip(song.samples * np.float32([[1], [-1]]), 8_000)
    np.testing.assert_allclose(np.abs(miswired.to_mono().samples), np.abs(song.to_mono().samples), atol=1e-6)


def test_silence_and_nothing_have_a_mono_too() -> None:
    assert Clip.silence(5, 8_000, 2).to_mono().peak == 0.0
    assert Clip.silence(0, 8_000, 2).to_mono().frames == 0
