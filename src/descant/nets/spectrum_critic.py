"""`SpectrumCritics`: small convolutional nets that tell recorded voices from rendered ones by their spectrograms.

Several resolutions as in UnivNet (Jang et al., Interspeech 2021); whose voice it should be enters through a projection
(Miyato and Koyama, "cGANs with Projection Discriminator", ICLR 2018), so that a voice can also be the wrong one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_FLOOR = 1e-4
_MIDDLE, _SPREAD = -5.0, 2.5
"""What brings log magnitudes of voices to about -1..1."""


@dataclass(frozen=True, slots=True)
class CriticConfig:
    """Sizes.

    Attributes:
        speaker: Dimensions of a speaker's embedding.
        resolutions: How many spectrograms of a signal are shown, to a critic each.
        widths: Channels after each convolution, each of which halves time and frequency.
    """

    speaker: int = 256
    resolutions: int = 2
    widths: tuple[int, ...] = (16, 32, 48, 64)


@dataclass(frozen=True, slots=True)
class Heard:
    """What one critic heard.

    Attributes:
        layers: Activations of each convolution, [batch, channels, bins, frames].
        plain: Score of each place, whoever it is, [batch, bins, frames].
    """

    layers: tuple[Tensor, ...]
    plain: Tensor


class _Critic(nn.Module):
    def __init__(self, config: CriticConfig) -> None:
        super().__init__()
        widths = (2, *config.widths)  # the second channel tells how high in frequency a place is
        self.convolutions = nn.ModuleList(
            nn.utils.parametrizations.weight_norm(nn.Conv2d(inside, outside, 3, stride=2, padding=1))
            for inside, outside in pairwise(widths)
        )
        self.score = nn.Conv2d(widths[-1], 1, 3, padding=1)
        self.speaker = nn.Linear(config.speaker, widths[-1])

    def forward(self, magnitudes: Tensor, top: Tensor) -> Heard:
        logs = (torch.log(magnitudes + _FLOOR) - _MIDDLE) / _SPREAD
        place = torch.linspace(0.0, 1.0, logs.shape[1], device=logs.device)
        shown = logs * (place <= top.unsqueeze(-1)).unsqueeze(-1)
        height = (2.0 * place - 1.0).view(1, -1, 1).expand_as(shown)
        x = torch.stack((shown, height), dim=1).contiguous(memory_format=torch.channels_last)
        layers = []
        for convolution in self.convolutions:
            x = F.leaky_relu(convolution(x), 0.2)
            layers.append(x)
        return Heard(tuple(layers), cast("Tensor", self.score(x)).squeeze(1))

    def scores(self, heard: Heard, speaker: Tensor) -> Tensor:
        """[batch, bins, frames]: high where it sounds like a recording of this speaker."""
        who = self.speaker(speaker * speaker.shape[-1] ** 0.5)
        last = heard.layers[-1]
        fitting: Tensor = torch.einsum("bcft,bc->bft", last, who) / last.shape[1] ** 0.5
        return heard.plain + fitting


class SpectrumCritics(nn.Module):
    """See the module.

    Args:
        config: Sizes.
    """

    def __init__(self, config: CriticConfig = CriticConfig()) -> None:
        super().__init__()
        self.critics = nn.ModuleList(_Critic(config) for _ in range(config.resolutions))

    def forward(self, spectrograms: Sequence[Tensor], top: Tensor) -> tuple[Heard, ...]:
        """What each critic hears.

        Args:
            spectrograms: Magnitudes, one resolution a critic, each [batch, bins, frames].
            top: Share of the spectrum, from 0 Hz, that is shown, [batch].
        """
        return tuple(critic(one, top) for critic, one in zip(self.critics, spectrograms, strict=True))

    def scores(self, heard: Sequence[Heard], speaker: Tensor) -> tuple[Tensor, ...]:
        """Of each critic, [batch, bins, frames]; towards 1 for recordings of the speaker, else towards 0.

        Args:
            heard: What `forward` returned.
            speaker: Whose voice it should be, [batch, width], of unit length.
        """
        return tuple(
            cast("_Critic", critic).scores(one, speaker) for critic, one in zip(self.critics, heard, strict=True)
        )
