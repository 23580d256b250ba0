"""The sampler that instruments are compared with: in tune, as long as asked for, the key let go on time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from descant.audio.clip import Clip
from descant.audio.io import write
from descant.data.notes.note_set import NoteItem
from descant.errors import InputNotFound
from descant.evaluate.nearest_pitch import NearestPitch, continued, transposed

RATES = ((16_000, 1), (48_000, 2))


def _tone(rate: int, channels: int, *, hz: float = 440.0, fall_db: float = 0.0) -> np.ndarray:
    """Four seconds; from 3 s on it falls by 120 dB a second, before by `fall_db`."""
    time_s = np.arange(4 * rate) / rate
    level_db = -fall_db * time_s - 120.0 * np.maximum(time_s - 3.0, 0.0)
    wave = 0.4 * 10.0 ** (level_db / 20.0) * sum(np.sin(2 * np.pi * hz * k * time_s) / k for k in (1, 2, 3))
    return np.stack([wave * (1.0 - 0.5 * n) for n in range(channels)]).astype(np.float32)


def _peak_hz(mono: np.ndarray, rate: int) -> float:
    """The strongest partial, by a parabola through the logarithms of its three bins."""
    spectrum = np.log(np.abs(np.fft.rfft(mono * np.hanning(len(mono)))) + 1e-12)
    top = int(np.argmax(spectrum))
    below, middle, above = spectrum[top - 1 : top + 2]
    return float((top + 0.5 * (below - above) / (below - 2 * middle + above)) * rate / len(mono))


def _levels_db(samples: np.ndarray, rate: int, step_s: float = 0.02) -> np.ndarray:
    size = round(step_s * rate)
    frames = samples[0][: samples.shape[1] // size * size].reshape(-1, size)
    return 10 * np.log10(np.square(frames, dtype=np.float64).mean(axis=1) + 1e-14)


@pytest.mark.parametrize(("rate", "channels"), RATES)
def test_the_same_pitch_is_the_recording_itself(rate: int, channels: int) -> None:
    note = _tone(rate, channels)
    np.testing.assert_array_equal(transposed(note, rate, 0), note)


@pytest.mark.parametrize(("rate", "channels"), RATES)
@pytest.mark.parametrize("semitones", [-12, -5, -1, 1, 4, 7, 12])
def test_in_tune_as_long_and_let_go_on_time(rate: int, channels: int, semitones: int) -> None:
    found = transposed(_tone(rate, channels), rate, semitones)
    assert found.shape == (channels, 4 * rate)
    assert found.dtype == np.float32
    for start_s, end_s in ((0.1, 1.2), (1.8, 2.9)):  # also where it is looped
        heard = _peak_hz(found[0, round(start_s * rate) : round(end_s * rate)], rate)
        assert 1200 * np.log2(heard / 440.0) - 100 * semitones == pytest.approx(0.0, abs=3.0)
    levels = _levels_db(found, rate)
    assert np.ptp(levels[2:148]) < 1.0
    fallen = np.flatnonzero(levels < levels[100] - 3.0)
    assert fallen[fallen > 100][0] * 0.02 == pytest.approx(3.0 + 0.025, abs=0.04)
    if channels == 2:
        np.testing.assert_allclose(found[1], 0.5 * found[0], atol=1e-3)


def test_what_decays_is_not_made_loud_again_by_its_loop() -> None:
    found = transposed(_tone(16_000, 1, fall_db=12.0), 16_000, 12)
    levels = _levels_db(found, 16_000)
    # An octave up the sound falls twice as fast, looped or not.
    assert (levels[140] - levels[90]) / 1.0 == pytest.approx(-24.0, abs=3.0)
    assert np.diff(levels[5:148]).max() < 0.6


def test_a_lowered_decay_goes_on_from_where_it_was_cut() -> None:
    found = transposed(_tone(16_000, 1, fall_db=12.0), 16_000, -12)
    levels = _levels_db(found, 16_000)
    assert levels[148] - levels[50] == pytest.approx(-6.0 * 98 * 0.02, abs=1.0)
    assert np.abs(np.diff(levels[140:151])).max() < 2.0  # no step up or down at 3 s
    assert levels[190] < levels[148] - 30.0


def test_too_little_to_loop_is_followed_by_silence() -> None:
    found = continued(np.ones((1, 100), np.float32), 16_000, 250)
    assert found.shape == (1, 250)
    assert not found[:, 100:].any()


def test_silence_stays_silence() -> None:
    assert not transposed(np.zeros((2, 192_000), np.float32), 48_000, 5).any()
    assert not transposed(np.zeros((2, 192_000), np.float32), 48_000, -5).any()


def _item(folder: Path, instrument: str, pitch: int, velocity: int) -> NoteItem:
    name = f"{instrument}-{pitch:03d}-{velocity:03d}"
    path = folder / f"{name}.wav"
    write(path, Clip(_tone(16_000, 1, hz=440.0 * 2 ** ((pitch - 69) / 12)), 16_000))
    return NoteItem(name, instrument, "reed", "acoustic", pitch, velocity, (), path, None)


def test_the_nearest_pitch_is_played_and_ties_go_down(tmp_path: Path) -> None:
    notes = [_item(tmp_path, "sax", pitch, velocity) for pitch in (60, 64, 70) for velocity in (25, 75)]
    sampler = NearestPitch([*notes, _item(tmp_path, "oboe", 67, 100)])
    assert sampler.nearest("sax", 62, 127).name == "sax-060-075"
    assert sampler.nearest("sax", 66, 50).name == "sax-064-025"
    assert sampler.nearest("sax", 68, 25).name == "sax-070-025"
    assert sampler.nearest("oboe", 20, 1).pitch == 67
    clip = sampler.play("sax", 62, 75)
    assert 1200 * np.log2(_peak_hz(clip.samples[0, 1600:17_600], 16_000) / 293.66) == pytest.approx(0.0, abs=3.0)
    with pytest.raises(InputNotFound, match="tuba"):
        sampler.nearest("tuba", 60, 60)
