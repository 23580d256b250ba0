"""Compressor and ducking: the gains, their depth and their speed."""

from __future__ import annotations

import numpy as np
import pytest

from descant.audio.clip import Clip
from descant.audio.effects import compress, duck, ducking_gain
from descant.errors import InvalidAudio, InvalidOption

RATE = 44_100


def _tone(level_db: float, seconds: float = 2.0) -> Clip:
    """A tone of an RMS level."""
    amplitude = np.sqrt(2) * 10 ** (level_db / 20)
    time = np.arange(round(seconds * RATE)) / RATE
    return Clip((amplitude * np.sin(2 * np.pi * 440 * time)).astype(np.float32), RATE)


def _rms_db(samples: np.ndarray) -> float:
    return float(10 * np.log10(np.mean(samples.astype(float) ** 2)))


@pytest.mark.parametrize(
    ("level_db", "expected_db"), [(-40, -40), (-24, -24), (-18, -18 - 0.5), (-9, -18 + 3), (-6, -18 + 4)]
)
def test_static_curve(level_db: float, expected_db: float) -> None:
    out = compress(_tone(level_db), -18.0, 3.0, knee_db=6.0)
    assert _rms_db(out.samples[0, RATE:]) == pytest.approx(expected_db, abs=0.1)


def test_make_up_and_hard_knee() -> None:
    out = compress(_tone(-6), -18.0, 4.0, knee_db=0.0, make_up_db=5.0)
    assert _rms_db(out.samples[0, RATE:]) == pytest.approx(-18 + 3 + 5, abs=0.1)


def test_attack_and_release_take_their_time() -> None:
    quiet, loud = _tone(-40, 0.5).samples, _tone(-6, 0.5).samples
    clip = Clip(np.concatenate([quiet, loud, quiet], axis=1), RATE)
    gain = np.abs(compress(clip, -18.0, 3.0, attack_ms=20, release_ms=100).samples[0]) / np.maximum(
        np.abs(clip.samples[0]), 1e-9
    )
    gain_db = 20 * np.log10(np.maximum(gain, 1e-6))
    swing = -8.0
    # After one time constant 63 % of the way is done.
    assert np.median(gain_db[RATE // 2 + 832 : RATE // 2 + 932]) == pytest.approx(0.63 * swing, abs=0.8)
    assert np.median(gain_db[RATE + 4_360 : RATE + 4_460]) == pytest.approx(0.37 * swing, abs=0.6)


def test_channels_move_together() -> None:
    left = _tone(-6).samples[0]
    out = compress(Clip(np.stack([left, 0.1 * left]), RATE))
    np.testing.assert_allclose(out.samples[1], 0.1 * out.samples[0], atol=1e-6)


@pytest.mark.parametrize(("ratio", "attack_ms"), [(0.5, 10.0), (2.0, 0.0)])
def test_impossible_compressor(ratio: float, attack_ms: float) -> None:
    with pytest.raises(InvalidOption):
        compress(_tone(-20), -18.0, ratio, attack_ms=attack_ms)


@pytest.mark.parametrize("lead_db", [-10, -30, -50])
@pytest.mark.parametrize("depth_db", [2.0, 3.0, 4.0])
def test_backing_gives_way_while_the_lead_sings_however_soft_the_recording(lead_db: float, depth_db: float) -> None:
    lead = np.concatenate([np.zeros((1, RATE)), _tone(lead_db, 2.0).samples, np.zeros((1, 2 * RATE))], axis=1)
    gain_db = 20 * np.log10(ducking_gain(Clip(lead, RATE), depth_db=depth_db))
    np.testing.assert_allclose(gain_db[: RATE - 400], 0.0, atol=1e-6)
    np.testing.assert_allclose(gain_db[RATE + 6_000 : 3 * RATE - 400], -depth_db, atol=0.05)
    np.testing.assert_allclose(gain_db[-RATE // 2 :], 0.0, atol=0.05)
    assert gain_db.min() >= -depth_db - 1e-4
    assert np.abs(np.diff(gain_db)).max() < 0.05  # no click


def test_ducking_has_the_speeds_asked_for() -> None:
    lead = np.concatenate([np.zeros((1, RATE)), _tone(-10, 2.0).samples, np.zeros((1, 2 * RATE))], axis=1)
    gain_db = 20 * np.log10(ducking_gain(Clip(lead, RATE), depth_db=3.0, attack_ms=30, release_ms=400))
    assert gain_db[RATE + round(0.030 * RATE)] == pytest.approx(-3 * 0.63, abs=0.25)
    assert gain_db[3 * RATE + round(0.400 * RATE)] == pytest.approx(-3 * 0.37, abs=0.25)


def test_breath_and_bleed_do_not_duck() -> None:
    lead = np.concatenate([_tone(-12, 1.0).samples, _tone(-45, 2.0).samples], axis=1)
    gain = ducking_gain(Clip(lead, RATE))
    assert 20 * np.log10(gain[-1]) == pytest.approx(0.0, abs=0.05)


def test_duck_multiplies_by_the_gain() -> None:
    backing, lead = _tone(-20), _tone(-10)
    out = duck(backing, lead, depth_db=4.0)
    np.testing.assert_allclose(out.samples[0], backing.samples[0] * ducking_gain(lead, depth_db=4.0), atol=1e-7)
    assert (ducking_gain(Clip.silence(500, RATE)) == 1).all()
    assert ducking_gain(Clip.silence(0, RATE)).shape == (0,)


def test_side_chain_of_another_length_is_refused() -> None:
    with pytest.raises(InvalidAudio, match="same length and rate"):
        duck(_tone(-20, 1.0), _tone(-20, 2.0))
    with pytest.raises(InvalidOption, match="louder"):
        ducking_gain(_tone(-20), depth_db=-1)
