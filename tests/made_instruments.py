"""Instruments whose sound is known in closed form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LONGEST_S = 12.0
HARMONICS = 12


@dataclass(frozen=True)
class Made:
    """Twelve harmonics at 1/k in stereo, the right channel a little softer and turned in phase.

    Attributes:
        cents: By which all keys are out of tune.
        vibrato_cents: Depth of a vibrato of 5.5 Hz.
        decay: dB a second that a held note loses.
        release: dB a second that it loses in addition once it is let go.
        power: Level grows with velocity to this power.
        noise: Standard deviation of noise (the same each time) against the harmonics.
        lowest: Lowest key that sounds.
        highest: Highest key that sounds.
    """

    cents: float = 0.0
    vibrato_cents: float = 0.0
    decay: float = 0.0
    release: float = 200.0
    power: float = 2.0
    noise: float = 0.0
    sample_rate: int = 48_000
    lowest: int = 0
    highest: int = 127
    name: str = "Made"

    @property
    def pitches(self) -> range:
        return range(21, 109)

    def note(self, pitch: float, velocity: int, held_s: float, length_s: float | None = None) -> NDArray[np.float32]:
        ringing = 80.0 / max(self.decay + self.release, 1.0)
        length = length_s if length_s is not None else min(held_s + ringing, LONGEST_S)
        time = np.arange(round(length * self.sample_rate)) / self.sample_rate
        if not self.lowest <= round(pitch) <= self.highest:
            return np.zeros((2, len(time)), np.float32)
        hertz = 440.0 * 2.0 ** ((pitch - 69 + self.cents / 100) / 12)
        phase = 2 * np.pi * hertz * time
        if self.vibrato_cents:
            depth = hertz * (2 ** (self.vibrato_cents / 1200) - 1) / 5.5
            phase += depth * (1 - np.cos(2 * np.pi * 5.5 * time))
        count = min(HARMONICS, int(0.45 * self.sample_rate / hertz))
        orders = np.arange(1, count + 1)
        turn = np.exp(1j * phase)
        sound = np.empty((2, len(time)))
        for channel, (level, angle) in enumerate(((1.0, 0.0), (0.7, 1.3))):
            # sum of sin(k phase + angle sqrt(k)) / k, as a polynomial in exp(i phase)
            powers = np.zeros(len(time), complex)
            for factor in (level * np.exp(1j * angle * np.sqrt(orders)) / orders)[::-1]:
                powers += factor
                powers *= turn
            sound[channel] = powers.imag
        if self.noise:
            sound += self.noise * np.random.default_rng(round(pitch)).normal(size=sound.shape)
        falling = self.decay * time + self.release * np.maximum(time - held_s, 0.0)
        level = 0.3 * (velocity / 127) ** self.power * 10 ** (-falling / 20) * np.minimum(time / 0.01, 1.0)
        return (sound * level).astype(np.float32)


def chunks_of(data: bytes) -> list[tuple[bytes, bytes]]:
    """The parts of a WAVE file, read without any of Descant: names and bodies, in order."""
    assert data[:4] == b"RIFF"
    assert data[8:12] == b"WAVE"
    assert int.from_bytes(data[4:8], "little") == len(data) - 8
    found, at = [], 12
    while at < len(data):
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        found.append((data[at : at + 4], data[at + 8 : at + 8 + size]))
        if size % 2:
            assert data[at + 8 + size] == 0
        at += 8 + size + size % 2
    assert at == len(data)
    return found
