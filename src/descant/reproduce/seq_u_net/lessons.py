"""What the nets learn beside the next frame of a piano roll: the next sample of audio, the symbol of some steps ago."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from descant.data.lagged_symbols import SYMBOLS, lagged_symbols
from descant.data.note_audio import CLASSES, Classes
from descant.nets.causal import CausalNet, keep_last, one_hot
from descant.nets.seq_u_net_residual import SeqUNetResidual
from descant.nets.wavenet import WaveNet
from descant.reproduce.seq_u_net.scale import AudioScale, LagScale

_LN_2 = float(np.log(2.0))
_TEST_OUTPUTS = 8_192
_HELD_OUT_SEED = 1_000_003  # draws that no training sees

AudioNet = WaveNet | SeqUNetResidual


class AudioLesson:
    """The next sample.

    Args:
        model: Of mu-law classes.
        training: Classes to learn from.
        validation: Classes that choose the weights.
        scale: Sizes.
    """

    def __init__(self, model: AudioNet, training: Classes, validation: Classes, scale: AudioScale) -> None:
        self.model = model
        self._training = training
        self._validation = validation
        self._scale = scale
        self._inputs = model.inputs_for(scale.outputs)

    def batch(self, generator: np.random.Generator) -> tuple[Tensor, ...]:
        """[batch, inputs + 1] classes."""
        starts = generator.integers(0, len(self._training) - self._inputs, self._scale.batch)
        rows = [self._training[s : s + self._inputs + 1] for s in starts]
        return (torch.from_numpy(np.stack(rows).astype(np.int64)),)

    def loss(self, batch: tuple[Tensor, ...]) -> Tensor:
        """Nats per sample."""
        return sample_loss(self.model, batch[0], self._scale.outputs)

    def validate(self) -> Mapping[str, float]:
        """Bits per sample of the validation music."""
        return {"bits_per_sample": sample_bits(self.model, self._validation)}


def sample_loss(model: AudioNet, classes: Tensor, outputs: int) -> Tensor:
    """Nats per sample of the last `outputs` samples; classes [batch, inputs + 1]."""
    logits = keep_last(model(one_hot(classes[:, :-1], CLASSES)), outputs)
    return F.cross_entropy(logits.float(), classes[:, -outputs:])


@torch.no_grad()
def sample_bits(model: AudioNet, music: Classes) -> float:
    """Bits per sample over stretches that lie side by side, in float32; the first context is not scored."""
    model.eval()
    device = _device_of(model)
    outputs = min(_TEST_OUTPUTS, len(music) // 2)
    inputs = model.inputs_for(outputs)
    nats = []
    for start in range(0, len(music) - inputs, outputs):
        part = torch.from_numpy(music[None, start : start + inputs + 1].astype(np.int64))
        nats.append(float(sample_loss(model, part.to(device), outputs)))
    return float(np.mean(nats)) / _LN_2


class LagLesson:
    """The symbol of some steps ago.

    Args:
        model: Of symbols.
        scale: Sizes.
        hold: Mean steps for which a symbol stays.
    """

    def __init__(self, model: nn.Module, scale: LagScale, hold: int) -> None:
        self.model = model
        self._scale = scale
        self._hold = hold

    def batch(self, generator: np.random.Generator) -> tuple[Tensor, ...]:
        """[batch, outputs + lag] symbols heard and [batch, outputs] answers."""
        heard, answers = lagged_symbols(
            generator, batch=self._scale.batch, steps=self._scale.outputs, lag=self._scale.lag, hold=self._hold
        )
        return torch.from_numpy(heard), torch.from_numpy(answers)

    def loss(self, batch: tuple[Tensor, ...]) -> Tensor:
        """Nats per symbol."""
        return symbol_loss(self.model, *batch)

    def validate(self) -> Mapping[str, float]:
        """Nats per symbol on sequences that no training has seen."""
        return {"nats_per_symbol": symbol_nats(self.model, self._scale, self._hold)}


def symbol_loss(model: nn.Module, heard: Tensor, answers: Tensor) -> Tensor:
    """Nats per symbol."""
    logits = cast("CausalNet", model).whole(one_hot(heard, SYMBOLS))
    return F.cross_entropy(keep_last(logits, answers.shape[1]).float(), answers)


@torch.no_grad()
def symbol_nats(model: nn.Module, scale: LagScale, hold: int) -> float:
    """Nats per symbol over 64 held-out sequences."""
    model.eval()
    heard, answers = lagged_symbols(
        np.random.default_rng(_HELD_OUT_SEED), batch=64, steps=scale.outputs, lag=scale.lag, hold=hold
    )
    device = _device_of(model)
    return float(symbol_loss(model, torch.from_numpy(heard).to(device), torch.from_numpy(answers).to(device)))


def _device_of(model: nn.Module) -> torch.device:
    return next(model.parameters()).device
