from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from descant.audio.clip import Clip
from descant.audio.io import write
from descant.errors import InputNotFound
from descant.evaluate.transcribe import TranscribeTest, annotated_examples, evaluate_transcribe

RATE = 16_000
NOTES = [(0.4 + 0.5 * i, 0.4 + 0.5 * i + 0.4, p) for i, p in enumerate((57.0, 59.0, 61.0, 57.0))]


def annotated(folder: Path) -> None:
    at = np.arange(3 * RATE) / RATE
    sound = np.zeros(len(at))
    for start, end, pitch in NOTES:
        since = at - start
        gain = np.clip(since / 0.02, 0.0, 1.0) * np.clip((end - at) / 0.02, 0.0, 1.0)
        phase = 2 * np.pi * 440.0 * 2 ** ((pitch - 69) / 12) * since
        sound += gain * sum(np.sin(k * phase) / k for k in range(1, 6))
    write(folder / "voice_1.wav", Clip((0.1 * sound).astype(np.float32), RATE))
    rows = [f"{a},{440 * 2 ** ((p - 69) / 12)},{b - a}\n" for a, b, p in NOTES]
    (folder / "voice_1_A1.csv").write_text("".join(rows))
    (folder / "voice_1_A2.csv").write_text("".join(rows[1:]))
    (folder / "voice_1_f0.csv").write_text("0.0,100\n")
    (folder / "voice_10.csv").write_text("1,60,1\n")


def test_lists_belong_to_the_recording_of_their_name(tmp_path: Path) -> None:
    annotated(tmp_path)
    (example,) = annotated_examples(tmp_path)
    assert example.name == "voice_1"
    assert [len(truth) for truth in example.truths] == [4, 3]


def test_nothing_to_measure_on_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputNotFound):
        list(annotated_examples(tmp_path))


@pytest.mark.weights
def test_a_clean_voice_is_measured_beside_the_baselines(tmp_path: Path) -> None:
    annotated(tmp_path)
    report = evaluate_transcribe(TranscribeTest(annotations=tmp_path), command="descant evaluate transcribe")
    rows = {str(row[0]): row for row in report.tables[0].rows}
    ours, person = rows["descant transcribe --melody"], rows["another person"]
    assert isinstance(ours[3], float)
    assert ours[3] > 0.9
    assert person[3] == pytest.approx(2 * 3 / 7)
    assert "Basic Pitch on the voice" in rows
    with pytest.raises(InputNotFound):
        evaluate_transcribe(TranscribeTest(), command="")
