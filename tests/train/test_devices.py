"""Two processes on the CPU learn what one learns from twice the batch."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from pupils import ACCUMULATING, PLATEAU, QUICK, Doubled, Regression, losses

from descant.errors import InvalidOption
from descant.hub.checkpoint import load_tensors
from descant.train import checkpoint as files
from descant.train.config import Machine
from descant.train.loop import train

PUPILS = Path(__file__).with_name("pupils.py")


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["ddp", "fsdp"])
def test_two_processes_are_one_with_twice_the_batch(strategy: str, tmp_path: Path) -> None:
    folder = tmp_path / "two"
    command = [sys.executable, str(PUPILS), strategy, str(folder)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert ran.returncode == 0, ran.stderr
    train(Doubled(), replace(QUICK, average=0.9), tmp_path / "one")
    for name in ("weights.safetensors", "average.safetensors", "optimisers.safetensors"):
        two, one = (load_tensors(part / "checkpoint" / name) for part in (folder, tmp_path / "one"))
        assert set(two) == set(one)
        for key, value in one.items():
            torch.testing.assert_close(two[key], value, rtol=1e-4, atol=1e-6)
    assert {"torch.0", "torch.1"} == set(load_tensors(folder / "checkpoint" / "generators.safetensors"))
    # One process goes on where two were.
    rest = train(Regression(dropout=0.0), replace(QUICK, steps=14, average=0.9), folder)
    assert rest.step == 14


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What two processes made in one start (see `pupils.together`)."""
    folder = tmp_path_factory.mktemp("together")
    command = [sys.executable, str(PUPILS), "together", str(folder)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)
    assert ran.returncode == 0, ran.stderr
    return folder


def came_to(folder: Path) -> list[dict[str, Any]]:
    return [json.loads((folder / f"{rank}.json").read_text()) for rank in range(2)]


@pytest.mark.slow
def test_two_processes_that_accumulate_two_batches_are_one_with_four_times_the_batch(
    together: Path, tmp_path: Path
) -> None:
    train(Doubled(batches=2), replace(ACCUMULATING, accumulate=1), tmp_path)
    two, one = (load_tensors(folder / "checkpoint" / files.WEIGHTS) for folder in (together / "accumulated", tmp_path))
    for key, value in one.items():
        torch.testing.assert_close(two[key], value, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_two_processes_go_on_bit_for_bit(together: Path) -> None:
    whole, parts = together / "whole", together / "parts"
    assert len(losses(whole)) == 8
    assert losses(parts) == losses(whole)
    for name in (files.WEIGHTS, files.AVERAGE, files.OPTIMISERS, files.GENERATORS):
        assert (parts / "checkpoint" / name).read_bytes() == (whole / "checkpoint" / name).read_bytes()


@pytest.mark.slow
def test_the_first_process_measure_decides_for_all(together: Path) -> None:
    first, second = came_to(together)
    assert first["error"] == second["error"] == PLATEAU.steps
    assert first["weights"] == second["weights"]
    rates = [float(line.split(",")[3]) for line in (together / "plateau" / "log.csv").read_text().splitlines()[1:]]
    assert rates[-1] < rates[2] / 4  # it was halved


@pytest.mark.slow
def test_two_processes_with_a_budget_in_minutes_stay_together_and_seldom_talk(together: Path) -> None:
    first, second = came_to(together)
    assert first["step"] == second["step"] > 50
    assert first["elapsed_s"] == second["elapsed_s"] >= 2.0
    assert first["timed_weights"] == second["timed_weights"]  # with one learning rate in every step
    assert first["told"] < first["step"] / 4


@pytest.mark.slow
def test_a_loss_that_is_no_number_in_one_process_ends_all_with_the_same_words(together: Path) -> None:
    first, second = came_to(together)
    assert "no number any more, at step 3" in first["failed"]
    assert first["failed"] == second["failed"]
    assert not (together / "failing" / "checkpoint").exists()


def test_bf16_on_the_cpu(tmp_path: Path) -> None:
    class Typed(Regression):
        def loss(self, batch):
            self.kind = self.model(batch[0]).dtype
            return super().loss(batch)

    pupil = Typed()
    train(pupil, replace(QUICK, machine=Machine("cpu", precision="bf16")), tmp_path)
    assert pupil.kind == torch.bfloat16
    assert next(pupil.model.parameters()).dtype == torch.float32


def test_a_device_that_is_not_there(tmp_path: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("the refusal of a missing GPU needs a machine without one, such as CI's")
    with pytest.raises(InvalidOption, match="cuda"):
        train(Regression(), replace(QUICK, machine=Machine("cuda")), tmp_path)


def test_lightning_is_loaded_late_and_brings_nothing_forbidden() -> None:
    code = (
        "import sys, descant.train.loop, descant.train.registry, descant.cli.train\n"
        "assert 'lightning_fabric' not in sys.modules and 'tensorboard' not in sys.modules\n"
        "import lightning_fabric, lightning_fabric.strategies.model_parallel, torch.utils.tensorboard\n"
        "print(' '.join(sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(ran.stdout.split())
    assert "lightning_fabric" in loaded
    forbidden = {"torchaudio", "torchvision", "torchcodec", "tensorflow", "numba", "librosa", "xformers", "fairseq"}
    assert not loaded & forbidden
