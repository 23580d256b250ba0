"""Blends: one sound between others, neither of them nor their sum."""

from __future__ import annotations

import numpy as np
import pytest

from descant.audio.clip import Clip
from descant.audio.loudness import integrated_lufs
from descant.errors import InvalidAudio, InvalidOption, NothingHeard
from descant.instrument.blend.api import Blender, caveats
from descant.instrument.blend.options import BlendOptions
from descant.instrument.blend.texture import fitted
from descant.progress import CancelToken, Progress

from .conftest import RATE, chord, hiss, hits, line_at, tone


def heard_hz(blender: Blender, clip: Clip) -> float:
    contours = blender.listen(clip, "blend").contours
    loud = contours.level_db > contours.level_db.max() - 20
    return float(np.median(contours.hz[loud]))


def test_half_way_has_one_pitch_between_and_neither_of_the_two(blender: Blender) -> None:
    low, high = 220.0, 220.0 * 2 ** (4 / 12)  # a major third
    made = blender([tone(low, tilt_db=-4), tone(high, tilt_db=-10, even=0.2)], [0.5])
    assert made.mode == "tone"
    between = np.sqrt(low * high)
    assert abs(1200 * np.log2(heard_hz(blender, made.clip) / between)) < 8
    assert line_at(made.clip.samples, between) > -12
    for hz in (low, high):
        assert line_at(made.clip.samples, hz) < -45
    cross_faded = 0.5 * tone(low).samples + 0.5 * tone(high).samples
    assert line_at(cross_faded, low) > -12
    assert line_at(cross_faded, high) > -12


def test_pitch_goes_as_the_share(blender: Blender) -> None:
    sounds = [tone(200.0), tone(300.0)]
    for share in (0.25, 1.0):
        wanted = 200.0 * 1.5**share
        assert abs(1200 * np.log2(heard_hz(blender, blender(sounds, [share]).clip) / wanted)) < 8


def test_loudness_lies_between(blender: Blender) -> None:
    for pair in ([tone(220.0, peak=0.02), tone(220.0, peak=0.3)], [hiss(level=0.01), chord(220.0, 277.0, 330.0)]):
        ends = [integrated_lufs(clip.to_channels(2)) for clip in pair]
        found = integrated_lufs(blender(pair, [0.5]).clip)
        assert min(ends) < found < max(ends)
        assert found == pytest.approx(np.mean(ends), abs=1.0)


def test_brightness_moves_one_way(blender: Blender) -> None:
    pair = [tone(220.0, tilt_db=-3.0), tone(220.0, tilt_db=-14.0)]
    centres = []
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        mono = blender(pair, [share]).clip.samples.mean(axis=0)
        power = np.abs(np.fft.rfft(mono)) ** 2
        centres.append((np.fft.rfftfreq(len(mono), 1 / RATE) * power).sum() / power.sum())
    assert (np.diff(centres) < 0).all()
    assert centres[0] > 2 * centres[-1]


@pytest.mark.parametrize("other", [hiss, hits, lambda: chord(220.0, 277.0, 330.0)])
def test_a_texture_with_all_the_weight_comes_back_as_it_was(blender: Blender, other) -> None:  # type: ignore[no-untyped-def]
    texture, voice = other(), tone(330.0, vibrato_cents=30.0, width=0.3)
    for share, source in ((0.0, texture), (1.0, voice)):
        made = blender([texture, voice], [share])
        assert made.mode == "texture"
        wanted = source.to_channels(2).samples
        error = np.linalg.norm(made.clip.samples - wanted) / np.linalg.norm(wanted)
        assert error < 10 ** (-60 / 20)


def test_a_texture_half_way_is_neither_input_nor_their_sum(blender: Blender) -> None:
    one, other = hits(), chord(220.0, 277.0, 330.0).to_channels(2)
    made = blender([one, other], [0.5]).clip.samples
    cross_faded = 0.5 * one.samples + 0.5 * other.samples
    for reference in (one.samples, other.samples, cross_faded):
        # The best gain for each, so that loudness alone does not make the difference.
        gain = (made * reference).sum() / (reference * reference).sum()
        assert np.linalg.norm(made - gain * reference) > 0.3 * np.linalg.norm(made)


def test_a_pulse_is_lent_to_a_pad(blender: Blender) -> None:
    pad = chord(220.0, 277.0, 330.0, seconds=1.5).to_channels(2)
    made = blender([hits(1.5), pad], [0.5]).clip.samples
    power = (made**2).mean(axis=0)[: 4 * 14_400].reshape(4, 24, 600).mean(axis=(0, 2))
    assert power[:3].mean() > 6 * power[16:22].mean()  # the beats of the drums, every 0.3 s


