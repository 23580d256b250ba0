"""`descant evaluate convert` from a data folder to its report, with untrained nets and a stand-in for Whisper."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from nobody import untrained_converter

from descant.audio.clip import Clip
from descant.audio.io import write
from descant.cli.app import run
from descant.convert.api import Converter
from descant.errors import InputNotFound
from descant.evaluate.convert import COLUMNS, TARGETS
from descant.nets.cam_plus_plus import CamPlusPlus
from descant.nets.swift_f0 import SwiftF0
from humming import hum

SYSTEMS = ("descant convert, zero-shot", "the same, no retrieval", "copy", "pitch and formants shifted")
ASKED = ("--spoken", "1", "--sung", "1", "--targets", "1", "-q")


def index(path: Path, rows: list[dict[str, object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The voices that the test names, as hums of a few seconds; the nets are real but for what they learned."""
    monkeypatch.setenv("DESCANT_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("DESCANT_DATA", str(tmp_path / "home"))
    folder = tmp_path / "tiny"
    for name in ("speech", "speech/all_orders", "singing/erithacus", "album/3_sodium"):
        (folder / name).mkdir(parents=True)
    rows = []
    for number, target in enumerate(TARGETS[:-1]):
        language, speaker = target.split("/")
        write(folder / f"speech/{language}.opus", hum(7.0, 120.0 + 30 * number, 48_000, seed=number))
        rows += [
            {"language": language, "speaker": speaker, "start_s": start, "end_s": start + 3.5, "licence": "CC0-1.0"}
            for start in (0.0, 3.5)
        ]
    index(folder / "speech/index.csv", rows)
    write(folder / "speech/all_orders/a.opus", hum(7.0, 150.0, 48_000))
    spans = [{"file": "a.opus", "start_s": n / 2, "end_s": (n + 1) / 2} for n in range(6)]
    index(folder / "speech/all_orders/index.csv", [*spans, {"file": "a.opus", "start_s": 3.0, "end_s": 7.0}])
    (folder / "singing/erithacus/voice.json").write_text(json.dumps({"licence": "CC0-1.0"}), encoding="utf-8")
    write(folder / "singing/erithacus/a.opus", hum(4.0, 260.0, 48_000))
    write(folder / "album/3_sodium/lead.opus", hum(14.0, 240.0, 48_000))

    small = untrained_converter()
    converter = Converter(small.decoder, small.encoder, SwiftF0.load(), small.embedder, model="untrained")
    monkeypatch.setattr(Converter, "load", lambda *_: converter)
    second = CamPlusPlus().eval().requires_grad_(requires_grad=False)
    monkeypatch.setattr("descant.evaluate.second_speaker._net", lambda: second)
    monkeypatch.setattr("descant.evaluate.convert.WordRecognizer.load", lambda _name: said)
    return folder


def said(clip: Clip) -> SimpleNamespace:
    """As many letters as it hears deciseconds above a tenth of the peak."""
    size = clip.sample_rate // 10
    blocks = clip.samples[0, : clip.frames // size * size].reshape(-1, size)
    return SimpleNamespace(text="a" * int((abs(blocks).max(axis=1) > 0.1 * clip.peak).sum()))


def test_from_a_folder_of_voices_to_the_report(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.manual_seed(0)
    out = tmp_path / "out"
    assert run(["evaluate", "convert", "--data", str(data), *ASKED, "-o", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "descant evaluate convert --data tiny --spoken 1 --sung 1 --targets 1" in printed
    report = json.loads((out / "convert.json").read_text(encoding="utf-8"))
    spoken, sung = report["tables"]
    assert spoken["title"] == "English speech, 1 pieces, to 1 voices that no training heard"
    assert sung["title"] == "singing, 1 stretches, to 1 voices that no training heard"
    for table in (spoken, sung):
        assert table["columns"] == ["", *COLUMNS]
        rows = {row[0]: dict(zip(COLUMNS, row[1:], strict=True)) for row in table["rows"]}
        assert tuple(rows) == SYSTEMS
        copy, shifted = rows["copy"], rows["pitch and formants shifted"]
        assert copy["f0 correlation"] == pytest.approx(1.0)
        assert copy["f0 error, cents"] == pytest.approx(0.0, abs=1e-6)
        for encoder in ("GE2E", "CAM++"):
            assert copy[encoder] == pytest.approx(copy[f"{encoder} before"])
            assert all(row[f"{encoder} before"] == copy[f"{encoder} before"] for row in rows.values())
        assert copy["floor, dB"] < -65.0
        assert shifted["f0 error, cents"] < 30.0
        assert copy["CER, points"] == (0.0 if table is spoken else None)
        assert all(math.isfinite(value) for row in rows.values() for value in row.values() if value is not None)
    assert (out / "convert.md").read_text(encoding="utf-8").strip() in printed


def test_voices_that_are_not_there_are_named(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (data / "singing/erithacus/voice.json").unlink()
    assert run(["evaluate", "convert", "--data", str(data), *ASKED]) == InputNotFound.code
    assert "lacks erithacus" in capsys.readouterr().err


def test_impossible_counts_are_refused_before_anything_is_loaded(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Converter, "load", None)
    assert run(["evaluate", "convert", "--data", str(data), "--targets", "0"]) not in (0, 1)
