"""The continuation lesson: learns on invented songs, both nets, its floors, what it needs."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch

from descant.compose.continuation.api import Continuer
from descant.compose.continuation.tokens import HEADER, NAMES, PAD
from descant.errors import InputNotFound, InvalidOption
from descant.train.continuation import PLAN, ContinuationConfig, build_lesson, corpus_sheets, floors, invented_sheets
from descant.train.export import ExportOptions, export_run
from descant.train.loop import train
from descant.train.prepared import prepare
from descant.train.recipe import read_recipe
from tiny_corpus import write_corpus

RECIPES = Path(__file__).parents[2] / "recipes" / "continuation"
TINY = ContinuationConfig(
    source="invented", layers=1, width=16, heads=2, feed_forward=16, length=64, batch=2, validation_songs=2
)


@pytest.mark.parametrize("net", ["transformer", "lstm"])
def test_a_few_steps_bring_the_loss_down(net: str) -> None:
    config = ContinuationConfig(
        source="invented", net=net, layers=1, width=32, heads=2, feed_forward=32, length=96, batch=4, validation_songs=2
    )  # type: ignore[arg-type]
    lesson = build_lesson(config, None, 0)
    generator = np.random.default_rng(0)
    optimiser = torch.optim.Adam(lesson.model.parameters(), 1e-2)
    before = lesson.validate()
    for _ in range(40):
        optimiser.zero_grad()
        loss = lesson.loss(lesson.batch(generator))
        loss.backward()
        optimiser.step()
    after = lesson.validate()
    assert after["nats"] < before["nats"] - 1.0
    assert tuple(after) == PLAN.measures(config)
    assert after["markov"] == before["markov"] < after["unigram"]


def test_batches_are_crops_of_songs() -> None:
    lesson = build_lesson(TINY, None, 0)
    tokens, together, is_wanted = lesson.batch(np.random.default_rng(1))
    assert tokens.shape == (2, 65)
    assert together.shape == (2, 65, 5)
    for row, wanted in zip(tokens, is_wanted, strict=True):
        names = [NAMES[token] for token in row]
        assert names[0] == "Start"
        assert names[HEADER].startswith("Bar_")
        assert not wanted[:HEADER].any()
        assert torch.equal(wanted[HEADER:], row[HEADER:] != PAD)
    again = lesson.batch(np.random.default_rng(1))
    assert torch.equal(tokens, again[0])


def test_at_home_and_moved() -> None:
    def keys(share: float) -> set[str]:
        config = ContinuationConfig(source="invented", layers=1, width=8, heads=1, feed_forward=8, length=64,
                                    batch=32, validation_songs=1, home_share=share)  # fmt: skip
        tokens, _, _ = build_lesson(config, None, 0).batch(np.random.default_rng(0))
        return {NAMES[row[1]] for row in tokens}

    assert keys(1.0) <= {"Key_0_major", "Key_9_minor"}
    assert len(keys(0.0)) > 6


def test_the_loss_is_of_the_wanted_tokens_alone() -> None:
    lesson = build_lesson(TINY, None, 0)
    batch = lesson.batch(np.random.default_rng(1))
    logits = lesson.model(batch[0][:, :-1], batch[1][:, :-1])
    nats = torch.nn.functional.cross_entropy(logits.transpose(1, 2), batch[0][:, 1:], reduction="none")
    assert lesson.loss(batch).item() == pytest.approx(nats[batch[2][:, 1:]].mean().item(), rel=1e-5)


def test_floors_are_those_of_the_counted_models() -> None:
    found = floors([[0, 1, 2, 3, 4, 3, 4, 3, 4]], [[0, 1, 2, 3, 4, 3, 4]])
    assert 0 < found["markov"] < found["unigram"]


def test_the_smoke_recipe_beats_token_triples_and_its_weights_write_on(tmp_path: Path) -> None:
    prepared = prepare(RECIPES / "smoke.toml", ("loop.tensorboard=false",))
    lesson = prepared.plan.build(prepared.config, None, 0)
    described = {"recipe": "smoke.toml", "lesson": "continuation", "continuation": {"source": "invented", "layers": 2,
                 "width": 64, "heads": 2, "feed_forward": 128, "length": 192}}  # fmt: skip
    outcome = train(lesson, prepared.recipe.loop, tmp_path / "run", described=described)
    prepared.recipe.check(outcome.measured)
    assert outcome.measured["nats"] < outcome.measured["markov"] < outcome.measured["unigram"]
    export_run(tmp_path / "run", tmp_path / "card", ExportOptions("my-own", "MIT"))
    from continuation_songs import song

    assert len(Continuer.from_folder(tmp_path / "card")(song(4), 4).bars) == 4


def test_no_card_is_made_of_the_baseline(tmp_path: Path) -> None:
    assert PLAN.furnish is not None
    with pytest.raises(InvalidOption):
        PLAN.furnish(ContinuationConfig(net="lstm"), tmp_path)


def test_every_recipe_can_be_read_and_expects_what_is_measured() -> None:
    for path in sorted(RECIPES.glob("*.toml")):
        recipe = read_recipe(path)
        recipe.check_measures(PLAN.measures(None))
        assert recipe.lesson == "continuation"
    assert {path.stem for path in RECIPES.glob("*.toml")} == {"smoke", "cpu", "lstm", "paper"}


def test_what_it_needs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(InputNotFound):
        build_lesson(ContinuationConfig(), None, 0)
    with pytest.raises(InvalidOption):
        ContinuationConfig(corpus_share=1.5)
    with pytest.raises(InvalidOption):
        ContinuationConfig(length=8)
    paper = ContinuationConfig(length=2048, max_distance=1024)
    assert paper.network().max_distance == 1024
    assert ContinuationConfig(length=256).network().max_distance == 256


def test_the_corpus_is_split_by_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = write_corpus(tmp_path / "corpus", 6)
    monkeypatch.setattr("descant.train.continuation.find_corpus", lambda: folder)
    sheets = corpus_sheets()
    assert 0 < len(sheets) < 12
    assert all(any(bar.count for bar in sheet.bars) for sheet in sheets)


def test_invented_songs_have_bass_chords_and_melody() -> None:
    for sheet in itertools.islice(invented_sheets(3, 0), 3):
        bass, chords, _, melody = ([bar.parts[role] for bar in sheet.bars] for role in range(4))
        assert any(bass)
        assert any(chords)
        assert any(melody)
