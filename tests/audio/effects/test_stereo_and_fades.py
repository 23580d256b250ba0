"""Panning, width and fades."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from descant.audio.clip import Clip
from descant.audio.effects import fade, pan, width
from descant.errors import InvalidOption

NOISE = Clip(np.random.default_rng(0).uniform(-0.5, 0.5, (2, 5_000)).astype(np.float32), 44_100)


@given(st.floats(-1, 1))
def test_pan_keeps_the_power_of_a_mono_clip(position: float) -> None:
    mono = NOISE.to_mono()
    out = pan(mono, position)
    assert out.channels == 2
    assert np.square(out.samples).sum() == pytest.approx(np.square(mono.samples).sum(), rel=1e-4)
    left, right = np.square(out.samples).sum(axis=1)
    if abs(position) > 1e-3:
        assert (right > left) == (position > 0)


def test_pan_at_its_ends_and_in_the_middle() -> None:
    np.testing.assert_array_equal(pan(NOISE, 0.0).samples, NOISE.samples)
    np.testing.assert_allclose(pan(NOISE, 1.0).samples[0], 0, atol=1e-6)
    np.testing.assert_allclose(pan(NOISE, -1.0).samples[1], 0, atol=1e-6)
    np.testing.assert_allclose(pan(NOISE.to_mono(), 0.0).samples[0], NOISE.to_mono().samples[0] * 2**-0.5, rtol=1e-6)


@pytest.mark.parametrize("position", [-1.01, 2.0, float("nan")])
def test_impossible_position(position: float) -> None:
    with pytest.raises(InvalidOption):
        pan(NOISE, position)


def test_width() -> None:
    np.testing.assert_allclose(width(NOISE, 1.0).samples, NOISE.samples, atol=1e-7)
    mono = width(NOISE, 0.0).samples
    np.testing.assert_array_equal(mono[0], mono[1])
    wide = width(NOISE, 2.0).samples
    np.testing.assert_allclose(wide.sum(axis=0), NOISE.samples.sum(axis=0), atol=1e-6)
    np.testing.assert_allclose(wide[0] - wide[1], 2 * (NOISE.samples[0] - NOISE.samples[1]), atol=1e-6)
    with pytest.raises(InvalidOption, match="1 channels"):
        width(NOISE.to_mono(), 1.0)
    with pytest.raises(InvalidOption):
        width(NOISE, -1.0)
    with pytest.raises(InvalidOption):
        pan(NOISE.to_channels(6), 0.0)


def test_fade() -> None:
    ones = Clip(np.ones((2, 44_100), np.float32), 44_100)
    out = fade(ones, in_s=0.1, out_s=0.2).samples
    assert (out[:, 0] == 0).all()
    assert out[0, 2_205] == pytest.approx(0.5, abs=0.01)
    assert (np.diff(out[0, :4_410]) >= 0).all()
    np.testing.assert_array_equal(out[:, 4_410 : 44_100 - 8_820], 1)
    assert out[0, -4_410] == pytest.approx(0.5, abs=0.01)
    assert (out[:, -1] < 1e-4).all()


def test_fade_longer_than_the_clip_and_none_at_all() -> None:
    assert fade(NOISE, in_s=10, out_s=10).frames == NOISE.frames
    np.testing.assert_array_equal(fade(NOISE).samples, NOISE.samples)
    assert fade(Clip.silence(0, 44_100), 1, 1).frames == 0
    with pytest.raises(InvalidOption):
        fade(NOISE, in_s=-1)
