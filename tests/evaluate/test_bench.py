"""Benchmarks: inputs of the stated length, honest tables, peers that are found, fail, and are told of."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from descant.audio.io import probe
from descant.cli.app import run
from descant.errors import BatchFailed, Cancelled, InputNotFound, InvalidOption
from descant.evaluate import bench as bench_module
from descant.evaluate import peers
from descant.evaluate.bench import BENCH_TASKS, BenchOptions, BenchTask, Measurement, bench, find_peers
from descant.evaluate.bench_inputs import write_score, write_song, write_stems, write_voice
from descant.evaluate.bench_report import save_bench
from descant.evaluate.child import Usage
from descant.progress import CancelToken, Progress
from descant.score.midi import read_midi


@pytest.mark.parametrize("seconds", [1.0, 7.25, 20.0])
def test_inputs_have_the_stated_length_and_the_same_bytes(seconds: float, tmp_path: Path) -> None:
    first = write_song(tmp_path / "a.wav", seconds)
    again = write_song(tmp_path / "b.wav", seconds)
    assert first.read_bytes() == again.read_bytes()
    assert (probe(first).duration_s, probe(first).channels) == (seconds, 2)
    assert probe(write_voice(tmp_path / "v.wav", seconds)).duration_s == seconds
    stems = write_stems(tmp_path / "stems", seconds)
    assert sorted(path.stem for path in stems) == ["bass", "drums", "other", "vocals"]
    assert {probe(path).duration_s for path in stems} == {seconds}


def test_the_score_is_busy(tmp_path: Path) -> None:
    score = read_midi(write_score(tmp_path / "x.mid", 60.0))
    assert len(score.tracks) == 6
    assert sum(len(track.notes) for track in score.tracks) > 1_500
    assert 50.0 < score.duration_s < 61.0


@pytest.mark.parametrize("seconds", [(), (0.5,), (float("nan"),), (1e9,)])
def test_impossible_options(seconds: tuple[float, ...]) -> None:
    with pytest.raises(InvalidOption):
        BenchOptions(seconds=seconds)
    with pytest.raises(InvalidOption):
        BenchOptions(repeats=0)
    with pytest.raises(InvalidOption):
        BenchOptions(threads=0)


def _interpreter(folder: Path, listing: str, then: str) -> str:
    """A stand-in for another interpreter that has peers installed."""
    path = folder / "python-of-another-venv"
    path.write_text(f"#!/bin/sh\nif [ \"$2\" = --list ]; then echo '{listing}'; else {then}; fi\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """`separate` as a program that only copies: what is tested is the measuring around it."""

    def make(folder: Path, seconds: float) -> list[Path]:
        (folder / "input").write_text(f"{seconds}")
        return [folder / "input"]

    monkeypatch.setitem(bench_module.BENCH_TASKS, "separate", BenchTask("separate", make, "out"))
    monkeypatch.setattr(bench_module, "_ours", lambda _: lambda inputs, out: ["cp", str(inputs[0]), str(out)])


@pytest.mark.usefixtures("quick")
def test_every_length_and_repeat_is_measured(tmp_path: Path) -> None:
    report, found = bench("separate", BenchOptions(seconds=(20.0, 10.0), repeats=3, with_peers=False))
    assert [(each.audio_s, len(each.runs)) for each in found] == [(10.0, 3), (20.0, 3)]
    assert [row[:2] for row in report.tables[0].rows] == [("descant separate", "10"), ("descant separate", "20")]
    assert len(report.tables) == 2
    saved = save_bench(report, found, tmp_path)
    table = json.loads((tmp_path / "bench-separate.json").read_text())
    assert len(table["runs"]) == 6
    assert {"program", "audio_s", "wall_s", "processor_s", "peak_mib"} == set(table["runs"][0])
    assert (tmp_path / "bench-separate.png").stat().st_size > 5_000
    assert saved.pictures[0].file in (tmp_path / "bench-separate.md").read_text()


def test_runs_do_all_of_the_work_after_one_that_is_not_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that keeps a finished step fails where it finds one, and writes down how it was called."""
    log = tmp_path / "log"
    program = (
        'test ! -e "$DESCANT_CACHE/steps" && mkdir "$DESCANT_CACHE/steps" && test -z "$(ls "$(dirname "$1")")" && '
        f'echo "$(cat "$0") $(basename "$1")" >> "{log}" && touch "$1"'
    )

    def make(folder: Path, seconds: float) -> list[Path]:
        (folder / "input").write_text(f"{seconds:g}")
        return [folder / "input"]

    monkeypatch.setitem(bench_module.BENCH_TASKS, "mix", BenchTask("mix", make, "mix.flac"))
    monkeypatch.setattr(
        bench_module, "_ours", lambda _: lambda given, out: ["sh", "-c", program, str(given[0]), str(out)]
    )
    _, found = bench("mix", BenchOptions((20.0, 10.0), 2, with_peers=False))
    assert log.read_text().splitlines() == [f"{length} mix.flac" for length in (10, 10, 10, 20, 20)]
    assert [len(each.runs) for each in found] == [2, 2]


