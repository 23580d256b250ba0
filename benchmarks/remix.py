"""How long `descant remix` takes and how much memory it needs: `python benchmarks/remix.py SONG...`.

Each song goes through the real command line in a fresh process, without kept steps, weights being in the cache; then
once more with all steps kept.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from descant.audio.io import probe
from descant.evaluate.child import Usage, measure_child


def measure(song: Path, place: Path, arguments: list[str]) -> Usage:
    """One run with the steps that lie in `place`."""
    command = [sys.executable, "-m", "descant", "remix", str(song), "-o", str(place / "out"), "-q"]
    return measure_child([*command, "--work", str(place / "work"), *arguments])


def main() -> None:
    """Measure what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("songs", type=Path, nargs="+")
    parser.add_argument("--options", default="", help='passed on, for instance "--band keep"')
    arguments = parser.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before the start\n")
    print("| song | length s | run | wall s | processor s | peak MiB |\n|---|---|---|---|---|---|")
    for song in arguments.songs:
        with tempfile.TemporaryDirectory() as place:
            for name in ("fresh", "all steps kept"):
                used = measure(song, Path(place), arguments.options.split())
                numbers = f"{used.wall_s:.1f} | {used.processor_s:.1f} | {used.peak_mib:.0f}"
                print(f"| {song.name} | {probe(song).duration_s:.0f} | {name} | {numbers} |", flush=True)


if __name__ == "__main__":
    main()
