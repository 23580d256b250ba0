"""Slopes, releases and tuning of notes that are known in closed form."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from descant.instrument.export.dynamics import Dynamics, dynamics_of, velocity_spans
from descant.instrument.export.levels import held_slope, level_db, release_time
from descant.instrument.export.notes import layers_of
from descant.instrument.export.tuning import cents_off
from made_instruments import Made

RATE = 48_000


def test_the_level_of_a_sine() -> None:
    sine = np.sin(2 * np.pi * 1000 * np.arange(RATE) / RATE)
    levels = level_db(np.stack((sine, sine)).astype(np.float32), RATE)
    assert levels == pytest.approx(-3.01, abs=0.01)
    assert level_db(np.zeros((2, 10), np.float32), RATE) == pytest.approx(-120.0)


@pytest.mark.parametrize("decay", [0.0, 2.0, 6.0, 30.0])
@pytest.mark.parametrize("pitch", [28, 60, 100])
def test_the_slope_of_a_held_note(decay: float, pitch: int) -> None:
    note = Made(decay=decay).note(pitch, 100, 2.0, 2.0)
    assert held_slope(note, RATE, 2.0) == pytest.approx(-decay, abs=0.3)


@pytest.mark.parametrize("decay", [0.0, 15.0])
@pytest.mark.parametrize(("release", "expected"), [(40.0, 2.0), (200.0, 0.4), (1600.0, 0.05), (0.0, 10.0)])
def test_the_release_is_what_letting_go_adds(decay: float, release: float, expected: float) -> None:
    made = Made(decay=decay, release=release)
    released, held_on = made.note(48, 100, 1.0, 3.0), made.note(48, 100, 3.0, 3.0)
    assert release_time(released, held_on, RATE, 1.0) == pytest.approx(expected, rel=0.15)


def test_a_note_that_stops_at_once_has_the_shortest_release() -> None:
    held_on = Made().note(60, 100, 2.0, 2.0)
    assert release_time(np.where(np.arange(2 * RATE) < RATE, held_on, 0), held_on, RATE, 1.0) <= 0.06
    assert release_time(held_on[:, :RATE], held_on[:, :RATE], RATE, 1.0) == 10.0


@pytest.mark.parametrize("pitch", [24, 41, 60, 84, 103])
@pytest.mark.parametrize("cents", [-37.0, -4.0, 0.0, 1.5, 45.0])
def test_cents_are_found(pitch: int, cents: float) -> None:
    note = Made(cents=cents).note(pitch, 100, 2.0, 2.2)
    assert cents_off(note, RATE, pitch, 2.0) == pytest.approx(cents, abs=0.1)


def test_vibrato_and_noise_do_not_matter() -> None:
    note = Made(cents=10.0, vibrato_cents=30.0, noise=0.1).note(60, 100, 2.0, 2.0)
    centre = 10.0 + 15.0 * 2 / 2  # the vibrato of `Made` goes up and down around its pitch
    assert cents_off(note, RATE, 60, 2.0) == pytest.approx(centre - 15.0, abs=1.5)


def test_what_has_no_pitch_is_not_out_of_tune() -> None:
    noise = np.random.default_rng(1).normal(size=(2, 2 * RATE)).astype(np.float32)
    assert cents_off(noise, RATE, 60, 2.0) == 0.0
    assert cents_off(np.zeros((2, 2 * RATE), np.float32), RATE, 60, 2.0) == 0.0
    assert cents_off(noise[:, :100], RATE, 60, 2.0) == 0.0


def test_the_levels_of_velocities_are_measured() -> None:
    dynamics = dynamics_of(Made(power=1.5).note, 60, (33, 77))
    assert {33, 77, 1, 127} <= {*dynamics.velocities}
    for velocity in (1, 10, 33, 60, 77, 111):
        true = 30 * np.log10(velocity / 127)
        assert dynamics.level_db(velocity) - dynamics.level_db(127) == pytest.approx(true, abs=0.01)


@given(st.floats(0.5, 2.0), st.lists(st.integers(1, 127), min_size=1, max_size=5, unique=True))
def test_spans_cover_all_velocities_at_the_level_of_the_instrument(power: float, layers: list[int]) -> None:
    velocities = tuple(sorted(layers))
    measured = (1, 10, 100, 127)
    dynamics = Dynamics(measured, tuple(20 * power * np.log10(v / 127) - 20 for v in measured))
    found = velocity_spans(dynamics, layers_of(velocities))
    covered = [v for span in found for v in range(span.velocities[0], span.velocities[1] + 1)]
    assert covered == list(range(1, 128))
    for span in found:
        for velocity in span.velocities:
            true = 20 * power * np.log10(velocity / span.layer)
            if -59 < true < 5:
                assert span.volume_db == pytest.approx(true, abs=2.01)
        assert span.volume_db == 0.0 or not span.velocities[0] <= span.layer <= span.velocities[1]


def test_velocities_at_which_an_instrument_is_silent_play_nothing() -> None:
    dynamics = Dynamics((1, 48, 64, 100, 127), (-200.0, -200.0, -30.0, -24.0, -20.0))
    spans = velocity_spans(dynamics, layers_of((40, 100)))
    assert spans[0].velocities[0] == 64
    assert spans[-1].velocities[1] == 127
