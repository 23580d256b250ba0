"""The room of a voice, told from voice and answer: against rooms that are known."""

from __future__ import annotations

import numpy as np
import pytest

from descant.audio.clip import Clip
from descant.audio.effects import reverb
from descant.dsp.reverberation import Reverberation, in_room, reverberation_of

RATE = 22_050


def syllables(seconds: float = 12.0, channels: int = 1, rate: int = RATE) -> Clip:
    """Sung tones of changing length with rests between them."""
    random = np.random.default_rng(1)
    times = np.arange(round(seconds * rate)) / rate
    wave, at = np.zeros(len(times)), 0.2
    while at < seconds:
        length, hertz = random.uniform(0.15, 0.7), random.uniform(150, 500)
        inside = (times >= at) & (times < at + length)
        tone = sum(np.sin(2 * np.pi * hertz * k * times[inside]) / k for k in range(1, 8))
        wave[inside] += 0.1 * tone * np.hanning(inside.sum())
        at += length + random.uniform(0.02, 0.6)
    return Clip(np.repeat(wave[None], channels, axis=0).astype(np.float32), rate)


def answer_of(voice: Clip, decay_s: float, amount: float, seed: int) -> Clip:
    wet = reverb(voice, amount, decay_s=decay_s, seed=seed)
    return Clip(wet.samples - voice.samples, voice.sample_rate)


@pytest.mark.parametrize("decay_s", [0.3, 0.6, 1.2, 2.5])
@pytest.mark.parametrize("amount", [0.1, 1.0])
def test_decay_and_level_of_a_known_room(decay_s: float, amount: float) -> None:
    voice = syllables()
    answer = answer_of(voice, decay_s, amount, seed=5)
    found = reverberation_of(voice, answer)
    assert found is not None
    assert abs(np.log2(found.decay_s / decay_s)) < 0.35
    assert found.level_db == pytest.approx(10 * np.log10((answer.samples**2).sum() / (voice.samples**2).sum()), abs=0.1)


@pytest.mark.parametrize(("rate", "channels"), [(16_000, 1), (48_000, 2)])
def test_put_into_the_room_again_the_answer_is_as_loud_and_as_long(rate: int, channels: int) -> None:
    voice = syllables(8.0, channels, rate)
    room = Reverberation(-6.0, 1.0)
    wet = in_room(voice, room)
    assert wet.samples.shape == voice.samples.shape
    answer = Clip(wet.samples - voice.samples, rate)
    found = reverberation_of(voice, answer)
    assert found is not None
    assert found.level_db == pytest.approx(-6.0, abs=0.05)
    assert abs(np.log2(found.decay_s)) < 0.35


def test_louder_or_quieter_it_is_the_same_room() -> None:
    voice = syllables()
    answer = answer_of(voice, 0.8, 0.3, seed=2)
    loud, quiet = reverberation_of(voice, answer), reverberation_of(voice.gain(-30.0), answer.gain(-30.0))
    assert loud is not None
    assert quiet is not None
    assert (quiet.decay_s, quiet.level_db) == (loud.decay_s, pytest.approx(loud.level_db, abs=1e-6))


def test_silence_has_no_room() -> None:
    voice, nothing = syllables(), Clip.silence(syllables().frames, RATE)
    assert reverberation_of(voice, nothing) is None
    assert reverberation_of(nothing, voice) is None
    assert reverberation_of(Clip.silence(0, RATE), Clip.silence(0, RATE)) is None
    short = voice.slice(0.2, 0.9)
    assert reverberation_of(short, short) is None
    np.testing.assert_array_equal(in_room(nothing, Reverberation(-6.0, 1.0)).samples, nothing.samples)
