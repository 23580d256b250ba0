"""HuBERT's base net, which ContentVec shares: 16 kHz audio to hidden states, 50 a second.

Hsu et al., "HuBERT: Self-Supervised Speech Representation Learning" (2021); Qian et al., "ContentVec" (2022). Of the
net only what states need is here, without masking and training. Parameters are named as in fairseq's checkpoints.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch.nn.functional as F
from torch import Tensor, nn

SAMPLE_RATE = 16_000
HOP = 320
"""Samples between states."""
FIELD = 400
"""Samples that a state hears before the transformer; state k hears those from k * 320 on."""

_KERNELS, _STRIDES = (10, 3, 3, 3, 3, 2, 2), (5, 2, 2, 2, 2, 2, 2)


@dataclass(frozen=True, slots=True)
class HubertConfig:
    """Sizes; the defaults are those of the base net.

    Attributes:
        layers: Of the transformer.
        width: Of its states.
        inner: Between a layer's two linear maps.
        heads: Of its attention.
        channels: Of the convolutions.
        reach: Frames that the positional convolution hears.
        groups: Of the positional convolution.
        projected: Dimensions of projected states; 0 where the projection is not there.
    """

    layers: int = 12
    width: int = 768
    inner: int = 3072
    heads: int = 12
    channels: int = 512
    reach: int = 128
    groups: int = 16
    projected: int = 256


class _Convolutions(nn.Module):
    """Seven convolutions; a norm over time follows the first, so that states depend a little on the whole."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv_layers = nn.ModuleList()
        for place, (kernel, stride) in enumerate(zip(_KERNELS, _STRIDES, strict=True)):
            conv = nn.Conv1d(channels if place else 1, channels, kernel, stride, bias=False)
            # The place between is a dropout's.
            extra = () if place else (nn.Identity(), nn.GroupNorm(channels, channels))
            self.conv_layers.append(nn.Sequential(conv, *extra))

    def forward(self, samples: Tensor) -> Tensor:
        x = samples.unsqueeze(1)
        for layer in self.conv_layers:
            x = F.gelu(layer(x))
        return x.transpose(1, 2)


class _Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q_proj, self.k_proj, self.v_proj, self.out_proj = (nn.Linear(width, width) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        batch, frames, width = x.shape
        query, key, value = (
            linear(x).view(batch, frames, self.heads, -1).transpose(1, 2)
            for linear in (self.q_proj, self.k_proj, self.v_proj)
        )
        heard = F.scaled_dot_product_attention(query, key, value)
        return cast("Tensor", self.out_proj(heard.transpose(1, 2).reshape(batch, frames, width)))


class _Layer(nn.Module):
    def __init__(self, config: HubertConfig) -> None:
        super().__init__()
        self.self_attn = _Attention(config.width, config.heads)
        self.self_attn_layer_norm = nn.LayerNorm(config.width)
        self.fc1 = nn.Linear(config.width, config.inner)
        self.fc2 = nn.Linear(config.inner, config.width)
        self.final_layer_norm = nn.LayerNorm(config.width)

    def forward(self, x: Tensor) -> Tensor:
        x = self.self_attn_layer_norm(x + self.self_attn(x))
        return cast("Tensor", self.final_layer_norm(x + self.fc2(F.gelu(self.fc1(x)))))


class _Transformer(nn.Module):
    def __init__(self, config: HubertConfig) -> None:
        super().__init__()
        position = nn.Conv1d(config.width, config.width, config.reach, padding=config.reach // 2, groups=config.groups)
        self.pos_conv = nn.Sequential(position)
        self.layer_norm = nn.LayerNorm(config.width)
        self.layers = nn.ModuleList(_Layer(config) for _ in range(config.layers))

    def forward(self, x: Tensor, last: int) -> Tensor:
        place = self.pos_conv(x.transpose(1, 2))[..., : x.shape[1]]  # an even kernel makes one frame too many
        x = self.layer_norm(x + F.gelu(place).transpose(1, 2))
        for layer in self.layers[:last]:
            x = layer(x)
        return x


class Hubert(nn.Module):
    """See the module.

    Args:
        config: Sizes.
    """

    def __init__(self, config: HubertConfig = HubertConfig()) -> None:
        super().__init__()
        self.config = config
        self.feature_extractor = _Convolutions(config.channels)
        self.layer_norm = nn.LayerNorm(config.channels)
        self.post_extract_proj = nn.Linear(config.channels, config.width)
        self.encoder = _Transformer(config)
        if config.projected:
            self.final_proj = nn.Linear(config.width, config.projected)

    def forward(self, samples: Tensor, layer: int, *, is_projected: bool = False) -> Tensor:
        """States of one layer.

        Args:
            samples: [batch, samples] at 16 kHz, 400 at least.
            layer: From 1.
            is_projected: Through the projection that its training ended with.

        Returns:
            [batch, (samples - 80) // 320, width or projected].
        """
        x = self.post_extract_proj(self.layer_norm(self.feature_extractor(samples)))
        x = self.encoder(x, layer)
        return cast("Tensor", self.final_proj(x)) if is_projected else x
