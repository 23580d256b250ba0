"""Sound from timbre and contours."""

from __future__ import annotations

import numpy as np
import pytest

from descant.instrument.blend.frames import Contours, TimbreFrames
from descant.instrument.blend.listen import listen, loudness
from descant.instrument.blend.tone import blocks, render

from .conftest import RATE, hiss, line_at, tone


def heard(hz: float, **options: float) -> tuple[TimbreFrames, Contours]:
    samples = tone(hz, **options).samples  # type: ignore[arg-type]
    level = loudness(samples, hz)
    contours = Contours(np.full(len(level), hz, np.float32), np.ones(len(level), np.float32), level)
    return listen(samples, contours), contours


def test_loudness_follows_its_contour() -> None:
    timbre, contours = heard(220.0, width=0.4)
    wanted = contours.level_db.copy()
    wanted[100:] -= 12.0
    found = loudness(render(timbre, Contours(contours.hz, contours.pitched, wanted)), 220.0)
    np.testing.assert_allclose(found[20:90], wanted[20:90], atol=1.0)
    np.testing.assert_allclose(found[110:135], wanted[110:135], atol=1.0)


@pytest.mark.parametrize("hz", [41.2, 220.0, 1760.0])
def test_a_tone_is_made_again(hz: float) -> None:
    timbre, contours = heard(hz, tilt_db=-8.0)
    made = render(timbre, contours)
    for rank in range(1, 9):
        assert line_at(made, hz * rank) == pytest.approx(-8.0 * np.log2(rank), abs=2.0)
    assert line_at(made, hz * 1.5) < -40


def test_noise_is_made_again() -> None:
    samples = hiss(2.0).samples
    level = loudness(samples)
    none = Contours(np.full(len(level), 100.0, np.float32), np.zeros(len(level), np.float32), level)
    made = render(listen(samples, none), none)
    for part in (made.mean(axis=0), (made[0] - made[1]) / 2):
        true = samples.mean(axis=0)
        for low, high in ((100, 400), (400, 2000), (2000, 8000), (8000, 16_000)):
            bins = slice(low * len(part) // RATE, high * len(part) // RATE)
            power = [(np.abs(np.fft.rfft(x[: len(part)])[bins]) ** 2).mean() for x in (part, true)]
            assert 10 * np.log10(power[0] / power[1]) == pytest.approx(0, abs=1.5)


def test_blocks_join_without_a_step() -> None:
    timbre, contours = heard(300.0, seconds=4.0)
    parts = list(blocks(timbre, contours))
    assert len(parts) > 1
    joint = parts[0].shape[1]
    whole = np.concatenate(parts, axis=1).mean(axis=0)
    bend = np.abs(np.diff(whole, 2))
    assert bend[joint - 3 : joint + 3].max() < 1.5 * bend[joint - 2000 : joint - 200].max()


def test_the_length_is_that_of_the_contours() -> None:
    timbre, contours = heard(300.0)
    assert render(timbre, contours).shape == (2, (len(contours.hz) - 1) * 256)


def test_silence_is_silence() -> None:
    timbre, contours = heard(300.0)
    silent = Contours(contours.hz, contours.pitched, np.full_like(contours.level_db, -170.0))
    assert np.abs(render(timbre, silent)).max() == 0
