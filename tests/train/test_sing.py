"""The stages of SING, on tones made by arithmetic."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from descant.errors import InputNotFound, InvalidOption
from descant.train.lesson import players_of
from descant.train.sing import SingLesson, SingLessonConfig, build_lesson, made_tones

SMALL = SingLessonConfig(source="tones", channels=24, hidden=16, layers=1, batch=6, validation_notes=4)


def lesson(**changed: object) -> SingLesson:
    return build_lesson(replace(SMALL, **changed), None, 0)


def taught(pupil: SingLesson, steps: int, rate: float = 3e-3) -> list[float]:
    (player,) = players_of(pupil)
    optimiser = torch.optim.Adam(player.module.parameters(), rate)
    rng, losses = np.random.default_rng(0), []
    for _ in range(steps):
        optimiser.zero_grad()
        loss = player.loss(pupil.batch(rng))
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    return losses


def test_tones_hold_some_pitches_out() -> None:
    training, validation = made_tones(0)
    pairs = [{(int(i), int(p)) for _, i, p in part.symbols} for part in (training, validation)]
    assert not pairs[0] & pairs[1]
    assert {i for i, _ in pairs[1]} <= {i for i, _ in pairs[0]}
    assert training.samples.shape[1] == 64_000


@pytest.mark.parametrize(("stage", "trained"), [
    ("autoencoder", {"encoder", "sing.decoder"}), ("sequence", {"sing.generator"}),
    ("end_to_end", {"sing.generator", "sing.decoder"}),
])  # fmt: skip
def test_a_stage_trains_what_is_its_own(stage: str, trained: set[str]) -> None:
    pupil = lesson(stage=stage)
    before = {name: value.clone() for name, value in pupil.model.state_dict().items()}
    taught(pupil, 2)
    changed = {name for name, value in pupil.model.state_dict().items() if not torch.equal(value, before[name])}
    parts = {name.split(".")[0] if name.startswith("encoder") else ".".join(name.split(".")[:2]) for name in changed}
    assert parts == trained


def test_the_autoencoder_learns() -> None:
    pupil = lesson(stage="autoencoder")
    before = pupil.validate()
    losses = taught(pupil, 30)
    assert np.mean(losses[-5:]) < 0.6 * np.mean(losses[:5])
    after = pupil.validate()
    assert after["spectral"] < before["spectral"]
    assert after["silence"] == pytest.approx(before["silence"])


def test_chunks_follow_each_other_and_remember() -> None:
    pupil = lesson(stage="sequence", steps_back=100)
    rng = np.random.default_rng(0)
    starts, rows = [], []
    for _ in range(7):
        symbols, _, start = batch = pupil.batch(rng)
        starts.append(int(start))
        rows.append(symbols.tolist())
        pupil.loss(batch)
    assert starts == [0, 100, 200, 0, 100, 200, 0]
    assert rows[0] == rows[1] == rows[2] != rows[3]
    # What a chunk says depends on what was before it.
    first = [pupil.batch(rng) for _ in range(3)][2]
    pupil.loss(first)
    kept = pupil._hidden
    assert kept is not None
    remembered = float(pupil.loss((first[0], first[1], torch.tensor([100]))).detach())
    pupil._hidden = None
    assert float(pupil.loss((first[0], first[1], torch.tensor([100]))).detach()) != remembered


def test_frames_of_a_chunk_are_those_of_the_whole_note() -> None:
    pupil = lesson(stage="sequence", steps_back=50)
    batch = pupil.batch(np.random.default_rng(0))
    symbols, samples, _ = batch
    from descant.nets.sing import pad_note

    padded = pad_note(samples.float() / 32767.0, pupil.model.sing.config)
    with torch.no_grad():
        wanted = pupil.model.encoder(padded)
        frames, hidden = pupil.model.sing.generator(symbols, 0, 50)
        expected = float((frames - wanted[:, :, :50]).square().mean())
        found = float(pupil.loss(batch))
        later, _ = pupil.model.sing.generator(symbols, 50, 100, hidden)
        expected_later = float((later - wanted[:, :, 50:100]).square().mean())
        found_later = float(pupil.loss((symbols, samples, torch.tensor([50]))))
    assert found == pytest.approx(expected, rel=1e-4)
    assert found_later == pytest.approx(expected_later, rel=1e-4)


def test_the_wave_loss_is_another_one() -> None:
    spectral, wave = lesson(stage="end_to_end"), lesson(stage="end_to_end", loss="wave")
    batch = spectral.batch(np.random.default_rng(0))
    made = spectral.model.sing(batch[0])
    padded = torch.nn.functional.pad(batch[1].float() / 32767.0, (2304, 2304))[:, 1792:-1792]
    assert float(wave.loss(batch).detach()) == pytest.approx(float((padded - made).abs().mean().detach()), rel=1e-4)
    assert float(spectral.loss(batch).detach()) != pytest.approx(float(wave.loss(batch).detach()))


def test_what_cannot_be_is_refused(tmp_path: Path) -> None:
    for changed in ({"stage": "third"}, {"loss": "phase"}, {"source": "cds"}, {"batch": 0}):
        with pytest.raises(InvalidOption):
            replace(SMALL, **changed)
    with pytest.raises(InputNotFound):
        build_lesson(replace(SMALL, source="notes"), None, 0)
    with pytest.raises(InputNotFound):
        build_lesson(replace(SMALL, source="notes"), tmp_path, 0)
