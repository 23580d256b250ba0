"""`evaluate instrument`: a perfect copy scores 0, each flaw shows where it must, and the page holds what it shows."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import unquote

import numpy as np
import pytest
import torch

from descant.audio.clip import Clip
from descant.audio.io import write
from descant.cli.app import run
from descant.errors import CheckpointError, InputNotFound, InvalidOption
from descant.evaluate import instrument_speed
from descant.evaluate.instrument import InstrumentResult, InstrumentTest, evaluate_instrument, held_out
from descant.evaluate.instrument_metrics import METRICS
from descant.evaluate.instrument_page import save_instrument, shown_notes
from descant.evaluate.instrument_systems import PlayableMaker, RenderedNotes, load_sing
from descant.hub.checkpoint import save_tensors
from descant.nets.sing import NoteEncoder, Sing, SingConfig
from descant.progress import Monitor
from made_notes import INSTRUMENTS, RATE, made_note, make_note_set

TINY = SingConfig(instruments=2, hidden=8, layers=2, channels=16, rewrites=1)


class Maker:
    """A system that makes the set's own notes, but for what the test changes."""

    def __init__(self, name: str, make: Callable[[int, int, float], np.ndarray]) -> None:
        self.name = name
        self._make = make

    def play(self, instrument: str, pitch: int, velocity: int) -> Clip:
        return Clip(self._make(pitch, velocity, INSTRUMENTS[instrument][1]), RATE)


FLAWED = (
    Maker("sharp", lambda pitch, velocity, fall: made_note(pitch + 0.3, velocity, fall)),
    Maker("late", lambda pitch, velocity, fall: made_note(pitch, velocity, fall, late_s=0.05)),
    Maker("short", lambda pitch, velocity, fall: made_note(pitch, velocity, 2 * fall + 6.0)),
    Maker("mono", lambda pitch, velocity, fall: made_note(pitch, velocity, fall, side=0.0)[:1]),
)


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_note_set(tmp_path_factory.mktemp("sets") / "made notes")


@pytest.fixture(scope="module")
def result(notes: Path) -> InstrumentResult:
    return evaluate_instrument(InstrumentTest(notes, 4, speed=False), FLAWED, command="descant evaluate instrument")


def _mean(result: InstrumentResult, system: str, metric: str) -> float:
    scores = next(s.scores for s in result.systems if s.name == system)
    return float(np.mean([score[metric] for score in scores]))


def test_the_scale_has_two_ends_and_the_sampler_lies_between(result: InstrumentResult) -> None:
    for metric in ("SING 16k", "SING 48k", "multi-resolution"):
        assert _mean(result, "perfect copy", metric) < 1e-5
        assert 1e-3 < _mean(result, "nearest-pitch sampler", metric) < _mean(result, "silence", metric)
    assert _mean(result, "perfect copy", "in tune") == _mean(result, "nearest-pitch sampler", "in tune") == 1.0
    assert _mean(result, "silence", "in tune") == 0.0


def test_each_flaw_is_worst_in_its_own_measure(result: InstrumentResult) -> None:
    names = [maker.name for maker in FLAWED]
    expected = {"cents off": ("sharp", 30.0), "onset 10 %, ms": ("late", 50.0), "width, dB": ("mono", 29.5)}
    for metric, (system, value) in expected.items():
        found = {name: _mean(result, name, metric) for name in names}
        assert max(found, key=found.__getitem__) == system
        assert found.pop(system) == pytest.approx(value, rel=0.05)
        assert max(found.values()) < 0.15 * value
    assert _mean(result, "short", "slope, dB/s") > 5.5
    assert max(_mean(result, name, "slope, dB/s") for name in names if name != "short") < 0.5
    assert {_mean(result, name, "in tune") for name in names} == {0.0, 1.0}


