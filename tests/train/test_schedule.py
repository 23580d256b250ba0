"""The learning rate's course, patience, and the average, against hand-computed values."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pupils import QUICK, Regression, losses
from torch import nn

from descant.errors import InvalidOption
from descant.train.average import Average
from descant.train.config import LoopConfig, Schedule, Watch
from descant.train.loop import train
from descant.train.schedule import Patience, factor

COSINE = LoopConfig(warmup=0.2, final_rate=0.1)


@pytest.mark.parametrize(
    ("spent", "expected"), [(0.0, 0.01), (0.1, 0.5), (0.2, 1.0), (0.6, 0.1 + 0.9 * 0.5), (1.0, 0.1)]
)
def test_cosine(spent: float, expected: float) -> None:
    assert factor(spent, COSINE) == pytest.approx(expected)


def test_inverse_sqrt_is_that_of_the_transformer() -> None:
    config = replace(COSINE, schedule="inverse_sqrt", warmup=0.04)
    # d^-0.5 * min(step^-0.5, step * warmup^-1.5) over its peak at step = warmup, of 100,000 steps with 4,000.
    for step in (100, 2000, 4000, 16_000, 100_000):
        noam = min(step**-0.5, step * 4000**-1.5) / 4000**-0.5
        assert factor(step / 100_000, config) == pytest.approx(noam)


def test_a_huge_gradient_is_clipped_to_its_norm(tmp_path: Path) -> None:
    class Steep(Regression):
        def loss(self, batch):
            return 1e6 * super().loss(batch)

    def step(clip: float) -> float:
        """How far one step of plain gradient descent moves the weights."""
        pupil = Steep(dropout=0.0)
        before = [parameter.detach().clone() for parameter in pupil.model.parameters()]
        plain = replace(QUICK, steps=1, schedule="constant", warmup=0.0, optimiser="sgd", betas=(0.0, 0.0), clip=clip)
        train(pupil, replace(plain, learning_rate=0.25, weight_decay=0.0), tmp_path / str(clip))
        moves = zip(pupil.model.parameters(), before, strict=True)
        return math.sqrt(sum(float((after - old).detach().square().sum()) for after, old in moves))

    assert step(clip=2.0) == pytest.approx(0.25 * 2.0, rel=1e-4)
    assert step(clip=0.0) > 1000


@given(st.floats(0, 1), st.sampled_from(["cosine", "constant", "plateau", "inverse_sqrt"]), st.floats(0.01, 0.9))
def test_rates_stay_within_their_highest(spent: float, schedule: Schedule, warmup: float) -> None:
    config = LoopConfig(schedule=schedule, warmup=warmup, watch=Watch("loss"))
    assert 0 < factor(spent, config) <= 1


def test_plateau_halves_and_patience_ends() -> None:
    config = LoopConfig(schedule="plateau", watch=Watch("error", stop_after=5, halve_after=2))
    patience = Patience()
    seen = []
    for value in (3.0, 2.0, 2.5, 2.0, math.nan, 2.1, 1.0, 1.5):
        patience.take(value, config)
        seen.append((patience.factor(), patience.stale, patience.is_over(config.watch)))
    # Halved after 2.5 and 2.0, and again after nan and 2.1; 1.0 begins anew.
    assert [s[0] for s in seen] == [1, 1, 1, 0.5, 0.5, 0.25, 0.25, 0.25]
    assert [s[1] for s in seen] == [0, 0, 1, 2, 3, 4, 0, 1]
    assert not any(s[2] for s in seen)


def test_early_stop_and_best_weights(tmp_path: Path) -> None:
    class Scripted(Regression):
        """Its error is what the script says."""

        script = (5.0, 3.0, 4.0, 2.0, 6.0, 7.0, 1.0)

        def validate(self):
            super().validate()
            self.model.out.bias.data.fill_(self.script[self.validations - 1])
            return {"error": self.script[self.validations - 1]}

    config = replace(QUICK, steps=70, validate_every=10, report_every=10, watch=Watch("error", keep=2, stop_after=2))
    outcome = train(Scripted(), config, tmp_path)
    assert (outcome.ended, outcome.step) == ("patience", 60)
    assert outcome.measured["error"] == 7.0
    kept = sorted((tmp_path / "best").iterdir())
    assert [p.name for p in kept] == ["step-00000020", "step-00000040"]
    from descant.hub.checkpoint import load_tensors

    assert [float(load_tensors(p / "weights.safetensors")["out.bias"]) for p in kept] == [3.0, 2.0]
    again = train(Scripted(), config, tmp_path)
    assert (again.ended, again.step) == ("patience", 60)  # it stays stopped


def test_an_unknown_measure_names_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(InvalidOption, match="'eror'") as caught:
        train(Regression(), replace(QUICK, watch=Watch("eror", keep=1)), tmp_path)
    assert "loss, error" in caught.value.hint


def test_the_average_is_that_of_the_formula() -> None:
    model = nn.Linear(1, 1, bias=False)
    model.weight.data.fill_(0.0)
    average = Average(model, 0.5)
    expected = 0.0
    for step, weight in enumerate((1.0, 2.0, 4.0, -1.0), start=1):
        model.weight.data.fill_(weight)
        average.update(step)
        decay = min(0.5, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * weight
    with average.in_place():
        assert model.weight.item() == pytest.approx(expected)
    assert model.weight.item() == -1.0
    assert float(average.state()["weight"]) == pytest.approx(expected)


def test_averaged_weights_are_validated_and_own_ones_trained_on(tmp_path: Path) -> None:
    seen = {}

    class Watched(Regression):
        def validate(self):
            seen["judged"] = self.model.out.weight.detach().clone()
            return super().validate()

    pupil = Watched()
    train(pupil, replace(QUICK, average=0.9), tmp_path / "average")
    from descant.hub.checkpoint import load_tensors

    checkpoint = tmp_path / "average" / "checkpoint"
    assert torch.equal(seen["judged"], load_tensors(checkpoint / "average.safetensors")["out.weight"])
    assert torch.equal(pupil.model.out.weight, load_tensors(checkpoint / "weights.safetensors")["out.weight"])
    assert not torch.equal(seen["judged"], pupil.model.out.weight)
    train(Regression(), QUICK, tmp_path / "plain")
    rows = [[row.split(",")[1] for row in losses(tmp_path / part)] for part in ("average", "plain")]
    assert rows[0] == rows[1]  # an average changes nothing in what is learned


def test_accumulated_batches_are_one_large_one(tmp_path: Path) -> None:
    class Halves(Regression):
        """The same examples, two at a time."""

        kept: tuple[torch.Tensor, ...] = ()

        def batch(self, generator):
            if self.kept:
                second, self.kept = self.kept, ()
                return second
            x, y = super().batch(generator)
            self.kept = (x[2:], y[2:])
            return x[:2], y[:2]

    whole, halves = Regression(dropout=0.0), Halves(dropout=0.0)
    train(whole, QUICK, tmp_path / "whole")
    train(halves, replace(QUICK, accumulate=2), tmp_path / "halves")
    for a, b in zip(whole.model.parameters(), halves.model.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6)


def test_measuring_moves_no_random_generator(tmp_path: Path) -> None:
    class Noisy(Regression):
        def validate(self):
            torch.rand(3)
            return super().validate()

    train(Noisy(), replace(QUICK, validate_every=1), tmp_path / "often")
    train(Noisy(), replace(QUICK, validate_every=12), tmp_path / "once")
    rows = [[row.split(",")[1] for row in losses(tmp_path / part)] for part in ("often", "once")]
    assert rows[0] == rows[1]


@pytest.mark.parametrize(
    "wrong",
    [
        {"steps": 0},
        {"minutes": 0.0},
        {"warmup": 1.0},
        {"average": 1.0},
        {"clip": -1.0},
        {"learning_rate": 0.0},
        {"betas": (0.9, 1.0)},
        {"schedule": "plateau"},
        {"schedule": "inverse_sqrt", "warmup": 0.0},
    ],
    ids=lambda wrong: "-".join(wrong),
)
def test_impossible_settings_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidOption):
        LoopConfig(**wrong)  # type: ignore[arg-type]
    with pytest.raises(InvalidOption):
        Watch(keep=1)
