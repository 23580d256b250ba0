"""Notes of neural instruments: pitch, length, bends, vibrato, ends, extremes."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from descant.instrument.neural_note import SILENT, Event, pressed, render, vibrato_at
from neural_instruments import VIBRATO, tiny_instruments

RATE = 48_000
PIANO, VIOLIN, GUITAR = 0, 1, 2
INSTRUMENTS = tiny_instruments()


def note(event: Event) -> NDArray[np.float32]:
    return render(INSTRUMENTS.net, [event])[0]


def hz_of(signal: NDArray[np.float32], near: float) -> float:
    """The strongest frequency within a semitone, by a long transform and a parabola through its peak."""
    size = 1 << 19
    spectrum = np.log(np.abs(np.fft.rfft(signal * np.hanning(len(signal)), size)) + 1e-12)
    low, high = (int(near * factor * size / RATE) for factor in (2 ** (-1 / 12), 2 ** (1 / 12)))
    k = low + int(np.argmax(spectrum[low:high]))
    a, b, c = spectrum[k - 1 : k + 2]
    return (k + (a - c) / (2 * (a - 2 * b + c))) * RATE / size


def track(signal: NDArray[np.float32], near: float, window: int = 4096, hop: int = 512) -> NDArray[np.float64]:
    """Frequency over time: phases of a band around `near`, differentiated."""
    time = np.arange(len(signal))
    base = signal * np.exp(-2j * np.pi * near * time / RATE)
    kernel = np.hanning(window)
    smooth = np.array([(base[k : k + window] * kernel).sum() for k in range(0, len(base) - window, hop)])
    return near + np.angle(smooth[1:] * smooth[:-1].conj()) / (2 * np.pi) * RATE / hop


@pytest.mark.parametrize("pitch", [24, 36, 45.5, 57, 69, 81, 93, 105])
def test_a_note_is_in_tune(pitch: float) -> None:
    hz = 440.0 * 2 ** ((pitch - 69) / 12)
    sound = note(Event(PIANO, pitch, 90, 2.0)).sum(axis=0)[4800:86_400]
    assert abs(1200 * math.log2(hz_of(sound, hz) / hz)) < 3.0


@pytest.mark.parametrize("length", [0.001, 0.3333, 1.0, 3.7])
def test_a_length_is_kept_to_the_sample(length: float) -> None:
    for row in (PIANO, VIOLIN):
        sound = INSTRUMENTS.player(INSTRUMENTS.roster.names[row]).note(60, 80, 10.0, length_s=length)
        assert sound.shape == (2, round(length * RATE))
        assert abs(sound[:, -1]).max() <= 1e-6  # a cut ends at nought


def test_a_held_key_sounds_longer() -> None:
    short, long = (note(Event(PIANO, 60, 90, held)).shape[1] for held in (0.2, 1.2))
    assert (long - short) / RATE == pytest.approx(1.0, abs=0.01)


def test_what_is_let_go_falls_silent() -> None:
    sound = note(Event(GUITAR, 60, 90, 0.5))
    released = sound[:, 24_000:]
    assert np.abs(sound[:, 12_000:24_000]).max() > 0.01
    assert np.abs(released[:, -480:]).max() < 30 * SILENT
    assert sound.shape[1] < 6 * RATE


def test_bends_are_followed() -> None:
    bent = Event(PIANO, 69, 90, 2.0, bends=((0.0, 0.0), (0.5, 0.0), (1.0, 2.0)))
    sound = note(bent).sum(axis=0)
    target = 440.0 * 2 ** (2 / 12)
    assert abs(1200 * math.log2(hz_of(sound[52_000:94_000], target) / target)) < 3.0
    assert abs(1200 * math.log2(hz_of(sound[2_000:23_000], 440.0) / 440.0)) < 3.0


@pytest.mark.parametrize("depth", [0.0, 0.5, 1.0, 2.0])
def test_vibrato_has_the_depth_that_is_asked_for(depth: float) -> None:
    sound = note(Event(VIOLIN, 81, 90, 3.0, vibrato=depth)).sum(axis=0)[48_000:134_400]
    swing = np.log2(track(sound, 880.0) / 880.0)
    # The window of the measurement, 85 ms, flattens a vibrato of 5 Hz: compare with the same measurement of a sine.
    time = np.arange(len(sound)) / RATE
    curve = depth * VIBRATO[1] * np.sin(2 * np.pi * VIBRATO[0] * time)
    true = np.cos(2 * np.pi * np.cumsum(880.0 * 2**curve) / RATE).astype(np.float32)
    expected = np.log2(track(true, 880.0) / 880.0)
    assert swing.std() == pytest.approx(expected.std(), rel=0.1, abs=1e-4)


def test_no_click_at_either_end() -> None:
    for event in (Event(PIANO, 40, 127, 0.5), Event(VIOLIN, 76, 127, 0.01), Event(PIANO, 60, 127, 1.0, length_s=0.4)):
        sound = note(event)
        assert np.abs(sound[:, 0]).max() <= 1e-6
        assert np.abs(sound[:, -1]).max() <= 1e-6
        steps = np.abs(np.diff(sound, axis=1))
        assert steps[:, -480:].max() <= steps[:, 480:-480].max() + 1e-6
        assert steps[:, :48].max() <= 1.5 * steps[:, 48:].max()


def test_the_same_event_is_the_same_bytes_alone_or_in_company() -> None:
    event = Event(PIANO, 64, 70, 0.4)
    alone = note(event)
    assert np.array_equal(alone, note(event))
    among = render(INSTRUMENTS.net, [Event(GUITAR, 50, 90, 0.1), event, Event(VIOLIN, 64, 70, 0.4)])[1]
    assert among.shape == alone.shape
    assert np.abs(among - alone).max() < 1e-5


@pytest.mark.parametrize("row", [PIANO, VIOLIN])
def test_a_note_that_is_made_in_parts_is_the_same(row: int, monkeypatch: pytest.MonkeyPatch) -> None:
    event = Event(row, 62, 100, 0.7, ((0.0, 0.0), (0.7, 2.0)))
    whole = note(event)
    monkeypatch.setattr("descant.instrument.neural_note._MOST_ROWS", 30)
    parts = note(event)
    assert parts.shape == whole.shape
    assert parts.shape[1] > 3 * 30 * 256
    assert np.abs(parts - whole).max() < 2e-3 * np.abs(whole).max()


@pytest.mark.parametrize("pitch", [0, 127])
@pytest.mark.parametrize("velocity", [1, 127])
@pytest.mark.parametrize("held", [0.001, 60.0])
def test_extremes_are_finite(pitch: int, velocity: int, held: float) -> None:
    for row in (PIANO, VIOLIN):
        sound = note(Event(row, pitch, velocity, held))
        assert np.isfinite(sound).all()
        assert np.abs(sound).max() < 4.0


def test_notes_are_as_loud_as_the_net_says() -> None:
    net = tiny_instruments().net
    net.note[0].weight[:, -2:] *= 100.0  # random weights hardly mind velocities
    net.head.weight *= 20.0
    time = torch.linspace(0.2, 0.3, 9).unsqueeze(0)
    said, heard = [], []
    for velocity in (25, 75, 127):  # those that it has heard
        event = Event(PIANO, 60, velocity, 0.5, length_s=0.5)
        notes = pressed([event])
        hz = net.frequencies(notes)
        levels = net(notes, hz, time, time - 10.0).partials[0]
        said.append(float(levels[:, hz[0] > 0].exp().square().sum(dim=-1).mean().sqrt()))
        heard.append(float(render(net, [event])[0][:, 9_600:14_400].mean(axis=0).std()) * math.sqrt(2))
    assert max(said) > 1.05 * min(said)
    assert heard == pytest.approx(said, rel=0.03)


def test_vibrato_begins_late_and_grows() -> None:
    time_s = torch.tensor([0.0, 0.09, 0.15, 0.35, 0.65])  # sines of 1/4, 5/4 and 11/4 turns
    found = vibrato_at((5.0, 0.02, 0.1), time_s).tolist()
    assert found == pytest.approx([0.0, 0.0, 0.02 * 0.05 / 0.35, 0.02 * 0.25 / 0.35, -0.02], abs=1e-6)
