"""A blend as an instrument."""

from __future__ import annotations

import numpy as np
import pytest

from descant.audio.clip import Clip
from descant.audio.loudness import integrated_lufs
from descant.errors import InvalidOption
from descant.instrument.blend.api import Blender
from descant.instrument.blend.keys import BlendedInstrument
from descant.instrument.blend.listen import loudness
from descant.instrument.blend.options import DEFAULT_OPTIONS
from descant.instrument.playable import Playable

from .conftest import RATE, hiss, line_at, tone


@pytest.fixture(scope="module")
def instrument(blender: Blender) -> BlendedInstrument:
    sounds = [blender.listen(tone(hz, 1.5), "tone") for hz in (220.0, 330.0)]
    return BlendedInstrument(blender, sounds, (0.5, 0.5), DEFAULT_OPTIONS, name="two")


@pytest.fixture(scope="module")
def plucked(blender: Blender) -> BlendedInstrument:
    sounds = [blender.listen(tone(hz, 1.5, decay_s=2.0), "string") for hz in (220.0, 330.0)]
    return BlendedInstrument(blender, sounds, (0.5, 0.5), DEFAULT_OPTIONS)


@pytest.mark.parametrize("pitch", [33, 60, 72.5])
def test_a_key_sounds_at_its_pitch(instrument: BlendedInstrument, pitch: float) -> None:
    playable: Playable = instrument
    made = playable.note(pitch, 100, 1.0)
    assert made.shape[0] == 2
    assert made.dtype == np.float32
    assert line_at(made, 440 * 2 ** ((pitch - 69) / 12)) > -15
    assert np.abs(made).max() <= 1.0


@pytest.mark.parametrize("held", [0.2, 1.0, 5.0])
def test_a_held_key_sounds_as_long(instrument: BlendedInstrument, held: float) -> None:
    level = loudness(instrument.note(60, 100, held), 261.6)
    seconds = np.arange(len(level)) * 256 / RATE
    inside = (seconds > 0.1) & (seconds < held - 0.05)
    assert np.ptp(level[inside]) < 4.0  # what sustains goes on, without a pumping loop
    assert level[seconds > held + 0.2].max(initial=-200) < level[inside].mean() - 25


def test_what_fades_goes_on_fading(plucked: BlendedInstrument) -> None:
    level = loudness(plucked.note(60, 100, 3.0), 261.6)
    seconds = np.arange(len(level)) * 256 / RATE
    falls = [level[(seconds > a) & (seconds < a + 0.2)].mean() for a in (0.3, 1.0, 1.6, 2.2)]
    np.testing.assert_allclose(np.diff(falls), [-21, -18, -18], atol=5)


def test_velocity_is_loudness(instrument: BlendedInstrument) -> None:
    soft, loud = (integrated_lufs(Clip(instrument.note(60, v, 1.0), RATE)) for v in (25, 100))
    assert loud - soft == pytest.approx(20 * np.log10(4), abs=0.3)


def test_lengths_and_repeats(instrument: BlendedInstrument) -> None:
    made = instrument.note(60, 100, 0.5, length_s=2.0)
    assert made.shape == (2, 2 * RATE)
    np.testing.assert_array_equal(made, instrument.note(60, 100, 0.5, length_s=2.0))
    assert instrument.name == "two"
    assert instrument.sample_rate == RATE
    assert 60 in instrument.pitches


def test_what_cannot_be_played_is_refused(instrument: BlendedInstrument, blender: Blender) -> None:
    for pitch, velocity, held in ((128, 100, 1.0), (60, 0, 1.0), (60, 100, 0.0), (60, 100, 1e6)):
        with pytest.raises(InvalidOption):
            instrument.note(pitch, velocity, held)
    noise = [blender.listen(hiss(0.5, seed=n), "noise") for n in range(2)]
    with pytest.raises(InvalidOption, match="single notes"):
        BlendedInstrument(blender, noise, (0.5, 0.5), DEFAULT_OPTIONS)
