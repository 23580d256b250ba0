"""Measure what it takes to list a large set from one JSON file: NSynth's layout with as many notes as are asked for.

    python benchmarks/nsynth_index.py --notes 100000

Each listing runs in a fresh process; the time is the core's own, the memory what the process
grew by (its largest size). Empty files stand for the recordings: listing looks at their
names alone.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from descant.data.sets.catalogue import open_set


def write_set(root: Path, notes: int) -> None:
    """An index in which every note has the fields of the published one, and a file for each."""
    part = root / "nsynth-train"
    (part / "audio").mkdir(parents=True)
    index = {}
    for number in range(notes):
        instrument = f"bass_synthetic_{number // 300:03d}"
        name = f"{instrument}-{21 + number % 88:03d}-{25 * (1 + number // 88 % 5):03d}-{number}"
        index[name] = {
            "note": number, "note_str": name, "instrument": number // 300, "instrument_str": instrument,
            "pitch": 21 + number % 88, "velocity": 25 * (1 + number // 88 % 5), "sample_rate": 16_000,
            "qualities": [0, 1, 0, 0, 0, 0, 0, 0, 0, 1], "qualities_str": ["dark", "tempo-synced"],
            "instrument_family": 0, "instrument_family_str": "bass", "instrument_source": 2,
            "instrument_source_str": "synthetic",
        }  # fmt: skip
        (part / "audio" / f"{name}.wav").touch()
    (part / "examples.json").write_text(json.dumps(index), encoding="utf-8")


def list_it(root: Path) -> None:
    """In a fresh process: list once, print seconds and MiB."""
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    items = open_set("nsynth", root).items("train")
    seconds, after = time.process_time() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"items": len(items), "seconds": seconds, "mib": (after - before) / 1024}))


def main() -> None:
    """Write the set, list it in fresh processes, print the median."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--notes", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--write", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--list", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.write is not None:
        write_set(given.write, given.notes)
        return
    if given.list is not None:
        list_it(given.list)
        return
    with tempfile.TemporaryDirectory() as folder:
        # In a process of its own: the largest size of this one would be passed on to its children.
        subprocess.run([sys.executable, __file__, "--notes", str(given.notes), "--write", folder], check=True)
        command = [sys.executable, __file__, "--list", folder]
        runs = [json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
                for _ in range(given.runs)]  # fmt: skip
    for what, unit in (("seconds", "s of one core"), ("mib", "MiB")):
        values = sorted(run[what] for run in runs)
        print(f"{runs[0]['items']} notes: {statistics.median(values):.1f} {unit} ({values[0]:.1f} to {values[-1]:.1f})")


if __name__ == "__main__":
    main()
