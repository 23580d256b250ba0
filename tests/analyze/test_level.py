from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from descant.analyze.evidence import Evidence
from descant.analyze.features import PULSE_FPS
from descant.analyze.level import (
    FILE,
    HIGHEST_BPM,
    LOWEST_BPM,
    LevelChooser,
    candidate_levels,
    describe_level,
    describe_level_names,
)
from descant.errors import CheckpointError
from descant.hub.card import SHIPPED_WEIGHTS
from descant.nets.listener import NO_CHORD_INDEX

FOLDER = SHIPPED_WEIGHTS / "descant-analysis"


def heard(bpm: float, seconds: float = 40.0) -> tuple[np.ndarray, Evidence, np.ndarray]:
    """Kick on odd and snare on even quarters, hi-hat in eighths, a new chord each bar of four."""
    rng = np.random.default_rng(3)
    frames = round(seconds * PULSE_FPS)
    mel = rng.uniform(0.0, 0.1, (frames, 80)).astype(np.float32)
    beat, downbeat = np.full(frames, 0.02), np.full(frames, 0.02)
    quarters = np.arange(0.0, seconds - 0.1, 60.0 / bpm)
    for index, time_s in enumerate(quarters):
        frame = round(time_s * PULSE_FPS)
        mel[frame : frame + 3, : 10 if index % 2 == 0 else 40] += 3.0
        around = np.arange(frame - 1, frame + 2).clip(0)
        beat[around] = (0.4, 0.9, 0.4)
        downbeat[around] = (0.3, 0.8, 0.3) if index % 4 == 0 else (0.04, 0.1, 0.04)
    for time_s in np.arange(0.0, seconds - 0.1, 30.0 / bpm):
        mel[round(time_s * PULSE_FPS), 55:] += 2.0
    bars = (np.arange(round(seconds * 10)) / 10.0 * bpm / 240.0).astype(int)
    chord = np.full((len(bars), NO_CHORD_INDEX + 1), 1e-4)
    chord[np.arange(len(bars)), bars % 4 * 16] = 1.0
    log_chord = np.log(chord / chord.sum(axis=1, keepdims=True))
    return mel, Evidence(beat, downbeat, None, log_chord, None, np.zeros(24)), quarters


@pytest.mark.parametrize("bpm", [80.0, 100.0, 120.0])
@pytest.mark.parametrize("found", ["as it is", "doubled", "halved"])
def test_a_pulse_at_any_level_comes_back_to_the_beat(bpm: float, found: str) -> None:
    mel, evidence, quarters = heard(bpm)
    doubled = np.arange(0.0, quarters[-1], 30.0 / bpm)
    pulse = {"as it is": quarters, "doubled": doubled, "halved": quarters[::2]}[found]
    chosen = LevelChooser.load(FOLDER)(mel, evidence, pulse).times_s
    assert 60.0 / np.median(np.diff(chosen)) == pytest.approx(bpm, rel=0.01)
    assert np.abs(chosen[:, np.newaxis] - quarters).min(axis=1).max() < 0.02


@pytest.mark.parametrize(
    ("odds", "chosen_bpm", "rival_bpm"),
    [
        ((0.55, 0.05, 0.40, 0.0), 100.0, 50.0),  # the two halves are one tempo
        ((0.70, 0.12, 0.12, 0.06), 100.0, 50.0),
        ((0.85, 0.05, 0.05, 0.05), 100.0, None),
        ((0.25, 0.05, 0.70, 0.0), 50.0, 100.0),
        ((0.30, 0.00, 0.00, 0.70), 200.0, 100.0),
    ],
)
def test_a_tempo_that_is_nearly_as_probable_is_told(
    monkeypatch: pytest.MonkeyPatch, odds: tuple[float, ...], chosen_bpm: float, rival_bpm: float | None
) -> None:
    mel, evidence, quarters = heard(100.0)
    logs = np.log(np.array(odds) + 1e-9)
    monkeypatch.setattr(LevelChooser, "log_probabilities", lambda *_: logs)
    choice = LevelChooser.load(FOLDER)(mel, evidence, quarters)
    assert 60.0 / np.median(np.diff(choice.times_s)) == pytest.approx(chosen_bpm, rel=1e-6)
    assert choice.rival_bpm == (None if rival_bpm is None else pytest.approx(rival_bpm, rel=1e-6))


def test_candidates_are_the_pulse_its_two_halves_and_its_double() -> None:
    pulse = np.arange(20) * 0.5
    levels = candidate_levels(pulse)
    assert [len(level) for level in levels] == [20, 10, 10, 39]
    assert levels[3] == pytest.approx(np.arange(39) * 0.25)
    assert sorted([*levels[1], *levels[2]]) == pytest.approx(pulse)


@pytest.mark.parametrize("bpm", [HIGHEST_BPM * 0.9, LOWEST_BPM * 1.5])
def test_impossible_tempi_are_no_candidates(bpm: float) -> None:
    for level in candidate_levels(np.arange(16) * 60.0 / bpm):
        assert LOWEST_BPM <= 60.0 / np.median(np.diff(level)) <= HIGHEST_BPM * 1.001


def test_a_pulse_of_few_beats_is_left_alone() -> None:
    mel, evidence, quarters = heard(100.0)
    choice = LevelChooser.load(FOLDER)(mel, evidence, quarters[:5])
    assert choice.times_s == pytest.approx(quarters[:5])
    assert choice.rival_bpm is None
    assert len(candidate_levels(quarters[:7])) == 1


def test_what_is_told_of_a_level_has_names_and_finite_values() -> None:
    mel, evidence, quarters = heard(100.0)
    told = dict(zip(describe_level_names(), describe_level(mel, evidence, quarters), strict=True))
    assert np.isfinite(list(told.values())).all()
    assert told["beat on"] > told["beat half"] + 2.0
    assert told["downbeat differs by 4"] > 2.0 > told["downbeat differs by 3"]
    assert told["comes back after 2"] > told["comes back after 1"]


def test_silence_still_has_finite_features() -> None:
    frames = 500
    flat = Evidence(
        np.zeros(frames), np.zeros(frames), None, np.full((100, NO_CHORD_INDEX + 1), -4.6), None, np.zeros(24)
    )
    assert np.isfinite(describe_level(np.zeros((frames, 80), np.float32), flat, np.arange(16) * 0.6)).all()


def test_probabilities_do_not_depend_on_the_order_of_candidates() -> None:
    mel, evidence, quarters = heard(90.0)
    chooser = LevelChooser.load(FOLDER)
    told = np.stack([describe_level(mel, evidence, level) for level in candidate_levels(quarters)])
    assert chooser.log_probabilities(told)[::-1] == pytest.approx(chooser.log_probabilities(told[::-1]))


def test_a_missing_or_damaged_file_is_a_checkpoint_error(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError):
        LevelChooser.load(tmp_path)
    shutil.copy(FOLDER / "weights.safetensors", tmp_path / FILE)
    with pytest.raises(CheckpointError):
        LevelChooser.load(tmp_path)