def test_the_report_compares_pairs_with_the_sampler(result: InstrumentResult) -> None:
    titles = [table.title for table in result.report.tables]
    pairs = {(note.instrument, note.pitch) for note in result.notes}
    assert titles[0] == f"4 held-out notes ({len(pairs)} pairs of instrument and pitch)"
    assert titles[1:5] == [f"{maker.name} against nearest-pitch sampler" for maker in FLAWED]
    assert titles[5:] == [f"{m}, by family" for m in ("SING 16k", "SING 48k", "multi-resolution", "in tune")]
    sharp = {row[0]: row for row in result.report.tables[1].rows}
    assert sharp["in tune"][1].value == -1.0  # type: ignore[union-attr]
    assert sharp["in tune"][3] == len(pairs)
    families = result.report.tables[-1]
    assert {row[0] for row in families.rows} == {note.family for note in result.notes}
    assert sum(row[1] for row in families.rows) == len(pairs)  # type: ignore[misc]


def test_velocities_of_a_pair_count_once(notes: Path) -> None:
    _, asked = held_out(notes)
    assert len(asked) == 2 * len({(note.instrument, note.pitch) for note in asked})
    found = evaluate_instrument(InstrumentTest(notes, speed=False), command="x").report.tables[0].rows[0][1]
    assert found.songs == len(asked) / 2  # type: ignore[union-attr]


