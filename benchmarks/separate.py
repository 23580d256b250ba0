"""How fast `descant separate` is, and whether its memory depends on the length of the song.

    python benchmarks/separate.py                  # 5 minutes against 3 hours; needs 6 GB of disk for the moment
    python benchmarks/separate.py --hours 0.5      # a shorter long one

Each length runs in a process of its own, whose peak resident memory the operating system reports.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from descant.evaluate.bench_inputs import write_song
from descant.evaluate.child import measure_child

SHORT_S = 300.0


def child(song: str, out: str, threads: int) -> None:
    """Separate one file and print its time, without that of loading, as JSON."""
    import torch

    torch.set_num_threads(threads)
    from descant.separate.api import Separator
    from descant.separate.files import StemOptions, separate_file

    separator = Separator.load()
    started, started_cpu = time.perf_counter(), time.process_time()
    result = separate_file(song, out, StemOptions(subtype="PCM_16"), separator=separator)
    wall_s, cpu_s = time.perf_counter() - started, time.process_time() - started_cpu
    print(json.dumps({"audio_s": result.duration_s, "wall_s": wall_s, "cpu_s": cpu_s}))


def measure(seconds: float, threads: int, folder: Path) -> dict[str, float]:
    """Make a song of this length, separate it in a new process, and return what it took."""
    song, out = folder / f"song-{seconds:.0f}.wav", folder / f"stems-{seconds:.0f}"
    write_song(song, seconds)
    command = [sys.executable, __file__, "--child", str(song), str(out), "--threads", str(threads)]
    used = measure_child(command)
    for path in (song, *out.iterdir()):
        path.unlink()
    return {**{name: float(value) for name, value in json.loads(used.output).items()}, "peak_mib": used.peak_mib}


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
