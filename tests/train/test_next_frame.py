"""The lesson of the next frame: its losses and baselines by hand, its recipes beside what `reproduce` trains."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from descant.cli.app import run
from descant.data.piano_rolls import KEYS, PianoRoll
from descant.errors import InputNotFound, InvalidOption
from descant.nets.causal import parameter_count
from descant.reproduce.seq_u_net.pairs import make_net, roll_pair
from descant.reproduce.seq_u_net.scale import read_scale
from descant.train.next_frame import (
    NextFrameConfig,
    NextFrameLesson,
    build_lesson,
    frame_nats,
    frequency_nats,
    persistence_nats,
    read_splits,
    roll_tensor,
)
from descant.train.prepared import prepare
from tiny_corpus import write_corpus

RECIPES = Path(__file__).parents[2] / "recipes" / "seq_u_net"


def piece(*sounding: int) -> PianoRoll:
    """A piece in which only key 0 ever sounds, in these frames."""
    frames = np.zeros((len(sounding), KEYS), bool)
    frames[:, 0] = sounding
    return PianoRoll("a", frames)


class Constant(nn.Module):
    """Gives every key the same odds."""

    def __init__(self, logit: float) -> None:
        super().__init__()
        self.logit = nn.Parameter(torch.tensor(logit))

    def whole(self, x: Tensor) -> Tensor:
        return self.logit.expand(x.shape)


def test_nats_are_of_the_frames_after_the_first_weighed_by_their_number() -> None:
    rolls = [roll_tensor(piece(1, 1)), roll_tensor(piece(1, 0, 0, 0))]
    assert rolls[0].shape == (1, KEYS, 2)
    assert frame_nats(Constant(0.0), rolls) == pytest.approx(KEYS * np.log(2))
    # One of the four frames that are predicted has a key: at odds of 1 to 3 for all.
    wanted = KEYS * np.log(4 / 3) + 0.25 * (np.log(4) - np.log(4 / 3))
    assert frame_nats(Constant(-float(np.log(3))), rolls) == pytest.approx(wanted, rel=1e-5)


def test_the_baselines_by_hand() -> None:
    training, test = [piece(1, 1, 0, 1)], [piece(0, 1, 1)]
    others = (KEYS - 1) * -np.log1p(-0.5 / 5)
    assert frequency_nats(training, test) == pytest.approx(-np.log(3.5 / 5) + others)
    # Key 0 went on once of two times and began once of one; the test has one beginning and one going on.
    own = -(np.log(1.5 / 2) + np.log(1.5 / 3)) / 2
    assert persistence_nats(training, test) == pytest.approx(own + (KEYS - 1) * -np.log1p(-0.5 / 4))


def test_the_smoke_floor_is_below_what_a_sceptic_would_ask_for() -> None:
    recipe = prepare(RECIPES / "smoke.toml")
    (floor,) = recipe.recipe.expect
    splits = read_splits(recipe.config, None, recipe.recipe.loop.seed)
    assert persistence_nats(splits.training, splits.validation) == pytest.approx(7.089, abs=1e-3)
    assert frequency_nats(splits.training, splits.validation) == pytest.approx(12.31, abs=1e-2)
    assert floor.is_upper
    assert floor.bound < persistence_nats(splits.training, splits.validation)


@pytest.mark.parametrize(("recipe", "scale", "table"), [("cpu", "cpu", "chorales"), ("paper", "paper", "tunes")])
def test_recipes_are_what_reproduce_trains(recipe: str, scale: str, table: str) -> None:
    prepared = prepare(RECIPES / f"{recipe}.toml")
    rolls: Any = getattr(read_scale(scale), table)
    assert parameter_count(prepared.config.network()) == roll_pair(rolls).parameters["seq_u_net"]
    assert prepared.config.network().config == make_net(roll_pair(rolls).configs["seq_u_net"]).config
    loop = prepared.recipe.loop
    assert (loop.learning_rate, loop.clip, loop.weight_decay) == (rolls.learning_rate, rolls.clip, 0.0)
    assert loop.steps == rolls.epochs * {"chorales": 220, "tunes": 602}[table]
    assert loop.steps / loop.validate_every == rolls.validations
    tcn = prepare(RECIPES / f"{recipe}.toml", ("next_frame.net=tcn", f"next_frame.width={rolls.tcn_width}")).config
    assert tcn.network().config == make_net(roll_pair(rolls).configs["tcn"]).config


@pytest.mark.parametrize("source", ["chorales", "tunes"])
def test_a_collection_is_read_from_a_corpus_folder(source: str, tmp_path: Path) -> None:
    config = NextFrameConfig(source=source, levels=2, width=4, pieces=3)  # type: ignore[arg-type]
    lesson = build_lesson(config, write_corpus(tmp_path / "corpus", 24), 0)
    (roll,) = lesson.batch(np.random.default_rng(0))
    assert roll.shape[:2] == (1, KEYS)
    assert set(roll.unique().tolist()) == {0.0, 1.0}
    assert 0 < lesson.validate()["nats_per_frame"] < 2 * KEYS * np.log(2)
    with pytest.raises(InputNotFound):
        build_lesson(config, tmp_path, 0)


def test_the_same_seed_is_the_same_lesson() -> None:
    config = NextFrameConfig(source="invented", levels=2, width=4, pieces=2)
    first, again, other = (build_lesson(config, None, seed) for seed in (1, 1, 2))
    assert isinstance(first, NextFrameLesson)
    assert first.validate() == again.validate() != other.validate()


def test_its_weights_get_no_card_and_that_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["train", str(RECIPES / "smoke.toml"), "-o", str(tmp_path / "run"), "-q"]
    words += ["--set", "loop.steps=1", "--set", "next_frame.pieces=2", "--set", "loop.tensorboard=false"]
    assert run([*words, "--set", "expect.nats_per_frame_below=1000"]) == 0
    out = ["-o", str(tmp_path / "out"), "--name", "my-net", "--licence", "MIT"]
    assert run(["export", str(tmp_path / "run"), *out]) == InvalidOption.code
    assert "next_frame" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
