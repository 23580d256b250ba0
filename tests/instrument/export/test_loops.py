"""Loops: found where a note is like itself, joined without a step, and judged by what is heard."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from descant.instrument.export.loops import LARGEST_CHANGE_DB, Loop, looped, seam_of
from made_instruments import Made

RATE, HELD = 48_000, 2.0
HERTZ = 261.6256


def find(made: Made, pitch: int = 60) -> tuple[np.ndarray, np.ndarray, Loop]:
    note = made.note(pitch, 100, HELD, HELD + 0.5)
    found = looped(note, RATE, 440 * 2 ** ((pitch - 69) / 12), HELD)
    assert found is not None
    return note, *found


def played(samples: np.ndarray, loop: Loop, seconds: float) -> np.ndarray:
    """As a sampler plays it."""
    at = np.arange(round(seconds * RATE))
    return samples[:, np.where(at < loop.end, at, loop.start + (at - loop.start) % (loop.end - loop.start))]


@pytest.mark.parametrize("pitch", [24, 60, 96])
@pytest.mark.parametrize(
    "made", [Made(), Made(vibrato_cents=25.0), Made(noise=0.05)], ids=["plain", "vibrato", "noise"]
)
def test_a_loop_goes_on_as_the_note_would(made: Made, pitch: int) -> None:
    _, samples, loop = find(made, pitch)
    assert loop.seam.is_seamless
    assert loop.start > 0.3 * HELD * RATE
    assert loop.end < HELD * RATE
    assert loop.end - loop.start >= 0.25 * HELD * RATE
    assert loop.likeness > 0.98
    on = played(samples, loop, 8.0)
    bends = np.abs(np.diff(on, 2, axis=1))
    assert bends[:, RATE:].max() <= 1.001 * bends[:, : loop.end - loop.fade].max()
    size = RATE // 20
    levels = np.square(on[:, RATE // 5 : RATE // 5 + 7 * RATE].reshape(2, -1, size)).mean(axis=2)
    assert 10 * np.log10(levels.max(axis=1) / levels.min(axis=1)).max() < (1.0 if pitch > 24 else 2.0)


def test_a_steady_tone_stays_in_phase_for_ten_seconds() -> None:
    made = Made()
    _, samples, loop = find(made)
    on = played(samples, loop, 10.0)[0]
    cycles = (loop.end - loop.start) * HERTZ / RATE
    assert abs(cycles - round(cycles)) < 0.01
    phases = []
    for second in (1, 9):
        at = np.arange(second * RATE, second * RATE + RATE // 2)
        phases.append(np.angle(np.sum(on[at] * np.hanning(len(at)) * np.exp(-2j * np.pi * HERTZ * at / RATE))))
    turned = np.angle(np.exp(1j * (phases[1] - phases[0])))
    assert abs(turned) < 2 * np.pi * 0.01 * 20


def test_only_the_fades_are_changed_and_nothing_steps_in_them() -> None:
    note, samples, loop = find(Made(vibrato_cents=25.0, noise=0.1))
    changed = np.flatnonzero((note != samples).any(axis=0))
    assert changed.min() >= loop.end - loop.fade
    assert changed.max() < loop.end + loop.fade
    np.testing.assert_allclose(samples[:, loop.end - 1], note[:, loop.start - 1], atol=1e-6)
    bends = np.abs(np.diff(samples, 2, axis=1))
    around = bends[:, loop.end - loop.fade - 2 : loop.end + loop.fade + 2]
    assert around.max() <= 1.05 * bends[:, RATE // 2 : loop.end - loop.fade - 2].max()


def test_both_channels_count() -> None:
    """The right channel alone says where the left, a steady tone, may be joined: it has another period."""
    time = np.arange(3 * RATE) / RATE
    note = np.stack((np.sin(2 * np.pi * 300 * time), np.sin(2 * np.pi * 300 * time * 1.07))).astype(np.float32)
    found = looped(note, RATE, 300.0, HELD)
    assert found is not None
    for hertz in (300.0, 321.0):
        cycles = (found[1].end - found[1].start) * hertz / RATE
        assert abs(cycles - round(cycles)) < 0.02


def test_what_is_nowhere_like_itself_keeps_its_level() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, (2, 3 * RATE)).astype(np.float32)
    found = looped(noise, RATE, 200.0, HELD)
    assert found is not None
    samples, loop = found
    middle = samples[:, loop.end - 3 * loop.fade // 4 : loop.end - loop.fade // 4]
    assert 20 * np.log10(middle.std() / noise.std()) == pytest.approx(0.0, abs=0.7)
    assert loop.seam.step <= 1.1


def test_a_bad_loop_is_judged_bad() -> None:
    time = np.arange(2 * RATE) / RATE
    note = np.tile((0.5 * np.sin(2 * np.pi * 300 * time)).astype(np.float32), (2, 1))
    assert seam_of(note, RATE, RATE, RATE + 160 * 300, 0).is_seamless
    half_a_period = seam_of(note, RATE, RATE, RATE + 160 * 250 + 80, 0)
    assert half_a_period.step > 10
    darker = note.copy()
    darker[:, RATE + RATE // 2 :] = np.tile(0.5 * np.sin(2 * np.pi * 600 * time[: RATE // 2]), (2, 1))
    changed = seam_of(darker, RATE, RATE, RATE + RATE // 2 + 480, 0)
    assert not replace(changed, step=0.0).is_seamless
    assert changed.change_db > LARGEST_CHANGE_DB


def test_what_is_too_short_has_no_loop() -> None:
    note = Made().note(24, 100, 0.2, 0.3)
    assert looped(note, RATE, 32.7, 0.2) is None
