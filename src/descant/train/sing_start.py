"""A start from which narrow nets of SING learn in minutes: the autoencoder begins as a rough copy of its input.

PyTorch's own start, the published one, passes hardly any of the signal through seven layers of convolutions and
rectifiers; at 4,096 channels and tens of thousands of steps that is overcome, at 512 channels the nets fall silent,
where the log-spectral loss is flat. Here the long kernels begin as sinusoids of all frequencies, those of length 1
beside the identity, and the decoder's first layer as the transpose of the encoder's last.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from descant.nets.sing import SAMPLE_RATE, NoteDecoder, NoteEncoder, SingConfig

_LOWEST_MEL, _HIGHEST_MEL = 27.0, 2840.0  # 17 to 8,000 Hz
_IN_AMPLITUDE, _OUT_AMPLITUDE = 0.1, 0.1
_CODE_GAIN = 2.0
_SCATTER = 0.3  # of a start by He et al. (2015), beside the identity
_CONTEXT_SCATTER = 0.1
_LEVEL = 0.5  # of the first copy: what is a little too soft is louder at once, what is too loud falls silent
_PROBES = 16
_PROBE_SAMPLES = 12_800
_PROBE_HZ = (60.0, 2000.0)


@torch.no_grad()
def start_as_copy(encoder: NoteEncoder, decoder: NoteDecoder, config: SingConfig, seed: int) -> None:
    """Set all weights of an autoencoder, in place.

    Args:
        encoder: Samples to frames.
        decoder: Frames to samples.
        config: Of both.
        seed: Of the frequencies, phases and scatter.
    """
    generator = torch.Generator().manual_seed(seed)
    for layer in (*encoder.modules(), *decoder.modules()):
        if isinstance(layer, nn.Conv1d | nn.ConvTranspose1d) and layer.bias is not None:
            layer.bias.zero_()
    waves = _sinusoids(config, generator)
    encoder.outer.weight.copy_(_IN_AMPLITUDE * waves)
    decoder.outer.weight.copy_(_OUT_AMPLITUDE * waves)
    to_code, from_code = encoder.inner[-1], decoder.inner[0]
    for layer in (*list(encoder.inner)[:-1], *list(decoder.inner)[1:]):
        if isinstance(layer, nn.Conv1d):
            _normal(layer.weight, _SCATTER * math.sqrt(2.0 / config.channels), generator)
            layer.weight[:, :, 0] += torch.eye(config.channels)
    assert isinstance(to_code, nn.Conv1d)
    assert isinstance(from_code, nn.Conv1d)
    nn.init.orthogonal_(to_code.weight[:, :, 0], _CODE_GAIN, generator=generator)
    _normal(from_code.weight, _CONTEXT_SCATTER * math.sqrt(2.0 / (config.code * config.context)), generator)
    from_code.weight[:, :, config.context // 2] += to_code.weight[:, :, 0].T
    probe = _tones(generator)
    copy = decoder(encoder(probe))
    decoder.outer.weight *= _LEVEL * probe.square().mean().sqrt() / copy.square().mean().sqrt()


def _sinusoids(config: SingConfig, generator: torch.Generator) -> Tensor:
    """Kernels, [channels, 1, window]: frequencies at random on the mel scale, phases at random."""
    mel = _LOWEST_MEL + (_HIGHEST_MEL - _LOWEST_MEL) * torch.rand(config.channels, 1, generator=generator)
    hz = 700.0 * (10.0 ** (mel / 2595.0) - 1.0)
    phase = 2.0 * math.pi * torch.rand(config.channels, 1, generator=generator)
    time_s = torch.arange(config.window) / SAMPLE_RATE
    return torch.cos(2.0 * math.pi * hz * time_s + phase).unsqueeze(1)


def _tones(generator: torch.Generator) -> Tensor:
    """What the first copy's level is set by, [tones, samples]."""
    low, high = (math.log(hz) for hz in _PROBE_HZ)
    hz = torch.exp(low + (high - low) * torch.rand(_PROBES, 1, generator=generator))
    return 0.1 * torch.sin(2.0 * math.pi * hz * torch.arange(_PROBE_SAMPLES) / SAMPLE_RATE)


def _normal(weight: Tensor, deviation: float, generator: torch.Generator) -> None:
    nn.init.normal_(weight, 0.0, deviation, generator=generator)
