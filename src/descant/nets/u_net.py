"""A two-dimensional U-Net that reads magnitude spectrograms and writes a soft mask times its input.

The idea is Jansson et al., "Singing Voice Separation with Deep U-Net Convolutional Networks" (ISMIR 2017); the sizes
are those of Spleeter (Hennequin et al., JOSS 2020), so that its published weights fit: six strided encoder
convolutions, six transposed decoder convolutions, and one dilated convolution that makes the mask. Two details are
easy to miss and decide whether the weights work: skip connections are taken *before* batch normalisation, and even
sizes are padded by one on the near and two on the far side, as TensorFlow's "same" padding does for stride 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_LEVELS = 6
_SPLEETER_WIDTH = 16
_DROPOUT_LEVELS = 3
_NORM_EPSILON = 1e-3
_SAME_PADDING = (1, 2, 1, 2)

U_NET_STRIDE = 2**_LEVELS
"""Both spectrogram axes must be multiples of this."""


class Encoder(nn.Module):
    """One level down: a strided convolution, whose raw output is the skip connection, then norm and activation.

    Args:
        channels_in: Channels of the level above.
        channels_out: Filters of this level.
    """

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels_out, kernel_size=5, stride=2)
        self.norm = nn.BatchNorm2d(channels_out, eps=_NORM_EPSILON)

    def convolve(self, x: Tensor) -> Tensor:
        """[batch, in, frames, bins] to [batch, out, frames / 2, bins / 2]."""
        return cast("Tensor", self.conv(F.pad(x, _SAME_PADDING)))

    def activate(self, skip: Tensor) -> Tensor:
        """What the next level down reads."""
        return F.leaky_relu(self.norm(skip), 0.2)


class Decoder(nn.Module):
    """One level up: a transposed convolution, activation, norm, and dropout in training.

    Args:
        channels_in: Channels of the level below together with the skip connection.
        channels_out: Filters of this level.
        dropout: Share of channels' values dropped in training.
    """

    def __init__(self, channels_in: int, channels_out: int, dropout: float) -> None:
        super().__init__()
        # padding=1 crops one row before and after; the far side's second row is cropped in forward
        self.conv = nn.ConvTranspose2d(channels_in, channels_out, kernel_size=5, stride=2, padding=1)
        self.norm = nn.BatchNorm2d(channels_out, eps=_NORM_EPSILON)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """[batch, in, frames, bins] to [batch, out, 2 frames, 2 bins]."""
        grown = self.conv(x)[..., :-1, :-1]
        return cast("Tensor", self.dropout(self.norm(F.relu(grown))))


class UNet(nn.Module):
    """Magnitudes in, mask times magnitudes out; one such net per stem.

    Args:
        channels: Audio channels of the spectrogram.
        width: Filters of the first convolution; each level down has twice as many. Spleeter's 16 make 9.8 million
            parameters, 8 a quarter of that.
    """

    def __init__(self, channels: int = 2, width: int = _SPLEETER_WIDTH) -> None:
        super().__init__()
        down = [width * 2**level for level in range(_LEVELS)]
        up = [*reversed(down[:-1]), 1]
        self.encoders = nn.ModuleList(Encoder(i, o) for i, o in zip((channels, *down[:-1]), down, strict=True))
        decoders = []
        below = down[-1]
        for level, filters in enumerate(up):
            decoders.append(Decoder(below, filters, dropout=0.5 if level < _DROPOUT_LEVELS else 0.0))
            below = 2 * filters  # the skip connection of the next level has as many channels
        self.decoders = nn.ModuleList(decoders)
        self.mask = nn.Conv2d(up[-1], channels, kernel_size=4, dilation=2, padding=3)

    def forward(self, magnitudes: Tensor) -> Tensor:
        """Estimate the stem's magnitudes.

        Args:
            magnitudes: [batch, channels, frames, bins], both last axes multiples of `U_NET_STRIDE`.

        Returns:
            Magnitudes of the stem, same shape.
        """
        return self.soft_mask(magnitudes) * magnitudes

    def soft_mask(self, magnitudes: Tensor) -> Tensor:
        """The mask alone, 0..1, same shape as the magnitudes.

        The deepest level's norm is never used: the decoder reads its convolution as it is.
        """
        skips: list[Tensor] = []
        x = self._encoder(0).convolve(magnitudes)
        for level in range(1, len(self.encoders)):
            skips.append(x)
            x = self._encoder(level).convolve(self._encoder(level - 1).activate(x))
        for module in self.decoders:
            x = module(x)
            if skips:
                x = torch.cat((skips.pop(), x), dim=1)
        return torch.sigmoid(self.mask(x))

    def _encoder(self, level: int) -> Encoder:
        return cast("Encoder", self.encoders[level])


class UNets(nn.ModuleDict):
    """One U-Net per stem, by the stems' names.

    Args:
        stems: Their names.
        channels: Audio channels of the spectrogram.
        width: As of `UNet`.
    """

    def __init__(self, stems: Sequence[str], channels: int = 2, width: int = _SPLEETER_WIDTH) -> None:
        super().__init__({stem: UNet(channels, width) for stem in stems})

    def forward(self, magnitudes: Tensor) -> Tensor:
        """Soft masks of all stems, [stems, *magnitudes.shape]; nothing makes them add up to one."""
        return torch.stack([cast("UNet", net).soft_mask(magnitudes) for net in self.values()])
