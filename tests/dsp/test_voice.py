from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from descant.audio.clip import Clip
from descant.dsp.pitch import PitchTrack
from descant.dsp.voice import VoiceFrames, onset_evidence, voice_frames

HOP_S = 0.016
RATE = 16_000

Doubles = NDArray[np.float64]


def evidence(level_db: list[float], flux_db: list[float] | None = None, hop_s: float = HOP_S) -> Doubles:
    count = len(level_db)
    flux = np.asarray(flux_db if flux_db is not None else np.zeros(count), float)
    times = np.arange(count) * hop_s
    return onset_evidence(VoiceFrames(times, np.full(count, 60.0), np.ones(count), np.asarray(level_db, float), flux))


def expected(dip_db: float, flux_db: float) -> float:
    return float(1.0 / (1.0 + np.exp(-(0.45 * dip_db + 0.25 * flux_db - 3.2))))


def test_a_syllable_starts_where_its_rise_ends() -> None:
    level = [-10.0] * 20 + [-22.0] * 3 + [-10.0] * 20
    flux = [0.0] * 22 + [5.0] * 3 + [0.0] * 18
    found = evidence(level, flux)
    assert int(found.argmax()) in (23, 24)
    assert found.max() == pytest.approx(expected(12.0, 5.0))
    assert np.flatnonzero(found).min() >= 23
    assert np.flatnonzero(found).max() <= 24


@pytest.mark.parametrize(("dip", "flux"), [(4.0, 0.0), (0.5, 12.0), (8.0, 3.0)])
def test_dip_and_growth_add_up(dip: float, flux: float) -> None:
    found = evidence([-10.0] * 20 + [-10.0 - dip] * 3 + [-10.0] * 20, [flux] * 43)
    assert found.max() == pytest.approx(expected(dip, flux))


def test_a_dip_is_measured_from_the_lower_bank() -> None:
    before_lower = evidence([-16.0] * 20 + [-20.0] * 3 + [-10.0] * 20)
    after_lower = evidence([-10.0] * 20 + [-20.0] * 3 + [-16.0] * 20)
    assert before_lower.max() == pytest.approx(expected(4.0, 0.0))
    assert after_lower.max() == pytest.approx(expected(4.0, 0.0))


def test_a_dip_counts_thirty_decibels_at_most() -> None:
    assert evidence([-10.0] * 20 + [-69.0] * 3 + [-10.0] * 20).max() == pytest.approx(expected(30.0, 0.0))


def test_a_dip_is_forgotten_after_its_consonant() -> None:
    # 4 frames of valley are looked back on, and a bank up to 6 frames before it.
    slow = [-10.0] * 10 + [-20.0] * 3 + [-19.9] * 8 + [-10.0] * 10
    assert evidence(slow)[20:].max() == pytest.approx(expected(0.0, 0.0), abs=0.01)
    quick = [-10.0] * 10 + [-20.0] * 6 + [-10.0] * 10
    assert evidence(quick).max() == pytest.approx(expected(10.0, 0.0))


def test_steady_or_falling_loudness_has_no_onset() -> None:
    assert not evidence([-10.0] * 30).any()
    assert not evidence(np.linspace(-10.0, -40.0, 30).tolist()).any()
    assert evidence([]).tolist() == []
    assert evidence([-10.0, -5.0]).tolist() == [0.0, 0.0]


def tone(seconds: float, gain: float) -> Doubles:
    at = np.arange(round(seconds * RATE)) / RATE
    return gain * sum((np.sin(2 * np.pi * 220.0 * k * at) / k for k in range(1, 8)), np.zeros(len(at)))


def heard(sound: Doubles) -> VoiceFrames:
    count = len(sound) // 256
    track = PitchTrack(np.arange(count) * HOP_S, np.full(count, 220.0), np.ones(count), np.ones(count, bool))
    return voice_frames(track, Clip(sound.astype(np.float32), RATE))


def test_loudness_is_in_decibels_above_a_floor() -> None:
    soft, loud = heard(tone(1.0, 0.02)), heard(tone(1.0, 0.2))
    np.testing.assert_allclose(loud.level_db[5:-5] - soft.level_db[5:-5], 20.0, atol=0.1)
    assert heard(np.zeros(RATE)).level_db.tolist() == [-70.0] * 62


def test_the_spectrum_grows_where_a_tone_starts() -> None:
    frames = heard(np.concatenate([np.zeros(RATE // 2), tone(0.5, 0.2)]))
    at = int(frames.flux_db.argmax())
    assert frames.times_s[at] == pytest.approx(0.5, abs=0.02)
    assert frames.flux_db[at] > 5.0
    assert frames.flux_db[at + 6 : -3].max() < 0.5


def test_voicing_bounds_the_confidence() -> None:
    voiced = np.asarray([True, True, False, False])
    track = PitchTrack(
        np.arange(4) * HOP_S, np.asarray([220.0, 0.0, 440.0, 440.0]), np.asarray([0.0, 0.9, 0.9, 0.3]), voiced
    )
    frames = voice_frames(track, None)
    assert frames.confidence.tolist() == [0.001, 0.9, 0.49, 0.3]
    assert frames.midi.tolist() == [57.0, 0.0, 69.0, 69.0]
    assert not frames.level_db.any()
    assert not frames.flux_db.any()
    assert frames.hop_s == pytest.approx(HOP_S)
    empty = Clip.silence(0, RATE)
    assert not voice_frames(track, empty).level_db.any()
