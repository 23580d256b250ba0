"""Addresses, reuse, and what is never reused: the promises of the graph, on steps that take no time."""

from __future__ import annotations

import errno
import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from descant.errors import Cancelled, InputNotFound, InvalidOption, OutputError
from descant.pipelines import graph as graph_module
from descant.pipelines.artefacts import Artefacts
from descant.pipelines.graph import Graph, Inputs, Step, address_of
from descant.progress import CancelToken, Monitor, Progress


@dataclass(frozen=True)
class Times:
    number: int


RUNS: list[str] = []


@pytest.fixture(autouse=True)
def _no_runs_yet() -> None:
    RUNS.clear()


def load(inputs: Inputs, _options: None, folder: Path, monitor: Monitor) -> None:
    RUNS.append("load")
    monitor.report(0.5)
    (folder / "number").write_text(inputs["song"].read_text())


def double(inputs: Inputs, options: Times, folder: Path, _monitor: Monitor) -> None:
    RUNS.append("double")
    (folder / "sub").mkdir()
    (folder / "sub/number").write_text(str(options.number * int((inputs["load"] / "number").read_text())))


def parity(inputs: Inputs, _options: None, folder: Path, _monitor: Monitor) -> None:
    RUNS.append("parity")
    (folder / "parity").write_text(str(int((inputs["double"] / "sub/number").read_text()) % 10))


def make(tmp_path: Path, number: int = 2, song: str = "21") -> Graph:
    source = tmp_path / "song"
    source.write_text(song)
    return Graph(
        (
            Step("load", load, files={"song": source}),
            Step("double", double, ("load",), options=Times(number)),
            Step("parity", parity, ("double",)),
        )
    )


def test_everything_is_made_once_and_found_again(tmp_path: Path) -> None:
    first = make(tmp_path).run(Artefacts(tmp_path / "work"))
    again = make(tmp_path).run(Artefacts(tmp_path / "work"))
    assert RUNS == ["load", "double", "parity"]
    assert (again["parity"].folder / "parity").read_text() == "2"
    assert not any(one.was_there for one in first.values())
    assert all(one.was_there for one in again.values())
    assert {n: (f.address, f.digest) for n, f in first.items()} == {n: (f.address, f.digest) for n, f in again.items()}


def test_another_option_makes_its_step_again_and_what_follows_only_if_it_differs(tmp_path: Path) -> None:
    make(tmp_path, 2).run(Artefacts(tmp_path / "work"))
    RUNS.clear()
    make(tmp_path, 12).run(Artefacts(tmp_path / "work"))  # 252 for 42
    assert RUNS == ["double", "parity"]
    RUNS.clear()
    Graph(replace(s, options=Times(12)) if s.name == "double" else s for s in make(tmp_path).steps.values()).run(
        Artefacts(tmp_path / "work")
    )
    assert RUNS == []


def test_a_step_that_gives_the_same_result_for_another_reason_spares_those_after_it(tmp_path: Path) -> None:
    make(tmp_path, 2, "21").run(Artefacts(tmp_path / "work"))
    RUNS.clear()
    make(tmp_path, 1, "42").run(Artefacts(tmp_path / "work"))  # 42 again
    assert RUNS == ["load", "double"]


def test_content_counts_and_a_path_does_not(tmp_path: Path) -> None:
    one = address_of(make(tmp_path).steps["load"], {})
    (tmp_path / "elsewhere").mkdir()
    assert address_of(make(tmp_path / "elsewhere").steps["load"], {}) == one
    assert address_of(make(tmp_path, song="22").steps["load"], {}) != one
    step = make(tmp_path, song="21").steps["load"]
    assert address_of(replace(step, cards=("swift-f0",)), {}) != one
    assert address_of(replace(step, make=double), {}) != one
    assert address_of(step, {"separate": "0"}) != address_of(step, {"separate": "1"})


def test_other_versions_of_what_computes_are_another_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    step = make(tmp_path).steps["load"]
    before = address_of(step, {})
    monkeypatch.setattr(graph_module, "_threads", lambda: 99)  # sums round otherwise
    shared = address_of(step, {})
    monkeypatch.setattr(graph_module, "_versions", lambda: {"torch": "99"})
    assert len({before, shared, address_of(step, {})}) == 3


