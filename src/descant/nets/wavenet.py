"""WaveNet (van den Oord et al., arXiv 1609.03499) as Seq-U-Net was compared with: the dilated baseline for raw audio.

Blocks of gated convolutions of length 2 with dilations 1, 2, 4, ...; the sum of all layers' skips goes through two
convolutions of length 1. No padding: outputs are aligned at the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from descant.nets.causal import Queue, keep_last


@dataclass(frozen=True, slots=True)
class WaveNetConfig:
    """Shape of the network; the published one is 4 x 13 layers, 128, 128, 512."""

    inputs: int = 256
    """Channels read."""
    outputs: int = 256
    """Channels written."""
    blocks: int = 4
    """How often the dilations start again at 1."""
    layers: int = 13
    """Layers of a block, with dilations 1, 2, ..., 2 ** (layers - 1)."""
    residual: int = 128
    """Width of what passes from layer to layer."""
    dilation: int = 128
    """Width inside the gates."""
    skip: int = 512
    """Width of the sum of all layers, and of the convolution after it."""

    @property
    def receptive_field(self) -> int:
        """Samples that an output depends on."""
        return 1 + self.blocks * ((1 << self.layers) - 1)


class GatedLayer(nn.Module):
    """A gated dilated convolution of length 2."""

    def __init__(self, config: WaveNetConfig, dilation: int) -> None:
        super().__init__()
        self.dilation = dilation
        self.filter = nn.Conv1d(config.residual, config.dilation, 2, dilation=dilation)
        self.gate = nn.Conv1d(config.residual, config.dilation, 2, dilation=dilation)
        self.residual = nn.Conv1d(config.dilation, config.residual, 1)
        self.skip = nn.Conv1d(config.dilation, config.skip, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """[batch, residual, time] to the next layer's input and the skip, both `dilation` samples shorter."""
        inside = torch.tanh(self.filter(x)) * torch.sigmoid(self.gate(x))
        return x[..., self.dilation :] + self.residual(inside), self.skip(inside)


class WaveNet(nn.Module):
    """The network. The last layer's `residual` leads nowhere; it is there because the published one has it."""

    def __init__(self, config: WaveNetConfig) -> None:
        super().__init__()
        self.config = config
        self.input = nn.Conv1d(config.inputs, config.residual, 1)
        self.layers = nn.ModuleList(
            GatedLayer(config, 2**i) for _ in range(config.blocks) for i in range(config.layers)
        )
        self.first_output = nn.Conv1d(config.skip, config.skip, 1)
        self.output = nn.Conv1d(config.skip, config.outputs, 1)

    def inputs_for(self, outputs: int) -> int:
        """Samples to read for `outputs` outputs."""
        return outputs + self.config.receptive_field - 1

    def forward(self, x: Tensor) -> Tensor:
        """[batch, inputs, time] to [batch, outputs, time - receptive field + 1]."""
        length = x.shape[-1] - self.config.receptive_field + 1
        x = self.input(x)
        total: Tensor | None = None
        for layer in self.layers:
            x, skip = layer(x)
            skip = keep_last(skip, length)
            total = skip if total is None else total + skip
        assert total is not None, "a WaveNet has layers"
        return cast("Tensor", self.output(F.relu(self.first_output(F.relu(total)))))

    def whole(self, x: Tensor) -> Tensor:
        """[batch, inputs, time] to [batch, outputs, time], as if zeros had come before."""
        return cast("Tensor", self(F.pad(x, (self.config.receptive_field - 1, 0))))


class WaveNetStream:
    """Cached generation with a `WaveNet`: a queue per layer. Weights are copied when it is made.

    Args:
        model: The network.
        past: What came before, [batch, inputs, receptive field] or longer.
    """

    @torch.no_grad()
    def __init__(self, model: WaveNet, past: Tensor) -> None:
        self._model = model
        self._layers = []
        x = model.input(past)
        for layer in model.layers:
            assert isinstance(layer, GatedLayer)
            weight = torch.cat([layer.filter.weight, layer.gate.weight]).detach()
            bias = torch.cat([cast("Tensor", layer.filter.bias), cast("Tensor", layer.gate.bias)]).detach()
            queue = Queue(x[..., -layer.dilation :])
            self._layers.append((queue, weight.transpose(1, 2).flatten(1), bias, _matrix(layer.residual, layer.skip)))
            x, _ = layer(x)

    @torch.no_grad()
    def step(self, x: Tensor) -> Tensor:
        """The next sample [batch, inputs] to its outputs [batch, outputs]."""
        model = self._model
        x = _apply(model.input, x)
        total: Tensor | None = None
        for queue, weight, bias, (out_weight, out_bias) in self._layers:
            both = F.linear(torch.cat([queue.push(x), x], dim=1), weight, bias)
            filtered, gate = both.chunk(2, dim=1)
            inside = F.linear(torch.tanh(filtered) * torch.sigmoid(gate), out_weight, out_bias)
            x = x + inside[:, : model.config.residual]
            skip = inside[:, model.config.residual :]
            total = skip if total is None else total + skip
        assert total is not None, "a WaveNet has layers"
        return _apply(model.output, F.relu(_apply(model.first_output, F.relu(total))))


def _matrix(*convolutions: nn.Conv1d) -> tuple[Tensor, Tensor]:
    """Convolutions of length 1 over the same input, as one matrix and its bias."""
    weight = torch.cat([c.weight[..., 0] for c in convolutions]).detach()
    return weight, torch.cat([cast("Tensor", c.bias) for c in convolutions]).detach()


def _apply(convolution: nn.Conv1d, x: Tensor) -> Tensor:
    return F.linear(x, convolution.weight[..., 0], convolution.bias)
