from __future__ import annotations

import numpy as np
import pytest

from descant.audio import effects
from descant.audio.clip import Clip
from descant.audio.resample import resample
from descant.dsp.watermark import KEY, marked
from descant.mark.detect import Finding, detect

RATE = 44_100
MARK = 0xC0FFEE42


def found_in(clip: Clip, key: bytes = KEY) -> Finding:
    """At its own speed only, which is faster."""
    return detect(clip, key=key, speeds=(1.0,))


def voice(seconds: float, seed: int = 0, rate: int = RATE) -> Clip:
    """Something like singing: a gliding pulse train through moving levels, with breath."""
    rng = np.random.default_rng(seed)
    frames = round(seconds * rate)
    at = np.arange(frames) / rate
    f0 = 180.0 * 2.0 ** (
        np.interp(
            at,
            np.arange(0, seconds + 1, 0.4),
            rng.normal(0, 3, int(seconds / 0.4) + 4)[: len(np.arange(0, seconds + 1, 0.4))],
        )
        / 12
    )
    phase = np.cumsum(f0 / rate) * 2 * np.pi
    tone = sum(np.sin(k * phase) / k for k in range(1, 40) if k * 400 < rate / 2)
    level = np.interp(at, np.arange(0, seconds + 1, 0.15), rng.uniform(0.1, 1, len(np.arange(0, seconds + 1, 0.15))))
    mono = 0.1 * level * (tone + 0.1 * rng.standard_normal(frames))
    return Clip(mono.astype(np.float32)[np.newaxis], rate)


def test_a_mark_is_read() -> None:
    found = detect(marked(voice(4.0), MARK))
    assert found.mark == found.guess == MARK
    assert found.log10_p < -30
    assert found.speed == 1.0


def test_another_key_finds_nothing() -> None:
    copy = marked(voice(4.0), MARK)
    assert found_in(copy, key=b"another").log10_p > -3
    assert found_in(marked(voice(4.0), MARK, key=b"another"), key=b"another").mark == MARK


def test_a_second_anywhere_is_enough() -> None:
    copy = marked(voice(4.0), MARK)
    for start in (0.37, 1.111, 2.5):
        assert found_in(copy.slice(start, start + 1.0)).mark == MARK


def test_it_outlives_what_files_meet() -> None:
    copy = marked(voice(4.0), MARK)
    noise = np.random.default_rng(1).standard_normal(copy.samples.shape).astype(np.float32)
    copies = {
        "stereo": copy.to_channels(2),
        "softer": copy.gain(-30.0),
        "turned over": Clip(-copy.samples, RATE),
        "16 kHz": resample(copy, 16_000),
        "48 kHz": resample(copy, 48_000),
        "equalised": effects.high_shelf(effects.peak(copy, 1000, -3.0), 4000, 3.0),
        "16 bit": Clip(np.round(copy.samples * 32768) / 32768, RATE),
        "noise": Clip(copy.samples + 0.03 * np.sqrt(np.mean(copy.samples**2)) * noise, RATE),
        "in silence": Clip(np.pad(copy.samples, ((0, 0), (3 * RATE + 77, 2 * RATE))), RATE),
    }
    assert {name: found_in(each).mark for name, each in copies.items()} == dict.fromkeys(copies, MARK)


@pytest.mark.parametrize("speed", [0.996, 1.002, 1.008])
def test_a_little_faster_or_slower(speed: float) -> None:
    copy = marked(voice(4.0), MARK)
    found = detect(Clip(resample(copy, round(RATE / speed)).samples, RATE))
    assert found.mark == MARK
    assert found.speed == pytest.approx(speed, abs=0.0021)


def test_nothing_is_found_where_nothing_is() -> None:
    sounds = [voice(2.0, seed) for seed in range(8)]
    sounds += [Clip.silence(RATE, RATE), Clip.silence(10, RATE), Clip(np.ones((1, 1), np.float32), RATE)]
    sounds.append(Clip(np.random.default_rng(0).standard_normal((2, RATE)).astype(np.float32), RATE))
    found = [found_in(sound) for sound in sounds] + [detect(sounds[0])]
    assert min(each.log10_p for each in found) > -3
    assert all(each.mark is None for each in found)


def test_the_bound_holds_for_random_keys() -> None:
    # Hoeffding's bound with all tests counted: over 30 keys none comes near a chance of one in a hundred.
    sound = marked(voice(2.0), MARK)
    lowest = min(found_in(sound, bytes([n])).log10_p for n in range(30))
    assert lowest > -2
