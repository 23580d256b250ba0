"""The net behind Descant's own instruments: an instrument, a pitch, a velocity and the time to partials and noise.

SING (Défossez et al., NeurIPS 2018) turns the same symbols into four seconds of samples. Here they turn into the
controls of `partial_synth`, as in DDSP (Engel et al., ICLR 2020), frame by frame and without recurrence: a note may
last as long as a key is held, and a live player asks for the frames that it needs.

A partial's level is the sum of a curve over frequency (formants and bodies stay where they are when the pitch moves)
and a part of its own number (a clarinet's even harmonics are soft at every pitch). Past the three seconds that
recordings show, all levels go on with the slope of the last second, never upwards. After the key is let go each region
of the spectrum falls at its own rate.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from descant.nets.partial_synth import HOP, NOISE_BINS, SAMPLE_RATE, Controls

SEEN_S = 3.0
"""Seconds of a held key that recordings show."""
FRAME_S = HOP / SAMPLE_RATE
HIGHEST_HZ = 21_000.0

_LOWEST_HZ, _POINT_HZ = 30.0, 20_000.0
_LINEAR_BANDS = 10
_TIME_CONSTANTS_S = (0.004, 0.012, 0.035, 0.1, 0.3, 1.0)
_PITCH_CENTRES = tuple(range(18, 115, 6))
_PITCH_WIDTH = 7.0
_FIRST_LEVEL = -8.0
_FIRST_FALL = 6.0
_DROP_S = 0.03
_SLOPE_S = 1.0
_KEYS = 128
RECORDED_VELOCITIES = (25.0, 75.0, 127.0)
"""Those of the table `recorded`."""
UNRECORDED = -60.0
"""In that table: nobody has recorded this key."""


@dataclass(frozen=True, slots=True)
class InstrumentConfig:
    """Sizes.

    Attributes:
        instruments: How many there are.
        harmonics: Partials of the (stretched) harmonic series.
        extras: Partials that an instrument may have besides: of bars, bells, organ stops.
        code: Numbers that stand for an instrument.
        width: Of the hidden layers.
        layers: Residual layers after time has joined.
        points: Of the curve over frequency.
        side_points: Of the curve of the stereo width.
        bands: Of the noise.
    """

    instruments: int
    harmonics: int = 112
    extras: int = 16
    code: int = 24
    width: int = 256
    layers: int = 3
    points: int = 40
    side_points: int = 12
    bands: int = 48

    @property
    def partials(self) -> int:
        """All of them."""
        return self.harmonics + self.extras


@dataclass(frozen=True, slots=True, eq=False)
class Pressed:
    """Notes to make.

    Attributes:
        instrument: Rows, [notes].
        pitch: MIDI numbers, also between two keys, [notes].
        velocity: 1 to 127, [notes].
    """

    instrument: Tensor
    pitch: Tensor
    velocity: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Neighbours:
    """The recorded keys next to notes.

    Attributes:
        low: The nearest at or below the note; beyond the lowest that one, and the note's own pitch where nothing is
            known of recordings, [notes].
        high: Likewise at or above, [notes].
        way: How far the note is from the one to the other, 0 to 1, [notes].
        known: Whether anything is known of recordings, [notes].
    """

    low: Tensor
    high: Tensor
    way: Tensor
    known: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """What the net knows of notes at any time: whoever asks for frame after frame asks for it once.

    Attributes:
        about: The notes themselves, [notes, width].
        slopes: How levels go on after three seconds, per second, [notes, 1, outputs].
        fall: What falls after the release, at which rate and at once, [notes, 1, 2 * (points + bands)].
        spread: Weights of the curve over frequency, [notes, points, partials].
        wide: Weights of the stereo curve, [notes, side points, partials].
    """

    about: Tensor
    slopes: Tensor
    fall: Tensor
    spread: Tensor
    wide: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Levels:
    """What the net says of notes: natural logarithms of amplitudes.

    Attributes:
        partials: [notes, frames, partials].
        pan: Real part of the side's share, [notes, frames, partials].
        width: Imaginary part of it, at least 0, the same shape.
        noise_mid: [notes, frames, bands].
        noise_side: The same.
    """

    partials: Tensor
    pan: Tensor
    width: Tensor
    noise_mid: Tensor
    noise_side: Tensor


class NeuralInstrument(nn.Module):
    """Many instruments in one net.

    Args:
        config: Sizes.
    """

    def __init__(self, config: InstrumentConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.codes = nn.Embedding(config.instruments, config.code)
        self.note = nn.Sequential(
            nn.Linear(config.code + len(_PITCH_CENTRES) + 3, width), nn.GELU(), nn.Linear(width, width), nn.GELU()
        )
        self.forget = nn.Dropout(0.0)
        self.time = nn.Linear(len(_TIME_CONSTANTS_S) + 2, 2 * width)
        self.join = nn.Linear(width, width)
        self.layers = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.GELU(), nn.Linear(width, width))
            for _ in range(config.layers)
        )
        self._sizes = [config.points, config.partials, config.bands, config.bands, *(2 * (config.side_points,))]
        self.head = nn.Linear(width, sum(self._sizes))
        self.fall = nn.Linear(width, 2 * (config.points + config.bands))
        with torch.no_grad():
            self.head.weight *= 0.1
            self.head.bias.zero_()
            self.head.bias[: config.points] = _FIRST_LEVEL
            start = config.points + config.partials
            self.head.bias[start : start + 2 * config.bands] = _FIRST_LEVEL
            self.fall.weight *= 0.1
        self.register_buffer("vibrato", torch.zeros(config.instruments, 3))
        self.register_buffer("recorded", torch.full((config.instruments, _KEYS, len(RECORDED_VELOCITIES)), UNRECORDED))
        self.register_buffer("flutter", torch.zeros(config.instruments))
        self.register_buffer("stiffness", torch.zeros(config.instruments, 2))
        self.register_buffer("extra_place", torch.zeros(config.instruments, config.extras))
        self.register_buffer("extra_there", torch.zeros(config.instruments, config.extras))

    def vibrato_of(self, row: int) -> tuple[float, float, float]:
        """Rate in Hz, depth as log2 of the frequency, and beginning in seconds of an instrument's vibrato."""
        rate, depth, start = cast("Tensor", self.vibrato)[row].tolist()
        return rate, depth, start

    def frequencies(self, notes: Pressed) -> Tensor:
        """Of the partials of an instrument in tune, in Hz, [notes, partials]; 0 for those that it has not."""
        f0 = 440.0 * torch.exp2((notes.pitch - 69.0) / 12.0).unsqueeze(-1)
        octave = ((notes.pitch - 60.0) / 12.0).unsqueeze(-1)
        level, slope = cast("Tensor", self.stiffness)[notes.instrument].unsqueeze(-1).unbind(1)
        stiffness = torch.where(level < 0.0, torch.exp(level + slope * octave), 0.0)
        n = torch.arange(1, self.config.harmonics + 1, device=f0.device)
        series = n * f0 * torch.sqrt(1.0 + stiffness * n * n)
        place, there = (cast("Tensor", table)[notes.instrument] for table in (self.extra_place, self.extra_there))
        return torch.cat((series, there * f0 * torch.exp2(place)), dim=-1)

    def neighbours(self, notes: Pressed) -> Neighbours:
        """The recorded keys next to notes."""
        keys = torch.arange(_KEYS, device=notes.pitch.device, dtype=notes.pitch.dtype)
        there = cast("Tensor", self.recorded)[notes.instrument].amax(dim=-1) > UNRECORDED / 2
        pitch = notes.pitch.unsqueeze(-1)
        below = torch.where(there & (keys <= pitch), keys, -1.0).amax(dim=-1)
        above = torch.where(there & (keys >= pitch), keys, float(_KEYS)).amin(dim=-1)
        known = there.any(dim=-1)
        low = torch.where(known, torch.where(below >= 0, below, above), notes.pitch)
        high = torch.where(known, torch.where(above < _KEYS, above, below), notes.pitch)
        way = ((notes.pitch - low) / (high - low).clamp(min=1e-6)).clamp(0.0, 1.0)
        return Neighbours(low, high, way, known)

    def recorded_power(self, notes: Pressed) -> Tensor:
        """Logarithm of the mean power of recordings over three seconds, straight between keys, [notes].

        Between the recorded velocities, and below them, it goes straight over the logarithm of the velocity, as
        amplitudes of General MIDI do.
        """
        table, near = cast("Tensor", self.recorded), self.neighbours(notes)
        low, high = (table[notes.instrument, key.long().clamp(0, _KEYS - 1)] for key in (near.low, near.high))
        soft, medium, hard = torch.lerp(low, high, near.way.unsqueeze(-1)).unbind(dim=-1)
        first, second, third = (math.log(velocity) for velocity in RECORDED_VELOCITIES)
        hardness = torch.log(notes.velocity)
        softer = torch.lerp(soft, medium, (hardness - first) / (second - first))
        return torch.where(hardness < second, softer, torch.lerp(medium, hard, (hardness - second) / (third - second)))

    def forward(self, notes: Pressed, hz: Tensor, time_s: Tensor, released_s: Tensor) -> Levels:
        """Levels at some times.

        Args:
            notes: What is played.
            hz: Frequencies of its partials, [notes, partials].
            time_s: Since the key was struck, [notes, frames].
            released_s: Since it was let go, at most 0 while it is held, [notes, frames].
        """
        return self.levels_at(self.prepare(notes, hz), time_s, released_s)

    def prepare(self, notes: Pressed, hz: Tensor) -> Prepared:
        """What `levels_at` needs of notes; see `forward` for the arguments."""
        return self._prepared(notes, *(curve_weights(hz, points) for points in self._curves))

    def prepare_to_play(self, notes: Pressed) -> Prepared:
        """The same for notes that may lie between those that were learned.

        What the net says of frequencies it has learned at the partials of recorded keys; between them a curve goes
        where it likes. So each partial takes its part of the curve from where it lies in the recorded keys on both
        sides, as if these were played faster and slower.
        """
        near = self.neighbours(notes)
        keys = [self.frequencies(replace(notes, pitch=pitch)) for pitch in (near.low, near.high)]
        way = near.way.view(-1, 1, 1)
        spread, wide = (
            torch.lerp(curve_weights(keys[0], points), curve_weights(keys[1], points), way) for points in self._curves
        )
        return self._prepared(notes, spread, wide)

    @property
    def _curves(self) -> tuple[int, int]:
        return self.config.points, self.config.side_points

    def _prepared(self, notes: Pressed, spread: Tensor, wide: Tensor) -> Prepared:
        about = self._about(notes)
        spread, wide = spread.transpose(1, 2), wide.transpose(1, 2)
        return Prepared(about, self._slopes(about), F.softplus(self.fall(about)).unsqueeze(1), spread, wide)

    def levels_at(self, notes: Prepared, time_s: Tensor, released_s: Tensor) -> Levels:
        """Levels at some times; see `forward`."""
        held = torch.minimum(time_s, time_s.new_tensor(SEEN_S))
        raw = self.head(self._joined(notes.about, held)) + (time_s - held).unsqueeze(-1) * notes.slopes
        curve, numbers, mid, side, pan, width = torch.split(raw, self._sizes, dim=-1)
        fall_curve, fall_noise = torch.split(
            _fallen(notes.fall, released_s), [self.config.points, self.config.bands], dim=-1
        )
        return Levels(
            torch.bmm(curve - fall_curve, notes.spread) + numbers,
            torch.bmm(pan, notes.wide),
            torch.bmm(F.softplus(width), notes.wide),
            mid - fall_noise,
            side - fall_noise,
        )

    def _about(self, notes: Pressed) -> Tensor:
        centres = torch.tensor(_PITCH_CENTRES, device=notes.pitch.device)
        bumps = torch.exp(-0.5 * ((notes.pitch.unsqueeze(-1) - centres) / _PITCH_WIDTH).square())
        hard = (notes.velocity / 127.0).unsqueeze(-1)
        pitch = ((notes.pitch - 60.0) / 24.0).unsqueeze(-1)
        about = self.note(torch.cat((self.codes(notes.instrument), bumps, pitch, hard, hard**2), dim=-1))
        return cast("Tensor", self.forget(about))

    def _joined(self, about: Tensor, time_s: Tensor) -> Tensor:
        seen = time_s.unsqueeze(-1)
        decays = torch.exp(-seen / seen.new_tensor(_TIME_CONSTANTS_S))
        scale, shift = self.time(torch.cat((seen / SEEN_S, torch.log1p(seen / 0.01) / 5.7, decays), dim=-1)).chunk(
            2, -1
        )
        x = F.gelu(self.join(about).unsqueeze(1) * (1.0 + scale) + shift)
        for layer in self.layers:
            x = x + layer(x)
        return x

    def _slopes(self, about: Tensor) -> Tensor:
        """How levels go on after three seconds, per second, [notes, 1, outputs]: never upwards, places not at all."""
        ends = self.head(self._joined(about, about.new_tensor([[SEEN_S - _SLOPE_S, SEEN_S]]).expand(len(about), 2)))
        slopes = ((ends[:, 1:] - ends[:, :1]) / _SLOPE_S).clamp(max=0.0)
        keeps = torch.ones_like(slopes)
        start = self.config.points
        keeps[..., start : start + self.config.partials] = 0.0
        keeps[..., start + self.config.partials + 2 * self.config.bands :] = 0.0
        falling: Tensor = slopes * keeps
        return falling


