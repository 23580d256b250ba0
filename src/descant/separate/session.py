"""`Session`: one separation whose audio arrives block by block, at the rate it has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from descant.audio.clip import Clip, Samples
from descant.audio.resample import Resampler
from descant.nets.u_net import UNet
from descant.separate.config import SeparationConfig
from descant.separate.masks import MaskEstimator
from descant.separate.stream import SpectralStream


class Running(Protocol):
    """A separation under way: a `Session`, or one through several separators."""

    names: tuple[str, ...]

    @property
    def remark(self) -> str:
        """See `Session`."""

    def push(self, mix: Clip, *, last: bool = False) -> dict[str, Samples]:
        """See `Session`."""


class Separates(Protocol):
    """What takes audio apart: a `separate.api.Separator` or a `separate.chain.Chain`."""

    stems: tuple[str, ...]

    def session(self, sample_rate: int, channels: int, *, residual: bool = False) -> Running:
        """A separation whose audio arrives block by block."""


class Session:
    """Blocks of a mix in, blocks of its stems out; over all calls each stem gets exactly the mix's frames.

    The nets' own rate is used only for what is masked out. The last stem is the mix minus the others, at the mix's
    own rate, so that resampling costs nothing of the sum.

    Args:
        nets: One net per stem.
        names: The stems' names; one more than nets if the last is a residual.
        config: Sizes.
        sample_rate: Rate of the mix in Hz.
        channels: Its channel count.
    """

    def __init__(
        self,
        nets: Sequence[UNet],
        names: tuple[str, ...],
        config: SeparationConfig,
        sample_rate: int,
        channels: int,
    ) -> None:
        self.names = names
        self._rate = sample_rate
        self._net_rate = config.sample_rate
        self._estimator = MaskEstimator(nets, config, residual=len(names) > len(nets))
        self._down = Resampler(sample_rate, config.sample_rate, channels)
        self._stream = SpectralStream(self._estimator, channels, len(names) - 1)
        self._up = [Resampler(config.sample_rate, sample_rate, channels) for _ in names[:-1]]
        self._mix = np.zeros((channels, 0), np.float32)
        self._ready = [np.zeros((channels, 0), np.float32) for _ in names[:-1]]

    @property
    def remark(self) -> str:
        """What the user should know about how it went; empty if nothing."""
        return "memory ran short: working in smaller blocks" if self._estimator.is_reduced else ""

    def push(self, mix: Clip, *, last: bool = False) -> dict[str, Samples]:
        """Take the next block of the mix and return what is finished of every stem.

        Args:
            mix: The next block, of any length.
            last: No more will come: return everything that is left.

        Returns:
            Name to samples [channels, n], n the same for all.
        """
        self._mix = np.concatenate((self._mix, mix.samples), axis=1)
        masked = self._stream.push(self._down.push(mix, last=last).samples, last)
        for index, samples in enumerate(masked):
            back = self._up[index].push(Clip(samples, self._net_rate), last=last).samples
            self._ready[index] = np.concatenate((self._ready[index], back), axis=1)
        total = self._mix.shape[1]
        if last:
            self._ready = [_of_length(samples, total) for samples in self._ready]
        count = min([total, *(samples.shape[1] for samples in self._ready)])
        stems = [samples[:, :count] for samples in self._ready]
        rest = self._mix[:, :count] - np.sum(stems, axis=0, dtype=np.float32) if stems else self._mix[:, :count]
        self._mix = self._mix[:, count:].copy()
        self._ready = [samples[:, count:].copy() for samples in self._ready]
        return dict(zip(self.names, [*stems, rest], strict=True))


def _of_length(samples: Samples, frames: int) -> Samples:
    """Two conversions round twice, so that the way back may miss the length by a sample or two."""
    return np.pad(samples[:, :frames], ((0, 0), (0, max(0, frames - samples.shape[1]))))
