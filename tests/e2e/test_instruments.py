"""The shipped instruments through the real command line: in tune, in time, in stereo, and as asked."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile

pytestmark = [pytest.mark.e2e, pytest.mark.weights]

RATE = 48_000
TICKS = 480


def _descant(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "descant", *arguments], cwd=cwd, capture_output=True, text=True, check=False
    )


def _score(path: Path, notes: list[tuple[int, int, int]], program: int = 40, channel: int = 0) -> None:
    """Notes of (start, length, pitch) in quarters at 120 beats a minute."""
    track = mido.MidiTrack([mido.Message("program_change", program=program, channel=channel, time=0)])
    events = []
    for start, length, pitch in notes:
        events.append((start * TICKS, 1, mido.Message("note_on", note=pitch, velocity=90, channel=channel)))
        events.append(((start + length) * TICKS, 0, mido.Message("note_off", note=pitch, channel=channel)))
    now = 0
    for at, _, message in sorted(events, key=lambda event: event[:2]):
        track.append(message.copy(time=at - now))
        now = at
    file = mido.MidiFile(ticks_per_beat=TICKS)
    file.tracks.append(track)
    file.save(path)


def _strongest_hz(samples: np.ndarray) -> float:
    size = 8 * len(samples)
    return float(np.argmax(np.abs(np.fft.rfft(samples * np.hanning(len(samples)), size))) * RATE / size)


@pytest.mark.parametrize("name", ["flute", "splendid-grand-piano"])
def test_a_melody_is_played_in_tune_and_in_time(tmp_path: Path, name: str) -> None:
    pitches = [60 + step for step in (0, 4, 7, 12)] if name != "flute" else [72, 76, 79, 84]
    _score(tmp_path / "tune.mid", [(2 * k, 2, pitch) for k, pitch in enumerate(pitches)])
    run = _descant(
        "play",
        "tune.mid",
        "--instrument",
        name,
        "--vibrato",
        "0",
        "--sample-rate",
        "48000",
        "-o",
        "tune.wav",
        cwd=tmp_path,
    )
    assert run.returncode == 0, run.stderr
    samples, rate = soundfile.read(tmp_path / "tune.wav")
    assert rate == RATE
    assert samples.shape[1] == 2
    mono = samples.mean(axis=1)
    for k, pitch in enumerate(pitches):
        part = mono[int((k + 0.2) * RATE) : int((k + 0.9) * RATE)]
        ratio = _strongest_hz(part) / (440 * 2 ** ((pitch - 69) / 12))
        assert round(ratio) in (1, 2)
        assert abs(1200 * np.log2(ratio / round(ratio))) < 6
    late = mono[int(4.0 * RATE) :]
    assert np.abs(late[-RATE // 100 :]).max() < 0.02 * np.abs(mono).max()
    before = np.abs(mono[: RATE // 1000]).max()
    assert before < 0.2 * np.abs(mono).max()  # no click before the attack


def test_softer_is_softer_and_the_same_is_the_same(tmp_path: Path) -> None:
    from descant.instrument.neural import NeuralInstruments

    instruments = NeuralInstruments.load()
    assert len(instruments.roster.players) >= 40
    assert len({player.family for player in instruments.roster.players}) >= 8
    levels = []
    for player in instruments.roster.players:
        middle = (player.lowest + player.highest) / 2
        loud, soft = (instruments.player(player.name).note(middle, v, 0.5, 1.0) for v in (120, 40))
        assert np.isfinite(loud).all()
        assert 0.01 < np.abs(loud).max() < 3.0, player.name
        levels.append(20 * np.log10(loud.std() / soft.std()))
    assert min(levels) > 3.0
    note = instruments.player("violin").note(67, 90, 0.5)
    assert np.array_equal(note, instruments.player("violin").note(67, 90, 0.5))


def test_instruments_are_listed_and_exported(tmp_path: Path) -> None:
    listed = _descant("instrument", "list", "--json", cwd=tmp_path)
    assert listed.returncode == 0, listed.stderr
    assert "violin" in {row["name"] for row in json.loads(listed.stdout)}
    export = ("instrument", "export", "flute", "--keys", "C5:F#5", "--every", "6", "--velocities", "90", "-o", "flute")
    run = _descant(*export, cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    assert list((tmp_path / "flute").glob("*.sfz"))
    unknown = _descant("play", "none.mid", "--instrument", "vuvuzela", "-o", "x.wav", cwd=tmp_path)
    assert unknown.returncode != 0
    assert "Traceback" not in unknown.stderr


def test_between_a_flute_and_a_clarinet_there_is_one_sound(tmp_path: Path) -> None:
    from descant.instrument.neural import NeuralInstruments

    instruments = NeuralInstruments.load()
    for name, pitch in (("flute", 72), ("clarinet", 68)):
        soundfile.write(tmp_path / f"{name}.wav", instruments.player(name).note(pitch, 100, 1.5, 2.0).T, RATE)
    run = _descant("blend", "flute.wav", "clarinet.wav", "--at", "0.5", "-o", "between.wav", cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    samples, rate = soundfile.read(tmp_path / "between.wav")
    assert rate == RATE
    assert samples.shape[1] == 2
    spectrum = np.abs(np.fft.rfft(samples.mean(axis=1)[RATE // 4 : RATE] * np.hanning(RATE - RATE // 4)))
    hz = np.fft.rfftfreq(RATE - RATE // 4, 1 / RATE)

    def level(pitch: float) -> float:
        near = np.abs(1200 * np.log2(np.maximum(hz, 1) / (440 * 2 ** ((pitch - 69) / 12)))) < 40
        return float(spectrum[near].max())

    assert level(70) > 10 * level(72)
    assert level(70) > 10 * level(68)
