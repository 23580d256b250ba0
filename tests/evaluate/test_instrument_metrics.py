"""Measures of notes: a perfect copy is perfect, and each flaw shows in the measure that is there for it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from descant.audio.clip import Clip
from descant.dsp.pitch import hz_to_midi
from descant.errors import InvalidAudio
from descant.evaluate.instrument_metrics import (
    METRICS,
    Heard,
    envelope,
    evaluate,
    heard,
    multi_resolution_distance,
    note_pitch,
    release_s,
    rise_s,
    sing_distance,
    width_db,
)
from descant.evaluate.scores import Scores
from descant.nets.sing import log_spectral_distance
from descant.nets.swift_f0 import SwiftF0

RATE = 48_000
PITCH = 60


def _note(
    *, cents: float = 0.0, late_s: float = 0.0, fall_db_s: float = 12.0, side: float = 0.3, hz: float = 261.6256
) -> Clip:
    """Four seconds of ten partials in stereo: 10 ms of attack, an even decay, 120 dB/s after the release at 3 s."""
    time_s = np.arange(4 * RATE) / RATE - late_s
    level_db = -fall_db_s * time_s - 108.0 * np.maximum(time_s - 3.0, 0.0)
    shape = np.clip(time_s / 0.01, 0.0, 1.0) * 10.0 ** (level_db / 20.0)
    hz *= 2.0 ** (cents / 1200.0)
    mid = 0.3 * shape * sum(np.sin(2 * np.pi * hz * k * time_s) / k for k in range(1, 11))
    other = 0.3 * shape * sum(np.sin(2 * np.pi * hz * k * time_s + k) / k for k in range(1, 11))
    return Clip(np.stack([mid + side * other, mid - side * other]).astype(np.float32), RATE)


@pytest.fixture(scope="module")
def truth() -> Heard:
    clip = _note()
    return heard(clip, clip)


def _scores(truth: Heard, clip: Clip) -> Scores:
    return evaluate(truth, heard(clip, truth.full), PITCH)


def test_a_perfect_copy_is_perfect(truth: Heard) -> None:
    scores = _scores(truth, _note())
    assert scores.pop("in tune") == 1.0
    assert scores == dict.fromkeys((m.name for m in METRICS if m.name != "in tune"), 0.0)


def test_silence_has_no_pitch_no_times_and_the_greatest_distances(truth: Heard) -> None:
    scores = _scores(truth, Clip.silence(4 * RATE, RATE, 2))
    assert scores["in tune"] == 0.0
    assert {name for name, value in scores.items() if value is None} == {
        "cents off", "onset 10 %, ms", "onset 50 %, ms", "slope, dB/s", "release, ms", "width, dB"
    }  # fmt: skip
    for name in ("SING 16k", "SING 48k", "multi-resolution", "level, dB"):
        assert scores[name] > _scores(truth, _note(cents=30.0))[name], name


def test_a_note_out_of_tune(truth: Heard) -> None:
    for cents in (-30.0, 30.0, 12.0):
        scores = _scores(truth, _note(cents=cents))
        assert scores["cents off"] == pytest.approx(abs(cents), abs=1.5)
        assert scores["in tune"] == float(abs(cents) <= 20.0)
        assert scores["SING 48k"] > 0.0
        assert max(scores[n] for n in ("onset 10 %, ms", "onset 50 %, ms", "release, ms")) < 3.0
        assert scores["slope, dB/s"] < 0.5
        assert scores["width, dB"] < 0.5


def test_a_wrong_octave_is_not_in_tune(truth: Heard) -> None:
    for factor in (2.0, 0.5):
        scores = _scores(truth, _note(hz=261.6256 * factor))
        assert scores["cents off"] == 1200.0
        assert scores["in tune"] == 0.0


def test_a_note_that_comes_late(truth: Heard) -> None:
    scores = _scores(truth, _note(late_s=0.05))
    assert scores["onset 10 %, ms"] == pytest.approx(50.0, abs=2.0)
    assert scores["onset 50 %, ms"] == pytest.approx(50.0, abs=2.0)
    assert scores["in tune"] == 1.0
    assert scores["slope, dB/s"] < 0.5
    assert scores["multi-resolution"] > 0.1


def test_a_note_that_decays_twice_as_fast(truth: Heard) -> None:
    scores = _scores(truth, _note(fall_db_s=24.0))
    assert scores["slope, dB/s"] == pytest.approx(12.0, abs=0.5)
    assert scores["in tune"] == 1.0
    assert scores["onset 50 %, ms"] < 3.0


def test_a_note_that_rings_on(truth: Heard) -> None:
    ringing = _note().samples.copy()
    time_s = np.arange(4 * RATE) / RATE
    ringing *= (10.0 ** (np.maximum(time_s - 3.0, 0.0) * 70.0 / 20.0)).astype(np.float32)  # 50 instead of 120 dB/s
    scores = _scores(truth, Clip(ringing, RATE))
    assert scores["release, ms"] == pytest.approx(1000 * (20 / 50 - 20 / 120), abs=15.0)
    assert scores["slope, dB/s"] < 0.2


def test_a_note_in_mono(truth: Heard) -> None:
    mono = _note(side=0.0)
    scores = _scores(truth, mono)
    assert width_db(mono) == -40.0
    assert scores["width, dB"] == pytest.approx(40.0 + 20 * np.log10(0.3), abs=0.1)
    assert scores["SING 16k"] < 1e-4  # the sum of the channels is the same
    assert scores["SING 48k"] > 0.002
    assert scores["cents off"] < 0.2


def test_a_note_6_db_too_soft(truth: Heard) -> None:
    assert _scores(truth, _note().gain(-6.0))["level, dB"] == pytest.approx(6.0, abs=0.01)


@pytest.mark.parametrize("pitch", [28, 45, 72, 96, 108])
def test_pitches_of_the_whole_keyboard_are_found(pitch: int) -> None:
    for cents in (-70.0, 0.0, 33.0):
        found = note_pitch(_note(hz=440.0 * 2 ** ((pitch - 69) / 12), cents=cents, fall_db_s=30.0), pitch)
        assert found is not None
        assert found.cents == pytest.approx(cents, abs=1.5)


def _vibrato(hz: float, depth_cents: float, phase: float) -> Clip:
    time_s = np.arange(4 * RATE) / RATE
    cents = depth_cents * np.sin(2 * np.pi * 5.3 * time_s + phase)
    turns = np.cumsum(hz * 2.0 ** (cents / 1200.0)) / RATE
    wave = 0.1 * sum(np.sin(2 * np.pi * k * turns) / k for k in range(1, 8))
    return Clip(np.asarray(wave, np.float32), RATE)


@pytest.mark.parametrize("depth_cents", [10.0, 30.0, 50.0])
def test_vibrato_is_heard_at_its_middle_wherever_it_begins(depth_cents: float) -> None:
    found = [note_pitch(_vibrato(440.0, depth_cents, phase), 69) for phase in (0.0, 1.5, 3.0, 4.5)]
    assert [pitch.cents for pitch in found if pitch is not None] == pytest.approx([0.0] * 4, abs=5.0)


@pytest.mark.weights
@pytest.mark.parametrize("pitch", [45, 60, 72, 84])
def test_swift_f0_hears_the_same_pitches(pitch: int) -> None:
    clip = _vibrato(440.0 * 2 ** ((pitch - 69 + 0.25) / 12), 20.0, 1.0)
    track = SwiftF0.load()(clip)
    oracle = 100.0 * (float(np.median(hz_to_midi(track.f0_hz[track.voiced]))) - pitch)
    found = note_pitch(clip, pitch)
    assert found is not None
    assert found.cents == pytest.approx(oracle, abs=8.0)
    assert found.cents == pytest.approx(25.0, abs=4.0)


def test_noise_has_no_pitch() -> None:
    noise = np.random.default_rng(0).standard_normal((2, 4 * RATE)).astype(np.float32) * 0.1
    assert all(note_pitch(Clip(noise, RATE), pitch) is None for pitch in (40, 60, 80, 100))


def test_sings_distance_is_the_published_one_and_keeps_its_scale_at_48_khz() -> None:
    high = [_note(side=0.0), _note(side=0.0, cents=40.0)]
    low = [heard(clip, clip).low for clip in high]
    published = log_spectral_distance(*(torch.from_numpy(np.array(clip.samples)) for clip in low))
    assert sing_distance(*low) == pytest.approx(float(published))
    # The same sound below 8 kHz, and nothing above: three times the bins, two thirds of them empty.
    assert 3 * sing_distance(*high) == pytest.approx(sing_distance(*low), rel=0.02)


def test_ddsps_loss_of_a_note_against_silence_by_hand() -> None:
    """A constant: in every bin the window's transform, which is known; beyond two bins it is below the floor."""
    found = multi_resolution_distance(Clip.silence(RATE, RATE), Clip(np.ones((1, RATE), np.float32), RATE))
    expected = 0.0
    for size in (6144, 3072, 1536, 768, 384, 192):
        magnitudes = np.array([size / 2, size / 4])
        bins = size // 2 + 1
        expected += (magnitudes.sum() + np.log(magnitudes / 1e-5).sum()) / bins
    assert found == pytest.approx(expected, rel=0.25)  # rounding lifts some empty bins over 1e-5
    assert found > 0.9 * expected


