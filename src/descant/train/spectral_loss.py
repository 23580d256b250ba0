"""Distance of two signals that does not ask for the same phase: spectra at several resolutions.

Yamamoto et al., "Parallel WaveGAN" (ICASSP 2020) and Engel et al., "DDSP" (ICLR 2020): what one window blurs in time or
in frequency another one shows.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

SIZES = (2048, 1024, 512, 256)
"""Windows in samples; hops are a quarter of them."""

_FLOOR = 2e-4


def spectral_distance(true: Tensor, found: Tensor, top: Tensor, sizes: tuple[int, ...] = SIZES) -> Tensor:
    """`spectrogram_distance` of two signals, each [batch, samples]."""
    return spectrogram_distance(spectrograms(true, sizes), spectrograms(found, sizes), top)


def spectrogram_distance(true: Sequence[Tensor], found: Sequence[Tensor], top: Tensor) -> Tensor:
    """Mean distance of log magnitudes, and of the roots of magnitudes, over resolutions and bins.

    The logarithm hears what is soft, the root what is loud.

    Args:
        true: `spectrograms` of one signal.
        found: Of the other.
        top: Share of the spectrum, from 0 Hz, that counts, [batch]: recordings of 16 kHz say nothing beyond 8 kHz.

    Returns:
        A scalar.
    """
    total = true[0].new_zeros(())
    for one, other in zip(true, found, strict=True):
        bins = torch.linspace(0.0, 1.0, one.shape[1], device=one.device)
        counts = (bins <= top.unsqueeze(-1)).float().unsqueeze(-1)
        logs = (torch.log(one + _FLOOR) - torch.log(other + _FLOOR)).abs()
        roots = (torch.sqrt(one + _FLOOR) - torch.sqrt(other + _FLOOR)).abs()
        weight = counts.sum() * one.shape[-1]
        total = total + ((logs + 2.0 * roots) * counts).sum() / weight
    return total / len(true)


def spectrograms(samples: Tensor, sizes: tuple[int, ...] = SIZES) -> tuple[Tensor, ...]:
    """Magnitudes under Hann windows, [batch, bins, frames] each; noise has the same energy in all resolutions.

    Args:
        samples: [batch, samples].
        sizes: Windows in samples; hops are a quarter of them.
    """
    return tuple(_magnitudes(samples, size) for size in sizes)


def _magnitudes(samples: Tensor, size: int) -> Tensor:
    """Spectra under a Hann window, a full-scale sine about 1 in each bin's own scale of noise."""
    window = torch.hann_window(size, device=samples.device)
    spectra = torch.stft(samples, size, size // 4, window=window, return_complex=True)
    # The energy of noise, not of sines, stays the same in windows of all sizes.
    magnitudes: Tensor = spectra.abs() / window.norm()
    return magnitudes
