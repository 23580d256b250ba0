"""`Listener`: one compact net that hears beats, downbeats and singing, and chords, bass and key.

Two branches without shared weights, because they look at different spectra at different rates: a convolutional front
end with a dilated temporal convolution (after Davies and Boeck 2019) for the pulse, and convolutions that treat all
twelve roots alike (circular over pitch classes) for harmony.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from descant.score.harmony import Chord

QUALITIES = ("maj", "min", "7", "maj7", "min7", "dim", "hdim7", "sus4")
"""Chord qualities the net tells apart, in the order of its outputs."""

NO_CHORD_INDEX = 12 * len(QUALITIES)
_NEAREST = {
    "aug": "maj", "sus2": "sus4", "maj6": "maj", "min6": "min", "dim7": "dim", "minmaj7": "min", "9": "7",
    "maj9": "maj7", "min9": "min7", "5": "maj", "1": "maj",
}  # fmt: skip


def chord_index(chord: Chord) -> int:
    """The output that stands for a chord, by its nearest known quality."""
    if chord.root is None:
        return NO_CHORD_INDEX
    quality = _NEAREST.get(chord.quality, chord.quality)
    return chord.root * len(QUALITIES) + QUALITIES.index(quality)


def chord_from_index(index: int) -> Chord:
    """Inverse of `chord_index` for the qualities the net knows."""
    if index == NO_CHORD_INDEX:
        return Chord(None)
    return Chord(index // len(QUALITIES), QUALITIES[index % len(QUALITIES)])


class Pulse(NamedTuple):
    """Logits of the pulse branch, each [batch, frames] at the mel spectrum's rate."""

    beat: Tensor
    downbeat: Tensor
    voice: Tensor


class Harmony(NamedTuple):
    """Logits of the harmony branch at the pitch spectrum's rate.

    `chord` [batch, frames, 97], root-major then none; `bass` [batch, frames, 12]; `key` [batch, frames, 24], majors
    then minors.
    """

    chord: Tensor
    bass: Tensor
    key: Tensor


class _Dilated(nn.Module):
    """A residual temporal convolution with two dilations, one beat level apart."""

    def __init__(self, channels: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.near = nn.Conv1d(channels, channels, 5, padding=2 * dilation, dilation=dilation)
        self.far = nn.Conv1d(channels, channels, 5, padding=4 * dilation, dilation=2 * dilation)
        self.merge = nn.Conv1d(2 * channels, channels, 1)
        self.norm = nn.GroupNorm(1, channels)
        self.dropout = nn.Dropout1d(dropout)

    def forward(self, x: Tensor) -> Tensor:
        both = self.dropout(F.elu(torch.cat([self.near(x), self.far(x)], dim=1)))
        result: Tensor = x + self.norm(self.merge(both))
        return result


class PulseBranch(nn.Module):
    """Mel spectrum to beat, downbeat and voice logits."""

    def __init__(self, bands: int = 80, channels: int = 40, layers: int = 9, dropout: float = 0.1) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 12, 3, padding=1)
        self.second = nn.Conv2d(12, 20, (3, 5), padding=(1, 2))
        self.third = nn.Conv2d(20, channels, (1, bands // 9))
        self.blocks = nn.ModuleList(_Dilated(channels, 2**i, dropout) for i in range(layers))
        self.heads = nn.Conv1d(channels, 3, 1)

    def forward(self, mel: Tensor) -> Pulse:
        """`mel`: [batch, frames, bands]."""
        x = F.max_pool2d(F.elu(self.first(mel.unsqueeze(1))), (1, 3))
        x = F.max_pool2d(F.elu(self.second(x)), (1, 3))
        x = F.elu(self.third(x)).squeeze(-1)
        for block in self.blocks:
            x = block(x)
        heads = self.heads(F.elu(x)).float()
        return Pulse(heads[:, 0], heads[:, 1], heads[:, 2])


class _Circular(nn.Module):
    """A residual step over [batch, channels, frames, 12]: along time, then around the pitch classes."""

    def __init__(self, channels: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.along = nn.Conv2d(channels, channels, (5, 1), padding=(2 * dilation, 0), dilation=(dilation, 1))
        self.around = nn.Conv2d(channels, channels, (1, 12))
        self.norm = nn.GroupNorm(1, channels)
        self.dropout = nn.Dropout2d(dropout)

    def forward(self, x: Tensor) -> Tensor:
        y = F.elu(self.along(x))
        y = self.around(F.pad(y, (5, 6, 0, 0), mode="circular"))
        result: Tensor = x + self.dropout(self.norm(F.elu(y)))
        return result


class HarmonyBranch(nn.Module):
    """Pitch spectrum (three bands a semitone, whole octaves) to chord, bass and key logits."""

    def __init__(self, octaves: int = 7, channels: int = 48, layers: int = 5, dropout: float = 0.1) -> None:
        super().__init__()
        self.octaves = octaves
        self.first = nn.Conv2d(1, 16, (3, 5), padding=(1, 2))
        self.second = nn.Conv2d(16, 16, (1, 3), stride=(1, 3))
        self.third = nn.Conv2d(16, 24, (1, 13), padding=(0, 6))
        self.fold = nn.Conv2d(24 * octaves, channels, 1)
        self.blocks = nn.ModuleList(_Circular(channels, 2**i, dropout) for i in range(layers))
        self.tone = nn.Conv2d(channels, len(QUALITIES) + 3, 1)
        self.none = nn.Conv1d(channels, 1, 1)

    def forward(self, pitch: Tensor) -> Harmony:
        """`pitch`: [batch, frames, octaves * 36]."""
        x = F.elu(self.first(pitch.unsqueeze(1)))
        x = F.elu(self.second(x))
        x = F.elu(self.third(x))
        batch, channels, frames, _ = x.shape
        x = x.reshape(batch, channels, frames, self.octaves, 12).permute(0, 1, 3, 2, 4)
        x = self.fold(x.reshape(batch, channels * self.octaves, frames, 12))
        for block in self.blocks:
            x = block(x)
        tones = self.tone(x).float()  # [batch, qualities + 3, frames, 12]
        count = len(QUALITIES)
        chords = tones[:, :count].permute(0, 2, 3, 1).reshape(batch, frames, 12 * count)
        none = self.none(x.mean(dim=3)).float().transpose(1, 2)
        key = torch.cat([tones[:, count + 1], tones[:, count + 2]], dim=2)
        return Harmony(torch.cat([chords, none], dim=2), tones[:, count], key)


class Listener(nn.Module):
    """Both branches; `config` holds the constructor's arguments for the card.

    Args:
        pulse_channels: Width of the pulse branch.
        pulse_layers: Dilated blocks of the pulse branch.
        harmony_channels: Width of the harmony branch.
        harmony_layers: Circular blocks of the harmony branch.
    """

    def __init__(
        self,
        pulse_channels: int = 40,
        pulse_layers: int = 9,
        harmony_channels: int = 48,
        harmony_layers: int = 5,
    ) -> None:
        super().__init__()
        self.pulse = PulseBranch(channels=pulse_channels, layers=pulse_layers)
        self.harmony = HarmonyBranch(channels=harmony_channels, layers=harmony_layers)