def test_the_page_holds_its_sounds_and_pictures_and_asks_no_network(result: InstrumentResult, tmp_path: Path) -> None:
    save_instrument(result, FLAWED[:2], tmp_path)
    page = (tmp_path / "instrument.html").read_text()
    files = [unquote(name) for name in re.findall(r'src="([^"]+)"', page)]
    shown = shown_notes(result.notes)
    assert len(files) == len({*files}) == len(shown) * 3 * 2
    assert all((tmp_path / name).stat().st_size > 1000 for name in files)
    assert "http" not in page
    assert page.count("<table>") == len(result.report.tables)
    with (tmp_path / "instrument.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(result.systems) * len(result.notes)
    assert {row["onset 10 %, ms"] for row in rows if row["system"] == "silence"} == {""}
    tables = json.loads((tmp_path / "instrument.json").read_text())["tables"]
    assert tables[0]["columns"][1:] == [metric.name for metric in METRICS]


def test_notes_for_people_are_one_a_family_of_middling_strength(result: InstrumentResult, notes: Path) -> None:
    _, asked = held_out(notes)
    shown = [asked[place] for place in shown_notes(asked)]
    assert [note.family for note in shown] == sorted({note.family for note in asked})
    assert {note.velocity for note in shown} == {100}
    assert len(shown_notes(asked, 1)) == 1


def test_sets_of_16_khz_alone_are_measured_in_mono(tmp_path: Path) -> None:
    low = make_note_set(tmp_path / "low", high=False)
    found = evaluate_instrument(InstrumentTest(low, 2, speed=False), command="x")
    assert _mean(found, "perfect copy", "multi-resolution") == 0.0
    assert {score["SING 48k"] for system in found.systems for score in system.scores} == {None}


def _saved_sing(path: Path) -> Sing:
    torch.manual_seed(0)
    net, encoder = Sing(TINY), NoteEncoder(TINY)
    tensors = {f"sing.{name}": value for name, value in net.state_dict().items()}
    save_tensors(path, tensors | {f"encoder.{name}": value for name, value in encoder.state_dict().items()})
    return net


def test_sing_is_read_from_a_training_whatever_its_sizes(tmp_path: Path, notes: Path) -> None:
    net = _saved_sing(tmp_path / "weights.safetensors")
    found = load_sing(tmp_path / "weights.safetensors", sorted(INSTRUMENTS))
    clip = found.play("organ_electronic_000", 60, 100)
    assert (clip.sample_rate, clip.samples.shape) == (16_000, (1, 64_000))
    with torch.no_grad():
        np.testing.assert_array_equal(clip.samples, net.notes(torch.tensor([[4, 1, 60]])).numpy())
    chord = found.play_together("organ_electronic_000", (60, 64), 100).samples
    parts = [found.play("organ_electronic_000", pitch, 100).samples for pitch in (60, 64)]
    np.testing.assert_allclose(chord, parts[0] + parts[1], atol=1e-5)
    with pytest.raises(InputNotFound, match="tuba"):
        found.play("tuba", 60, 100)
    with pytest.raises(CheckpointError, match="2 instruments, the set has 3"):
        load_sing(tmp_path / "weights.safetensors", ["a", "b", "c"])
    save_tensors(tmp_path / "other.safetensors", {"sing.x": torch.zeros(2)})
    with pytest.raises(CheckpointError, match="holds no SING"):
        load_sing(tmp_path / "other.safetensors", ["a"])


def test_instruments_of_descant_are_a_system() -> None:
    asked: list[tuple[object, ...]] = []

    def note(*arguments: object) -> np.ndarray:
        asked.append(arguments)
        return np.zeros((2, 192_000), np.float32)

    maker = PlayableMaker("neural", {"organ": SimpleNamespace(sample_rate=RATE, note=note)})  # type: ignore[dict-item]
    assert maker.play("organ", 60, 100).samples.shape == (2, 192_000)
    assert asked == [(60, 100, 3.0, 4.0)]
    with pytest.raises(InputNotFound, match="flute"):
        maker.play("flute", 60, 100)


class _Clock:
    """Time that passes only when a system says so."""

    now = 0.0

    def perf_counter(self) -> float:
        return self.now


def test_speed_is_sound_over_waiting_and_the_first_note_stands_apart(
    notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = _Clock()
    monkeypatch.setattr(instrument_speed, "time", clock)

    class Slow(Maker):
        loaded = False

        def play(self, instrument: str, pitch: int, velocity: int) -> Clip:
            clock.now += 0.1 if self.loaded else 3.0
            self.loaded = True
            return Clip.silence(4 * RATE, RATE, 2)

    class Together(Slow):
        def play_together(self, instrument: str, pitches: object, velocity: int) -> Clip:
            clock.now += 0.2
            return Clip.silence(4 * RATE, RATE, 2)

    _, asked = held_out(notes)
    alone = instrument_speed.speed_of(Slow("slow", made_note), asked, Monitor())
    assert (alone.one, alone.chord, alone.first_s) == pytest.approx((40.0, 4.0 / 1.6, 3.0))
    together = instrument_speed.speed_of(Together("together", made_note), asked, Monitor())
    assert (together.one, together.chord) == pytest.approx((40.0, 20.0))
    assert (alone.sample_rate, alone.channels) == (RATE, 2)


def test_what_cannot_be_measured_is_said(notes: Path, tmp_path: Path) -> None:
    with pytest.raises(InputNotFound):
        evaluate_instrument(InstrumentTest(tmp_path), command="x")
    with pytest.raises(InvalidOption):
        InstrumentTest(notes, -1)
    with pytest.raises(InvalidOption, match="one name"):
        evaluate_instrument(InstrumentTest(notes, 1), [FLAWED[0], FLAWED[0]], command="x")
    with pytest.raises(InputNotFound):
        RenderedNotes(tmp_path / "nowhere")
    with pytest.raises(InputNotFound, match="a-060-100"):
        RenderedNotes(tmp_path).play("a", 60, 100)


def test_the_command_measures_sing_and_renderings(
    notes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stage = tmp_path / "run" / "end_to_end" / "checkpoint"
    stage.mkdir(parents=True)
    _saved_sing(stage / "weights.safetensors")
    for note in held_out(notes, 2)[1]:
        write(tmp_path / "theirs" / f"{note.name}.wav", Clip(made_note(note.pitch, note.velocity, 6.0), RATE))
    asked = ["evaluate", "instrument", "--data", str(notes), "--notes", "2", "-o", str(tmp_path / "out"), "-q"]
    run([*asked, "--sing", str(tmp_path / "run"), "--rendered", str(tmp_path / "theirs"), "--no-plots"])
    printed = capsys.readouterr().out
    assert "**theirs against nearest-pitch sampler**" in printed
    assert "| theirs | 48000" not in printed  # how long they took to render is not known
    assert "| SING as published | 16000 | 1 |" in printed
    assert "(quoted) | 16000 | 1 | 29.000 |" in printed
    assert len(list((tmp_path / "out" / "instrument").glob("*.flac"))) % 4 == 0
    assert not list((tmp_path / "out" / "instrument").glob("*.png"))
    assert run([*asked, "--sing", str(tmp_path / "theirs")]) == InputNotFound.code