def test_what_a_system_gives_is_brought_to_the_recordings_form(truth: Heard) -> None:
    short = heard(Clip(np.ones((1, 16_000), np.float32), 16_000), truth.full)
    assert short.full.samples.shape == (2, 4 * RATE)
    assert short.low.samples.shape == (1, 64_000)
    assert not short.full.samples[:, RATE + 100 :].any()
    with pytest.raises(InvalidAudio):
        evaluate(truth, replace(short, full=short.low), PITCH)


def test_notes_of_16_khz_alone_are_measured_too(truth: Heard) -> None:
    low = Heard(truth.low, truth.low)
    scores = evaluate(low, low, PITCH)
    assert scores["SING 16k"] == 0.0
    assert scores["SING 48k"] is None
    assert scores["width, dB"] is None
    assert scores["multi-resolution"] == 0.0


def test_times_by_hand() -> None:
    levels = np.concatenate([np.linspace(0.0, 1.0, 101), np.ones(2899), np.linspace(1.0, 0.0, 1001)])
    assert rise_s(levels, 0.1) == pytest.approx(0.010)
    assert rise_s(levels, 0.5) == pytest.approx(0.050)
    assert release_s(levels, 3.0) == pytest.approx(0.9, abs=0.002)
    assert release_s(np.ones(4000), 3.0) == pytest.approx(1.0)
    assert rise_s(np.zeros(4000), 0.5) is None
    assert envelope(Clip(np.full((2, 4 * RATE), 0.5, np.float32), RATE))[2000] == pytest.approx(0.5)
