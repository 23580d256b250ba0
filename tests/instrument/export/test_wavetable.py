"""Wavetables: levels of harmonics, frames that wrap, rise through zero and do not cancel, and the file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from descant.errors import InvalidAudio, InvalidOption, NothingHeard
from descant.instrument.export.api import wavetable
from descant.instrument.export.options import ExportOptions
from descant.instrument.export.wavetable import table_frames, write_table
from made_instruments import HARMONICS, Made, chunks_of

RATE = 48_000


def spectrum_db(frames: np.ndarray) -> np.ndarray:
    levels = np.abs(np.fft.rfft(frames.astype(np.float64), axis=-1))
    return 20 * np.log10(levels / levels[..., 1:2] + 1e-9)


@pytest.mark.parametrize("pitch", [28, 48, 60.37, 84])
@pytest.mark.parametrize("vibrato", [0.0, 30.0])
def test_harmonics_keep_their_levels(pitch: float, vibrato: float) -> None:
    note = Made(vibrato_cents=vibrato).note(pitch, 100, 3.0, 3.0)[:1]
    table = table_frames(note, RATE, pitch)
    hertz = 440 * 2 ** ((pitch - 69) / 12)
    count = min(HARMONICS, int(0.45 * RATE / hertz))
    assert table.shape == (min(256, table.shape[0]), 2048)
    levels = spectrum_db(table)[2:, 1 : count + 1]  # the first frames lie in the attack
    expected = np.tile(-20 * np.log10(np.arange(1, count + 1)), (len(levels), 1))
    # A vibrato smears what lies high up, as it does for the ear.
    reach, tolerance = (8, 1.0) if vibrato else (count, 0.2)
    np.testing.assert_allclose(levels[:, :reach], expected[:, :reach], atol=tolerance)
    if count == HARMONICS:
        assert spectrum_db(table)[:, HARMONICS + 2 :].max() < -50  # nothing is there that was not


@given(st.integers(24, 90), st.floats(0, 0.3), st.integers(1, 256))
@settings(max_examples=15, deadline=None)
def test_every_frame_wraps_and_rises_through_zero(pitch: int, noise: float, frames: int) -> None:
    table = table_frames(Made(noise=noise, decay=5.0).note(pitch, 100, 1.0, 1.0), RATE, pitch, frames)
    assert len(table) <= frames
    assert np.abs(table).max() == pytest.approx(1.0)
    assert np.abs(table[:, 0]).max() < 1e-6
    assert (table[:, 1] > 0).all()
    assert np.abs(table.mean(axis=1)).max() < 1e-6
    steps = np.abs(np.diff(np.concatenate((table, table), axis=1), axis=1))
    assert (steps[:, 2047] <= steps[:, :2047].max(axis=1) + 1e-6).all()


def test_between_frames_nothing_cancels() -> None:
    """A synthesizer fades from frame to frame: half way the harmonics lie between those of both."""
    note = Made(decay=10.0, noise=0.2).note(45, 100, 3.0, 3.0)
    levels = np.abs(np.fft.rfft(table := table_frames(note, RATE, 45).astype(np.float64), axis=1))
    between = np.abs(np.fft.rfft((table[1:] + table[:-1]) / 2, axis=1))
    np.testing.assert_allclose(between, (levels[1:] + levels[:-1]) / 2, atol=1e-6 * levels.max())


def test_the_bank_is_one_gain() -> None:
    note = Made(decay=12.0).note(48, 100, 2.0, 2.0)
    table = table_frames(note, RATE, 48, 64)
    peaks = 20 * np.log10(np.abs(table).max(axis=1))
    slope = np.polyfit(np.arange(64) / 63, peaks, 1)[0]
    assert slope == pytest.approx(-12.0 * 2.0, rel=0.05)  # it decays as the note does


def test_the_file_is_as_serum_wants_it(tmp_path: Path) -> None:
    path = wavetable(Made(), tmp_path / "table.wav", ExportOptions(table_frames=100, held_s=2.0))
    names = [name for name, _ in chunks_of(path.read_bytes())]
    assert names.index(b"clm ") < names.index(b"data")
    parts = dict(chunks_of(path.read_bytes()))
    assert parts[b"clm "][:8] == b"<!>2048 "
    assert parts[b"fmt "][:2] == b"\x03\0"  # float
    assert len(parts[b"data"]) == 100 * 2048 * 4
    info = soundfile.info(path)
    assert (info.channels, info.subtype, info.frames) == (1, "FLOAT", 100 * 2048)
    read = soundfile.read(path, dtype="float32")[0].reshape(-1, 2048)
    write_table(tmp_path / "again.wav", read)
    assert (tmp_path / "again.wav").read_bytes() == path.read_bytes()


def test_what_makes_no_table_is_said(tmp_path: Path) -> None:
    with pytest.raises(NothingHeard, match="silent"):
        table_frames(np.zeros((2, RATE), np.float32), RATE, 60)
    with pytest.raises(InvalidAudio, match="four periods"):
        table_frames(Made().note(24, 100, 0.05, 0.05), RATE, 24)
    with pytest.raises(InvalidAudio, match="no table"):
        table_frames(Made().note(60, 100, 1.0, 1.0), RATE, 127)
    with pytest.raises(NothingHeard):
        wavetable(Made(lowest=100), tmp_path / "t.wav")
    assert not list(tmp_path.iterdir())
    with pytest.raises(InvalidOption):
        ExportOptions(table_frames=257)
