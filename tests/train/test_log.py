"""What a run writes down can be read back."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from pupils import QUICK, Duel, Showing

from descant.errors import MissingDependency
from descant.train.log import CsvLog, Row, TensorBoardLog, spectrogram
from descant.train.loop import train


def test_csv_rows_after_the_checkpoint_are_dropped(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    log = CsvLog(path, 0, ["model"])
    for step in (1, 2, 3):
        log.write(Row(step, 60.0 * step, {"model": 0.5}, 1e-3, {"error": 0.25} if step == 2 else {}))
    log = CsvLog(path, 2, ["model"])
    log.write(Row(3, 90.0, {"model": 0.125}, 1e-3, {}))
    assert path.read_text().splitlines() == [
        "step,minutes,loss,learning_rate,validation",
        "1,1.00,0.50000,1.00e-03,",
        "2,2.00,0.50000,1.00e-03,error=0.2500",
        "3,1.50,0.12500,1.00e-03,",
    ]


def test_damaged_rows_of_a_log_are_dropped(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_bytes("step,minutes\n1,1.00,0.5,,\n\xb2,1,1,,\n".encode() + b"\xff\x00junk\n2,2.00,0.5,,\n")
    CsvLog(path, 2, ["model"])
    assert [row.split(",")[0] for row in path.read_text().splitlines()] == ["step", "1", "2"]


def test_tensorboard_has_scalars_sounds_and_pictures(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    config = replace(QUICK, steps=4, validate_every=2, tensorboard=True)
    train(Showing(), config, tmp_path)
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    tags = events.Tags()
    assert set(tags["scalars"]) == {"loss/model", "validation/error", "rate/learning_rate"}
    assert [event.step for event in events.Scalars("loss/model")] == [1, 2, 3, 4]
    assert [event.step for event in events.Audio("tone")] == [2, 4]
    samples, rate = soundfile.read(io.BytesIO(events.Audio("tone")[0].encoded_audio_string))
    assert (rate, len(samples)) == (16_000, 8000)
    assert np.abs(samples - np.sin(2 * np.pi * 440 * np.arange(8000) / 16_000)).max() < 1e-3
    assert set(tags["images"]) == {"tone", "ramp"}
    assert (events.Images("ramp")[0].width, events.Images("ramp")[0].height) == (4, 3)


def test_a_resumed_board_has_each_step_once(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    config = replace(QUICK, tensorboard=True)
    train(Duel(), config, tmp_path, limit_s=1e-6)
    train(Duel(), config, tmp_path)
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert [event.step for event in events.Scalars("loss/critic")] == list(range(1, 13))
    assert [event.step for event in events.Scalars("loss/generator")] == list(range(2, 13, 2))


def test_a_spectrogram_shows_the_tone_where_it_is() -> None:
    tone = np.sin(2 * np.pi * 2000 * np.arange(16_000) / 16_000).astype(np.float32)
    levels = spectrogram(tone)
    assert levels.shape[0] == 513
    assert set(levels[:, 5:-5].argmax(0)) == {2000 * 1024 // 16_000}
    assert levels.max() - levels.min() <= 80.0 + 1e-3
    assert np.isfinite(spectrogram(np.zeros(10, np.float32))).all()


def test_without_tensorboard_the_log_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(MissingDependency) as caught:
        TensorBoardLog(tmp_path, 0)
    assert "descant[train]" in caught.value.hint
