"""How long `descant accompany` takes and how much memory it needs: `python benchmarks/accompany.py RECORDING...`.

Each recording goes through the real command line in a fresh process, without kept steps, weights being in the cache.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from descant.audio.io import probe
from descant.hub.card import cache_folder


def measure(recording: Path, arguments: list[str]) -> tuple[float, float, float]:
    """Wall seconds, processor seconds and peak MiB of one run."""
    shutil.rmtree(cache_folder() / "steps", ignore_errors=True)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "-m", "descant", "accompany", str(recording), "-o", out, "-q", *arguments]
        subprocess.run(command, check=True)
    wall = time.monotonic() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, processor, after.ru_maxrss / 1024


def main() -> None:
    """Measure what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recordings", type=Path, nargs="+")
    parser.add_argument("--options", default="", help='passed on, for instance "--takes 3"')
    arguments = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before the start\n")
    print("| recording | length s | wall s | processor s | peak MiB so far |\n|---|---|---|---|---|")
    for recording in arguments.recordings:
        wall, processor, peak = measure(recording, arguments.options.split())
        print(f"| {recording.name} | {probe(recording).duration_s:.0f} | {wall:.1f} | {processor:.1f} | {peak:.0f} |")


if __name__ == "__main__":
    main()
