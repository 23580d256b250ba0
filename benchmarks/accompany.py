"""How long `descant accompany` takes and how much memory it needs: `python benchmarks/accompany.py RECORDING...`.

Each recording goes through the real command line in a fresh process, without kept steps, weights being in the cache.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from descant.audio.io import probe
from descant.evaluate.bench import fresh_cache
from descant.evaluate.child import Usage, measure_child


def measure(recording: Path, arguments: list[str]) -> Usage:
    """One run, with the weights of the real cache and none of its finished steps."""
    with tempfile.TemporaryDirectory() as place:
        cache = fresh_cache(Path(place) / "cache")
        command = [sys.executable, "-m", "descant", "accompany", str(recording), "-o", place + "/out", "-q", *arguments]
        return measure_child(command, environment={**os.environ, "DESCANT_CACHE": str(cache)})


def main() -> None:
    """Measure what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recordings", type=Path, nargs="+")
    parser.add_argument("--options", default="", help='passed on, for instance "--takes 3"')
    arguments = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before the start\n")
    print("| recording | length s | wall s | processor s | peak MiB |\n|---|---|---|---|---|")
    for recording in arguments.recordings:
        used = measure(recording, arguments.options.split())
        numbers = f"{used.wall_s:.1f} | {used.processor_s:.1f} | {used.peak_mib:.0f}"
        print(f"| {recording.name} | {probe(recording).duration_s:.0f} | {numbers} |")


if __name__ == "__main__":
    main()
