"""How long the verbs take and how much memory they need: whole commands in fresh processes, peers beside them.

Every number is of a whole command as a person would run it, start and loading included, in a process of its own. The
cost of a second of audio without the start is the slope between the shortest and the longest input.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from descant.errors import BatchFailed, DescantError, InvalidOption
from descant.evaluate import bench_inputs, peers
from descant.evaluate.child import Usage, measure_child
from descant.evaluate.report import Cell, Report, Table
from descant.hub.card import cache_folder
from descant.progress import CancelToken, Monitor, ProgressSink

LONGEST_RUN_S = 3_600.0
_STEPS = "steps"


@dataclass(frozen=True, slots=True)
class BenchTask:
    """A verb that can be measured.

    Attributes:
        verb: Its name.
        make: Writes input of a length in seconds into a folder, and returns the verb's arguments for it.
        out: The name of what it writes.
    """

    verb: str
    make: Callable[[Path, float], Sequence[Path]]
    out: str


@dataclass(frozen=True, slots=True)
class BenchOptions:
    """What is measured.

    Attributes:
        seconds: Lengths of the input.
        repeats: Runs of each length.
        with_peers: Whether installed peers run, too.
        peer_pythons: Other interpreters to look for peers in.
        threads: `OMP_NUM_THREADS` of what is measured; None leaves it as it is.
    """

    seconds: tuple[float, ...] = (30.0, 120.0)
    repeats: int = 3
    with_peers: bool = True
    peer_pythons: tuple[str, ...] = ()
    threads: int | None = None

    def __post_init__(self) -> None:
        if not self.seconds or any(not 1.0 <= length <= 36_000.0 for length in self.seconds):
            raise InvalidOption(f"Lengths of {self.seconds} s are impossible.", "Give 1 to 36000 s, as in 30,120.")
        if not 1 <= self.repeats <= 100:
            raise InvalidOption(f"{self.repeats} repeats are impossible.", "Give 1 to 100.")
        if self.threads is not None and not 1 <= self.threads <= 1_024:
            raise InvalidOption(f"{self.threads} threads are impossible.", "Give 1 or more.")


@dataclass(frozen=True, slots=True)
class Program:
    """Something to measure.

    Attributes:
        name: For people.
        command: Its command line for an input's arguments and an output path.
        is_ours: Whether a failure ends the measurement.
    """

    name: str
    command: Callable[[Sequence[Path], Path], list[str]]
    is_ours: bool = False


@dataclass(frozen=True, slots=True)
class Measurement:
    """All runs of a program on one length.

    Attributes:
        program: Its name.
        audio_s: Length of the input.
        runs: One per repeat.
    """

    program: str
    audio_s: float
    runs: tuple[Usage, ...]

    @property
    def wall_s(self) -> float:
        """Median over the runs."""
        return median(run.wall_s for run in self.runs)

    @property
    def processor_s(self) -> float:
        """Median over the runs."""
        return median(run.processor_s for run in self.runs)

    @property
    def peak_mib(self) -> float:
        """Median over the runs."""
        return median(run.peak_mib for run in self.runs)


def _one(write: Callable[[Path, float], Path], name: str) -> Callable[[Path, float], Sequence[Path]]:
    return lambda folder, seconds: [write(folder / name, seconds)]


BENCH_TASKS = {
    task.verb: task
    for task in (
        BenchTask("separate", _one(bench_inputs.write_song, "song.wav"), "stems"),
        BenchTask("transcribe", _one(bench_inputs.write_song, "song.wav"), "notes"),
        BenchTask("analyze", _one(bench_inputs.write_song, "song.wav"), "analysis"),
        BenchTask("accompany", _one(bench_inputs.write_voice, "voice.wav"), "band"),
        BenchTask("play", _one(bench_inputs.write_score, "song.mid"), "song.flac"),
        BenchTask("mix", bench_inputs.write_stems, "mix.flac"),
    )
}
"""Tasks by verb."""


def bench_task(verb: str) -> BenchTask:
    """The task of a verb.

    Raises:
        InvalidOption: There is none.
    """
    if verb not in BENCH_TASKS:
        raise InvalidOption(f"There is nothing to measure for {verb!r}.", f"Choose from {', '.join(BENCH_TASKS)}.")
    return BENCH_TASKS[verb]


def bench(
    verb: str,
    options: BenchOptions | None = None,
    *,
    command: str = "",
    progress: ProgressSink | None = None,
    cancel: CancelToken | None = None,
) -> tuple[Report, list[Measurement]]:
    """Measure a verb and its peers.

    One run that is not counted comes first, so that weights are fetched and files are warm.

    Args:
        verb: One of `BENCH_TASKS`.
        options: Lengths, repeats, peers.
        command: How to measure it again.
        progress: Receives the share that is done.
        cancel: Stops after the run at work.

    Raises:
        InvalidOption: There is no such task.
        BatchFailed: The verb fails; the message has its last words.
    """
    task, options = bench_task(verb), options or BenchOptions()
    load_before = os.getloadavg()[0]
    programs = [Program("descant " + verb, _ours(verb), is_ours=True)]
    programs += find_peers(verb, options.peer_pythons) if options.with_peers else []
    lengths = sorted(set(options.seconds))
    steps = _Steps(Monitor(progress, cancel, "running"), len(programs) * (1 + len(lengths) * options.repeats))
    found: list[Measurement] = []
    failed: list[str] = []
    with tempfile.TemporaryDirectory(prefix="descant-bench-") as place:
        bench_place = _BenchPlace.make(Path(place), task, lengths, options.threads)
        for program in programs:
            try:
                found += _measured(program, bench_place, options.repeats, steps)
            except DescantError as error:
                if program.is_ours:
                    raise
                failed.append(f"{program.name} could not be measured: {error.message}")
    steps.monitor.report(1.0)
    return _report(verb, found, failed, options, command, load_before), found


@dataclass(slots=True)
class _Steps:
    """How far all the runs are."""

    monitor: Monitor
    total: int
    done: int = 0

    def begin(self, name: str, length: float) -> None:
        self.monitor.report(min(1.0, self.done / self.total), f"{name}, {length:g} s")
        self.done += 1


@dataclass(frozen=True, slots=True)
class _BenchPlace:
    """Where runs happen: a folder with the inputs by length, and a cache of weights without finished steps."""

    folder: Path
    task: BenchTask
    inputs: dict[float, Sequence[Path]]
    cache: Path
    threads: int | None

    @classmethod
    def make(cls, folder: Path, task: BenchTask, lengths: Sequence[float], threads: int | None) -> _BenchPlace:
        cache = fresh_cache(folder / "cache")
        inputs = {}
        for number, length in enumerate(lengths):
            (folder / f"input {number}").mkdir()
            inputs[length] = task.make(folder / f"input {number}", length)
        return cls(folder, task, inputs, cache, threads)

    def run(self, program: Program, length: float) -> Usage:
        """One run into a folder that is emptied afterwards, without kept steps."""
        environment = {**os.environ, "DESCANT_CACHE": str(self.cache)}
        if self.threads is not None:
            environment |= {"OMP_NUM_THREADS": str(self.threads)}
        with tempfile.TemporaryDirectory(dir=self.folder) as out:
            command = program.command(self.inputs[length], Path(out) / self.task.out)
            usage = measure_child(command, environment=environment, timeout_s=LONGEST_RUN_S)
        steps = self.cache / _STEPS
        if steps.is_dir():
            shutil.rmtree(steps)  # of the borrowed cache: the next run does the work again
        return usage


def _measured(program: Program, place: _BenchPlace, repeats: int, steps: _Steps) -> list[Measurement]:
    """All runs of a program, after one that is not counted."""

    def run(length: float) -> Usage:
        steps.begin(program.name, length)
        return place.run(program, length)

    run(min(place.inputs))
    return [Measurement(program.name, length, tuple(run(length) for _ in range(repeats))) for length in place.inputs]


def find_peers(verb: str, pythons: Sequence[str] = ()) -> list[Program]:
    """Peers of a verb that are installed: in this interpreter and in others.

    Args:
        verb: What they do.
        pythons: Paths of other interpreters.

    Raises:
        InputNotFound, BatchFailed: An interpreter is not there or is none.
    """
    script = peers.__file__
    found: list[Program] = []
    for python in (sys.executable, *pythons):
        if python == sys.executable:
            versions = peers.installed()
        else:
            try:
                versions = json.loads(measure_child([python, script, "--list"], timeout_s=60.0).output)
            except ValueError as error:
                raise BatchFailed(f"{python} is no Python interpreter.", "Name one, as in venv/bin/python.") from error
        for name, version in versions.items():
            task, distribution, what, _ = peers.PEERS[name]
            if task == verb:
                found.append(Program(f"{what} ({distribution} {version})", _peer(python, script, name)))
    return found


def _ours(verb: str) -> Callable[[Sequence[Path], Path], list[str]]:
    def command(inputs: Sequence[Path], out: Path) -> list[str]:
        return [sys.executable, "-m", "descant", verb, *map(str, inputs), "-o", str(out), "-q"]

    return command


def _peer(python: str, script: str, name: str) -> Callable[[Sequence[Path], Path], list[str]]:
    return lambda inputs, out: [python, script, name, str(inputs[0]), str(out)]


def fresh_cache(folder: Path) -> Path:
    """A cache with the same weights (as links) and no finished steps, so that every run does all of the work.

    Args:
        folder: Made; give it to what is measured as `DESCANT_CACHE`.
    """
    folder.mkdir()
    real = cache_folder()
    if real.is_dir():
        for entry in real.iterdir():
            if entry.name != _STEPS:
                (folder / entry.name).symlink_to(entry)
    return folder


def _report(
    verb: str, found: Sequence[Measurement], failed: Sequence[str], options: BenchOptions, command: str, load: float
) -> Report:
    columns = (
        "program", "audio s", "wall s", "fastest to slowest", "processor s", "peak MiB", "lowest to highest",
        "x real time", "x real time (processor)",
    )  # fmt: skip
    rows: list[tuple[Cell, ...]] = []
    for each in found:
        walls, peaks = [run.wall_s for run in each.runs], [run.peak_mib for run in each.runs]
        rows.append(
            (
                each.program,
                f"{each.audio_s:g}",
                round(each.wall_s, 2),
                f"{min(walls):.2f} to {max(walls):.2f}",
                round(each.processor_s, 2),
                round(each.peak_mib),
                f"{min(peaks):.0f} to {max(peaks):.0f}",
                f"{each.audio_s / each.wall_s:.1f}",
                f"{each.audio_s / max(each.processor_s, 1e-3):.1f}",
            )
        )
    tables = [Table(f"Whole commands, medians of {options.repeats} fresh processes", columns, tuple(rows))]
    slopes = _slopes(found)
    if slopes:
        tables.append(
            Table(
                "What a minute of audio costs without the start (slope from the shortest to the longest)",
                ("program", "wall s", "processor s", "peak MiB", "x real time", "x real time (processor)"),
                tuple(slopes),
            )
        )
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()}"
    notes = [
        f"{machine}; OMP_NUM_THREADS: {_threads(options)}; load before the start {load:.1f}.",
        "Other work on the machine makes walls longer; processor time (of all threads together) notices it less.",
        "Peak memory is the resident memory of the process; each run starts a fresh one, weights being on disk.",
        "The input is synthetic; every run does the whole work, finished steps of earlier runs are not used.",
        *failed,
    ]
    if options.with_peers and len({each.program for each in found}) == 1:
        names = ", ".join(sorted({d for task, d, _, _ in peers.PEERS.values() if task == verb}))
        notes.append(f"No peer was measured. Known for this verb: {names or 'none'}; see --peer-python.")
    return Report(f"bench-{verb}", command or f"descant bench {verb}", tuple(tables), tuple(notes))


def _threads(options: BenchOptions) -> str:
    """What the measured commands were told; an inherited value is as much a setting as a given one."""
    if options.threads is not None:
        return f"{options.threads}, by --threads"
    inherited = os.environ.get("OMP_NUM_THREADS")
    return f"{inherited}, inherited from the environment" if inherited else "not set"


def _slopes(found: Sequence[Measurement]) -> list[tuple[Cell, ...]]:
    rows: list[tuple[Cell, ...]] = []
    for name in dict.fromkeys(each.program for each in found):
        mine = [each for each in found if each.program == name]
        first, last = mine[0], mine[-1]
        minutes = (last.audio_s - first.audio_s) / 60.0
        if minutes <= 0:
            continue
        wall, processor, peak = (
            (getattr(last, field) - getattr(first, field)) / minutes for field in ("wall_s", "processor_s", "peak_mib")
        )
        rows.append((name, *(round(value, 2) for value in (wall, processor, peak)), _speed(wall), _speed(processor)))
    return rows


def _speed(seconds_a_minute: float) -> str | None:
    """Times real time; None where more audio took no longer, which only noise can do."""
    return f"{60.0 / seconds_a_minute:.1f}" if seconds_a_minute > 0 else None
