"""`TimbreNet`: the timbre of a sound to a few numbers a frame and back, so that mixing the numbers mixes the timbres.

The part of NSynth's auto-encoder (Engel et al., ICML 2017): a code of 24 numbers, 47 times a second. Pitch and loudness
stay outside, as in DDSP (Engel et al., ICLR 2020), and here not even the decoder asks for them: what is coded (the
envelope, the noise, single partials, the width) is the same at every pitch.
Convolutions as in Liu et al., "A ConvNet for the 2020s" (CVPR 2022).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class TimbreConfig:
    """Sizes of the net.

    Attributes:
        features: Of a frame of timbre, the last of them how pitched it is.
        embedding: Numbers of the code.
        width: Channels.
        blocks: Convolutions of the encoder, and as many of the decoder.
        kernel: Their length in frames.
    """

    features: int = 129
    embedding: int = 24
    width: int = 160
    blocks: int = 3
    kernel: int = 5


class _Block(nn.Module):
    def __init__(self, width: int, kernel: int) -> None:
        super().__init__()
        self.spread = nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=width)
        self.norm = nn.LayerNorm(width)
        self.wide = nn.Linear(width, 2 * width)
        self.narrow = nn.Linear(2 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        near = self.norm(self.spread(x.transpose(1, 2)).transpose(1, 2))
        return x + cast("Tensor", self.narrow(F.gelu(self.wide(near))))


class TimbreNet(nn.Module):
    """See the module.

    Args:
        config: Sizes.
    """

    def __init__(self, config: TimbreConfig = TimbreConfig()) -> None:
        super().__init__()
        self.config = config
        self.hear = nn.Linear(config.features, config.width)
        self.encoder = nn.Sequential(*(_Block(config.width, config.kernel) for _ in range(config.blocks)))
        self.code = nn.Sequential(nn.LayerNorm(config.width), nn.Linear(config.width, config.embedding))
        self.read = nn.Linear(config.embedding + 1, config.width)
        self.decoder = nn.Sequential(*(_Block(config.width, config.kernel) for _ in range(config.blocks)))
        self.say = nn.Sequential(nn.LayerNorm(config.width), nn.Linear(config.width, config.features - 1))

    @property
    def reach(self) -> int:
        """Frames to each side that a frame of the encoder, or of the decoder, depends on."""
        return self.config.blocks * (self.config.kernel // 2)

    def encode(self, features: Tensor) -> Tensor:
        """Features [batch, frames, features] to codes [batch, frames, embedding]."""
        return cast("Tensor", self.code(self.encoder(self.hear(features))))

    def decode(self, codes: Tensor, pitched: Tensor) -> Tensor:
        """Codes to features.

        Args:
            codes: [batch, frames, embedding].
            pitched: How pitched, 0..1, [batch, frames].

        Returns:
            Features without the last, [batch, frames, features - 1].
        """
        x = self.read(torch.cat((codes, pitched.unsqueeze(-1)), dim=-1))
        return cast("Tensor", self.say(self.decoder(x)))

    def forward(self, features: Tensor) -> Tensor:
        """What remains of features after being coded."""
        return self.decode(self.encode(features), features[..., -1])
