"""From magnitudes to masks: the nets, the share each stem gets of every bin, and the bins the nets never see."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from descant.errors import OutOfMemory
from descant.nets.u_net import U_NET_STRIDE, UNet
from descant.separate.config import SeparationConfig

_TINY = 1e-10
_log = logging.getLogger(__name__)


class MaskEstimator:
    """Masks of all stems for one block; they add up to one in every bin.

    With a residual, what no net claims goes there: where the nets' own masks add up to less than one, the missing
    share is the residual's, and the stems divide the rest. Without it the stems divide everything.

    Args:
        nets: One net per stem, in evaluation mode.
        config: Sizes.
        residual: Whether the last mask is the residual's.
    """

    def __init__(self, nets: Sequence[UNet], config: SeparationConfig, *, residual: bool = False) -> None:
        self.config = config
        self.count = len(nets) + residual
        self.is_reduced = False
        """Whether memory ran out once, so that the nets now run on smaller blocks."""
        self._nets = tuple(nets)
        self._residual = residual

    def __call__(self, magnitudes: Tensor) -> Tensor:
        """Estimate the masks of a block.

        Args:
            magnitudes: [channels, frames, bins] of at most `block_frames` frames.

        Returns:
            Masks of shape [stems, channels, frames, bins].
        """
        config = self.config
        frames = magnitudes.shape[1]
        seen = magnitudes[..., : config.net_bins] * self._gain(magnitudes)
        padded = F.pad(seen, (0, 0, 0, config.block_frames - frames))
        masks = torch.stack([self._soft_mask(net, padded)[:, :frames] for net in self._nets])
        shares = (masks * seen).square_().add_(_TINY / len(self._nets))
        shares /= shares.sum(dim=0)
        if self._residual:
            unclaimed = (1.0 - masks.sum(dim=0)).clamp_min_(0.0)
            shares = torch.cat((shares * (1.0 - unclaimed), unclaimed.unsqueeze(0)))
        return torch.cat((shares, self._above(shares, seen)), dim=-1)

    def _gain(self, magnitudes: Tensor) -> float:
        """What brings the block to the level of the music that the nets were trained on.

        The nets are not indifferent to level: they take music 10 dB quieter than what they know for music without a
        voice. The gain touches only what the nets see, never the audio.
        """
        config = self.config
        if config.level_db is None:
            return 1.0
        # Parseval, for a one-sided spectrum under a Hann window (whose mean square is 3/8)
        energy = float(magnitudes.square().sum(dim=-1, dtype=torch.float64).mean())
        rms = math.sqrt(2.0 * energy / (0.375 * config.fft_size**2))
        wanted, quietest = (math.pow(10.0, db / 20.0) for db in (config.level_db, config.quietest_db))
        return wanted / max(rms, quietest)

    def _soft_mask(self, net: UNet, seen: Tensor) -> Tensor:
        """One net's own mask, [channels, frames, net bins]."""
        mask = torch.empty_like(seen)
        for first, second in channel_pairs(seen.shape[0]):
            pair = self._run(net, seen[[first, second]].unsqueeze(0).contiguous(memory_format=torch.channels_last))[0]
            if first == second:
                mask[first] = pair.mean(dim=0)
            else:
                mask[first], mask[second] = pair
        return mask

    def _run(self, net: UNet, pair: Tensor) -> Tensor:
        if not self.is_reduced:
            try:
                return net.soft_mask(pair)
            except (MemoryError, RuntimeError) as error:
                if not _is_memory(error):
                    raise
                _log.warning("Memory ran out; going on with smaller blocks.")
                self.is_reduced = True
        try:
            return _in_pieces(net, pair)
        except (MemoryError, RuntimeError) as error:
            if not _is_memory(error):
                raise
            raise OutOfMemory(
                "Memory ran out while separating, also with smaller blocks.",
                "Close other programs, or use a machine with at least 1 GB of free memory.",
            ) from error

    def _above(self, shares: Tensor, seen: Tensor) -> Tensor:
        """Masks for the bins above those that the nets see, one value per frame: who owns the highest seen bins."""
        config = self.config
        if not config.is_full_band:
            above = torch.zeros(*shares.shape[:-1], config.bins - config.net_bins)
            above[-1] = 1.0
            return above
        power = seen[..., -config.top_bins :].square() + _TINY
        owned = (shares[..., -config.top_bins :] * power).sum(dim=-1) / power.sum(dim=-1)
        # Squared: a stem that owns a little of the top bins owns less above. Cymbals in a vocal stem are worse than
        # a duller vocal, and so says the measurement (docs/separate.md).
        owned = owned.square() / owned.square().sum(dim=0)
        return owned.unsqueeze(-1).expand(*owned.shape, config.bins - config.net_bins)


def channel_pairs(channels: int) -> list[tuple[int, int]]:
    """Which channels a stereo net hears together: the first two as left and right, each other one twice."""
    if channels == 1:
        return [(0, 0)]
    return [(0, 1), *((channel, channel) for channel in range(2, channels))]


def _in_pieces(net: UNet, pair: Tensor) -> Tensor:
    """The net's mask from pieces of a quarter of the frames, each run with as much context, to need less memory."""
    frames = pair.shape[2]
    size = max(U_NET_STRIDE, frames // 4 // U_NET_STRIDE * U_NET_STRIDE)
    mask = torch.empty_like(pair)
    for start in range(0, frames, size):
        begin = max(0, start - U_NET_STRIDE)
        end = min(frames, start + size + U_NET_STRIDE)
        piece = net.soft_mask(pair[:, :, begin:end])
        mask[:, :, start : start + size] = piece[:, :, start - begin : start - begin + size]
    return mask


def _is_memory(error: Exception) -> bool:
    # On the CPU, PyTorch reports failed allocations as a bare RuntimeError: only its text tells.
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or "allocate memory" in str(error)
