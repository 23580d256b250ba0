"""A training that was killed goes on as if nothing had happened."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from pupils import QUICK, Duel, Epochs, Regression, endless, losses

from descant.errors import Cancelled, CardError, CheckpointError, InvalidOption, OutputError, TrainingFailed
from descant.progress import CancelToken
from descant.train import checkpoint as files
from descant.train.config import LoopConfig, Machine, Watch
from descant.train.lesson import Lesson
from descant.train.loop import train
from descant.train.resume import MAY_CHANGE, _leaves, asked_for

PUPILS = Path(__file__).with_name("pupils.py")
TENSORS = (files.WEIGHTS, files.AVERAGE, files.OPTIMISERS, files.GENERATORS)


def same_checkpoints(one: Path, other: Path, names: tuple[str, ...] = TENSORS) -> bool:
    return all((one / "checkpoint" / n).read_bytes() == (other / "checkpoint" / n).read_bytes() for n in names)


def stop_at(step: int, lesson: Lesson, config: LoopConfig, folder: Path) -> None:
    """Stop in the report of a step: the next one is finished, too."""
    cancel = CancelToken()
    seen = []

    def count(_event: object) -> None:
        seen.append(0)
        if len(seen) == step:
            cancel.cancel()

    with pytest.raises(Cancelled):
        train(lesson, config, folder, progress=count, cancel=cancel)


@pytest.mark.slow
def test_kill_9_in_the_middle_leaves_no_trace(tmp_path: Path) -> None:
    command = [sys.executable, str(PUPILS), "endless", str(tmp_path / "killed")]
    victim = subprocess.Popen([*command, "1000000"])
    log = tmp_path / "killed" / "log.csv"
    deadline = time.monotonic() + 120
    while not (log.is_file() and len(log.read_text().splitlines()) > 15):
        assert victim.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(victim.pid, signal.SIGKILL)
    assert victim.wait() == -signal.SIGKILL
    steps = len(losses(tmp_path / "killed")) + 10
    subprocess.run([*command, str(steps)], check=True)
    train(Regression(), endless(steps), tmp_path / "whole")
    assert len(losses(tmp_path / "whole")) == steps
    assert losses(tmp_path / "killed") == losses(tmp_path / "whole")
    assert same_checkpoints(tmp_path / "killed", tmp_path / "whole")


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"prefetch": 3},
        {"accumulate": 2, "average": 0.5},
        {"optimiser": "sgd", "clip": 0.0},
        {"report_every": 5, "validate_every": 6},
        {"schedule": "plateau", "watch": Watch("error", keep=2, halve_after=1)},
    ],
    ids=lambda changes: "-".join(changes) or "plain",
)
def test_a_stopped_run_repeats_the_whole_one_bit_for_bit(tmp_path: Path, changes: dict[str, object]) -> None:
    config = replace(QUICK, **changes)  # type: ignore[arg-type]
    train(Regression(), config, tmp_path / "whole")
    rows = 12 // config.report_every
    stop_at(max(rows // 2, 1), Regression(), config, tmp_path / "parts")
    train(Regression(), config, tmp_path / "parts")
    assert losses(tmp_path / "parts") == losses(tmp_path / "whole")
    names = tuple(name for name in TENSORS if name != files.AVERAGE or config.average)
    assert same_checkpoints(tmp_path / "parts", tmp_path / "whole", names)
    best = [sorted(p.name for p in (tmp_path / part / "best").glob("*")) for part in ("parts", "whole")]
    assert best[0] == best[1]


def test_the_place_in_the_data_is_kept(tmp_path: Path) -> None:
    whole, first, second = Epochs(), Epochs(), Epochs()
    train(whole, replace(QUICK, prefetch=2), tmp_path / "whole")
    stop_at(6, first, replace(QUICK, prefetch=2), tmp_path / "parts")
    train(second, replace(QUICK, prefetch=2), tmp_path / "parts")
    assert losses(tmp_path / "parts") == losses(tmp_path / "whole")
    assert first.seen[:7] + second.seen[:5] == whole.seen[:12]


def test_two_players_go_on_as_well(tmp_path: Path) -> None:
    train(Duel(), QUICK, tmp_path / "whole")
    stop_at(5, Duel(), QUICK, tmp_path / "parts")
    train(Duel(), QUICK, tmp_path / "parts")
    names = (files.WEIGHTS, "weights-critic.safetensors", files.OPTIMISERS)
    assert losses(tmp_path / "parts") == losses(tmp_path / "whole")
    assert same_checkpoints(tmp_path / "parts", tmp_path / "whole", names)


def test_a_kill_between_two_renames_loses_nothing(tmp_path: Path) -> None:
    train(Regression(), QUICK, tmp_path / "whole")
    stop_at(4, Regression(), QUICK, tmp_path / "parts")
    checkpoint = tmp_path / "parts" / "checkpoint"
    # As `write_folder` is between its two renames; then as it is while it fills the new folder.
    checkpoint.rename(checkpoint.with_name("checkpoint.new"))
    (checkpoint.with_name("checkpoint.old")).mkdir()
    stop_at(2, Regression(), QUICK, tmp_path / "parts")
    assert len(losses(tmp_path / "parts")) == 8
    (checkpoint.with_name("checkpoint.new")).mkdir()
    (checkpoint.with_name("checkpoint.new") / files.WEIGHTS).write_text("half")
    train(Regression(), QUICK, tmp_path / "parts")
    assert losses(tmp_path / "parts") == losses(tmp_path / "whole")
    assert sorted(p.name for p in (tmp_path / "parts").glob("[!.]*")) == ["checkpoint", "config.json", "log.csv"]


def test_a_time_limit_ends_cleanly_and_says_what_is_left(tmp_path: Path) -> None:
    train(Regression(), QUICK, tmp_path / "whole")
    part = train(Regression(), QUICK, tmp_path / "parts", limit_s=1e-6)
    assert (part.ended, part.step, part.left) == ("time", 1, 11 / 12)
    assert part.left_s == pytest.approx(11 * part.elapsed_s)
    rest = train(Regression(), QUICK, tmp_path / "parts")
    assert (rest.ended, rest.step, rest.left) == ("done", 12, 0.0)
    assert rest.measured == train(Regression(), QUICK, tmp_path / "parts").measured  # nothing is left to do
    assert losses(tmp_path / "parts") == losses(tmp_path / "whole")


def test_a_budget_in_minutes_is_over_all_parts(tmp_path: Path) -> None:
    config = replace(QUICK, minutes=0.5 / 60, report_every=1000)
    part = train(Regression(), config, tmp_path, limit_s=0.2)
    assert part.ended == "time"
    rest = train(Regression(), config, tmp_path)
    assert (rest.ended, rest.left) == ("done", 0.0)
    assert 0.5 <= rest.elapsed_s < 1.5
    assert rest.step > part.step


def test_one_training_at_a_time_in_a_folder(tmp_path: Path) -> None:
    class Intruding(Regression):
        def validate(self):
            with pytest.raises(OutputError, match="Another training"):
                train(Regression(), QUICK, tmp_path)
            return super().validate()

    intruding = Intruding()
    train(intruding, QUICK, tmp_path)
    assert intruding.validations == 3
    train(Regression(), replace(QUICK, steps=13), tmp_path)  # and it is free again


def test_a_foreign_checkpoint_is_refused(tmp_path: Path) -> None:
    train(Regression(), replace(QUICK, steps=1), tmp_path)
    with pytest.raises(CardError, match="another model"):
        train(Duel(), QUICK, tmp_path)


DAMAGE = {
    "not an object": (files.STATE, lambda text: "[]"),
    "not JSON": (files.STATE, lambda text: "{"),
    "too little": (files.STATE, lambda text: '{"step": 1}'),
    "another generator": (files.STATE, lambda text: text.replace("PCG64", "dice")),
    "a list of best that is none": (files.STATE, lambda text: text.replace('"best": [', '"best": [3, ')),
    "no state": (files.STATE, None),
    "settings": (files.CONFIG, lambda text: "{"),
    "generators": (files.GENERATORS, lambda text: "not tensors"),
    "optimisers": (files.OPTIMISERS, lambda text: "not tensors"),
    "no optimisers": (files.OPTIMISERS, None),
    "no weights": (files.WEIGHTS, None),
    "weights": (files.WEIGHTS, lambda text: "not tensors"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_broken_checkpoint_says_what_can_be_kept(damage: str, tmp_path: Path) -> None:
    config = replace(QUICK, watch=Watch("error", keep=2))
    train(Regression(), replace(config, steps=4), tmp_path / "run")
    checkpoint = tmp_path / "run" / "checkpoint"
    name, change = DAMAGE[damage]
    if change is None:
        (checkpoint / name).unlink()
    else:
        (checkpoint / name).write_text(change((checkpoint / name).read_text(encoding="latin-1")))
    with pytest.raises(CheckpointError, match="is broken") as caught:
        train(Regression(), config, tmp_path / "run")
    assert "verify --repair" not in caught.value.hint
    assert f"Remove {tmp_path / 'run'} to begin anew" in caught.value.hint
    # What the hint says to do works: the named weights can be loaded, and the best ones where the last are lost.
    start = Path(caught.value.hint.split("--start ")[1].split(",")[0])
    assert start.parent.name == ("best" if name == files.WEIGHTS else "run")
    files.load_weights(Regression().model, start)
    shutil.rmtree(tmp_path / "run")
    assert train(Regression(), config, tmp_path / "run").step == 12


def test_a_broken_checkpoint_without_any_weights_promises_none(tmp_path: Path) -> None:
    train(Regression(), replace(QUICK, steps=1), tmp_path)
    (tmp_path / "checkpoint" / files.WEIGHTS).write_bytes(b"not tensors")
    with pytest.raises(CheckpointError) as caught:
        train(Regression(), QUICK, tmp_path)
    assert "--start" not in caught.value.hint


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"learning_rate": 0.5}, "loop.learning_rate = 0.02 (now 0.5)"),
        ({"betas": (0.5, 0.9)}, "loop.betas = [0.9, 0.98] (now [0.5, 0.9])"),
        ({"seed": 1, "clip": 0.0}, "loop.clip = 1.0 (now 0.0), loop.seed = 0 (now 1)"),
        ({"average": 0.9}, "loop.average = 0.0 (now 0.9)"),
        ({"validate_every": 3}, "loop.validate_every = 4 (now 3)"),
        ({"machine": Machine("cpu", precision="bf16")}, 'loop.machine.precision = "fp32" (now "bf16")'),
        ({"watch": Watch("error")}, 'loop.watch.measure = "" (now "error")'),
    ],
)
def test_a_run_does_not_go_on_with_other_settings(tmp_path: Path, changes: dict[str, Any], named: str) -> None:
    train(Regression(), replace(QUICK, steps=2), tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(InvalidOption) as caught:
        train(Regression(), replace(QUICK, **changes), tmp_path)
    assert named in caught.value.message
    assert "--start" in caught.value.hint
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_what_a_recipe_says_of_its_lesson_holds_for_the_whole_run(tmp_path: Path) -> None:
    said: dict[str, Any] = {"recipe": "a.toml", "lesson": "sums", "sums": {"sizes": (1, 2)}}
    train(Regression(), replace(QUICK, steps=2), tmp_path, described=said)
    elsewhere = {**said, "recipe": "b.toml"}
    assert train(Regression(), replace(QUICK, steps=3), tmp_path, described=elsewhere).step == 3
    with pytest.raises(InvalidOption, match=r"sums\.sizes = \[1, 2\] \(now \[1, 3\]\)"):
        train(Regression(), QUICK, tmp_path, described={**said, "sums": {"sizes": (1, 3)}})


def test_what_decides_nothing_that_is_learned_may_change(tmp_path: Path) -> None:
    train(Regression(), replace(QUICK, steps=2), tmp_path)
    machine = Machine("auto" if not torch.cuda.is_available() else "cpu", strategy="ddp")
    changed = replace(
        QUICK, steps=3, report_every=2, checkpoint_every_s=9.0, prefetch=1, threads=2, machine=machine,
        watch=Watch(halve_after=QUICK.watch.halve_after),
    )  # fmt: skip
    assert train(Regression(), changed, tmp_path).step == 3
    asked = set(_leaves(asked_for(LoopConfig(), None)))
    assert {key for key in MAY_CHANGE if key.startswith("loop.")} <= {key for key, _ in asked}


def test_a_run_that_diverges_says_so_and_keeps_the_checkpoint_from_before(tmp_path: Path) -> None:
    class Diverging(Regression):
        def loss(self, batch):
            made = super().loss(batch)
            self.count = getattr(self, "count", 0) + 1
            return made * float("inf") if self.count > 6 else made

    config = replace(QUICK, steps=40, report_every=100, validate_every=100)
    train(Regression(), replace(config, steps=4), tmp_path)
    kept = (tmp_path / "checkpoint" / files.WEIGHTS).read_bytes()
    with pytest.raises(TrainingFailed, match="no number"):
        train(Diverging(), config, tmp_path)
    assert (tmp_path / "checkpoint" / files.WEIGHTS).read_bytes() == kept
