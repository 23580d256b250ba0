"""HiFi-GAN's generator with a sine source: frames of a hidden state and a pitch to samples.

After Kong et al., "HiFi-GAN" (2020), and Wang et al., "Neural source-filter waveform models" (2019). Names as in
published checkpoints; their weight norm is folded away (`hub.weight_norm`).
"""

from __future__ import annotations

import math
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_SLOPE = 0.1
_TONE, _BREATH_IN_TONE = 0.1, 0.003
_BREATH = _TONE / 3.0


class _Residual(nn.Module):
    """Dilated convolutions, each followed by a plain one (kind "1") or alone (kind "2")."""

    def __init__(self, channels: int, kernel: int, dilations: tuple[int, ...], *, is_paired: bool) -> None:
        super().__init__()
        spread = nn.ModuleList(
            nn.Conv1d(channels, channels, kernel, dilation=dilation, padding=dilation * (kernel - 1) // 2)
            for dilation in dilations
        )
        if is_paired:
            self.convs1 = spread
            self.convs2 = nn.ModuleList(
                nn.Conv1d(channels, channels, kernel, padding=(kernel - 1) // 2) for _ in dilations
            )
        else:
            self.convs = spread
        self.is_paired = is_paired

    def forward(self, x: Tensor) -> Tensor:
        if not self.is_paired:
            for conv in self.convs:
                x = x + conv(F.leaky_relu(x, _SLOPE))
            return x
        for spread, plain in zip(self.convs1, self.convs2, strict=True):
            x = x + plain(F.leaky_relu(spread(F.leaky_relu(x, _SLOPE)), _SLOPE))
        return x


class SineSource(nn.Module):
    """Sines at the multiples of a pitch and a little noise, mixed into one signal.

    Args:
        harmonics: How many sines.
        hop: Samples of a frame.
        sample_rate: In hertz.
    """

    def __init__(self, harmonics: int, hop: int, sample_rate: int) -> None:
        super().__init__()
        self.harmonics, self.hop, self.sample_rate = harmonics, hop, sample_rate
        self.l_linear = nn.Linear(harmonics, 1)

    def forward(self, f0_hz: Tensor, cycles: Tensor, noise: Tensor, offsets: Tensor) -> Tensor:
        """The excitation.

        Args:
            f0_hz: It stands still within a frame, 0 where there is no voice, [batch, frames].
            cycles: Phase of the fundamental at the start of each frame, in cycles, [batch, frames], float64.
            noise: Of unit variance, [batch, frames * hop, harmonics].
            offsets: Phase of each sine at the beginning, in cycles, [harmonics].

        Returns:
            [batch, 1, frames * hop].
        """
        steps = torch.arange(1, self.hop + 1, device=f0_hz.device, dtype=torch.float64)
        phase = cycles.unsqueeze(-1) + f0_hz.double().unsqueeze(-1) * steps / self.sample_rate
        multiples = torch.arange(1, self.harmonics + 1, device=f0_hz.device, dtype=torch.float64)
        turns = torch.remainder(phase.flatten(1).unsqueeze(-1) * multiples + offsets.double(), 1.0)
        voiced = (f0_hz > 0).float().repeat_interleave(self.hop, dim=1).unsqueeze(-1)
        breath = voiced * _BREATH_IN_TONE + (1.0 - voiced) * _BREATH
        waves = _TONE * torch.sin(2.0 * math.pi * turns).float() * voiced + breath * noise
        return torch.tanh(self.l_linear(waves)).transpose(1, 2)


class NsfHifigan(nn.Module):
    """See the module.

    Args:
        channels: Of the hidden state.
        first: Channels before the first enlargement; each enlargement halves them.
        rates: By how much each enlarges; their product is the hop.
        kernels: Of the enlargements.
        residual_kernels: Of the residual blocks after each.
        dilations: Of each residual block.
        is_paired: HiFi-GAN's residual blocks of kind "1".
        speaker: Dimensions of the speaker's embedding.
        harmonics: Of the source; 0 for a generator without one.
        sample_rate: In hertz.
        ends_with_bias: Whether the last convolution has an addend.
    """

    def __init__(
        self,
        *,
        channels: int,
        first: int,
        rates: tuple[int, ...],
        kernels: tuple[int, ...],
        residual_kernels: tuple[int, ...],
        dilations: tuple[tuple[int, ...], ...],
        is_paired: bool,
        speaker: int,
        harmonics: int,
        sample_rate: int,
        ends_with_bias: bool,
    ) -> None:
        super().__init__()
        self.conv_pre = nn.Conv1d(channels, first, 7, padding=3)
        self.cond = nn.Conv1d(speaker, first, 1)
        self.ups, self.resblocks, self.noise_convs = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        self.branches = len(residual_kernels)
        for stage, (rate, kernel) in enumerate(zip(rates, kernels, strict=True)):
            width = first // 2 ** (stage + 1)
            self.ups.append(nn.ConvTranspose1d(2 * width, width, kernel, rate, padding=(kernel - rate) // 2))
            self.resblocks.extend(
                _Residual(width, one, spread, is_paired=is_paired)
                for one, spread in zip(residual_kernels, dilations, strict=True)
            )
            if harmonics:
                stride = math.prod(rates[stage + 1 :])
                shape = (2 * stride, stride, stride // 2) if stride > 1 else (1, 1, 0)
                self.noise_convs.append(nn.Conv1d(1, width, *shape))
        self.conv_post = nn.Conv1d(first // 2 ** len(rates), 1, 7, padding=3, bias=ends_with_bias)
        if harmonics:
            self.m_source = SineSource(harmonics, math.prod(rates), sample_rate)

    def forward(self, x: Tensor, speaker: Tensor, source: Tensor | None) -> Tensor:
        """Samples.

        Args:
            x: [batch, channels, frames].
            speaker: [batch, speaker, 1].
            source: What `m_source` made, [batch, 1, frames * hop]; None for a generator without a source.

        Returns:
            -1..1, [batch, frames * hop].
        """
        x = self.conv_pre(x) + self.cond(speaker)
        for stage, enlarge in enumerate(self.ups):
            x = enlarge(F.leaky_relu(x, _SLOPE))
            if source is not None:
                x = x + self.noise_convs[stage](source)
            own = self.resblocks[stage * self.branches : (stage + 1) * self.branches]
            x = cast("Tensor", sum(block(x) for block in own)) / self.branches
        return torch.tanh(self.conv_post(F.leaky_relu(x))).squeeze(1)
