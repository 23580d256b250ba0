"""How fast and how well in tune `play` and `mix` are: a busy three-minute song of six tracks.

Run: python benchmarks/play_and_mix.py [SOUNDFONT.sf2]
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np

from descant.evaluate.bench_inputs import busy_score
from descant.instrument.api import find_soundfont
from descant.mix.api import mix
from descant.score.notes import Note, Score, Track
from descant.score.render import render_score
from descant.score.tempo import TempoMap

SECONDS = 180
PROGRAMS = (0, 4, 16, 24, 27, 33, 40, 48, 56, 65, 73, 80, 89)
KEYS = (48, 60, 69)
RATE = 44_100


def worst_cents(soundfont: Path) -> float:
    """The largest distance of a partial of held notes from where the tempered scale has it."""
    worst = 0.0
    for program in PROGRAMS:
        for key in KEYS:
            score = Score((Track("x", (Note(0.0, 2.0, key, 100),), program),), TempoMap.constant(60))
            samples = render_score(score, soundfont)["x"].samples.sum(axis=0)[RATE // 2 : 2 * RATE]
            worst = max(worst, abs(_cents_off(samples, 440.0 * 2 ** ((key - 69) / 12))))
    return worst


def _cents_off(samples: np.ndarray, wanted_hz: float) -> float:
    size = 1 << 19
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), size))
    hz = np.arange(len(spectrum)) * RATE / size
    near = [(hz > wanted_hz * k * 2 ** (-1 / 24)) & (hz < wanted_hz * k * 2 ** (1 / 24)) for k in (1, 2, 3)]
    peaks = [int(np.flatnonzero(n)[np.argmax(spectrum[n])]) for n in near]
    strongest = max(range(3), key=lambda i: spectrum[peaks[i]])
    return float(1200 * np.log2(hz[peaks[strongest]] / (wanted_hz * (strongest + 1))))


def main() -> None:
    """Print the table."""
    soundfont = Path(sys.argv[1]) if len(sys.argv) > 1 else find_soundfont()
    score = busy_score(SECONDS)
    clocks = []
    for work in (lambda: render_score(score, soundfont, length_s=SECONDS), lambda: mix(clocks[0][0])):
        wall, cpu = time.perf_counter(), time.process_time()
        result = work()
        clocks.append((result, time.perf_counter() - wall, time.process_time() - cpu))
    print(f"{soundfont.name}, {SECONDS} s, {len(score.tracks)} tracks, {sum(len(t.notes) for t in score.tracks)} notes")
    for name, (_, wall_s, cpu_s) in zip(("play", "mix"), clocks, strict=True):
        print(f"{name:5} {wall_s:6.1f} s   (processor {cpu_s:.1f} s, {SECONDS / wall_s:.0f}x real time)")
    report = clocks[1][0].report
    print(f"mix at {report.lufs:.2f} LUFS, {report.true_peak_db:.2f} dBTP")
    print(f"worst tuning of held notes: {worst_cents(soundfont):.1f} cents")


if __name__ == "__main__":
    main()
