"""The stages of SING, on tones made by arithmetic."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from descant.errors import InputNotFound, InvalidOption
from descant.nets.sing import log_spectral_distance, pad_note, returned_part
from descant.train.lesson import players_of
from descant.train.sing import SingLesson, SingLessonConfig
from descant.train.sing_notes import floats, made_tones
from descant.train.sing_plan import build_lesson

SMALL = SingLessonConfig(source="tones", begin="copy", channels=32, hidden=16, layers=1, batch=6, validation_notes=4)


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


def test_the_autoencoder_leaves_silence_behind() -> None:
    pupil = lesson(stage="autoencoder", channels=64, batch=8, excerpt=48)
    before = pupil.validate()
    assert before["spectral"] > before["silence"], "it begins louder than it should, not quieter"
    taught(pupil, 80, 1e-3)
    after = pupil.validate()
    assert after["spectral"] < 0.9 * after["silence"]
    assert after["silence"] == pytest.approx(before["silence"])


def test_the_generator_learns_frames() -> None:
    pupil = lesson(stage="sequence", batch=16, hidden=24)
    losses = taught(pupil, 90, 2e-2)
    assert np.mean(losses[-9:]) < 0.75 * np.mean(losses[:9])  # nine chunks are a whole note


def test_chunks_follow_each_other_and_remember() -> None:
    pupil = lesson(stage="sequence", steps_back=100)
    rng = np.random.default_rng(0)
    starts, rows = [], []
    for _ in range(7):
        symbols, _, start = batch = pupil.batch(rng)
        starts.append(int(start[0]))
        assert len(set(start.tolist())) == 1
        rows.append(symbols.tolist())
        pupil.loss(batch)
    assert starts == [0, 100, 200, 0, 100, 200, 0]
    assert rows[0] == rows[1] == rows[2] != rows[3]
    # What a chunk says depends on what was before it.
    first = [pupil.batch(rng) for _ in range(2)][1]
    assert int(first[2][0]) == 200
    kept = pupil._hidden
    assert kept is not None
    remembered = float(pupil.loss(first).detach())
    pupil._hidden = None
    assert float(pupil.loss(first).detach()) != remembered


def test_chunks_are_compared_with_the_frames_of_the_whole_note() -> None:
    pupil = lesson(stage="sequence", steps_back=50)
    rng = np.random.default_rng(0)
    batches = [pupil.batch(rng) for _ in range(6)]
    symbols = batches[0][0]
    rows = [
        next(r for r, s in enumerate(pupil._training.symbols.tolist()) if s == wanted) for wanted in symbols.tolist()
    ]
    with torch.no_grad():
        padded = pad_note(floats(torch.from_numpy(pupil._training.samples[rows])), pupil.model.sing.config)
        wanted = pupil.model.encoder(padded)
        frames, _ = pupil.model.sing.generator(symbols)
        losses = [float(pupil.loss(batch)) for batch in batches]
    for chunk, loss in enumerate(losses):
        part = slice(50 * chunk, 50 * chunk + 50)
        assert loss == pytest.approx(float((frames[:, :, part] - wanted[:, :, part]).square().mean()), rel=0.01)


@pytest.mark.parametrize("stage", ["autoencoder", "end_to_end"])
def test_excerpts_are_parts_of_the_whole_note(stage: str) -> None:
    """What a decoder makes of an excerpt's frames is what it makes of them within the note."""
    pupil = lesson(stage=stage, excerpt=40)
    symbols, samples, starts = pupil.batch(np.random.default_rng(0))
    assert len(set(starts.tolist())) > 1
    assert int(starts.max()) <= 265 - 40
    config = pupil.model.sing.config
    padded = pad_note(floats(samples), config)
    with torch.no_grad():
        true, found = pupil._compared(symbols, padded, starts)
        whole_true, whole = returned_part(padded, config), pupil._made(symbols, padded)
        assert true.shape == found.shape == (6, (40 - 9 + 2) * 256 - 1024)
        for row, start in enumerate(starts.tolist()):
            part = slice(256 * start, 256 * start + true.shape[1])
            assert torch.equal(true[row], whole_true[row, part])
            inner = slice(1024, -1024)  # at the ends frames beyond the excerpt are missing
            assert torch.allclose(found[row, inner], whole[row, part][inner], atol=1e-5)
        assert float(pupil.loss((symbols, samples, starts))) == pytest.approx(
            float(log_spectral_distance(true, found).mean()), rel=1e-5
        )


def test_the_wave_loss_is_another_one() -> None:
    spectral, wave = lesson(stage="end_to_end"), lesson(stage="end_to_end", loss="wave")
    batch = spectral.batch(np.random.default_rng(0))
    made = spectral.model.sing(batch[0])
    padded = torch.nn.functional.pad(batch[1].float() / 32767.0, (2304, 2304))[:, 1792:-1792]
    assert float(wave.loss(batch).detach()) == pytest.approx(float((padded - made).abs().mean().detach()), rel=1e-4)
    assert float(spectral.loss(batch).detach()) != pytest.approx(float(wave.loss(batch).detach()))


def test_what_cannot_be_is_refused(tmp_path: Path) -> None:
    for changed in (
        {"stage": "third"},
        {"begin": "loud"},
        {"excerpt": 5},
        {"loss": "phase"},
        {"source": "cds"},
        {"batch": 0},
    ):
        with pytest.raises(InvalidOption):
            replace(SMALL, **changed)
    with pytest.raises(InputNotFound):
        build_lesson(replace(SMALL, source="notes"), None, 0)
    with pytest.raises(InputNotFound):
        build_lesson(replace(SMALL, source="notes"), tmp_path, 0)
