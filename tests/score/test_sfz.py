"""What the reader of SFZ mappings makes of loops, levels and numbers that are none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from descant.score.sfz import SampleSet
from descant.score.single_note import Pressed, render_note

RATE = 48_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    sine = 0.25 * np.sin(2 * np.pi * 480 * np.arange(RATE) / RATE)
    soundfile.write(tmp_path / "a.wav", sine, RATE)
    return tmp_path


def played(folder: Path, opcodes: str, velocity: int = 127, held_s: float = 0.5) -> np.ndarray:
    (folder / "a.sfz").write_text(f"<region> {opcodes}\nsample=a.wav\n")
    return render_note(
        SampleSet(folder / "a.sfz"), Pressed(60, velocity), sample_rate=RATE, held_s=held_s, length_s=4.0
    )


def test_a_loop_holds_a_note_beyond_its_recording(folder: Path) -> None:
    looped = played(folder, "loop_mode=loop_continuous loop_start=10000 loop_end=19999", held_s=4.0)
    at = np.arange(2 * RATE, 3 * RATE)
    np.testing.assert_allclose(looped[0, at], looped[0, at - RATE], atol=1e-4)  # 100 periods fit the loop
    assert looped[0, at].std() > 0.01
    for opcodes in ("", "loop_start=10000 loop_end=19999", "loop_mode=loop_sustain loop_start=5 loop_end=5",
                    "loop_mode=loop_sustain loop_start=10000 loop_end=900000"):  # fmt: skip
        assert not played(folder, opcodes, held_s=4.0)[0, at].any()


def test_levels(folder: Path) -> None:
    plain = np.abs(played(folder, "")).max()
    for opcodes, velocity, gain_db in (("volume=-6", 127, -6), ("volume=4", 127, 4), ("", 64, 40 * np.log10(64 / 127)),
                                       ("amp_veltrack=0", 64, 0), ("amp_veltrack=0 volume=-3", 1, -3)):  # fmt: skip
        assert 20 * np.log10(np.abs(played(folder, opcodes, velocity)).max() / plain) == pytest.approx(
            gain_db, abs=0.05
        )


@pytest.mark.parametrize("number", ["nan", "inf", "-inf", "1e400", "loud"])
def test_numbers_that_are_none_are_left_out(folder: Path, number: str) -> None:
    names = ("volume", "offset", "tune", "transpose", "ampeg_release", "lovel", "loop_start", "loop_end")
    note = played(folder, "loop_mode=loop_sustain " + " ".join(f"{name}={number}" for name in names))
    np.testing.assert_array_equal(note, played(folder, ""))
