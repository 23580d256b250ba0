"""CAM++: a speaker encoder of densely connected time-delay layers with masks from their context.

Wang, Zheng, Chen, Cheng, Chen, "CAM++: A Fast and Efficient Network for Speaker Verification Using Context-Aware
Masking" (Interspeech 2023), with the module names of its published weights.
"""

from __future__ import annotations

from functools import cache
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SAMPLE_RATE = 16_000
WIDTH = 192

_BANDS, _FRAME, _HOP, _FFT = 80, 400, 160, 512
_LOWEST_HZ, _EMPHASIS, _WINDOW_POWER = 20.0, 0.97, 0.85
_FLOOR = 1.1920929e-07
_CHANNELS, _GROWTH, _NARROW = 32, 32, 128
_BLOCKS = ((12, 1), (24, 2), (16, 2))
"""Layers and dilation of each dense block."""
_SEGMENT = 100


class _Residual(nn.Module):
    """Two convolutions over a spectrogram; the first may halve its bands."""

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(_CHANNELS, _CHANNELS, 3, (stride, 1), 1, bias=False)
        self.bn1 = nn.BatchNorm2d(_CHANNELS)
        self.conv2 = nn.Conv2d(_CHANNELS, _CHANNELS, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(_CHANNELS)
        self.shortcut = nn.Sequential()
        if stride > 1:
            self.shortcut.append(nn.Conv2d(_CHANNELS, _CHANNELS, 1, (stride, 1), bias=False))
            self.shortcut.append(nn.BatchNorm2d(_CHANNELS))

    def forward(self, x: Tensor) -> Tensor:
        inner = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(cast("Tensor", inner + self.shortcut(x)))


class _Front(nn.Module):
    """80 bands to 10 of 32 channels."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, _CHANNELS, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(_CHANNELS)
        self.layer1 = nn.Sequential(_Residual(2), _Residual(1))
        self.layer2 = nn.Sequential(_Residual(2), _Residual(1))
        self.conv2 = nn.Conv2d(_CHANNELS, _CHANNELS, 3, (2, 1), 1, bias=False)
        self.bn2 = nn.BatchNorm2d(_CHANNELS)

    def forward(self, bands: Tensor) -> Tensor:
        x = F.relu(self.bn1(self.conv1(bands.unsqueeze(1))))
        x = F.relu(self.bn2(self.conv2(self.layer2(self.layer1(x)))))
        return x.flatten(1, 2)


class _Norm(nn.Module):
    """Batch norm, and ReLU unless it comes last."""

    def __init__(self, channels: int, *, is_last: bool = False) -> None:
        super().__init__()
        self.batchnorm = nn.BatchNorm1d(channels, affine=not is_last)
        self.is_last = is_last

    def forward(self, x: Tensor) -> Tensor:
        normed = cast("Tensor", self.batchnorm(x))
        return normed if self.is_last else F.relu(normed)


class _Masked(nn.Module):
    """A convolution whose channels are weighed by the mean of everything and of its own second."""

    def __init__(self, dilation: int) -> None:
        super().__init__()
        self.linear_local = nn.Conv1d(_NARROW, _GROWTH, 3, padding=dilation, dilation=dilation, bias=False)
        self.linear1 = nn.Conv1d(_NARROW, _NARROW // 2, 1)
        self.linear2 = nn.Conv1d(_NARROW // 2, _GROWTH, 1)

    def forward(self, x: Tensor) -> Tensor:
        near = F.avg_pool1d(x, _SEGMENT, _SEGMENT, ceil_mode=True).repeat_interleave(_SEGMENT, dim=-1)
        context = x.mean(dim=-1, keepdim=True) + near[..., : x.shape[-1]]
        return cast("Tensor", self.linear_local(x) * torch.sigmoid(self.linear2(F.relu(self.linear1(context)))))


class _DenseLayer(nn.Module):
    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.nonlinear1 = _Norm(channels)
        self.linear1 = nn.Conv1d(channels, _NARROW, 1, bias=False)
        self.nonlinear2 = _Norm(_NARROW)
        self.cam_layer = _Masked(dilation)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat((x, self.cam_layer(self.nonlinear2(self.linear1(self.nonlinear1(x))))), dim=1)


class _Linear(nn.Module):
    """A convolution before or after a norm, under the names of the weights."""

    def __init__(
        self, inward: int, outward: int, *, kernel: int = 1, stride: int = 1, last: bool | None = None
    ) -> None:
        super().__init__()
        self.linear = nn.Conv1d(inward, outward, kernel, stride, kernel // 2, bias=False)
        self.nonlinear = _Norm(outward if last is not None else inward, is_last=bool(last))
        self.norm_first = last is None

    def forward(self, x: Tensor) -> Tensor:
        return cast("Tensor", self.linear(self.nonlinear(x)) if self.norm_first else self.nonlinear(self.linear(x)))


class CamPlusPlus(nn.Module):
    """Speech of any length to a point in 192 dimensions; one speaker's points lie in one direction."""

    def __init__(self) -> None:
        super().__init__()
        self.head = _Front()
        channels = 128
        layers: dict[str, nn.Module] = {
            "tdnn": _Linear(_BANDS // 8 * _CHANNELS, channels, kernel=5, stride=2, last=False)
        }
        for number, (count, dilation) in enumerate(_BLOCKS, 1):
            dense = nn.Sequential()
            for layer in range(count):
                dense.add_module(f"tdnnd{layer + 1}", _DenseLayer(channels + layer * _GROWTH, dilation))
            channels += count * _GROWTH
            layers[f"block{number}"] = dense
            layers[f"transit{number}"] = _Linear(channels, channels // 2)
            channels //= 2
        layers["out_nonlinear"] = _Norm(channels)
        layers["dense"] = _Linear(2 * channels, WIDTH, last=True)
        self.xvector = nn.ModuleDict(layers)

    def forward(self, bands: Tensor) -> Tensor:
        """Embeddings.

        Args:
            bands: `fbank` of speech, [batch, 80, frames].

        Returns:
            [batch, 192].
        """
        x = self.head(bands)
        for name, layer in self.xvector.items():
            if name == "dense":
                x = torch.cat((x.mean(dim=-1), x.std(dim=-1)), dim=1).unsqueeze(-1)
            x = layer(x)
        return cast("Tensor", x.squeeze(-1))


def fbank(samples: Tensor) -> Tensor:
    """Kaldi's filter banks with the mean of each band taken off: the encoder's input.

    Frames of 25 ms every 10 ms, none beyond the ends; each without its mean, pre-emphasised, under Povey's window.

    Args:
        samples: [batch, samples] at 16 kHz, 400 or more.

    Returns:
        [batch, 80, frames].
    """
    frames = samples.unfold(-1, _FRAME, _HOP)
    frames = frames - frames.mean(dim=-1, keepdim=True)
    before = torch.cat((frames[..., :1], frames[..., :-1]), dim=-1)
    window = torch.hann_window(_FRAME, periodic=False, device=samples.device) ** _WINDOW_POWER
    power = torch.fft.rfft((frames - _EMPHASIS * before) * window, _FFT).abs().square()
    logs = torch.log((power @ _filters().to(power)).clamp_min(_FLOOR)).transpose(1, 2)
    return logs - logs.mean(dim=-1, keepdim=True)


@cache
def _filters() -> Tensor:
    """Triangles that are straight in Kaldi's mel, [bins, bands]."""

    def mel(hz: Tensor) -> Tensor:
        return 1127.0 * torch.log1p(hz / 700.0)

    edges = torch.linspace(
        float(mel(torch.tensor(_LOWEST_HZ))), float(mel(torch.tensor(SAMPLE_RATE / 2.0))), _BANDS + 2
    )
    at = mel(torch.arange(_FFT // 2 + 1) * SAMPLE_RATE / _FFT).unsqueeze(1)
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    triangles = torch.minimum((at - low) / (centre - low), (high - at) / (high - centre)).clamp_min(0.0)
    triangles[-1] = 0.0  # Kaldi leaves the Nyquist frequency out
    return triangles
