"""`descant bench`: how long a verb takes and how much memory it needs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def bench(
    task: str,
    *,
    seconds: str = "30,120",
    repeats: int = 3,
    peers: bool = True,
    peer_python: Annotated[tuple[str, ...], Parameter(negative=())] = (),
    threads: int | None = None,
    plots: bool | None = None,
    out: Annotated[Path | None, Parameter(alias="-o")] = None,
    quiet: Annotated[bool, Parameter(alias="-q", negative=())] = False,
) -> None:
    """Measure wall time, processor time and peak memory of a verb over fresh processes, beside installed peers.

    Args:
        task: separate, transcribe, analyze, accompany, play or mix.
        seconds: Lengths of the (synthetic) input, separated by commas.
        repeats: Runs of each length; medians and spread are printed.
        peers: Also measure peers that are installed (nothing is installed for it).
        peer_python: Another Python interpreter in which to look for peers, such as venv/bin/python; may be given
            several times.
        threads: OMP_NUM_THREADS of what is measured.
        plots: Draw a plot into the output folder (needs matplotlib); left out: if matplotlib is there.
        out: Also write bench-<task>.md, .json and .png into this folder.
        quiet: Show no progress.
    """
    from descant.cli.terminal import progress_bar
    from descant.evaluate.bench import BenchOptions, bench_task
    from descant.evaluate.bench import bench as measure
    from descant.evaluate.bench_report import save_bench
    from descant.evaluate.plots import require_plots
    from descant.evaluate.report import require_place

    options = BenchOptions(_lengths(seconds), repeats, peers, peer_python, threads)
    require_plots(plots, out)
    if out is not None:
        require_place(out, f"bench-{bench_task(task).verb}")
    command = f"descant bench {task} --seconds {seconds} --repeats {repeats}"
    command += "" if threads is None else f" --threads {threads}"
    with progress_bar(f"bench {task}", quiet=quiet) as progress:
        report, measurements = measure(task, options, command=command, progress=progress)
    if out is not None:
        report = save_bench(report, measurements, out, plots=plots)
    print(report.to_markdown())


def _lengths(text: str) -> tuple[float, ...]:
    from descant.cli.lists import names_in
    from descant.errors import InvalidOption

    try:
        return tuple(float(each) for each in names_in(text))
    except ValueError as error:
        raise InvalidOption(f"{text!r} are no lengths.", "Write seconds, as in 30,120.") from error
