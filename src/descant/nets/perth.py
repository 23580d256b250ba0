"""Perth's implicit watermark: a net that writes a presence into the spectrum below 2 kHz, and one that hears it.

Resemble AI's Perth (PERceptual THreshold, package resemble-perth 1.0.1, MIT), with the module names of its published
weights. It says whether a recording is marked, and nothing else.
"""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SAMPLE_RATE = 32_000
SHORTEST_SAMPLES = 2_048
"""What one window takes."""

_FFT, _HOP = 2_048, 320
_BINS = 128
"""Bins of the spectrum that are written and heard: up to 2 kHz."""
_WIDTH, _KERNEL, _DEEP = 256, 7, 5
_FLOOR, _HEADROOM_DB = 1e-9, 15.0
_FLOOR_DB = -180.0
_MOST_DB = 200.0
_QUIET_SHARE = 0.05
"""Frames whose levels sum to less than this share of the highest sum are neither written nor heard."""
_PACES = (("slow", 1.25), ("normal", 1.0), ("fast", 0.75))
"""The detector hears the spectrum at three paces: a copy that was stretched fits one of them."""


class _Conv(nn.Module):
    def __init__(self, inward: int, outward: int, kernel: int, *, is_last: bool = False) -> None:
        super().__init__()
        self.conv = nn.Conv1d(inward, outward, kernel, padding=kernel // 2)
        self.is_last = is_last

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        return x if self.is_last else F.leaky_relu(x)


def _layers(outward: int) -> nn.Sequential:
    deep = (_Conv(_WIDTH, _WIDTH, _KERNEL) for _ in range(_DEEP))
    return nn.Sequential(_Conv(_BINS, _WIDTH, 1), *deep, _Conv(_WIDTH, outward, 1, is_last=True))


class PerthEncoder(nn.Module):
    """Levels to levels that carry the mark."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = _layers(_BINS)

    def forward(self, levels: Tensor) -> Tensor:
        """What to add.

        Args:
            levels: `levels_of` some spectra, [batch, 1025, frames].

        Returns:
            [batch, 128, frames], for the lowest bins; zero in quiet frames.
        """
        return cast("Tensor", self.layers(levels[:, :_BINS])) * _loud(levels).unsqueeze(1)


class PerthDecoder(nn.Module):
    """Levels to how surely they carry the mark."""

    def __init__(self) -> None:
        super().__init__()
        self.slow_layers = _layers(2)
        self.normal_layers = _layers(2)
        self.fast_layers = _layers(2)

    def forward(self, levels: Tensor) -> Tensor:
        """Scores.

        Args:
            levels: `levels_of` recordings none of which is silent throughout, [batch, 1025, frames].

        Returns:
            [batch], near 0 without a mark and near 1 with one; not limited to that.
        """
        loud, heard = _loud(levels).unsqueeze(1), levels[:, :_BINS]
        found = []
        for name, pace in _PACES:
            frames = max(1, int(heard.shape[2] * pace))
            x = heard if pace == 1.0 else F.interpolate(heard, frames, mode="linear", align_corners=True)
            weights = F.interpolate(loud, frames, mode="nearest")
            out = getattr(self, f"{name}_layers")(x)
            found.append((out * weights).sum(dim=2) / weights.sum(dim=2))
        weighing, said = torch.stack(found, dim=2).unbind(dim=1)
        return (said * weighing.softmax(dim=1)).sum(dim=1)


def spectra_of(samples: Tensor) -> Tensor:
    """Spectra of recordings, [batch, 1025, 1 + samples // 320].

    Args:
        samples: [batch, samples] at 32 kHz, 2,048 or more.
    """
    window = torch.hann_window(_FFT, device=samples.device)
    return torch.stft(samples, _FFT, _HOP, window=window, pad_mode="reflect", return_complex=True)


def levels_of(spectra: Tensor) -> Tensor:
    """Levels in decibels, -180 dB as 0 and 15 dB as 1."""
    return (20.0 * torch.log10(spectra.abs().clamp_min(_FLOOR)) - _FLOOR_DB) / (_HEADROOM_DB - _FLOOR_DB)


def samples_of(spectra: Tensor, raised: Tensor, count: int) -> Tensor:
    """Recordings with the levels of their lowest bins raised.

    Args:
        spectra: `spectra_of` the recordings.
        raised: By how much, in the units of `levels_of`, [batch, 128, frames].
        count: Samples of the recordings.

    Returns:
        [batch, count].
    """
    levels = levels_of(spectra)
    levels[:, :_BINS] += raised
    magnitudes = 10.0 ** ((levels * (_HEADROOM_DB - _FLOOR_DB) + _FLOOR_DB).clamp(max=_MOST_DB) / 20.0)
    window = torch.hann_window(_FFT, device=spectra.device)
    return torch.istft(torch.polar(magnitudes, spectra.angle()), _FFT, _HOP, window=window, length=count)


def _loud(levels: Tensor) -> Tensor:
    """1 for frames that count, [batch, frames]."""
    sums = levels.sum(dim=1)
    return (sums > sums.amax(dim=1, keepdim=True) * _QUIET_SHARE).to(levels)
