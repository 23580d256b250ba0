"""Ears with gradients: whose voice a signal is and what it says, as a loss can ask for them.

The nets are those that `convert` listens with, and are not trained. Speaker consistency as a loss is that of YourTTS
(Casanova et al., ICML 2022).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor

from descant.convert.content import ContentEncoder
from descant.convert.speaker import SpeakerEmbedder
from descant.nets.source_filter import HOP
from descant.nets.speaker_encoder import SpeakerEncoder, mel_power
from descant.nets.whisper_encoder import SAMPLE_RATE, WhisperEncoder, log_mel

_LOW_HOP = SAMPLE_RATE // 100
_LEVEL = 10.0 ** (-30.0 / 20.0)
_QUIET = 1e-4


@dataclass(frozen=True, slots=True, eq=False)
class Ears:
    """See the module.

    Attributes:
        speaker: GE2E.
        content: Whisper's encoder.
        layer: Which of its states is content, from 1.
    """

    speaker: SpeakerEncoder
    content: WhisperEncoder
    layer: int

    @classmethod
    def of(cls, embedder: SpeakerEmbedder, encoder: ContentEncoder) -> Ears:
        """The nets of a converter."""
        return cls(embedder.net, encoder.net, encoder.layer)

    def whose(self, low: Tensor) -> Tensor:
        """Embeddings of unit length, [batch, 256], of signals at 16 kHz, [batch, samples]."""
        with torch.autocast(low.device.type, enabled=False):
            low = low.float()
            rms = low.square().mean(dim=1, keepdim=True).sqrt().clamp_min(_QUIET)
            return cast("Tensor", self.speaker(mel_power(low * (_LEVEL / rms))))

    def what(self, low: Tensor) -> Tensor:
        """States, [batch, frames at 50 a second, width], each of unit length and without its mean."""
        with torch.autocast(low.device.type, enabled=False):
            mel = log_mel(low.float())
        states = self.content(mel)[self.layer - 1].float()
        return F.normalize(states - states.mean(dim=-1, keepdim=True), dim=-1)


def lowered(samples: Tensor) -> Tensor:
    """44.1 kHz to 16 kHz by cutting the spectrum, [batch, whole 10 ms] to [batch, samples]."""
    frames = samples.shape[-1] // HOP
    size = frames * _LOW_HOP
    with torch.autocast(samples.device.type, enabled=False):
        spectra = torch.fft.rfft(samples[..., : frames * HOP].float())[..., : size // 2 + 1]
        low: Tensor = torch.fft.irfft(spectra, size) * (_LOW_HOP / HOP)
    return low
