"""A differentiable source-filter voice: pulses and noise, each through a filter that changes from frame to frame.

After Engel et al., "DDSP: Differentiable Digital Signal Processing" (ICLR 2020) and the pulse-plus-noise vocoders
before it (Morise et al., "WORLD", 2016). The pulses are exact: all harmonics below the Nyquist frequency, none above,
so that long notes have neither aliases nor beating; their filter has the least phase for its magnitude, as a vocal
tract has, so that a pulse is one click and not a chirp.
"""

from __future__ import annotations

import math
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor

SAMPLE_RATE = 44_100
HOP = 441
"""Samples between frames: 10 ms."""
FPS = SAMPLE_RATE // HOP

_WINDOW = 2 * HOP
_FFT = 2048
"""Window and filter together must be shorter, or the filter's tail (26 ms of it fit) wraps around."""
_LOWEST_HZ = 20.0
_TINY = 1e-9
_MEL_KNEE_HZ = 700.0


def upsample(frames: Tensor, hop: int = HOP) -> Tensor:
    """Frames to samples by straight lines; frame k lies at sample k * hop. [..., frames] to [..., frames * hop]."""
    following = torch.cat((frames[..., 1:], frames[..., -1:]), dim=-1)
    share = torch.arange(hop, device=frames.device, dtype=frames.dtype) / hop
    return (frames.unsqueeze(-1) + (following - frames).unsqueeze(-1) * share).flatten(-2)


def pulses(f0_hz: Tensor, voiced: Tensor, phase: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """A pulse train of a moving pitch, with one power per hertz whatever the pitch.

    Args:
        f0_hz: [batch, frames], above 20 Hz also where there is no voice.
        voiced: 0..1, [batch, frames].
        phase: Where the train begins, in cycles, [batch]; 0 if left out.

    Returns:
        Samples [batch, frames * 441], and the phase after them.
    """
    f0 = upsample(f0_hz.clamp_min(_LOWEST_HZ).log()).exp().double()
    cycles = torch.cumsum(f0 / SAMPLE_RATE, dim=-1)
    if phase is not None:
        cycles = cycles + phase.unsqueeze(-1)
    theta = 2.0 * math.pi * torch.remainder(cycles, 1.0)
    harmonics = torch.floor(0.5 * SAMPLE_RATE / f0)
    half = torch.sin(0.5 * theta)
    # The sum of cosines in closed form; at a pulse's peak, where it is 0 / 0, every cosine is 1.
    closed = 0.5 * (torch.sin((harmonics + 0.5) * theta) / torch.where(half.abs() < _TINY, 1.0, half) - 1.0)
    train = torch.where(half.abs() < _TINY, harmonics, closed)
    train = train * torch.sqrt(2.0 * f0 / SAMPLE_RATE) * upsample(voiced)
    return train.float(), torch.remainder(cycles[..., -1], 1.0)


class BandFilter(torch.nn.Module):
    """Filters stated by their gain in a few bands that are equally wide in mel, applied every 10 ms.

    Between the bands' centres the logarithm of the gain is interpolated in mel. The phase of a minimum-phase filter is
    the Hilbert transform of that logarithm, thus linear in it: both come from the bands by one matrix each.

    Args:
        bands: How many.
        least_phase: Minimum phase if true, else no phase at all.
    """

    def __init__(self, bands: int, *, least_phase: bool) -> None:
        super().__init__()
        magnitude = _interpolation(bands)
        self.register_buffer("magnitude", magnitude, persistent=False)
        self.register_buffer("phase", _least_phase(magnitude) if least_phase else torch.zeros(0), persistent=False)
        self._has_phase = least_phase

    def forward(self, source: Tensor, log_gain: Tensor) -> Tensor:
        """A signal through the filter.

        Args:
            source: [batch, frames * 441].
            log_gain: Natural logarithms, [batch, frames, bands].

        Returns:
            The same shape as the source.
        """
        # One frame more, so that the last 10 ms lie under two windows, too.
        log_gain = torch.cat((log_gain, log_gain[:, -1:]), dim=1)
        frames = log_gain.shape[1]
        window = torch.hann_window(_WINDOW, device=source.device)  # two of them add up to 1
        cut = F.pad(source, (HOP, _WINDOW)).unfold(-1, _WINDOW, HOP)[:, :frames] * window
        gain = (log_gain @ cast("Tensor", self.magnitude)).exp()
        spectra = torch.fft.rfft(cut, _FFT)
        answer = torch.polar(gain, log_gain @ cast("Tensor", self.phase)) if self._has_phase else gain
        pieces = torch.fft.irfft(spectra * answer, _FFT)
        return _overlap_added(pieces)[:, HOP : HOP + source.shape[1]]


def moved(log_gain: Tensor, factor: float) -> Tensor:
    """The gains of bands (see `BandFilter`) with everything at a frequency moved to `factor` times that frequency."""
    bands = log_gain.shape[-1]
    top = math.log1p(SAMPLE_RATE / 2.0 / _MEL_KNEE_HZ)
    centres = _MEL_KNEE_HZ * torch.expm1((torch.arange(bands, dtype=torch.float64) + 0.5) / bands * top)
    place = (torch.log1p(centres / factor / _MEL_KNEE_HZ) / top * bands - 0.5).clamp(0.0, bands - 1.0)
    low = place.floor().long().clamp_max(bands - 2)
    share = (place - low).to(log_gain)
    return torch.lerp(log_gain[..., low], log_gain[..., low + 1], share)


def _overlap_added(pieces: Tensor) -> Tensor:
    """[batch, frames, size], each 441 samples later than the one before, to [batch, samples]."""
    batch, frames, size = pieces.shape
    parts = -(-size // HOP)
    blocks = F.pad(pieces, (0, parts * HOP - size)).view(batch, frames, parts, HOP)
    total = sum(F.pad(blocks[:, :, part], (0, 0, part, parts - 1 - part)) for part in range(parts))
    return cast("Tensor", total).flatten(1)


def _mel(hz: Tensor) -> Tensor:
    return torch.log1p(hz / _MEL_KNEE_HZ)


def _interpolation(bands: int) -> Tensor:
    """What each band adds to each bin, [bands, bins]: triangles in mel, with flat ends."""
    mel = _mel(torch.linspace(0.0, SAMPLE_RATE / 2.0, _FFT // 2 + 1, dtype=torch.float64))
    place = (mel / mel[-1] * bands - 0.5).clamp(0.0, bands - 1.0)
    distance = (place - torch.arange(bands, dtype=torch.float64).unsqueeze(1)).abs()
    shares: Tensor = (1.0 - distance).clamp_min(0.0).float()
    return shares


def _least_phase(log_magnitude: Tensor) -> Tensor:
    """The phase of the causal filter of a magnitude, by folding its cepstrum (Oppenheim and Schafer)."""
    cepstrum = torch.fft.irfft(log_magnitude.double(), _FFT)
    half = _FFT // 2
    folded = torch.cat((cepstrum[..., :1], 2.0 * cepstrum[..., 1:half], cepstrum[..., half : half + 1]), dim=-1)
    phase: Tensor = torch.fft.rfft(F.pad(folded, (0, half - 1))).imag.float()
    return phase