def test_stereo_is_kept_and_mono_stays_mono(blender: Blender) -> None:
    def side_over_mid(samples: np.ndarray) -> float:
        return float(np.linalg.norm(samples[0] - samples[1]) / np.linalg.norm(samples[0] + samples[1]))

    wide, narrow = tone(220.0, width=0.5), tone(220.0)
    shares = [side_over_mid(blender([wide, narrow], [share]).clip.samples) for share in (0.0, 0.5, 1.0)]
    assert shares[0] > shares[1] > shares[2]
    assert shares[0] == pytest.approx(side_over_mid(wide.samples), rel=0.5)
    assert shares[2] < 0.02
    texture = blender([hiss(), chord(220.0, 277.0)], [0.5]).clip.samples
    assert 0.05 < side_over_mid(texture) < 1.0


def test_the_same_again_and_the_inputs_untouched(blender: Blender) -> None:
    pair = [tone(220.0, 0.5), hiss(0.5)]
    before = [clip.samples.copy() for clip in pair]
    for options in (BlendOptions(mode="tone"), BlendOptions(mode="texture")):
        first, second = (blender(pair, [0.4], options).clip.samples for _ in range(2))
        np.testing.assert_array_equal(first, second)
    for clip, samples in zip(pair, before, strict=True):
        np.testing.assert_array_equal(clip.samples, samples)


@pytest.mark.parametrize(("rule", "seconds"), [("mixed", 0.9), ("longest", 1.2), ("shortest", 0.6), ("auto", 0.9)])
@pytest.mark.parametrize("mode", ["tone", "texture"])
def test_lengths(blender: Blender, rule: str, seconds: float, mode: str) -> None:
    options = BlendOptions(mode=mode, length=rule)  # type: ignore[arg-type]
    made = blender([tone(220.0, 1.2), tone(220.0, 0.6)], [0.5], options)
    assert made.clip.frames == round(seconds * RATE)
    assert made.clip.sample_rate == RATE
    assert made.clip.channels == 2


def test_four_corners_and_any_rate(blender: Blender) -> None:
    low = Clip(np.sin(2 * np.pi * 200 * np.arange(8000) / 8000).astype(np.float32) * 0.1, 8000)
    clips = [tone(200.0, 1.0), tone(300.0, 1.0), tone(400.0, 1.0), low]
    made = blender(clips, [0.5, 0.0])
    assert abs(1200 * np.log2(heard_hz(blender, made.clip) / np.sqrt(200 * 300))) < 8


def test_a_short_sound_is_repeated_under_a_long_one() -> None:
    long = fitted(hits(0.4).samples, 5 * RATE)
    assert long.shape == (2, 5 * RATE)
    windows = (long**2).mean(axis=0).reshape(10, -1).mean(axis=1)
    assert windows.min() > 0.3 * windows.max()
    assert fitted(hits(1.2).samples, RATE // 4).shape == (2, RATE // 4)


def test_bad_sounds_are_named(blender: Blender) -> None:
    good = tone(220.0, 0.5)
    with pytest.raises(NothingHeard, match="sound 2 is silent"):
        blender([good, Clip.silence(RATE, RATE)])
    with pytest.raises(InvalidAudio, match="sound 1 lasts"):
        blender([Clip(np.ones((1, 100), np.float32), RATE), good])
    for clips in ([good], [good] * 5):
        with pytest.raises(InvalidOption):
            blender(clips)
    with pytest.raises(NothingHeard, match="pitch"):
        blender([hiss(0.5), hiss(0.5, seed=1)], options=BlendOptions(mode="tone"))


def test_a_telephone_is_mentioned(blender: Blender) -> None:
    rng = np.random.default_rng(0)
    telephone = Clip(rng.normal(0, 0.1, 8000).astype(np.float32), 8000)
    assert "4 kHz" in caveats(blender.listen(telephone, "call.wav"))
    assert caveats(blender.listen(hiss(0.5), "noise.wav")) == ""


def test_progress_rises_and_cancelling_stops(blender: Blender) -> None:
    events: list[Progress] = []
    pair = [tone(220.0, 0.5), hiss(0.5)]
    blender(pair, progress=events.append)
    shares = [event.fraction for event in events]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Exception, match="Cancelled"):
        blender(pair, cancel=cancel)


def test_options_are_checked() -> None:
    for wrong in ({"mode": "loud"}, {"length": "long"}, {"seed": -1}):
        with pytest.raises(InvalidOption):
            BlendOptions(**wrong)  # type: ignore[arg-type]
