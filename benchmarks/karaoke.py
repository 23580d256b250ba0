"""How fast a karaoke video is written: CPU seconds and wall seconds per kind, for a song of a given length.

    python benchmarks/karaoke.py --seconds 180 --size 1920x1080 --kinds mp4 webm

The words are wiped all the time but for one break in the middle; the sound is soft noise. CPU seconds are those of all
threads together, so they are what the work takes on one core.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from descant.audio.clip import Clip
from descant.pipelines.karaoke.artist import Artist, Layout
from descant.pipelines.karaoke.background import open_background
from descant.pipelines.karaoke.fonts import load_typeface
from descant.pipelines.karaoke.painter import Painter
from descant.pipelines.karaoke.pixels import Planes
from descant.pipelines.karaoke.plan import PlanOptions, plan_screen
from descant.pipelines.karaoke.rows import rows_of
from descant.pipelines.karaoke.video import Screen, write_videos
from descant.text.lyrics import Line, Lyrics, Word

_WORDS = ["over", "the", "water", "and", "under", "the", "moon", "we", "are", "singing", "along"]
_RATE = 44_100


def lyrics_of(seconds: float) -> Lyrics:
    """Lines of eight words, two words a second, with a break of 15 s in the middle."""
    lines, time_s = [], 8.0
    while time_s < seconds - 6.0:
        if abs(time_s - seconds / 2) < 2.5:
            time_s += 15.0
        starts = [time_s + 0.5 * i for i in range(8)]
        words = (_WORDS[(len(lines) + i) % len(_WORDS)] for i in range(8))
        lines.append(Line(tuple(Word(text, at, at + 0.45) for text, at in zip(words, starts, strict=True))))
        time_s += 4.5
    return Lyrics(tuple(lines), title="Benchmark", artist="Descant")


def noise(seconds: float) -> Iterator[Clip]:
    """Blocks of soft noise."""
    random = np.random.default_rng(0)
    for start in range(0, round(seconds * _RATE), _RATE):
        frames = min(_RATE, round(seconds * _RATE) - start)
        yield Clip((0.05 * random.standard_normal((2, frames))).astype(np.float32), _RATE)


def main() -> None:
    """Measure each kind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=180.0)
    parser.add_argument("--size", default="1920x1080")
    parser.add_argument("--fps", type=int, default=30)
    parser.add_argument("--kinds", nargs="+", default=["mp4", "webm"])
    parser.add_argument("--background", default="")
    given = parser.parse_args()
    screen = Screen.parse(given.size, given.fps)
    typeface = load_typeface()
    rows = rows_of(lyrics_of(given.seconds), Artist(Layout(screen.width, screen.height), typeface).fits)
    plan = plan_screen(rows, given.seconds, PlanOptions(), has_title=True)
    for kind in ("drawing alone", *given.kinds):
        artist = Artist(Layout(screen.width, screen.height, plan.slots), typeface)
        painter = Painter(plan, artist, open_background(given.background, screen.width, screen.height), title="Title")
        wall, cpu = time.perf_counter(), time.process_time()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"a.{kind}"
            if kind in given.kinds:
                write_videos({kind: path}, screen, painter.paint, noise(given.seconds), duration_s=given.seconds)
                size = f"{path.stat().st_size / 1e6:.1f} MB"
            else:
                picture = Planes.black(screen.width, screen.height)
                for index in range(round(given.seconds * screen.fps)):
                    painter.paint(picture, index / screen.fps)
                size = ""
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        print(f"{kind}: {cpu:.1f} s CPU, {wall:.1f} s wall for {given.seconds:.0f} s {screen} {size}", flush=True)
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
