"""Several players with losses and optimisers of their own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from pupils import QUICK, Duel
from torch import nn

from descant.errors import InvalidOption
from descant.train.lesson import Player
from descant.train.loop import train


def test_turns_and_ratios(tmp_path: Path) -> None:
    duel = Duel()
    train(duel, replace(QUICK, steps=4), tmp_path)
    assert "".join(duel.turns) == "ccc" + "gccc" + "ccc" + "gccc"
    header, *rows = (tmp_path / "log.csv").read_text().splitlines()
    assert header == "step,minutes,loss,loss_critic,learning_rate,validation"
    assert [row.split(",")[2] == "" for row in rows] == [True, False, True, False]  # the generator rests


def test_a_generator_learns_where_the_critic_points(tmp_path: Path) -> None:
    duel = Duel()
    before = duel.validate()["mean"]
    train(duel, replace(QUICK, steps=200, schedule="constant", report_every=200, validate_every=200), tmp_path)
    assert abs(duel.validate()["mean"] - 3) < 1 < abs(before - 3)


def test_each_player_has_its_own_optimiser(tmp_path: Path) -> None:
    duel = Duel()
    train(duel, replace(QUICK, steps=2), tmp_path)
    from descant.hub.checkpoint import load_tensors

    names = set(load_tensors(tmp_path / "checkpoint" / "optimisers.safetensors"))
    assert {n.split(".")[2] for n in names if n.startswith("critic.")} == {"momentum_buffer"}
    assert {n.split(".")[2] for n in names if n.startswith("generator.")} == {"step", "exp_avg", "exp_avg_sq"}
    assert all(p.requires_grad is (p not in set(duel.model.parameters())) for p in duel.critic.parameters())


def test_a_parameter_belongs_to_one_player(tmp_path: Path) -> None:
    class Shared(Duel):
        def players(self):
            both = nn.ModuleList([self.model, self.critic])
            return [Player("one", self.model, self._generate), Player("two", both, self._criticise)]

    with pytest.raises(InvalidOption, match="one and two"):
        train(Shared(), QUICK, tmp_path)


def test_frozen_parameters_stay_frozen(tmp_path: Path) -> None:
    duel = Duel()
    duel.critic[0].requires_grad_(False)
    before = duel.critic[0].weight.clone()
    train(duel, replace(QUICK, steps=4), tmp_path)
    assert torch.equal(duel.critic[0].weight, before)
    assert not duel.critic[0].weight.requires_grad


def test_players_need_turns() -> None:
    with pytest.raises(InvalidOption, match="'idle'"):
        Player("idle", nn.Linear(1, 1), torch.mean, updates=0)
