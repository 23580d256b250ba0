"""How fast `descant convert` is and whether its memory stays: `python benchmarks/convert.py [--minutes 1,20]`.

A hummed tune of each length goes through the real command line in a fresh process, with a bundled voice.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

import numpy as np

from descant.audio.clip import Clip
from descant.audio.io import write
from descant.evaluate.child import measure_child
from descant.nets.source_filter import SAMPLE_RATE
from descant.train.hums import babble


def main() -> None:
    """Measure what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", default="1,20")
    minutes = [float(text) for text in parser.parse_args().minutes.split(",")]
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before the start\n")
    print("| audio s | wall s | processor s | peak MiB | x real time |\n|---|---|---|---|---|")
    tune = babble(np.random.default_rng(0), 180.0, 1.0, 20.0).samples
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder) / "in.wav", Path(folder) / "out.wav"
        for length in minutes:
            seconds = 60.0 * length
            write(source, Clip(np.tile(tune, (1, round(seconds / 20.0))), SAMPLE_RATE))
            asked = ["convert", str(source), "--voice", "robin", "-o", str(out), "-q"]
            used = measure_child([sys.executable, "-m", "descant", *asked])
            numbers = f"{used.wall_s:.1f} | {used.processor_s:.1f} | {used.peak_mib:.0f} | {seconds / used.wall_s:.1f}"
            print(f"| {seconds:.0f} | {numbers} |")


if __name__ == "__main__":
    main()
