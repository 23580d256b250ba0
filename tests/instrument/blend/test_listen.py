"""Timbre, pitch and loudness against sounds whose numbers are known."""

from __future__ import annotations

import numpy as np
import pytest

from descant.audio.loudness import integrated_lufs
from descant.errors import InvalidAudio
from descant.instrument.blend.api import Blender, unpitched
from descant.instrument.blend.bands import at_places, centres_hz, places, triangles, widths_hz
from descant.instrument.blend.frames import FEATURES, Contours, TimbreFrames
from descant.instrument.blend.heard import is_line
from descant.instrument.blend.listen import listen, loudness, loudness_of
from descant.instrument.blend.pitch import PitchListener
from descant.nets.swift_f0 import SwiftF0

from .conftest import chord, hiss, hits, tone


@pytest.fixture(scope="module")
def listener() -> PitchListener:
    return PitchListener(SwiftF0.load())


def at_pitch(samples: np.ndarray, hz: float) -> Contours:
    level = loudness(samples, hz)
    return Contours(np.full(len(level), hz, np.float32), np.ones(len(level), np.float32), level)


def middle(frames: TimbreFrames) -> slice:
    return slice(len(frames) // 4, 3 * len(frames) // 4)


def test_bands_cover_all_frequencies_once() -> None:
    assert widths_hz().sum() == pytest.approx(24_000)
    np.testing.assert_allclose(triangles(2048).sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(places(centres_hz()), np.arange(48), atol=1e-9)
    np.testing.assert_allclose(
        at_places(np.arange(48, dtype=np.float32)[None], np.array([[3.25, 46.5]])), [[3.25, 46.5]]
    )


def test_loudness_is_what_the_meter_says() -> None:
    clip = tone(440.0, 2.0, width=0.3)
    level = loudness(clip.samples)
    # The meter sums both channels (3 dB over their mean) and is calibrated 0.691 dB lower.
    steady = float(np.median(level))
    assert steady + 10 * np.log10(2) - 0.691 == pytest.approx(integrated_lufs(clip), abs=0.3)


@pytest.mark.parametrize("hz", [55.0, 220.0, 880.0])
def test_the_envelope_of_a_tone_is_its_partials(hz: float) -> None:
    tilt = -9.0
    clip = tone(hz, tilt_db=tilt)
    frames = listen(clip.samples, at_pitch(clip.samples, hz))
    heard = np.median(frames.envelope[middle(frames)], axis=0)
    wanted = tilt * np.log2(centres_hz() / hz)
    inside = (centres_hz() > 1.5 * hz) & (centres_hz() < min(15_000, hz * 40))
    off = heard[inside] - wanted[inside]
    assert np.abs(off - off.mean()).max() < 1.5


def test_the_envelope_is_the_same_at_another_pitch() -> None:
    envelopes = []
    for hz in (200.0, 317.0):
        # The same body: levels set by frequency, not by the partial's rank.
        clip = tone(hz, tilt_db=-6.0)
        frames = listen(clip.samples, at_pitch(clip.samples, hz))
        envelopes.append(np.median(frames.envelope[middle(frames)], axis=0))
    inside = (centres_hz() > 700) & (centres_hz() < 12_000)
    off = envelopes[0][inside] - envelopes[1][inside]
    assert np.abs(off - off.mean()).max() < 1.0


def test_odd_partials_are_told_from_even_ones() -> None:
    clip = tone(220.0, even=0.1)
    frames = listen(clip.samples, at_pitch(clip.samples, 220.0))
    ranks = np.arange(1, 33)
    levels = np.median(frames.partials + at_places(frames.envelope, places(220.0 * ranks)[None]), axis=0)
    wanted = -6.0 * np.log2(ranks) + np.where(ranks % 2 == 0, -20.0, 0.0)
    off = levels - wanted
    assert np.abs(off - np.median(off)).max() < 1.5
    assert (frames.partials[middle(frames)][:, 11] - frames.partials[middle(frames)][:, 10]).max() < -10  # rank 12, 11


def test_noise_between_partials_is_measured() -> None:
    clean, noisy = tone(220.0), tone(220.0)
    noise = hiss(level=0.006).samples.mean(axis=0, keepdims=True)
    levels = []
    for samples in (clean.samples, noisy.samples + noise):
        frames = listen(samples, at_pitch(samples, 220.0))
        levels.append(np.median(frames.hiss[middle(frames), 4:18]))
    assert levels[0] < -38
    assert levels[1] > levels[0] + 15


def test_width_is_side_over_mid() -> None:
    quarter = tone(330.0, width=0.5)  # turned by 45 degrees: tan(22.5 degrees) is -7.7 dB
    frames = listen(quarter.samples, unpitched(quarter.samples))
    assert np.median(frames.width[middle(frames), 4]) == pytest.approx(20 * np.log10(np.tan(np.pi / 8)), abs=0.3)
    mono = listen(tone(330.0).samples, unpitched(tone(330.0).samples))
    assert mono.width.max() <= -45
    left = np.concatenate([tone(330.0).samples, 0 * tone(330.0).samples])
    panned = listen(left, unpitched(left))
    assert np.median(panned.width[middle(panned), 4]) == pytest.approx(0.0, abs=0.1)
    assert np.median(panned.place[middle(panned), 2]) == pytest.approx(1.0, abs=0.01)


def test_the_envelope_has_no_loudness() -> None:
    for samples in (tone(220.0, peak=0.001).samples, hiss().samples):
        frames = listen(samples, unpitched(samples))
        np.testing.assert_allclose(loudness_of(frames.envelope, frames.width), 0, atol=1e-3)


def test_features_come_back_as_frames() -> None:
    frames = listen(hiss(0.3).samples, unpitched(hiss(0.3).samples))
    features = frames.features()
    assert features.shape[1] == FEATURES
    np.testing.assert_allclose(TimbreFrames.of(features).features(), features, atol=1e-5)


def test_nothing_cannot_be_heard() -> None:
    with pytest.raises(InvalidAudio):
        listen(np.zeros((1, 0), np.float32), unpitched(np.zeros((1, 1), np.float32)))


@pytest.mark.parametrize("hz", [33.0, 440.0, 3520.0])
def test_pitch_is_heard_from_bass_to_piccolo(listener: PitchListener, hz: float) -> None:
    contours = listener(tone(hz, 1.5).samples)
    assert contours.pitched[60:200].min() > 0.5
    cents = 1200 * np.log2(contours.hz[60:200] / hz)
    assert np.abs(np.median(cents)) < 4


def test_vibrato_stays(listener: PitchListener) -> None:
    contours = listener(tone(330.0, 1.5, vibrato_cents=40.0).samples)
    cents = 1200 * np.log2(contours.hz[40:240] / 330.0)
    assert np.quantile(cents, 0.95) == pytest.approx(38, abs=12)


def test_a_line_is_told_from_chords_drums_and_noise(listener: PitchListener) -> None:
    def told(clip) -> bool:  # type: ignore[no-untyped-def]
        return is_line(clip.samples, listener(clip.samples))

    assert told(tone(220.0))
    assert told(tone(140.0, vibrato_cents=30.0))
    assert told(tone(60.0, decay_s=1.0))
    assert not told(chord(261.6, 329.6, 392.0))
    assert not told(hiss())
    assert not told(hits())


def test_the_shipped_net_gives_back_what_it_hears(blender: Blender) -> None:
    clip = tone(220.0, tilt_db=-8.0)
    frames = listen(clip.samples, at_pitch(clip.samples, 220.0))
    back = blender.coder.decode(blender.coder.encode(frames), frames.pitched)
    rows, inside = middle(frames), (centres_hz() > 200) & (centres_hz() < 6000)
    assert np.abs(back.envelope[rows][:, inside] - frames.envelope[rows][:, inside]).mean() < 4.0
