from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from descant.analyze.analysis import Analysis, LoudnessCurve
from descant.audio.clip import Clip
from descant.dsp.pitch import PitchTrack
from descant.errors import InvalidOption
from descant.pipelines.accompany import Heard, steady
from descant.score.notes import Note, Track
from descant.score.tempo import BeatGrid

RATE = 16_000


def _heard(times: list[float], first_position: int) -> Heard:
    """A voice that clicks on each of its own, uneven beats."""
    grid = BeatGrid(tuple(times), tuple((first_position - 1 + i) % 4 + 1 for i in range(len(times))))
    samples = np.zeros(round((times[-1] + 1.0) * RATE), np.float32)
    for time in times:
        at = round(time * RATE)
        samples[at : at + 200] += (0.8 * np.hanning(200) * np.sin(np.arange(200))).astype(np.float32)
    empty = np.zeros(0)
    analysis = Analysis(
        times[-1] + 1.0, PitchTrack(empty, empty, empty, empty.astype(bool)), grid, 1.0, grid.bpm, None, 0.0, (), (),
        LoudnessCurve(empty, empty), (), True, 0.0,
    )  # fmt: skip
    return Heard(Clip(samples, RATE), False, analysis, Track("melody", (Note(0, 1, 60),)), grid, grid.tempo_map())


@pytest.mark.parametrize("first_position", [1, 3])
@pytest.mark.parametrize("start", [0.0, 0.05, 0.14, 0.9])
def test_uneven_beats_land_on_the_steady_grid(start: float, first_position: int) -> None:
    times = (start + np.cumsum([0.0, 0.55, 0.6, 0.65, 0.6, 0.52, 0.66, 0.6])).tolist()
    moved = steady(_heard(times, first_position), 96.0)
    period = 60.0 / 96.0
    assert np.allclose(np.diff(moved.beats.times_s), period, atol=1e-6)
    loud = np.abs(moved.vocals.samples[0])
    for beat in moved.beats.times_s[2:-1]:
        near = slice(round((beat - 0.12) * RATE), round((beat + 0.12) * RATE))
        peak = (near.start + int(loud[near].argmax())) / RATE
        assert peak == pytest.approx(beat, abs=0.03)
    for beat, position in zip(moved.beats.times_s, moved.beats.bar_positions, strict=True):
        assert (round(beat / period) - (position - 1)) % 4 == 0


def test_a_tempo_far_from_the_singers_is_refused() -> None:
    heard = _heard([0.5, 1.1, 1.7, 2.3], 1)
    with pytest.raises(InvalidOption):
        steady(heard, 900.0)
    with pytest.raises(InvalidOption):
        steady(replace(heard), 21.0)
