"""Whisper's audio encoder in torch (Radford et al., "Robust Speech Recognition via Weak Supervision", 2022).

Runtimes that recognise words give the last layer only. Here each layer's output is at hand, with gradients, and audio
may be shorter than 30 s: then fewer of the positions are used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from descant.dsp.filters import slaney_filters

SAMPLE_RATE = 16_000
FPS = 50
"""Frames a second that come out."""
LONGEST_S = 30.0

_FFT, _HOP, _BANDS = 400, 160, 80
_FLOOR, _RANGE = 1e-10, 8.0


@dataclass(frozen=True, slots=True)
class WhisperEncoderConfig:
    """Sizes; the defaults are tiny's."""

    layers: int = 4
    width: int = 384
    heads: int = 6
    positions: int = 1500


class _Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.inward = nn.Linear(width, 3 * width)
        self.outward = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        batch, frames, width = x.shape
        split = self.inward(self.norm(x)).view(batch, frames, 3, self.heads, width // self.heads)
        query, key, value = split.permute(2, 0, 3, 1, 4)
        heard = F.scaled_dot_product_attention(query, key, value)
        return x + cast("Tensor", self.outward(heard.transpose(1, 2).reshape(batch, frames, width)))


class _FeedForward(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.wide = nn.Linear(width, 4 * width)
        self.narrow = nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        return x + cast("Tensor", self.narrow(F.gelu(self.wide(self.norm(x)))))


class WhisperEncoder(nn.Module):
    """Log-mel spectrograms in, hidden states out.

    Args:
        config: Sizes.
    """

    def __init__(self, config: WhisperEncoderConfig = WhisperEncoderConfig()) -> None:
        super().__init__()
        self.config = config
        self.near = nn.Conv1d(_BANDS, config.width, 3, padding=1)
        self.far = nn.Conv1d(config.width, config.width, 3, stride=2, padding=1)
        self.register_buffer("positions", torch.zeros(config.positions, config.width))
        self.attentions = nn.ModuleList(_Attention(config.width, config.heads) for _ in range(config.layers))
        self.feed_forwards = nn.ModuleList(_FeedForward(config.width) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.width)

    def forward(self, mel: Tensor) -> tuple[Tensor, ...]:
        """Hidden states.

        Args:
            mel: `log_mel` of audio, [batch, 80, frames at 100 a second], at most 30 s.

        Returns:
            The output of each layer and, as the last, of the final norm after the last layer; each
            [batch, frames at 50 a second, width].
        """
        x = F.gelu(self.far(F.gelu(self.near(mel)))).transpose(1, 2)
        x = x + cast("Tensor", self.positions)[: x.shape[1]]
        states = []
        for attend, think in zip(self.attentions, self.feed_forwards, strict=True):
            x = think(attend(x))
            states.append(x)
        return (*states, self.norm(x))

    def load_converted(self, tensors: Mapping[str, Tensor]) -> None:
        """Fill in the variables of a CTranslate2 file below "encoder/".

        Raises:
            KeyError, RuntimeError: A variable is missing or has another shape.
        """
        state = {
            "positions": tensors["position_encodings/encodings"],
            "norm.weight": tensors["layer_norm/gamma"],
            "norm.bias": tensors["layer_norm/beta"],
        }
        for own, theirs in (("near", "conv1"), ("far", "conv2")):
            for leaf in ("weight", "bias"):
                state[f"{own}.{leaf}"] = tensors[f"{theirs}/{leaf}"]
        for layer in range(self.config.layers):
            for own, theirs in _LAYER.items():
                for leaf in ("weight", "bias"):
                    name = {"weight": "gamma", "bias": "beta"}[leaf] if "norm" in theirs else leaf
                    state[own.format(layer) + f".{leaf}"] = tensors[f"layer_{layer}/{theirs}/{name}"]
        self.load_state_dict({name: tensor.float() for name, tensor in state.items()})


_LAYER = {
    "attentions.{}.norm": "self_attention/layer_norm",
    "attentions.{}.inward": "self_attention/linear_0",
    "attentions.{}.outward": "self_attention/linear_1",
    "feed_forwards.{}.norm": "ffn/layer_norm",
    "feed_forwards.{}.wide": "ffn/linear_0",
    "feed_forwards.{}.narrow": "ffn/linear_1",
}


def log_mel(samples: Tensor) -> Tensor:
    """Whisper's input: log10 of mel power, no lower than 8 below its maximum, scaled.

    Args:
        samples: [batch, samples] at 16 kHz.

    Returns:
        [batch, 80, samples // 160].
    """
    window = torch.hann_window(_FFT, device=samples.device)
    spectra = torch.stft(samples, _FFT, _HOP, window=window, return_complex=True)[..., :-1]
    power = spectra.abs().square()
    logs = torch.log10((_filters().to(power) @ power).clamp_min(_FLOOR))
    top = logs.amax(dim=(1, 2), keepdim=True)
    return (torch.maximum(logs, top - _RANGE) + 4.0) / 4.0


@cache
@torch.inference_mode(mode=False)  # what is kept must serve trainings, too, whoever asks first
def _filters() -> Tensor:
    return torch.from_numpy(slaney_filters(SAMPLE_RATE, _FFT, _BANDS))
