"""Recordings of an instrument that exists nowhere else: odd partials only, in closed form; and a tracker for them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
import torch

from descant.audio.clip import Clip
from descant.audio.resample import resample
from descant.dsp.pitch import PitchTrack
from descant.instrument.neural import NeuralInstruments
from descant.instrument.roster import Player, Roster
from descant.nets.neural_instrument import InstrumentConfig, NeuralInstrument
from descant.progress import CancelToken

RATE = 48_000


def odd_note(
    midi: float, held_s: float = 0.8, *, level: float = 0.3, tail_s: float = 0.25, even: float = 0.0
) -> np.ndarray:
    """Partials 1, 3, 5, 7, 9 at 1/k and even ones at `even`/k; 300 dB/s once the key is let go; [2, samples]."""
    time_s = np.arange(round((held_s + tail_s) * RATE)) / RATE
    hz = 440.0 * 2.0 ** ((midi - 69) / 12)
    shape = level * np.minimum(time_s / 0.01, 1.0) * 10.0 ** (-300.0 * np.maximum(time_s - held_s, 0.0) / 20.0)
    parts = [(1.0 if k % 2 else even) / k * np.sin(2 * np.pi * k * hz * time_s + k) for k in range(1, 10)]
    mono = shape * np.sum(parts, axis=0)
    return np.stack((mono, mono)).astype(np.float32)


def save(path: Path, samples: np.ndarray, rate: int = RATE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples.T, rate, subtype="FLOAT")
    return path


class Ear:
    """Autocorrelation: enough for what is made here, and no weights to fetch."""

    def __call__(self, clip: Clip, *, cancel: CancelToken | None = None) -> PitchTrack:
        mono = resample(clip.to_mono(), 16_000).samples[0]
        frames = max(len(mono) // 256, 1)
        padded = np.pad(mono, (512, 1024))
        hz, sure = np.full(frames, 100.0), np.zeros(frames)
        for row in range(frames):
            part = padded[row * 256 : row * 256 + 1024] * np.hanning(1024)
            if np.abs(part).max() < 1e-3:
                continue
            product = np.fft.irfft(np.abs(np.fft.rfft(part, 4096)) ** 2)[:400]
            product = product / product[0] / np.linspace(1.0, 0.6, 400)
            lag = 12 + int(np.argmax(product[12:]))
            early = [k for k in range(12, lag) if product[k] > 0.9 * product[lag] and product[k] >= product[k + 1]]
            lag = early[0] if early else lag
            hz[row], sure[row] = 16_000 / lag, float(np.clip(product[lag], 0.0, 1.0))
        return PitchTrack(np.arange(frames) * 0.016, hz, sure, sure > 0.7)


def tiny_instruments() -> NeuralInstruments:
    """A small net that has learned nothing yet."""
    torch.manual_seed(0)
    net = NeuralInstrument(InstrumentConfig(3, harmonics=24, extras=2, code=6, width=48, layers=1))
    return NeuralInstruments(net, Roster(Player(name, "reed", -1, 40, 80) for name in ("one", "two", "three")))
