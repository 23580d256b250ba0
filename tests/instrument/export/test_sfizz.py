"""An export in another program's hands: sfizz, a sampler of its own, plays the mapping."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from descant.instrument.export.api import export_instrument
from descant.instrument.export.options import ExportOptions
from made_instruments import Made

pysfizz = pytest.importorskip("pysfizz", reason="sfizz is missing: pip install pysfizz")

RATE = 48_000
MADE = Made(cents=17.0, vibrato_cents=12.0, release=60.0)


class Sfizz:
    def __init__(self, mapping: Path) -> None:
        # From disk, sfizz streams: on a busy machine it goes silent where the samples are not there in time.
        in_memory = mapping.with_name("in memory.sfz")
        in_memory.write_text(mapping.read_text().replace("<control>\n", "<control>\nhint_ram_based=1\n"))
        self._synth = pysfizz.Synth(RATE, 256)
        assert self._synth.load_sfz_file(str(in_memory))

    def note(self, key: int, velocity: int, held_s: float, length_s: float) -> np.ndarray:
        rendered = np.asarray(self._synth.render_note(key, velocity, held_s, length_s), np.float64)
        while self._synth._synth.get_num_active_voices():
            self._synth._synth.render_block()
        return rendered


@pytest.fixture(scope="module")
def sfizz(tmp_path_factory: pytest.TempPathFactory) -> Sfizz:
    options = ExportOptions(lowest=36, highest=96, every=12, velocities=(50, 110), held_s=2.0)
    done = export_instrument(MADE, tmp_path_factory.mktemp("sfizz") / "made", options)
    assert done.mapping is not None
    assert (done.looped, done.audible) == (12, ())
    return Sfizz(done.mapping)


def mean_cents(samples: np.ndarray, key: int) -> float:
    """Of the fundamental, by its phase at both ends of ten turns of the vibrato."""
    hertz = 440 * 2 ** ((key - 69) / 12)
    assert samples[:, RATE:].std() > 0.01
    mono, size = samples.sum(axis=0), round(RATE / 5.5)
    phases = []
    window = np.hanning(size)
    for at in range(RATE // 2, RATE // 2 + 7 * size, size // 8):
        part = mono[at : at + size] * window
        phases.append(np.angle(np.sum(part * np.exp(-2j * np.pi * hertz * np.arange(at, at + size) / RATE))))
    turns = np.unwrap(phases)
    slope = np.polyfit(np.arange(len(turns)) * (size // 8) / RATE, turns, 1)[0]
    return 1200 * float(np.log2(1 + slope / (2 * np.pi) / hertz))


@pytest.mark.parametrize("key", [30, *range(36, 97, 5), 102])
def test_it_plays_in_tune_over_five_octaves(sfizz: Sfizz, key: int) -> None:
    assert abs(mean_cents(sfizz.note(key, 100, 2.5, 2.6), key)) < 3.0


@pytest.mark.parametrize("key", [36, 57, 90])
def test_velocities_rise_as_those_of_the_instrument(sfizz: Sfizz, key: int) -> None:
    velocities = list(range(3, 128, 4))
    levels = np.array([20 * np.log10(sfizz.note(key, v, 0.5, 0.5).std()) for v in velocities])
    own = np.array([40 * np.log10(v / 127) for v in velocities])
    apart = levels - own
    assert (np.diff(levels) > -0.1).all()
    assert np.ptp(apart[own > -58]) < 4.0
    assert levels[-1] - levels[0] > 55


@pytest.mark.parametrize("key", [36, 39, 60, 62, 84, 96])
def test_a_held_note_goes_on_for_ten_seconds_without_a_click(sfizz: Sfizz, key: int) -> None:
    note = sfizz.note(key, 120, 10.0, 10.0)
    bends = np.abs(np.diff(note, 2, axis=1)).max(axis=0)
    assert bends[2 * RATE : -RATE // 100].max() < 1.1 * bends[RATE // 2 : RATE].max()
    size = RATE // 10
    levels = 10 * np.log10(np.square(note[:, RATE:]).mean(axis=0).reshape(-1, size).mean(axis=1))
    assert np.ptp(levels) < 1.5


def test_it_ends_as_the_instrument_does(sfizz: Sfizz) -> None:
    for note in (sfizz.note(60, 120, 1.0, 3.0), MADE.note(60, 120, 1.0, 3.0).astype(np.float64)):
        levels = [10 * np.log10(np.square(note[:, int(t * RATE) : int((t + 0.05) * RATE)]).mean()) for t in (0.9, 1.5)]
        assert levels[0] - levels[1] == pytest.approx(60.0 * 0.525, abs=2.5)
