"""Small stand-ins for the nets, so that everything around them is tested in milliseconds; and test signals."""

from __future__ import annotations

from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from descant.audio.clip import Clip
from descant.nets.u_net import UNet
from descant.separate.api import Separator
from descant.separate.config import SeparationConfig

SMALL = SeparationConfig(block_frames=64, overlap_frames=16, edge_frames=2)
"""Blocks of 1.5 s: several fit into a short test signal."""


class Below(nn.Module):
    """Claims what lies below a bin, so that one can calculate what must come out."""

    def __init__(self, bin_: int, *, inside: float = 0.98, outside: float = 0.02) -> None:
        super().__init__()
        self.bin, self.inside, self.outside = bin_, inside, outside

    def soft_mask(self, magnitudes: Tensor) -> Tensor:
        mask = torch.full_like(magnitudes, self.outside)
        mask[..., : self.bin] = self.inside
        return mask


class Restless(nn.Module):
    """Claims much in one block and little in the next: the worst that can happen at a border."""

    def __init__(self, levels: tuple[float, ...]) -> None:
        super().__init__()
        self.levels, self.runs = levels, 0

    def soft_mask(self, magnitudes: Tensor) -> Tensor:
        self.runs += 1
        return torch.full_like(magnitudes, self.levels[self.runs % len(self.levels)])


class Hungry(Below):
    """Runs out of memory on anything longer than it can bear."""

    def __init__(self, bin_: int, frames: int) -> None:
        super().__init__(bin_)
        self.frames = frames

    def soft_mask(self, magnitudes: Tensor) -> Tensor:
        if magnitudes.shape[2] > self.frames:
            raise RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory")
        return super().soft_mask(magnitudes)


def separator_of(*nets: nn.Module, config: SeparationConfig = SMALL) -> Separator:
    return Separator(cast("tuple[UNet, ...]", nets), ("vocals", "accompaniment"), config)


def noise(frames: int, sample_rate: int = 44_100, channels: int = 2, seed: int = 0) -> Clip:
    samples = 0.2 * np.random.default_rng(seed).standard_normal((channels, frames))
    return Clip(samples.astype(np.float32), sample_rate)


def tone(hz: float, frames: int, sample_rate: int = 44_100, channels: int = 2) -> Clip:
    wave = 0.3 * np.sin(2 * np.pi * hz * np.arange(frames) / sample_rate)
    return Clip(np.repeat(wave[None], channels, axis=0).astype(np.float32), sample_rate)


def rms_db(samples: np.ndarray) -> float:
    return 10.0 * float(np.log10(np.mean(np.square(samples, dtype=np.float64)) + 1e-30))
