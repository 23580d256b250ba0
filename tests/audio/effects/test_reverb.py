"""Rooms: their decay, their randomness, and convolution against a direct sum."""

from __future__ import annotations

import numpy as np
import pytest

from descant.audio.clip import Clip
from descant.audio.effects import convolve, reverb, room_impulse
from descant.errors import InvalidOption


def _decay_s(impulse: Clip) -> float:
    """Reverberation time from the backward integral, -5 to -25 dB (ISO 3382's T20)."""
    energy = np.cumsum(np.square(impulse.samples[0], dtype=float)[::-1])[::-1]
    curve = 10 * np.log10(energy / energy[0])
    start, end = np.argmax(curve < -5), np.argmax(curve < -25)
    return float(3 * (end - start) / impulse.sample_rate)


@pytest.mark.parametrize("decay_s", [0.4, 1.2, 3.0])
@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_room_decays_as_long_as_asked(decay_s: float, rate: int) -> None:
    assert _decay_s(room_impulse(rate, decay_s=decay_s, size_m=5)) == pytest.approx(decay_s, rel=0.35)


def test_room_is_set_by_its_seed_and_differs_between_channels() -> None:
    first, again, other = (room_impulse(44_100, seed=seed) for seed in (1, 1, 2))
    assert first.samples.tobytes() == again.samples.tobytes()
    assert first.samples.tobytes() != other.samples.tobytes()
    left, right = first.samples
    assert abs(np.corrcoef(left, right)[0, 1]) < 0.2
    assert np.square(first.samples).sum(axis=1).mean() == pytest.approx(1.0, rel=1e-3)


def test_reflections_begin_later_in_a_larger_room() -> None:
    starts = [np.argmax(np.abs(room_impulse(44_100, size_m=size).samples[0]) > 0) for size in (3, 30)]
    # The diffuse part rises from nothing, so the first frame or two may be zero.
    assert 0 <= starts[0] - round(3 / 343 * 44_100) <= 2
    assert 0 <= starts[1] - round(30 / 343 * 44_100) <= 2


def test_convolution_equals_the_direct_sum() -> None:
    random = np.random.default_rng(0)
    dry, response = random.uniform(-1, 1, (2, 300)), random.uniform(-1, 1, (2, 70))
    full = convolve(Clip(dry, 44_100), Clip(response, 44_100), keep_tail=True)
    expected = np.stack([np.convolve(a, b) for a, b in zip(dry, response, strict=True)])
    np.testing.assert_allclose(full.samples, expected, atol=1e-5)
    cut = convolve(Clip(dry, 44_100), Clip(response, 44_100))
    np.testing.assert_array_equal(cut.samples, full.samples[:, :300])


def test_one_response_serves_all_channels_at_any_rate() -> None:
    impulse = np.zeros((1, 441), np.float32)
    impulse[0, 100] = 1.0
    clip = Clip(np.random.default_rng(0).uniform(-0.1, 0.1, (6, 4_800)).astype(np.float32), 48_000)
    out = convolve(clip, Clip(impulse, 44_100))
    assert out.channels == 6
    lag = np.argmax(np.correlate(out.samples[3], clip.samples[3], "full")) - (clip.frames - 1)
    assert lag == round(100 * 48_000 / 44_100)


def test_dry_is_dry_and_wet_is_about_as_loud() -> None:
    noise = Clip(np.random.default_rng(0).uniform(-0.3, 0.3, (2, 88_200)).astype(np.float32), 44_100)
    np.testing.assert_array_equal(reverb(noise, 0.0).samples, noise.samples)
    wet = reverb(noise, 1.0, decay_s=0.5).samples - noise.samples
    ratio_db = 10 * np.log10(np.mean(wet[:, 44_100:] ** 2) / np.mean(noise.samples**2))
    assert ratio_db == pytest.approx(0.0, abs=2.0)
    assert reverb(noise, keep_tail=True).frames > noise.frames


def test_impossible_rooms_and_responses() -> None:
    for options in ({"decay_s": 0.0}, {"decay_s": 100.0}, {"size_m": -1.0}, {"channels": 0}):
        with pytest.raises(InvalidOption):
            room_impulse(44_100, **options)
    with pytest.raises(InvalidOption, match="2 channels"):
        convolve(Clip.silence(10, 44_100, 6), Clip.silence(10, 44_100, 2))
    with pytest.raises(InvalidOption):
        reverb(Clip.silence(10, 44_100), -0.1)
