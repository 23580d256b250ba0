"""The lesson of instruments: it learns from recorded notes, in both stages, and its weights become instruments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from descant.data.notes.note_set import NoteSet
from descant.errors import InputNotFound, InvalidOption, TextReadError
from descant.hub.checkpoint import save_tensors
from descant.instrument.neural import CONFIG, WEIGHTS, NeuralInstruments
from descant.instrument.note_analysis import Series, series_of
from descant.nets.neural_instrument import InstrumentConfig, Levels
from descant.train import note_levels
from descant.train.instrument import (
    PLAN,
    InstrumentLesson,
    InstrumentLessonConfig,
    build_lesson,
    levels_distance,
    sing_distance,
)
from descant.train.lesson import Sound
from descant.train.note_levels import read_pieces
from made_notes import INSTRUMENTS, make_note_set

TINY = {"width": 32, "layers": 1, "code": 4, "validation_notes": 4}


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_note_set(tmp_path_factory.mktemp("notes") / "set")


def _taught(lesson: InstrumentLesson, steps: int, rate: float) -> list[float]:
    optimiser = torch.optim.Adam(lesson.model.parameters(), rate)
    generator, losses = np.random.default_rng(0), []
    for _ in range(steps):
        lesson.model.train()
        loss = lesson.loss(lesson.batch(generator))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    return losses


@pytest.fixture(scope="module")
def taught(notes: Path) -> InstrumentLesson:
    torch.set_num_threads(1)
    lesson = build_lesson(InstrumentLessonConfig(**TINY, notes=16, frames=16), notes, 0)
    before = lesson.validate()
    _taught(lesson, 250, 1e-2)
    after = lesson.validate()
    assert after["levels"] < 0.4 * before["levels"]
    assert after["spectral"] < 0.5 * after["silence"]
    return lesson


def test_the_measured_levels_are_learned(taught: InstrumentLesson) -> None:
    assert set(taught.validate()) == set(PLAN.measures(taught.config))
    sounds = [shown for shown in taught.examples() if isinstance(shown, Sound)]
    assert len(sounds) == 4
    assert all(sound.samples.shape[0] == 2 and sound.sample_rate == 48_000 for sound in sounds)


def test_the_sound_corrects_levels_that_are_wrong(taught: InstrumentLesson, notes: Path) -> None:
    config = InstrumentLessonConfig(**TINY, stage="sound", notes=4, seconds=0.4, tether=0.0)
    lesson = build_lesson(config, notes, 0)
    lesson.model.load_state_dict(taught.model.state_dict())
    with torch.no_grad():
        lesson.model.head.bias[: lesson.model.config.points] += 1.5  # 13 dB too loud
    batch = lesson.batch(np.random.default_rng(5))
    before = float(lesson.loss(batch).detach())
    _taught(lesson, 25, 2e-2)
    assert float(lesson.loss(batch).detach()) < 0.75 * before


def test_training_notes_are_never_those_held_out(taught: InstrumentLesson) -> None:
    training = {(piece.instrument, piece.pitch) for piece in taught._training}
    held = {(piece.instrument, piece.pitch) for piece in taught._validation}
    assert training
    assert held
    assert not training & held


def test_its_weights_are_instruments(taught: InstrumentLesson, tmp_path: Path) -> None:
    save_tensors(tmp_path / WEIGHTS, {name: value.contiguous() for name, value in taught.model.state_dict().items()})
    assert PLAN.furnish is not None
    PLAN.furnish(taught.config, tmp_path)
    assert (tmp_path / CONFIG).is_file()
    found = NeuralInstruments.from_folder(tmp_path)
    assert [player.family for player in found.roster.players] == [INSTRUMENTS[n][0] for n in sorted(INSTRUMENTS)]
    note = found.player(found.roster.names[1]).note(60, 100, 1.0, 1.5)
    assert note.shape == (2, 72_000)
    spectrum = np.abs(np.fft.rfft(note.mean(axis=0)[4800:33_600] * np.hanning(28_800)))
    strongest = float(np.argmax(spectrum) * 48_000 / 28_800)
    ratio = strongest / 261.63
    assert abs(ratio - round(ratio)) < 0.02
    assert round(ratio) >= 1


def test_what_was_measured_is_kept_and_read_again(notes: Path, taught: InstrumentLesson, tmp_path: Path) -> None:
    kept = sorted((notes / "levels").glob("*.npz"))
    assert len(kept) == len(INSTRUMENTS)
    again = build_lesson(taught.config, notes, 0)
    assert torch.equal(again.batch(np.random.default_rng(3))[3], taught.batch(np.random.default_rng(3))[3])
    damaged = kept[0].read_bytes()
    kept[0].write_bytes(damaged[:1000])
    with pytest.raises(TextReadError, match="is damaged"):
        build_lesson(taught.config, notes, 0)
    kept[0].write_bytes(damaged)


def test_what_other_notes_taught_is_not_read(notes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config, names = InstrumentConfig(instruments=1), ["organ_electronic_000"]
    items = sorted((n for n in NoteSet(notes).notes if n.instrument == names[0]), key=lambda n: n.name)
    taught: list[set[int]] = []

    def remembered(pitches: Sequence[int], *others: Any) -> Series:
        taught.append(set(pitches))
        return series_of(pitches, *others)

    monkeypatch.setattr(note_levels, "series_of", remembered)
    for learned in (items[:4], items[2:6], items[2:6]):
        pieces, _ = read_pieces(items[:6], names, learned, tmp_path, config)
        assert [piece.pitch for piece in pieces] == [item.pitch for item in items[:6]]
    assert taught == [{item.pitch for item in items[:4]}, {item.pitch for item in items[2:6]}]
    pieces, _ = read_pieces(items[:8], names, items[2:6], tmp_path, config)
    assert len(pieces) == 8


def test_vibrato_and_flutter_are_those_of_training_notes(
    notes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = sorted((n for n in NoteSet(notes).notes if n.family == "organ"), key=lambda n: n.name)[:8]
    heard: dict[str, int] = {}
    for name in ("vibrato_of", "flutter_of"):
        real = getattr(note_levels, name)

        def counted(rows: Sequence[object], name: str = name, real: Callable[..., object] = real) -> object:
            heard[name] = len(rows)
            return real(rows)

        monkeypatch.setattr(note_levels, name, counted)
    read_pieces(items, [items[0].instrument], items[:6], tmp_path, InstrumentConfig(instruments=1))
    assert heard == {"vibrato_of": 6, "flutter_of": 6}


def test_distances_are_nothing_for_the_same_and_more_for_the_worse(taught: InstrumentLesson) -> None:
    piece = taught._training[0]
    sound = torch.from_numpy(piece.sound.astype(np.float32) / 32767).mean(dim=0, keepdim=True)
    assert float(sing_distance(sound, sound)) == 0.0
    assert float(sing_distance(sound, 0.5 * sound)) < float(sing_distance(sound, 0 * sound))
    batch = taught.batch(np.random.default_rng(0))
    hz, true = batch[1], Levels(*(column.float() for column in batch[3:8]))
    parts = (true.partials, true.noise_mid, true.noise_side)
    tones, mid, side = (
        torch.log((part.exp() - floor).clamp(min=1e-9)) for part, floor in zip(parts, (1e-4, 1e-5, 1e-5), strict=True)
    )
    same = Levels(tones, true.pan, true.width, mid, side)
    softer = Levels(tones - 1.0, true.pan, true.width, mid, side)
    assert float(levels_distance(true, same, hz)) < 0.02
    assert float(levels_distance(true, softer, hz)) > 0.05


def test_what_cannot_be_taught_is_said(tmp_path: Path) -> None:
    with pytest.raises(InvalidOption, match="no stage"):
        InstrumentLessonConfig(stage="both")  # type: ignore[arg-type]
    with pytest.raises(InvalidOption):
        InstrumentLessonConfig(notes=0)
    with pytest.raises(InputNotFound, match="needs data"):
        build_lesson(InstrumentLessonConfig(), None, 0)
    low = make_note_set(tmp_path / "low", high=False)
    with pytest.raises(InvalidOption, match="16 kHz only"):
        build_lesson(InstrumentLessonConfig(), low, 0)