@pytest.mark.usefixtures("quick")
def test_peers_of_another_interpreter_are_measured(tmp_path: Path) -> None:
    python = _interpreter(tmp_path, '{"htdemucs": "9.9", "basic-pitch": "1.0"}', "exit 0")
    assert [peer.name for peer in find_peers("separate", [python])][-1].endswith("(demucs 9.9)")
    report, _ = bench("separate", BenchOptions((5.0,), 1, peer_pythons=(python,)))
    assert any("demucs 9.9" in str(row[0]) for row in report.tables[0].rows)
    assert not any("basic-pitch" in str(row[0]) for row in report.tables[0].rows)


@pytest.mark.usefixtures("quick")
def test_a_peer_that_fails_is_told_of_and_ours_is_still_measured(tmp_path: Path) -> None:
    python = _interpreter(tmp_path, '{"htdemucs": "9.9"}', "echo 'No module named x' >&2; exit 1")
    report, found = bench("separate", BenchOptions((5.0,), 1, peer_pythons=(python,)))
    assert [each.program for each in found] == ["descant separate"]
    assert any("demucs 9.9" in note and "No module named x" in note for note in report.notes)


@pytest.mark.usefixtures("quick")
def test_a_cancelled_benchmark_ends_also_while_a_peer_runs(tmp_path: Path) -> None:
    python = _interpreter(tmp_path, '{"htdemucs": "9.9"}', "exit 0")
    cancel = CancelToken()

    def stop(event: Progress) -> None:
        if "demucs" in event.message:
            cancel.cancel()

    with pytest.raises(Cancelled):
        bench("separate", BenchOptions((5.0,), 2, peer_pythons=(python,)), progress=stop, cancel=cancel)


@pytest.mark.usefixtures("quick")
def test_lengths_that_look_alike_are_two() -> None:
    _, found = bench("separate", BenchOptions((5.0, 5.000_000_1), 1, with_peers=False))
    assert [each.audio_s for each in found] == [5.0, 5.000_000_1]


def test_what_is_no_interpreter_is_named(tmp_path: Path) -> None:
    with pytest.raises(BatchFailed, match="is no Python interpreter"):
        find_peers("separate", [_interpreter(tmp_path, "hello", "exit 0")])
    with pytest.raises(InputNotFound, match="nowhere"):
        find_peers("separate", ["/nowhere/python"])


def test_every_peer_belongs_to_a_task() -> None:
    assert {task for task, *_ in peers.PEERS.values()} <= set(BENCH_TASKS)


def test_medians_and_slopes_by_hand() -> None:
    def runs(*walls: float) -> tuple[Usage, ...]:
        return tuple(Usage(wall, 2 * wall, 100 * wall, "") for wall in walls)

    found = [Measurement("x", 60.0, runs(1.0, 3.0, 2.0)), Measurement("x", 180.0, runs(8.0, 6.0, 4.0))]
    report = bench_module._report("mix", found, [], BenchOptions(repeats=3), "descant bench mix", 0.0)
    assert report.tables[0].rows[0] == ("x", "60", 2.0, "1.00 to 3.00", 4.0, 200, "100 to 300", "30.0", "15.0")
    assert report.tables[1].rows[0] == ("x", 2.0, 4.0, 200.0, "30.0", "15.0")  # 4 s more for 2 minutes more


@pytest.mark.parametrize(
    ("asked", "inherited", "said"),
    [
        (None, None, "OMP_NUM_THREADS: not set;"),
        (None, "3", "OMP_NUM_THREADS: 3, inherited from the environment;"),
        (2, "3", "OMP_NUM_THREADS: 2, by --threads;"),
    ],
)
def test_the_report_says_the_threads_that_the_commands_saw(
    asked: int | None, inherited: str | None, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if inherited is not None:
        monkeypatch.setenv("OMP_NUM_THREADS", inherited)
    told = ["sh", "-c", 'test "${OMP_NUM_THREADS-}" = "$0"', str(asked or inherited or "")]

    def make(folder: Path, _: float) -> list[Path]:
        return [folder]

    monkeypatch.setitem(bench_module.BENCH_TASKS, "mix", BenchTask("mix", make, "out"))
    monkeypatch.setattr(bench_module, "_ours", lambda _: lambda *_: told)
    report, _ = bench("mix", BenchOptions((1.0,), 1, with_peers=False, threads=asked))
    assert said in report.notes[0]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["dance"], "nothing to measure for 'dance'"), (["mix", "--seconds", "long"], "'long' are no lengths")],
)
def test_bad_command_lines(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["bench", *arguments, "-q"]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.e2e
def test_a_real_verb_from_end_to_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["bench", "mix", "--seconds", "1", "--repeats", "1", "--no-peers", "--no-plots", "-o", str(tmp_path)]
    assert run([*arguments, "-q"]) == 0, capsys.readouterr().err
    (measured,) = json.loads((tmp_path / "bench-mix.json").read_text())["runs"]
    assert 30 < measured["peak_mib"] < 2_000
    assert measured["processor_s"] > 0.1
    assert measured["wall_s"] > 0.1
