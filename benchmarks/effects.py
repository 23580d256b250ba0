"""Measure how fast the audio floor works on a three-minute song. Run `python benchmarks/effects.py`."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from audio_files import music

from descant.audio import effects
from descant.audio.clip import Clip
from descant.audio.loudness import integrated_lufs, true_peak_db
from descant.audio.normalize import normalize_loudness
from descant.audio.resample import resample
from descant.evaluate.report import Report, Table

WORK: tuple[tuple[str, Callable[[Clip], object]], ...] = (
    ("resample to 48 kHz", lambda clip: resample(clip, 48_000)),
    ("integrated_lufs", integrated_lufs),
    ("true_peak_db", true_peak_db),
    ("normalize_loudness to -14 LUFS", lambda clip: normalize_loudness(clip, -14.0)),
    ("limit, 10 dB too loud", lambda clip: effects.limit(clip.gain(10.0))),
    ("compress", effects.compress),
    ("duck", lambda clip: effects.duck(clip, clip)),
    ("peak (equaliser)", lambda clip: effects.peak(clip, 1_000.0, 3.0)),
    ("reverb", effects.reverb),
)


def main() -> None:
    """Measure and print the table."""
    part = music(44_100)
    song = Clip(np.tile(part.samples, 9), part.sample_rate)
    rows = []
    for name, work in WORK:
        started = time.process_time()
        work(song)
        seconds = time.process_time() - started
        rows.append((name, round(seconds, 2), round(song.duration_s / seconds)))
    title = f"{song.duration_s:.0f} s in stereo at 44.1 kHz, on one core"
    table = Table(title, ("what", "CPU seconds", "x real time"), tuple(rows))
    print(Report("effects", "python benchmarks/effects.py", (table,)).to_markdown())


if __name__ == "__main__":
    main()
