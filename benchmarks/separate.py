"""How fast `descant separate` is, and whether its memory depends on the length of the song.

    python benchmarks/separate.py                  # 5 minutes against 3 hours; needs 6 GB of disk for the moment
    python benchmarks/separate.py --hours 0.5      # a shorter long one

Each length runs in a process of its own, whose peak resident memory the operating system reports.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

SAMPLE_RATE = 44_100
SHORT_S = 300.0


def make_song(path: Path, seconds: float) -> None:
    """A stereo file of chords, beats and noise: the nets' work does not depend on what they hear."""
    from descant.audio.clip import Clip
    from descant.audio.io import AudioWriter

    random = np.random.default_rng(1)
    time_s = np.arange(10 * SAMPLE_RATE) / SAMPLE_RATE
    chord = sum(np.sin(2 * np.pi * hz * time_s) for hz in (110.0, 277.2, 329.6, 440.0)) / 8
    beat = np.exp(-20 * (time_s % 0.5)) * random.standard_normal(len(time_s)) / 4
    block = Clip(np.stack([chord + beat, chord - beat / 2]).astype(np.float32) / 2, SAMPLE_RATE)
    with AudioWriter(path, SAMPLE_RATE, 2, subtype="PCM_16") as writer:
        for _ in range(round(seconds / 10)):
            writer.write(block)


def child(song: str, out: str, threads: int) -> None:
    """Separate one file and print time and memory as JSON."""
    import torch

    torch.set_num_threads(threads)
    from descant.separate.api import Separator
    from descant.separate.files import StemOptions, separate_file

    separator = Separator.load()
    started, started_cpu = time.perf_counter(), time.process_time()
    result = separate_file(song, out, StemOptions(subtype="PCM_16"), separator=separator)
    wall_s, cpu_s = time.perf_counter() - started, time.process_time() - started_cpu
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"audio_s": result.duration_s, "wall_s": wall_s, "cpu_s": cpu_s, "peak_mib": peak_mib}))


def measure(seconds: float, threads: int, folder: Path) -> dict[str, float]:
    """Make a song of this length, separate it in a new process, and return what it took."""
    song, out = folder / f"song-{seconds:.0f}.wav", folder / f"stems-{seconds:.0f}"
    make_song(song, seconds)
    command = [sys.executable, __file__, "--child", str(song), str(out), "--threads", str(threads)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    for path in (song, *out.iterdir()):
        path.unlink()
    return {name: float(value) for name, value in json.loads(done.stdout).items()}


def main() -> None:
    """Measure both lengths and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=3.0, help="length of the long file")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--child", nargs=2, metavar=("SONG", "OUT"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        child(*arguments.child, arguments.threads)
        return
    print("| audio | wall | processor | x real time | x real time, processor alone | peak memory |")
    print("|---|---|---|---|---|---|")
    peaks = []
    with tempfile.TemporaryDirectory() as folder:
        for seconds in (SHORT_S, 3_600.0 * arguments.hours):
            took = measure(seconds, arguments.threads, Path(folder))
            peaks.append(took["peak_mib"])
            # What two idle cores would need: the processor time shared between the threads at best.
            alone = took["audio_s"] / took["cpu_s"] * arguments.threads
            print(
                f"| {took['audio_s'] / 60:.0f} min | {took['wall_s']:.1f} s | {took['cpu_s']:.1f} s "
                f"| {took['audio_s'] / took['wall_s']:.1f} | at most {alone:.1f} | {took['peak_mib']:.0f} MiB |",
                flush=True,
            )
    print(f"\nLong against short: {100 * (peaks[1] / peaks[0] - 1):+.1f} % memory.")


if __name__ == "__main__":
    main()
