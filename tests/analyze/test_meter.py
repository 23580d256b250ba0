from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from descant.analyze.meter import CONFIG, WEIGHTS, WINDOW, load_meter_reader, note_features, read_meter, tempo_bins
from descant.errors import CheckpointError
from descant.hub.checkpoint import save_tensors
from descant.nets.meter_reader import ELSEWHERE, NOTE_FEATURES, MeterReader


def tiny() -> MeterReader:
    torch.manual_seed(0)
    return MeterReader(width=32, layers=1, heads=2).eval()


def melody(count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(count)
    starts = np.cumsum(rng.uniform(0.1, 0.8, count))
    return starts, starts + 0.1, rng.uniform(55.0, 70.0, count)


@given(st.lists(st.floats(1e-4, 30.0), min_size=1, max_size=40), st.floats(20.0, 100.0))
def test_features_are_finite_and_small(steps: list[float], pitch: float) -> None:
    starts = np.cumsum(steps)
    features = note_features(starts, starts + 0.01, np.linspace(pitch, pitch + 30.0, len(starts)))
    assert features.shape == (len(starts), NOTE_FEATURES)
    assert np.isfinite(features).all()
    assert np.abs(features).max() < 6.0


def test_features_know_neither_key_nor_start() -> None:
    starts, ends, pitches = melody(30)
    np.testing.assert_allclose(
        note_features(starts, ends, pitches), note_features(starts + 9.0, ends + 9.0, pitches + 5.0), atol=1e-5
    )


@pytest.mark.parametrize("count", [1, 8, WINDOW, WINDOW + 1, 3 * WINDOW + 17])
def test_every_note_gets_probabilities(count: int) -> None:
    read = read_meter(tiny(), *melody(count))
    assert read.place.shape == (count, ELSEWHERE + 1)
    assert read.tempo.shape == (count, len(tempo_bins()))
    assert np.isfinite(read.place).all()
    # A mean of log-probabilities of two windows sums to one at most.
    assert (np.exp(read.place).sum(axis=1) <= 1.0 + 1e-5).all()


def test_tempo_bins_double_each_octave() -> None:
    bins = tempo_bins()
    assert bins[24] == pytest.approx(2 * bins[0])
    assert bins[0] == 40.0
    assert 200.0 < bins[-1] < 240.0


def test_a_reader_is_loaded_from_its_folder(tmp_path: Path) -> None:
    net = tiny()
    save_tensors(tmp_path / WEIGHTS, {name: t.half() for name, t in net.state_dict().items()})
    arguments = {"width": 32, "layers": 1, "heads": 2}
    (tmp_path / CONFIG).write_text(json.dumps({"arguments": arguments}), encoding="utf-8")
    starts, ends, pitches = melody(12)
    np.testing.assert_allclose(
        read_meter(load_meter_reader(tmp_path), starts, ends, pitches).place,
        read_meter(net, starts, ends, pitches).place,
        atol=0.05,
    )
    (tmp_path / CONFIG).write_text(json.dumps({"arguments": {**arguments, "layers": 2}}), encoding="utf-8")
    with pytest.raises(CheckpointError):
        load_meter_reader(tmp_path)