def _fallen(fall: Tensor, released_s: Tensor) -> Tensor:
    """What levels have lost since the key was let go, [notes, frames, points + bands]."""
    rate, drop = fall.chunk(2, dim=-1)
    since = released_s.clamp(min=0.0).unsqueeze(-1)
    return _FIRST_FALL * rate * since + drop * (1.0 - torch.exp(-since / _DROP_S))


def controls_of(levels: Levels, hz: Tensor, speed: Tensor | None = None) -> Controls:
    """Controls of the synthesis.

    Args:
        levels: Of notes.
        hz: Frequencies of their partials, [notes, partials].
        speed: See `partial_synth.Controls`.
    """
    sounding = ((hz > 0.0) & (hz < HIGHEST_HZ)).to(levels.partials.dtype).unsqueeze(1)
    # Neighbours differ in phase between the channels by opposite signs: the sum of both stays what it is.
    signs = 1.0 - 2.0 * (torch.arange(hz.shape[-1], device=hz.device) % 2)
    side = torch.complex(levels.pan.float(), levels.width.float() * signs)
    expand = band_weights().to(hz.device)
    return Controls(
        hz,
        levels.partials.float().exp() * sounding,
        side,
        (levels.noise_mid.float() @ expand).exp(),
        (levels.noise_side.float() @ expand).exp(),
        speed,
    )


def curve_weights(hz: Tensor, points: int) -> Tensor:
    """Linear interpolation over log-frequency, from 30 Hz to 20 kHz: [notes, partials, points]."""
    span = math.log2(_POINT_HZ / _LOWEST_HZ)
    place = torch.log2(hz.clamp(min=1.0) / _LOWEST_HZ) * ((points - 1) / span)
    distance = place.clamp(0, points - 1).unsqueeze(-1) - torch.arange(points, device=hz.device)
    return (1.0 - distance.abs()).clamp(min=0.0)


@lru_cache(maxsize=2)
def band_weights(bands: int = 48) -> Tensor:
    """How the levels of noise bands spread over 257 frequencies, linearly between the bands' centres: [bands, 257]."""
    linear = np.arange(_LINEAR_BANDS, dtype=np.float64)
    far = np.geomspace(_LINEAR_BANDS, NOISE_BINS - 1, bands - _LINEAR_BANDS)
    centres = np.concatenate((linear, far))
    rows = np.eye(bands)
    places = np.arange(NOISE_BINS, dtype=np.float64)
    return torch.from_numpy(np.stack([np.interp(places, centres, row) for row in rows]).astype(np.float32))
