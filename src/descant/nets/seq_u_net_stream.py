"""Cached generation with a residual Seq-U-Net: most steps touch only the fast levels.

A global clock n counts samples since the last one that is on every level's grid. A level at depth i computes when n
is a multiple of 2 ** i; a strided layer in between only remembers what it reads. A transposed layer that hears from
below gives the output of now and keeps the next one, which it gives when nothing comes from below. Once per period
of 2 ** (levels - 1) steps everything computes; on average a step costs what a sample costs in training.
"""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from descant.nets.seq_u_net_residual import ResidualLayer, SeqUNetResidual, TransposedLayer


class _Reader:
    """A convolution's memory: its last k inputs, oldest first, and its weights as one matrix.

    Args:
        past: The last k inputs, [batch, channels, k].
        convolutions: Over the same input; their outputs come one after the other.
    """

    def __init__(self, past: Tensor, *convolutions: nn.Conv1d) -> None:
        self._past = past.transpose(1, 2).contiguous()
        self._weight = torch.cat([c.weight.transpose(1, 2).flatten(1) for c in convolutions]).detach()
        self._bias = torch.cat([cast("Tensor", c.bias) for c in convolutions]).detach()

    def push(self, x: Tensor) -> None:
        """Read a sample [batch, channels]."""
        self._past = torch.cat([self._past[:, 1:], x[:, None]], dim=1)

    def compute(self) -> Tensor:
        """The output that ends at the last sample."""
        return F.linear(self._past.flatten(1), self._weight, self._bias)


class _Layer:
    """A residual layer with its memory."""

    def __init__(self, layer: ResidualLayer, past: Tensor) -> None:
        self._reader = _Reader(past, layer.filter, layer.gate)

    def push(self, x: Tensor, condition: Tensor | None) -> None:
        self._reader.push(x if condition is None else torch.cat([x, condition], dim=1))

    def step(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        self.push(x, condition)
        return self.compute(x)

    def compute(self, x: Tensor) -> Tensor:
        return x + _gated(self._reader.compute())


class _Transposed:
    """A transposed layer with its last inputs and its next output."""

    def __init__(self, layer: TransposedLayer, past: Tensor) -> None:
        weight = torch.cat([layer.filter.weight, layer.gate.weight], dim=1).detach()  # [in, 2 out, k]
        bias = torch.cat([cast("Tensor", layer.filter.bias), cast("Tensor", layer.gate.bias)]).detach()
        # Output 2 m takes the even taps of inputs m, m - 1, ...; output 2 m + 1 the odd ones. Oldest input first.
        even, odd = weight[..., 0::2].flip(-1), weight[..., 1::2].flip(-1)
        self._even = (even.permute(1, 2, 0).flatten(1), bias)
        self._odd = (odd.permute(1, 2, 0).flatten(1), bias)
        self._odd_taps = odd.shape[-1]
        self._past = past.transpose(1, 2)[:, -even.shape[-1] :]
        self._next = self._after(self._past[:, -1])

    def _after(self, x: Tensor) -> Tensor:
        """The output between the last input and the one to come."""
        return x + _gated(F.linear(self._past[:, -self._odd_taps :].flatten(1), *self._odd))

    def step(self, x: Tensor | None) -> Tensor:
        if x is None:
            return self._next
        self._past = torch.cat([self._past[:, 1:], x[:, None]], dim=1)
        self._next = self._after(x)
        return x + _gated(F.linear(self._past.flatten(1), *self._even))


def _gated(both: Tensor) -> Tensor:
    filtered, gate = both.chunk(2, dim=1)
    return torch.tanh(filtered) * torch.sigmoid(gate)


class SeqUNetStream:
    """Cached generation with a `SeqUNetResidual`. Weights are copied when it is made.

    Args:
        model: The network.
        past: What came before, [batch, inputs, time], with as many samples as a pass takes
            (`SeqUNetResidual.inputs_for`); the last one is on every level's grid.
    """

    @torch.no_grad()
    def __init__(self, model: SeqUNetResidual, past: Tensor) -> None:
        self._model = model
        self._clock = 0
        pasts = _inputs_of_layers(model, past)

        def layers(block: nn.Module) -> list[_Layer]:
            return [_Layer(cast("ResidualLayer", b), pasts[b]) for b in cast("nn.ModuleList", block)]

        self._input = _Reader(pasts[model.input], model.input)
        self._before = [layers(block) for block in model.before]
        self._down = [_Layer(cast("ResidualLayer", layer), pasts[layer]) for layer in model.down]
        self._bottleneck = layers(model.bottleneck)
        self._up = [_Transposed(cast("TransposedLayer", layer), pasts[layer]) for layer in model.up]
        self._after = [layers(block) for block in model.after]

    @torch.no_grad()
    def step(self, x: Tensor) -> Tensor:
        """The next sample [batch, inputs] to its outputs [batch, outputs]."""
        self._clock = (self._clock + 1) % self._model.config.period
        self._input.push(x)
        h = self._level(0, self._input.compute())
        output = self._model.output
        return F.linear(F.relu(h), output.weight[..., 0], output.bias)

    def _level(self, level: int, x: Tensor) -> Tensor:
        """A sample through a level, and through those below it that are due."""
        if level == len(self._down):
            for layer in self._bottleneck:
                x = layer.step(x)
            return x
        for layer in self._before[level]:
            x = layer.step(x)
        down = self._down[level]
        down.push(x, None)
        is_due = self._clock % 2 ** (level + 1) == 0
        condition = self._up[level].step(self._level(level + 1, down.compute(x)) if is_due else None)
        for layer in self._after[level]:
            x = layer.step(x, condition)
        return x


def _inputs_of_layers(model: SeqUNetResidual, past: Tensor) -> dict[nn.Module, Tensor]:
    """The last k inputs of every layer in a pass over the past."""
    seen: dict[nn.Module, Tensor] = {}

    def remember(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        seen[layer] = torch.cat(inputs, dim=1)[..., -model.config.kernel :]

    kinds = (ResidualLayer, TransposedLayer)
    layers = [model.input, *(m for m in model.modules() if isinstance(m, kinds))]
    hooks = [layer.register_forward_pre_hook(remember) for layer in layers]
    try:
        model(past)
    finally:
        for hook in hooks:
            hook.remove()
    return seen
