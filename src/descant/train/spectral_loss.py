"""Distance of two signals that does not ask for the same phase: spectra at several resolutions.

Yamamoto et al., "Parallel WaveGAN" (ICASSP 2020) and Engel et al., "DDSP" (ICLR 2020): what one window blurs in time or
in frequency another one shows.
"""

from __future__ import annotations

import torch
from torch import Tensor

SIZES = (2048, 1024, 512, 256)
"""Windows in samples; hops are a quarter of them."""

_FLOOR = 2e-4


def spectral_distance(true: Tensor, found: Tensor, top: Tensor, sizes: tuple[int, ...] = SIZES) -> Tensor:
    """Mean distance of log magnitudes, and of the roots of magnitudes, over windows and bins.

    The logarithm hears what is soft, the root what is loud.

    Args:
        true: [batch, samples].
        found: [batch, samples].
        top: Share of the spectrum, from 0 Hz, that counts, [batch]: recordings of 16 kHz say nothing beyond 8 kHz.
        sizes: Windows in samples.

    Returns:
        A scalar.
    """
    total = true.new_zeros(())
    for size in sizes:
        one, other = (_magnitudes(signal, size) for signal in (true, found))
        bins = torch.arange(size // 2 + 1, device=true.device) / (size // 2)
        counts = (bins <= top.unsqueeze(-1)).float().unsqueeze(-1)
        logs = (torch.log(one + _FLOOR) - torch.log(other + _FLOOR)).abs()
        roots = (torch.sqrt(one + _FLOOR) - torch.sqrt(other + _FLOOR)).abs()
        weight = counts.sum() * one.shape[-1]
        total = total + ((logs + 2.0 * roots) * counts).sum() / weight
    return total / len(sizes)


def _magnitudes(samples: Tensor, size: int) -> Tensor:
    """Spectra under a Hann window, a full-scale sine about 1 in each bin's own scale of noise."""
    window = torch.hann_window(size, device=samples.device)
    spectra = torch.stft(samples, size, size // 4, window=window, return_complex=True)
    # The energy of noise, not of sines, stays the same in windows of all sizes.
    magnitudes: Tensor = torch.view_as_real(spectra).square().sum(-1).clamp_min(1e-12).sqrt() / window.norm()
    return magnitudes
