"""The frame: arms run once and go on after a kill, verdicts are written plainly."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from descant.errors import Cancelled, InvalidOption, MissingDependency, OutputError
from descant.evaluate.report import Table
from descant.progress import CancelToken, Monitor, Progress
from descant.reproduce.claims import Arm, Claim, Finding, Result, Results, Verdict
from descant.reproduce.costs import peak_bytes, step_cost
from descant.reproduce.plots import Line, Plot
from descant.reproduce.runner import fingerprint, kept, reproduce
from descant.reproduce.spread import spread
from descant.reproduce.systems import Options, make_system

CLAIM = Claim("1-sum", "Two and two is four.", "a paper", ("one",), "sum of the arms", "exactly 4")
OTHER = Claim("2-more", "It also flies.", "a paper", (), "height", "above 0")


@dataclass
class Toy:
    """Two arms whose numbers are added."""

    value: int = 2
    ran: list[str] = field(default_factory=list)
    stop: CancelToken | None = None
    required: list[str] = field(default_factory=list)
    name: str = "toy"
    title: str = "Toy (2026)"
    claims: Sequence[Claim] = (CLAIM, OTHER)

    def arms(self) -> Sequence[Arm]:
        def run(folder: Path, monitor: Monitor) -> Result:
            name = folder.parent.name
            self.ran.append(name)
            if self.stop is not None and name == "second":
                (folder / "half.txt").write_text("begun")
                self.stop.cancel()
            monitor.report(0.5)
            return {"number": np.int64(self.value)}

        return [Arm(f"sums/{name}", {"value": self.value}, run) for name in ("first", "second")]

    def require(self, arms: Sequence[str]) -> None:
        self.required = list(arms)

    def judge(self, results: Results) -> Sequence[Finding]:
        total = sum(r["number"] for r in results.values())
        verdict = Verdict.HELD if total == 4 else Verdict.DID_NOT_HOLD
        return [
            Finding(CLAIM, verdict, f"It is {total}.", {"total": total}),
            Finding(OTHER, Verdict.NOT_MEASURED, "Nothing flew."),
        ]

    def tables(self, results: Results) -> Sequence[Table]:
        return [Table("Numbers", ("arm", "number"), tuple((n, float(r["number"])) for n, r in results.items()))]

    def plots(self, results: Results) -> Sequence[Plot]:
        return [Plot("curve", "A curve", "x", "y", (Line("one", (1, 2), (3, 4), (2, 3), (4, 5)),), is_log=True)]

    def notes(self) -> Sequence[str]:
        return ["A note."]


def measure(toy: Toy, out: Path, **more: Any) -> tuple[Finding, ...]:
    return reproduce(toy, out, command="descant reproduce toy", scale="smoke", **more)


def test_findings_tables_and_plots_are_written(tmp_path: Path) -> None:
    heard: list[Progress] = []
    findings = measure(Toy(), tmp_path, progress=heard.append)
    assert [f.verdict for f in findings] == [Verdict.HELD, Verdict.NOT_MEASURED]
    said = json.loads((tmp_path / "claims.json").read_text())
    assert said["findings"][0] == {
        "claim": {
            "id": "1-sum",
            "sentence": "Two and two is four.",
            "source": "a paper",
            "baselines": ["one"],
            "measure": "sum of the arms",
            "rule": "exactly 4",
            "hindsight": "",
        },
        "verdict": "held",
        "said": "It is 4.",
        "numbers": {"total": 4},
    }
    assert said["arms"] == {"sums/first": {"number": 2}, "sums/second": {"number": 2}}
    page = (tmp_path / "claims.md").read_text()
    for text in ("1 held, 1 not measured at this scale", "| **held** | It is 4. |", "sums/first | 2.000", "- A note."):
        assert text in page
    assert "![curve](plots/curve.png)" in page
    assert (tmp_path / "plots" / "curve.png").read_bytes()[:4] == b"\x89PNG"
    fractions = [event.fraction for event in heard]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0


def test_a_claim_that_does_not_hold_is_said_to(tmp_path: Path) -> None:
    measure(Toy(value=3), tmp_path)
    assert "**did not hold** | It is 6." in (tmp_path / "claims.md").read_text()


def test_finished_arms_stay_finished_after_a_kill(tmp_path: Path) -> None:
    stop = CancelToken()
    killed = Toy(stop=stop)
    with pytest.raises(Cancelled):
        measure(killed, tmp_path, cancel=stop)
    assert killed.ran == ["first", "second"]
    assert not (tmp_path / "claims.json").exists()
    again = Toy()
    measure(again, tmp_path)
    assert again.ran == ["second"]
    assert again.required == ["sums/second"]
    assert list((tmp_path / "arms" / "sums" / "second").glob("*/half.txt")), "what it began with is still there"
    third = Toy()
    measure(third, tmp_path)
    assert third.ran == []


def test_other_settings_are_another_result(tmp_path: Path) -> None:
    measure(Toy(), tmp_path)
    changed = Toy(value=5)
    measure(changed, tmp_path)
    assert changed.ran == ["first", "second"]
    arms = Toy().arms()
    assert kept(arms[0], tmp_path) is None
    assert fingerprint(arms[0]) == fingerprint(arms[1]) != fingerprint(changed.arms()[0])


@pytest.mark.parametrize("text", ["", "{", "[]", '{"fingerprint": "x"}'])
def test_a_damaged_result_is_measured_again(tmp_path: Path, text: str) -> None:
    measure(Toy(), tmp_path)
    (tmp_path / "arms" / "sums" / "first" / "result.json").write_text(text)
    again = Toy()
    measure(again, tmp_path)
    assert again.ran == ["first"]


def test_a_part_of_the_arms(tmp_path: Path) -> None:
    toy = Toy()
    findings = measure(toy, tmp_path, only=["sums/se"])
    assert toy.ran == ["second"]
    assert findings[0].numbers == {"total": 2}
    with pytest.raises(InvalidOption, match="products"):
        measure(Toy(), tmp_path, only=["products"])


def test_spread_is_median_lowest_and_highest() -> None:
    found = spread([3.0, 1.0, 2.0])
    assert found is not None
    assert (found.median, found.low, found.high, found.count) == (2.0, 1.0, 3.0, 3)
    assert str(found) == "2 (1 to 3)"
    assert str(spread([1.23456])) == "1.235"
    assert spread([]) is None


def test_peak_memory_counts_what_is_there_at_once() -> None:
    def work() -> None:
        first = torch.zeros(250_000)  # 1 MB
        second = torch.zeros(500_000)
        del first
        third = torch.zeros(100_000)
        del second, third

    assert peak_bytes(work) == pytest.approx(3_000_000, rel=0.01)
    assert peak_bytes(lambda: None) == 0


def test_a_step_costs_more_for_a_longer_sequence() -> None:
    net = nn.Conv1d(8, 8, 3)

    def cost(length: int) -> Any:
        x = torch.randn(1, 8, length)
        return step_cost(net, lambda: net(x).square().mean(), repeats=3)

    short, long = cost(1_000), cost(100_000)
    assert long.peak_bytes > 50 * short.peak_bytes
    assert long.seconds > short.seconds > 0.0
    assert cost(1_000).peak_bytes == short.peak_bytes  # the same in every run


def test_missing_matplotlib_is_said_before_anything_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("descant.reproduce.plots.can_draw", lambda: False)
    toy = Toy()
    with pytest.raises(MissingDependency, match="matplotlib"):
        measure(toy, tmp_path)
    assert toy.ran == []


def test_unknown_systems_and_scales_are_refused() -> None:
    with pytest.raises(InvalidOption, match="wave_u_net_2"):
        make_system("wave_u_net_2", Options())
    for wrong in ({"scale": "huge"}, {"seeds": 0}, {"threads": 0}):
        with pytest.raises(InvalidOption):
            Options(**wrong)  # type: ignore[arg-type]


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("x")
    with pytest.raises(OutputError, match="a part of its path is a file"):
        measure(Toy(), tmp_path / "taken")
