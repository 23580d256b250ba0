"""Differentiable synthesis of partials and noise in stereo, by inverse Fourier transforms of frames.

A frame's spectrum is the sum of the main lobes of its partials (Rodet and Depalle, AES 1992), so that eighty partials
cost little more than one, and partials need not be harmonics (bells). Noise is a random spectrum under a given
envelope, as in DDSP (Engel et al., ICLR 2020). Mid and side are made apart: the sum of both channels is the mid,
whatever the width, and the side of a partial is a complex share of its mid: its real part is panorama, its imaginary
part a difference of phase between the channels, which is what microphones in a room pick up.

Everything here is [batch, frames, ...], at 48 kHz, a frame every 256 samples (5.3 ms).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

SAMPLE_RATE = 48_000
HOP = 256
FFT = 1024
BINS = FFT // 2 + 1
NOISE_FFT = 2 * HOP
NOISE_BINS = NOISE_FFT // 2 + 1

_TERMS = (0.35875, 0.48829, 0.14128, 0.01168)  # Blackman-Harris: side lobes at -92 dB are left out
_REACH = 4
_TABLE_STEP = 4096


@dataclass(frozen=True, slots=True, eq=False)
class Controls:
    """What sounds, frame by frame; frame k is centred on sample k * 256.

    Attributes:
        hz: Frequencies of the partials, [batch, partials].
        mid: Their amplitudes in the mean of both channels, [batch, frames, partials].
        side: Complex share of the side (half the difference of the channels) in the mid, the same shape.
        noise_mid: Noise of the mid over 257 frequencies up to 24 kHz, [batch, frames, 257]: where it is 1 everywhere,
            white noise of the RMS 1.
        noise_side: The same for the side; the two are independent.
        speed: What all frequencies are multiplied by as time goes on (bends, vibrato), [batch, frames]; None where
            they stay as they are.
    """

    hz: Tensor
    mid: Tensor
    side: Tensor
    noise_mid: Tensor
    noise_side: Tensor
    speed: Tensor | None = None


def synthesize(controls: Controls, phases: Tensor, noise: Tensor | None = None) -> Tensor:
    """Sound of frames.

    Args:
        controls: Partials and noise.
        phases: Of the partials at frame 0, in turns, [batch, partials].
        noise: Complex numbers of normal distribution with the mean power 1 to make noise of, [batch or 1, 2, frames,
            257]; None draws them.

    Returns:
        [batch, 2, (frames - 1) * 256].
    """
    turns = turns_of(controls.hz, passed_s(controls.speed, controls.mid.shape[1], controls.hz.device), phases)
    return overlap_add(frame_waves(controls, turns, noise))


def passed_s(speed: Tensor | None, frames: int, device: torch.device) -> Tensor:
    """Seconds that have passed for a partial at each frame, counted at its own speed; double, [batch or 1, frames]."""
    if speed is None:
        return torch.arange(frames, dtype=torch.float64, device=device).unsqueeze(0) * (HOP / SAMPLE_RATE)
    means = (speed[:, 1:] + speed[:, :-1]).double() / 2
    return torch.cat((torch.zeros_like(speed[:, :1]).double(), torch.cumsum(means, 1) * (HOP / SAMPLE_RATE)), dim=1)


def turns_of(hz: Tensor, passed: Tensor, phases: Tensor) -> Tensor:
    """Turns of partials, modulo 1, [batch, frames, partials].

    Args:
        hz: See `Controls`.
        passed: Of `passed_s`: double, for after a minute single precision is out of tune.
        phases: At the time 0, in turns, [batch, partials].
    """
    turns = passed.unsqueeze(-1) * hz.double().unsqueeze(1)
    return (turns - turns.floor()).to(hz.dtype) + phases.unsqueeze(1)


def power_of(controls: Controls) -> Tensor:
    """What frames will have on average over phases and noise: the mean of both channels' power, [batch, frames]."""
    tones = 0.5 * (controls.mid.square() * (1.0 + controls.side.abs().square())).sum(dim=-1)
    power: Tensor = tones + (controls.noise_mid.square() + controls.noise_side.square()).mean(dim=-1)
    return power


def frame_waves(controls: Controls, turns: Tensor, noise: Tensor | None = None) -> Tensor:
    """Every frame by itself, windowed; half of it overlaps with the next.

    Args:
        controls: Partials and noise.
        turns: Phases of the partials at the frames' centres, in turns, [batch, frames, partials].
        noise: See `synthesize`.

    Returns:
        [batch, 2, frames, 512].
    """
    turned = torch.polar(controls.mid, 2 * math.pi * turns)
    mid, side = (
        partial_spectra(amplitudes, controls.hz, controls.speed) for amplitudes in (turned, turned * controls.side)
    )
    levels = torch.stack((controls.noise_mid, controls.noise_side), dim=1)
    if noise is None:
        noise = torch.randn(levels.shape, dtype=torch.complex64, device=levels.device)
    hiss = noise * levels
    return waves_of(*(torch.stack((x + y, x - y), dim=1) for x, y in ((mid, side), (hiss[:, 0], hiss[:, 1]))))


def mixed_frame(controls: Controls, turns: Tensor, noise: Tensor, least: float) -> Tensor:
    """The sum of one frame of many notes: `frame_waves` summed over the batch, at the price of one note's transforms.

    Args:
        controls: Of one frame each, with speeds.
        turns: See `frame_waves`.
        noise: See `synthesize`.
        least: Partials softer than this are left out.

    Returns:
        [2, 512].
    """
    assert controls.speed is not None
    heard = controls.mid > least
    turned = torch.polar(controls.mid[heard], 2 * math.pi * turns[heard])
    shares = turned * controls.side[heard]
    hz = (controls.hz.unsqueeze(1) * controls.speed.unsqueeze(-1))[heard].unsqueeze(0)
    sides = torch.stack((turned + shares, turned - shares)).unsqueeze(1)
    mid, side = (
        (noise[:, row] * level).sum(dim=0) for row, level in enumerate((controls.noise_mid, controls.noise_side))
    )
    partials = partial_spectra(sides, hz, torch.ones_like(controls.speed[:1]))
    return waves_of(partials, torch.stack((mid + side, mid - side)))[:, 0]


