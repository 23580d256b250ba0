"""What lies between two spectral envelopes: resonances that move from the one to the other, not two that fade.

This is the displacement interpolation of optimal transport (McCann, 1997), which in one dimension is an average of
quantile functions: see Henderson and Solomon, "Audio Transport" (DAFx 2019), who move whole spectra so. Here only
envelopes are moved, over bands that are equally wide to the ear, and only to teach a net what lies between two codes.
"""

from __future__ import annotations

import torch
from torch import Tensor

_LEAST = 1e-9


def between(first_db: Tensor, second_db: Tensor, share: Tensor) -> Tensor:
    """Envelopes between envelopes.

    Args:
        first_db: Power densities in dB, [envelopes, bands].
        second_db: Likewise.
        share: How far towards the second, 0..1, [envelopes].

    Returns:
        Likewise. The centre of their amplitudes over the bands moves from the one to the other in a straight line.
    """
    bands = first_db.shape[1]
    share = share.unsqueeze(1)
    masses = [10.0 ** ((levels - levels.amax(1, keepdim=True)) / 20.0) for levels in (first_db, second_db)]
    totals = [mass.sum(1, keepdim=True) for mass in masses]
    heights = [_summed(mass / total) for mass, total in zip(masses, totals, strict=True)]
    edges = torch.arange(bands + 1, dtype=first_db.dtype, device=first_db.device).expand(len(first_db), -1).contiguous()
    steps = torch.sort(torch.cat(heights, dim=1), dim=1).values
    places = torch.lerp(_interp(steps, heights[0], edges), _interp(steps, heights[1], edges), share)
    mass = _interp(edges, places.contiguous(), steps).diff(dim=1).clamp_min(_LEAST)
    loudest = torch.lerp(first_db.amax(1, keepdim=True), second_db.amax(1, keepdim=True), share)
    total = torch.exp(torch.lerp(totals[0].log(), totals[1].log(), share))
    return 20.0 * torch.log10(mass * total) + loudest


def _summed(mass: Tensor) -> Tensor:
    """Cumulated masses, from exactly 0 to exactly 1."""
    total = torch.cumsum(mass, dim=1).clamp_max(1.0)
    total[:, -1] = 1.0
    return torch.cat((torch.zeros_like(total[:, :1]), total), dim=1)


def _interp(at: Tensor, xs: Tensor, ys: Tensor) -> Tensor:
    """Straight lines through points whose xs rise, read at other places; row by row."""
    after = torch.searchsorted(xs, at.contiguous(), right=True).clamp(1, xs.shape[1] - 1)
    x0, x1 = xs.gather(1, after - 1), xs.gather(1, after)
    y0, y1 = ys.gather(1, after - 1), ys.gather(1, after)
    share = ((at - x0) / (x1 - x0).clamp_min(_LEAST)).clamp(0.0, 1.0)
    return torch.lerp(y0, y1, share)
