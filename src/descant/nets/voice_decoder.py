"""`VoiceDecoder`: content, pitch, level and a speaker to the two filters of a source-filter voice.

A stack of depthwise-separable convolutions (Liu et al., "A ConvNet for the 2020s", CVPR 2022) whose norms are scaled
and shifted by the speaker (Perez et al., "FiLM", AAAI 2018).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from descant.nets.source_filter import BandFilter, moved, pulses

_LOWEST_HZ, _HIGHEST_HZ = 50.0, 1600.0
_DB = math.log(10.0) / 20.0
_GAIN_LIMIT = 8.0
_NOISE_FIRST = -3.0


@dataclass(frozen=True, slots=True)
class VoiceDecoderConfig:
    """Sizes of the net.

    Attributes:
        content: Dimensions of a frame of content.
        speaker: Dimensions of a speaker's embedding.
        width: Channels.
        blocks: Convolutions.
        kernel: Their length in frames; their spread grows 1, 2, 4, 1, 2, 4 ...
        bottleneck: Dimensions to which content is squeezed, so that whose voice it was does not fit.
        pitch_bands: How finely pitch is told.
        voice_bands: Bands of the pulses' filter.
        noise_bands: Bands of the noise's filter.
    """

    content: int = 384
    speaker: int = 256
    width: int = 256
    blocks: int = 8
    kernel: int = 7
    bottleneck: int = 96
    pitch_bands: int = 32
    voice_bands: int = 128
    noise_bands: int = 80


@dataclass(frozen=True, slots=True)
class Filters:
    """Natural logarithms of gain, [batch, frames, bands], of pulses and of noise."""

    voice: Tensor
    noise: Tensor


class _Block(nn.Module):
    def __init__(self, width: int, kernel: int, dilation: int, speaker: int) -> None:
        super().__init__()
        reach = dilation * (kernel // 2)
        self.spread = nn.Conv1d(width, width, kernel, padding=reach, dilation=dilation, groups=width)
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.film = nn.Linear(speaker, 2 * width)
        self.wide = nn.Linear(width, 2 * width)
        self.narrow = nn.Linear(2 * width, width)

    def forward(self, x: Tensor, speaker: Tensor) -> Tensor:
        """[batch, frames, width] and [batch, speaker width]."""
        near = self.norm(self.spread(x.transpose(1, 2)).transpose(1, 2))
        scale, shift = self.film(speaker).unsqueeze(1).chunk(2, dim=-1)
        return x + cast("Tensor", self.narrow(F.gelu(self.wide(near * (1.0 + scale) + shift))))


class VoiceDecoder(nn.Module):
    """See the module.

    Args:
        config: Sizes.
    """

    def __init__(self, config: VoiceDecoderConfig = VoiceDecoderConfig()) -> None:
        super().__init__()
        self.config = config
        width, speaker = config.width, config.width // 4
        self.squeeze = nn.Sequential(
            nn.LayerNorm(config.content), nn.Linear(config.content, config.bottleneck), nn.LayerNorm(config.bottleneck)
        )
        self.content = nn.Linear(config.bottleneck, width)
        self.pitch = nn.Linear(config.pitch_bands + 2, width)
        self.speaker = nn.Sequential(nn.Linear(config.speaker, speaker), nn.GELU(), nn.Linear(speaker, speaker))
        self.blocks = nn.ModuleList(
            _Block(width, config.kernel, 2 ** (block % 3), speaker) for block in range(config.blocks)
        )
        self.norm = nn.LayerNorm(width)
        self.bands = nn.Linear(width, config.voice_bands + config.noise_bands)
        with torch.no_grad():  # a voice is more tone than breath
            self.bands.bias[config.voice_bands :] = _NOISE_FIRST
        self.voice_filter = BandFilter(config.voice_bands, least_phase=True)
        self.noise_filter = BandFilter(config.noise_bands, least_phase=False)

    def forward(self, content: Tensor, f0_hz: Tensor, voiced: Tensor, level_db: Tensor, speaker: Tensor) -> Filters:
        """The filters.

        Args:
            content: [batch, frames, content].
            f0_hz: [batch, frames], positive.
            voiced: 0..1, [batch, frames].
            level_db: Level wanted, dB of full scale, [batch, frames].
            speaker: [batch, speaker], of unit length.
        """
        x = self.content(self.squeeze(content)) + self.pitch(self._pitch(f0_hz, voiced, level_db))
        who = self.speaker(speaker * math.sqrt(speaker.shape[-1]))
        for block in self.blocks:
            x = block(x, who)
        gains = self.bands(self.norm(x)).float().clamp(-_GAIN_LIMIT, _GAIN_LIMIT)
        gains = gains + _DB * level_db.unsqueeze(-1)
        voice, noise = gains.split((self.config.voice_bands, self.config.noise_bands), dim=-1)
        return Filters(voice, noise)

    def with_formants(self, filters: Filters, factor: float) -> Filters:
        """Filters of a throat whose resonances lie higher by a factor: the same gains at other frequencies."""
        if factor == 1.0:
            return filters
        return Filters(*(moved(gains, factor) for gains in (filters.voice, filters.noise)))

    def render(
        self, filters: Filters, f0_hz: Tensor, voiced: Tensor, noise: Tensor, phase: Tensor | None = None
    ) -> Tensor:
        """Sound.

        Args:
            filters: What `forward` returned.
            f0_hz: [batch, frames].
            voiced: [batch, frames].
            noise: Of unit variance, [batch, frames * 441].
            phase: Where the pulses begin, in cycles, [batch]; 0 if left out.

        Returns:
            [batch, frames * 441] at 44.1 kHz.
        """
        train, _ = pulses(f0_hz, voiced, phase)
        return cast("Tensor", self.voice_filter(train, filters.voice) + self.noise_filter(noise, filters.noise))

    def _pitch(self, f0_hz: Tensor, voiced: Tensor, level_db: Tensor) -> Tensor:
        """Pitch as bumps over a logarithmic scale where it sounds, voicing, and level."""
        count = self.config.pitch_bands
        place = torch.log(f0_hz / _LOWEST_HZ) / math.log(_HIGHEST_HZ / _LOWEST_HZ) * (count - 1)
        bumps = torch.exp(-0.5 * (place.unsqueeze(-1) - torch.arange(count, device=f0_hz.device)).square())
        rest = torch.stack((voiced, (level_db + 40.0) / 20.0), dim=-1)
        return torch.cat((bumps * voiced.unsqueeze(-1), rest), dim=-1)
