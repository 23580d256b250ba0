"""A note as a wavetable: single cycles over its time, as Serum and the synthesizers that read its tables load them.

Each frame is the period that the note has at its moment: two periods around it, cross-faded into one (a Hann window of
two periods has its zeros at the neighbouring harmonics), taken apart into harmonics and put together again over 2,048
samples, so that nothing aliases and every frame wraps. Harmonics keep their levels; their phases are those of a sine in
all frames: every frame rises through zero at its first sample, and what lies between two frames cancels nothing.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from descant.audio.clip import Clip
from descant.audio.riff import write_wave
from descant.dsp.pitch import midi_to_hz
from descant.errors import InvalidAudio, NothingHeard
from descant.instrument.export.chunks import FRAME, clm_chunk
from descant.instrument.export.options import MOST_FRAMES

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

TABLE_RATE = 44_100
"""What the file says; a table has no rate of its own."""

_SILENT = 1e-5
_ONSET = 10.0 ** (-40.0 / 20.0)
_FAINTEST = 10.0 ** (-60.0 / 20.0)
_FARTHEST = 2.0 ** (1.0 / 12.0)
_HIGHEST = 0.48
_SMOOTHED_FRAMES = 5
_FINE = 32


def table_frames(samples: Floats, sample_rate: int, pitch: float, frames: int = MOST_FRAMES) -> Floats:
    """Cycles of a note.

    Args:
        samples: [channels, frames] of a note, without its release.
        sample_rate: In Hz.
        pitch: MIDI number; it may waver by a semitone around it.
        frames: How many cycles at most; a short note has as many as it has periods.

    Returns:
        [frames, 2048], within -1..1 as a whole: cycles keep their levels to each other.

    Raises:
        NothingHeard: It is silent.
        InvalidAudio: It is shorter than four periods, or its pitch is too high or low for a table.
    """
    mono = Clip(samples, sample_rate).to_mono().samples[0].astype(np.float64)
    period = sample_rate / float(midi_to_hz(pitch))
    if not 8 <= period <= sample_rate / 8:
        raise InvalidAudio(f"A pitch of {pitch:g} makes no table at {sample_rate} Hz.", "Take a key from C0 to C7.")
    first, last = _sounding(mono)
    margin = int(np.ceil(1.5 * _FARTHEST * period)) + 1
    first, last = max(first + margin, margin), min(last, len(mono)) - margin
    if last <= first:
        raise InvalidAudio("A note of less than four periods makes no table.", "Hold it longer, or take a higher key.")
    count = min(frames, max(1, int((last - first) / period)))
    places = np.linspace(first, last - 1, count)
    periods = _smoothed(np.array([_period_at(mono, place, period) for place in places.tolist()]))
    spectra = np.zeros((count, FRAME // 2 + 1), complex)
    for row, (place, own) in enumerate(zip(places.tolist(), periods.tolist(), strict=True)):
        levels = _harmonics(mono, place, own)
        spectra[row, 1 : len(levels) + 1] = -1j * levels * (FRAME / 2)
    table = np.fft.irfft(spectra, FRAME, axis=1)
    peak = float(np.abs(table).max())
    if peak <= _SILENT:
        raise NothingHeard("The note has no sound at its pitch.", "Check the pitch, or take another key.")
    return (table / peak).astype(np.float32)


def write_table(path: Path, table: Floats) -> None:
    """Write cycles as a Serum-compatible file: mono, 32-bit float, `clm ` before the sound.

    Args:
        path: The file.
        table: [frames, 2048].

    Raises:
        OSError: It cannot be written.
    """
    write_wave(path, table.reshape(1, -1), TABLE_RATE, "FLOAT", (clm_chunk(),))


def _sounding(mono: Doubles) -> tuple[int, int]:
    """From where a note has begun to where it has died away."""
    loud = np.abs(mono)
    peak = float(loud.max(initial=0.0))
    if peak <= _SILENT:
        raise NothingHeard("A silent note makes no wavetable.", "Take another key, or a higher velocity.")
    return int(np.argmax(loud > _ONSET * peak)), len(loud) - int(np.argmax(loud[::-1] > _FAINTEST * peak))


def _period_at(mono: Doubles, place: float, period: float) -> float:
    """The period within a semitone of the nominal one at which the note is most like itself, to parts of a sample."""
    shortest, longest = int(period / _FARTHEST), int(np.ceil(period * _FARTHEST))
    half = int(period)
    start = round(place) - half
    start = min(max(start, 0), max(len(mono) - half - longest - 2, 0))
    view = mono[start : start + half]
    likeness = []
    for lag in range(shortest - 1, longest + 2):
        other = mono[start + lag : start + lag + len(view)]
        power = float(view @ view + other @ other)
        likeness.append(2.0 * float(view[: len(other)] @ other) / power if power > 0 else 0.0)
    top = 1 + int(np.argmax(likeness[1:-1]))
    before, at, after = likeness[top - 1 : top + 2]
    bend = before - 2.0 * at + after
    shift = 0.5 * (before - after) / bend if bend < 0 else 0.0
    return shortest - 1 + top + min(max(shift, -0.5), 0.5)


def _smoothed(periods: Doubles) -> Doubles:
    """Running median: a single period that was misheard would be a frame out of tune."""
    reach = _SMOOTHED_FRAMES // 2
    padded = np.pad(periods, reach, mode="edge")
    medians: Doubles = np.median(np.lib.stride_tricks.sliding_window_view(padded, _SMOOTHED_FRAMES), axis=1)
    return medians


def _harmonics(mono: Doubles, place: float, period: float) -> Doubles:
    """Levels of the harmonics over two periods around a place, from the first on, none above the highest frequency."""
    start = int(np.ceil(place - period))
    times = np.arange(start, int(np.floor(place + period)) + 1)
    offset = times - place
    window = 0.5 + 0.5 * np.cos(np.pi * offset / period)
    count = min(FRAME // 2 - 1, int(_HIGHEST * period))
    # Harmonic 1 + 32 a + b as a product of two turns: few exponentials, and the rest is one product of matrices.
    turn = -2j * np.pi * offset / period
    fine = np.exp(np.outer(np.arange(1, _FINE + 1), turn))
    coarse = np.exp(np.outer(np.arange(0, count, _FINE), turn))
    found = ((coarse * (mono[times] * window)) @ fine.T).ravel()[:count]
    levels: Doubles = np.abs(found) * 2.0 / float(window.sum())
    return levels
