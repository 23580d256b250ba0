"""How well exported instruments play in another program's sampler: sfizz, through the wheel `pysfizz`.

    python benchmarks/instrument_export.py FluidR3_GM.sf2:48 FluidR3_GM.sf2:0 ...

For each instrument: the seconds that the export took; notes with a loop, and loops that may be heard; by how many cents
sfizz's notes are off over five octaves, at most and in the middle; the same of the instrument itself; by how many dB
sfizz's levels differ from the instrument's over 16 velocities, at most; the sharpest bend of the wave over 10 s that a
key is held, as a multiple of the sharpest within the first loop (1 is no click); and how long the release is in sfizz
and in the instrument, to 40 dB down.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pysfizz
from numpy.typing import NDArray

from descant.instrument.export.api import Exported, export_instrument
from descant.instrument.export.options import ExportOptions
from descant.instrument.find import find_playable
from descant.instrument.playable import Playable

RATE = 48_000
OPTIONS = ExportOptions(lowest=36, highest=96)
KEYS = tuple(range(36, 97, 5))
VELOCITIES = tuple(range(8, 128, 8))


@dataclass(frozen=True, slots=True)
class Sampler:
    """sfizz with a mapping loaded."""

    synth: pysfizz.Synth

    @classmethod
    def load(cls, mapping: Path) -> Sampler:
        """Load a mapping; exits where sfizz finds no region in it."""
        # From disk, sfizz streams: on a busy machine it goes silent where the samples are not there in time.
        in_memory = mapping.with_name("in memory.sfz")
        in_memory.write_text(mapping.read_text().replace("<control>\n", "<control>\nhint_ram_based=1\n"))
        synth = pysfizz.Synth(RATE, 256)
        if not synth.load_sfz_file(str(in_memory)):
            sys.exit(f"sfizz cannot read {mapping}")
        return cls(synth)

    def note(self, key: int, velocity: int, held_s: float, length_s: float) -> NDArray[np.float64]:
        """[2, samples], with nothing of it left for the next."""
        rendered = np.asarray(self.synth.render_note(key, velocity, held_s, length_s), np.float64)
        inner = self.synth._synth  # noqa: SLF001 - what asks for voices that still sound is not public
        while inner.get_num_active_voices():
            inner.render_block()
        return rendered


def cents_off(samples: NDArray[np.float64], key: int) -> float:
    """Of the strongest of the lowest four partials, by the peak of a zero-padded spectrum of a second."""
    mono = samples[:, RATE // 4 : RATE // 4 + RATE].sum(axis=0)
    size = 1 << 20
    spectrum = np.abs(np.fft.rfft(mono * np.hanning(len(mono)), size))
    best = (0.0, 0.0)
    for partial in range(1, 5):
        nominal = partial * 440.0 * 2 ** ((key - 69) / 12)
        low, high = (int(nominal * 2 ** (c / 1200) * size / RATE) for c in (-60, 60))
        if high < len(spectrum):
            peak = low + int(np.argmax(spectrum[low:high]))
            best = max(best, (float(spectrum[peak]), 1200 * np.log2(peak * RATE / size / nominal)))
    return best[1]


def level_db(samples: NDArray[np.float64]) -> float:
    """Of half a second."""
    return float(10 * np.log10(np.square(samples[:, : RATE // 2]).mean() + 1e-12))


def fall_s(samples: NDArray[np.float64], held_s: float) -> float:
    """Seconds from letting go to 40 dB below."""
    size = RATE // 50
    mono = samples[:, : samples.shape[1] // size * size]
    levels = 10 * np.log10(np.square(mono).mean(axis=0).reshape(-1, size).mean(axis=1) + 1e-12)
    off = round(held_s * RATE / size)
    under = np.flatnonzero(levels[off:] < levels[off - 2] - 40)
    return float(under[0] if len(under) else len(levels) - off) * size / RATE


def click(samples: NDArray[np.float64], first_s: float) -> float:
    """The sharpest bend after the first seconds over the sharpest between the attack and then."""
    bends = np.abs(np.diff(samples, 2, axis=1)).max(axis=0)
    first = int(first_s * RATE)
    return float(bends[first : 10 * RATE - RATE // 10].max() / bends[RATE // 2 : first].max())


def row(source: str) -> str:
    """A line of the table."""
    playable: Playable = find_playable(source)
    keys = [key for key in KEYS if key in playable.pitches]
    middle = keys[len(keys) // 2]
    with TemporaryDirectory() as folder:
        began = time.monotonic()
        done: Exported = export_instrument(playable, Path(folder) / "out", OPTIONS)
        took = time.monotonic() - began
        assert done.mapping is not None
        sampler = Sampler.load(done.mapping)
        off = np.abs([cents_off(sampler.note(key, 100, 1.5, 1.6), key) for key in keys])
        own = np.abs([cents_off(playable.note(key, 100, 1.5, 1.6).astype(float), key) for key in keys])
        there = np.array([level_db(sampler.note(middle, v, 1.0, 1.1)) for v in VELOCITIES])
        here = np.array([level_db(playable.note(middle, v, 1.0, 1.1).astype(float)) for v in VELOCITIES])
        apart = there - here - np.median(there - here)
        clicks = max(click(sampler.note(key, 120, 10.0, 10.1), OPTIONS.held_s) for key in keys) if done.looped else 0.0
        falls = [fall_s(s, 1.0) for s in (sampler.note(middle, 100, 1.0, 9.0), playable.note(middle, 100, 1.0, 9.0))]
    return (
        f"| {playable.name} | {took:.1f} | {done.looped}/{len(done.samples)}, {len(done.audible)} | "
        f"{off.max():.1f} / {np.median(off):.1f} | {own.max():.1f} / {np.median(own):.1f} | "
        f"{np.abs(apart).max():.1f} | {clicks:.2f} | {falls[0]:.2f} / {falls[1]:.2f} |"
    )


def main() -> None:
    """Print the table."""
    print("| instrument | export s | looped, audible | cents off: max / median | of the instrument | level dB | click "
          "| release s: sfizz / instrument |\n|---|---|---|---|---|---|---|---|")  # fmt: skip
    for source in sys.argv[1:]:
        print(row(source), flush=True)


if __name__ == "__main__":
    main()
