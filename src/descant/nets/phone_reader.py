"""From Whisper's hidden states to the phone that sounds in each frame, in whatever language.

A frame-wise reader in the manner of hybrid speech recognition (Bourlard and Morgan, "Connectionist Speech Recognition",
1994): unlike CTC outputs, its posteriors last as long as the sound does, so that long notes and ends of words are seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class PhoneReaderConfig:
    """Sizes.

    Attributes:
        states: Width of what comes in: the outputs of the encoder layers in `layers`, side by side.
        width: Of the hidden layers.
        kernel: Frames that each of the two convolutions sees.
        classes: Phones, and as the last one the absence of words.
        layers: Which of the encoder's outputs are read, counted from 0.
        dropout: Share of inputs left out in training.
    """

    states: int = 1024
    width: int = 192
    kernel: int = 5
    classes: int = 54
    layers: tuple[int, ...] = (3, 6)
    dropout: float = 0.15


class PhoneReader(nn.Module):
    """Encoder states in, scores of phones out.

    Args:
        config: Sizes.
    """

    log_prior: Tensor

    def __init__(self, config: PhoneReaderConfig = PhoneReaderConfig()) -> None:
        super().__init__()
        self.config = config
        self.norm = nn.LayerNorm(config.states)
        self.inward = nn.Linear(config.states, config.width)
        self.convolutions = nn.ModuleList(
            nn.Conv1d(config.width, config.width, config.kernel, padding=config.kernel // 2) for _ in range(2)
        )
        self.outward = nn.Linear(config.width, config.classes)
        self.drop = nn.Dropout(config.dropout)
        # How often each class was seen in training: dividing by it turns posteriors into likelihoods, up to a factor.
        self.register_buffer("log_prior", torch.full((config.classes,), 1.0 / config.classes).log())

    def forward(self, states: Tensor) -> Tensor:
        """Scores before the softmax.

        Args:
            states: [batch, frames at 50 a second, states].

        Returns:
            [batch, frames, classes].
        """
        x = F.gelu(self.inward(self.drop(self.norm(states)))).transpose(1, 2)
        for convolution in self.convolutions:
            x = x + F.gelu(convolution(self.drop(x)))
        return cast("Tensor", self.outward(x.transpose(1, 2)))
