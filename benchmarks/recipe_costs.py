"""What a recipe needs: peak memory of a fresh process, time to read the data, and time a step.

python benchmarks/recipe_costs.py recipes/accompaniment/cpu.toml --data pop909.zip [--steps 30]

Trains so many steps of the recipe as it stands, with one validation and one checkpoint; the memory is the process'
resident set at its highest, data included. Processor time beside wall-clock time, since machines are shared.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

_TO_MIB = 2**20 if platform.system() == "Darwin" else 2**10


def measure(recipe: Path, data: Path | None, steps: int) -> dict[str, float]:
    """In this process, which should be fresh: what it took."""
    from descant.train.loop import train
    from descant.train.prepared import prepare

    prepared = prepare(recipe)
    loop = replace(prepared.recipe.loop, steps=steps, minutes=None, report_every=1, validate_every=10**9)
    began, busy = time.monotonic(), time.process_time()
    lesson = prepared.plan.build(prepared.config, data, loop.seed)
    read, read_busy = time.monotonic() - began, time.process_time() - busy
    marks: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        train(lesson, loop, out, progress=lambda _event: marks.append((time.monotonic(), time.process_time())))
    # From the first step to the one before the last, whose report includes the validation.
    (first, first_busy), (last, last_busy) = marks[0], marks[steps - 2]
    return {
        "memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _TO_MIB,
        "reading_s": read,
        "reading_processor_s": read_busy,
        "step_ms": 1e3 * (last - first) / (steps - 2),
        "step_processor_ms": 1e3 * (last_busy - first_busy) / (steps - 2),
        "parameters": sum(parameter.numel() for parameter in lesson.model.parameters()),
    }


def main() -> None:
    """Measure in a process of its own and print a line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--steps", type=int, default=30, help="3 or more")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.here:
        print(json.dumps(measure(args.recipe, args.data, args.steps)))
        return
    ran = subprocess.run([sys.executable, __file__, *sys.argv[1:], "--here"], stdout=subprocess.PIPE, check=True)
    found = json.loads(ran.stdout.splitlines()[-1])
    print(
        f"{args.recipe}: {found['parameters']:,.0f} parameters, {found['memory_mib']:.0f} MiB at most; data read in "
        f"{found['reading_s']:.1f} s ({found['reading_processor_s']:.1f} of processor time); a step "
        f"{found['step_ms']:.0f} ms ({found['step_processor_ms']:.0f} of processor time); {os.cpu_count()} cores"
    )


if __name__ == "__main__":
    main()