def overlap_add(waves: Tensor) -> Tensor:
    """[..., frames, 512], each frame overlapping half of the next, to [..., (frames - 1) * 256]."""
    return (waves[..., :-1, HOP:] + waves[..., 1:, :HOP]).flatten(-2)


def partial_spectra(amplitudes: Tensor, hz: Tensor, speed: Tensor | None = None) -> Tensor:
    """Spectra of frames of partials under a Blackman-Harris window of 1,024 samples, the frame's centre at time 0.

    Args:
        amplitudes: Complex: its angle is the phase at the frame's centre, [batch, frames, partials].
        hz: See `Controls`; what lies over 24 kHz is silent.
        speed: See `Controls`.

    Returns:
        Complex, [batch, frames, 513].
    """
    places = hz * (FFT / SAMPLE_RATE)
    if speed is None:
        return _fixed(amplitudes * (places < BINS - 1).unsqueeze(1), places)
    moving = places.unsqueeze(1) * speed.unsqueeze(-1)
    return _moving(amplitudes * (moving < BINS - 1), moving)


def _fixed(amplitudes: Tensor, places: Tensor) -> Tensor:
    """All frames have the same lobes: a matrix product."""
    bins = torch.arange(BINS, device=places.device)
    above, below = (_lobe(bins - sign * places.unsqueeze(-1)) for sign in (1.0, -1.0))
    real = torch.bmm(amplitudes.real, above + below)
    imaginary = torch.bmm(amplitudes.imag, above - below)
    return torch.complex(real, imaginary) / 2


def _moving(amplitudes: Tensor, places: Tensor) -> Tensor:
    """Lobes set down frame by frame; what falls below 0 Hz is folded back, as the spectrum of a real sound is."""
    batch, frames, _ = amplitudes.shape
    first = places.round() - _REACH
    steps = torch.arange(2 * _REACH + 1, device=places.device)
    lobes = _lobe(first.unsqueeze(-1) + steps - places.unsqueeze(-1))
    width = BINS + 4 * _REACH
    rows = torch.arange(batch * frames, device=places.device).reshape(batch, frames, 1, 1) * width
    targets = (first.clamp(-_REACH, BINS + _REACH - 1).long().unsqueeze(-1) + steps + _REACH + rows).flatten()
    spectra = torch.zeros(batch * frames * width, dtype=amplitudes.dtype, device=places.device)
    spectra = spectra.index_add(0, targets, (amplitudes.unsqueeze(-1) * lobes).flatten())
    spectra = spectra.reshape(batch, frames, width) / 2
    kept = spectra[..., _REACH : _REACH + BINS]
    folded = spectra[..., :_REACH].conj().flip(-1)
    zero = kept[..., :1] + kept[..., :1].conj()
    return torch.cat((zero, kept[..., 1 : _REACH + 1] + folded, kept[..., _REACH + 1 :]), dim=-1)


def waves_of(partials: Tensor, noise: Tensor) -> Tensor:
    """Windowed frames of spectra.

    Args:
        partials: As `partial_spectra` makes them, [..., frames, 513].
        noise: Random spectra, [..., frames, 257].

    Returns:
        [..., frames, 512].
    """
    tones = torch.fft.irfft(partials, FFT)
    tones = torch.cat((tones[..., -HOP:], tones[..., :HOP]), dim=-1) * _tone_window(partials.device)
    waves: Tensor = tones + torch.fft.irfft(noise, NOISE_FFT, norm="ortho") * _noise_window(noise.device)
    return waves


def _lobe(distance: Tensor) -> Tensor:
    """The window's transform at distances in bins; 0 beyond the main lobe. Its inverse transform has its peak at 1."""
    table = _lobe_table().to(distance.device)
    row = (distance.abs() * _TABLE_STEP).round().clamp(max=len(table) - 1).long()
    return table[row]


@lru_cache(maxsize=1)
def _lobe_table() -> Tensor:
    distance = torch.arange(_REACH * _TABLE_STEP + 2, dtype=torch.float64) / _TABLE_STEP
    # The transform of a sum of cosines, by its integral: FFT * sum of shifted sinc functions (exact for long windows).
    lobe = torch.zeros_like(distance)
    for order, term in enumerate(_TERMS):
        sides = (0,) if order == 0 else (-order, order)
        for shift in sides:
            weight = term if order == 0 else term / 2
            lobe += FFT * weight * torch.sinc(distance - shift)
    lobe[-1] = 0.0
    return lobe.to(torch.float32)


@lru_cache(maxsize=4)
def _tone_window(device: torch.device) -> Tensor:
    """Hann over two hops, which adds up to 1, over the window that the lobes bring along."""
    time = torch.arange(-HOP, HOP, dtype=torch.float64)
    harris = sum(term * torch.cos(2 * math.pi * order * time / FFT) for order, term in enumerate(_TERMS))
    hann = 0.5 + 0.5 * torch.cos(math.pi * time / HOP)
    return (hann / harris).to(torch.float32).to(device)


@lru_cache(maxsize=4)
def _noise_window(device: torch.device) -> Tensor:
    """Its squares add up to 1: frames of noise are independent."""
    time = torch.arange(-HOP, HOP, dtype=torch.float64)
    return torch.cos(math.pi * time / (2 * HOP)).to(torch.float32).to(device)