@pytest.mark.parametrize("damage", ["change", "remove", "add", "manifest", "deep manifest", "file", "link"])
def test_what_was_damaged_is_made_again(tmp_path: Path, damage: str) -> None:
    folder = make(tmp_path).run(Artefacts(tmp_path / "work"))["double"].folder
    if damage == "change":
        (folder / "sub/number").write_text("43")
    elif damage == "remove":
        (folder / "sub/number").unlink()
    elif damage == "add":
        (folder / "more").write_text("")
    elif damage == "deep manifest":
        (folder / "artefact.json").write_text("[" * 100_000)
    elif damage == "manifest":
        (folder / "artefact.json").write_text("{")
    else:
        shutil.rmtree(folder)
        folder.write_text("") if damage == "file" else folder.symlink_to(tmp_path / "nowhere")
    RUNS.clear()
    again = make(tmp_path).run(Artefacts(tmp_path / "work"))
    assert RUNS == ["double"]
    assert (again["double"].folder / "sub/number").read_text() == "42"
    assert json.loads((again["double"].folder / "artefact.json").read_text()).keys() == {"sub/number"}


def test_until_stops_there_and_only_takes_what_is_kept(tmp_path: Path) -> None:
    graph, work = make(tmp_path), tmp_path / "work"
    with pytest.raises(InvalidOption, match="load has not been made"):
        graph.run(Artefacts(work), only="double")
    assert list(graph.run(Artefacts(work), until="load")) == ["load"]
    assert list(graph.run(Artefacts(work), only="double")) == ["load", "double"]
    assert RUNS == ["load", "double"]
    with pytest.raises(InvalidOption, match="no step 'triple'"):
        graph.run(Artefacts(work), until="triple")


def test_a_swapped_step_and_a_given_folder(tmp_path: Path) -> None:
    def triple(inputs: Inputs, _options: Any, folder: Path, _monitor: Monitor) -> None:
        (folder / "sub").mkdir()
        (folder / "sub/number").write_text(str(3 * int((inputs["load"] / "number").read_text())))

    graph = make(tmp_path).with_step(Step("double", triple, ("load",)))
    swapped = graph.run(Artefacts(tmp_path / "work"))
    assert (swapped["parity"].folder / "parity").read_text() == "3"
    mine = tmp_path / "mine/sub"
    mine.mkdir(parents=True)
    (mine / "number").write_text("77")
    RUNS.clear()
    given = make(tmp_path).given("double", tmp_path / "mine").run(Artefacts(tmp_path / "work"), until="parity")
    assert (given["parity"].folder / "parity").read_text() == "7"
    assert RUNS == ["parity"]  # nothing needs "load" any more
    with pytest.raises(InvalidOption, match="holds no files"):
        make(tmp_path).given("double", tmp_path / "nowhere")
    with pytest.raises(InvalidOption, match="needs load"):
        Graph((Step("double", double, ("load",)),))


def test_a_file_that_is_gone_is_told_by_name(tmp_path: Path) -> None:
    graph = make(tmp_path)
    (tmp_path / "song").unlink()
    with pytest.raises(InputNotFound, match="song"):
        graph.run(Artefacts(tmp_path / "work"))


def test_a_cancelled_run_keeps_what_was_finished_and_leaves_nothing_half_made(tmp_path: Path) -> None:
    cancel = CancelToken()

    def stop_in_double(inputs: Inputs, options: Times, folder: Path, monitor: Monitor) -> None:
        (folder / "half").write_text("...")
        cancel.cancel()
        monitor.report(0.5)

    graph = make(tmp_path)
    with pytest.raises(Cancelled):
        graph.with_step(Step("double", stop_in_double, ("load",))).run(Artefacts(tmp_path / "work"), cancel=cancel)
    assert [path.name.split("-")[0] for path in (tmp_path / "work").iterdir()] == ["load"]
    graph.run(Artefacts(tmp_path / "work"))
    assert RUNS == ["load", "double", "parity"]


def test_progress_never_falls_and_ends_at_one(tmp_path: Path) -> None:
    events: list[Progress] = []
    make(tmp_path).run(Artefacts(tmp_path / "work"), progress=events.append)
    fractions = [event.fraction for event in events]
    assert fractions == sorted(fractions)
    assert fractions[-1] == pytest.approx(1.0)


def test_a_full_disk_within_a_step_is_said_and_leaves_nothing_half_made(tmp_path: Path) -> None:
    def full(_inputs: Inputs, _options: None, folder: Path, _monitor: Monitor) -> None:
        (folder / "begun").write_text("1")
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OutputError, match="disk is full"):
        Graph([Step("full", full)]).run(Artefacts(tmp_path / "work"))
    assert list((tmp_path / "work").iterdir()) == []
