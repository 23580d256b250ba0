"""Single notes of a neural instrument, of any length, bent and with vibrato: all frames of some notes at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from descant.audio.clip import Clip
from descant.audio.limiter import limit
from descant.nets.neural_instrument import (
    FRAME_S,
    RECORDED_VELOCITIES,
    SEEN_S,
    Levels,
    NeuralInstrument,
    Prepared,
    Pressed,
    controls_of,
)
from descant.nets.one_thread import one_thread
from descant.nets.partial_synth import (
    HOP,
    NOISE_BINS,
    SAMPLE_RATE,
    frame_waves,
    overlap_add,
    passed_s,
    power_of,
    turns_of,
)
from descant.parallel import side_by_side
from descant.progress import CancelToken

Floats = NDArray[np.float32]

SILENT = 1e-4
"""-80 dB under full scale: what is softer has rung out."""
_TAIL_TIMES_S = (0.03, 0.06, 0.12, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
_HELD_TIMES_S = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
_SHORTEST_S = 0.01
ATTACK_FADE_S, _END_FADE_S = 0.001, 0.01
_VIBRATO_RISES_S = 0.35
_MOST_ROWS, _LEAST_PART = 6000, 150
_SPARSE, _BUSY_S = 4, 0.15
_SOFTEST_VELOCITY = 5.0
_POWER_TIMES = (0.0, 0.003, 0.008, 0.02, 0.04, 0.08, 0.15, 0.25, 0.4, 0.6, 0.8, 1.0)
"""Where a held note is looked at to know how loud it is; closest where most happens."""
SILENT_POWER = 1e-12
_LIMITED_FROM = 0.8
UNHEARD = 2e-5
"""Partials that never reach this amplitude are left out."""
_POOL_FRAMES, _STRIDE = 2064, 977
_KNOT_FRAMES, _MOST_PARTIALS = 8, 256


@dataclass(frozen=True, slots=True)
class Event:
    """A note to play.

    Attributes:
        row: Of the instrument in the net.
        pitch: MIDI number, also between two keys.
        velocity: 1 to 127.
        held_s: How long the key is down.
        bends: Offsets from the pitch: seconds since the note's start, and semitones; straight lines between.
        vibrato: 1 as recorded, 0 none.
        length_s: Cut here, with a short fade; None lets it ring out.
    """

    row: int
    pitch: float
    velocity: float
    held_s: float
    bends: tuple[tuple[float, float], ...] = ()
    vibrato: float = 1.0
    length_s: float | None = None


def pressed(events: Sequence[Event]) -> Pressed:
    """Events as the net reads them."""
    rows, pitches, velocities = zip(*((e.row, e.pitch, e.velocity) for e in events), strict=True)
    return Pressed(torch.tensor(rows), torch.tensor(pitches, dtype=torch.float32), torch.tensor(velocities).float())


def dynamics(net: NeuralInstrument, notes: Pressed, hz: Tensor, prepared: Prepared) -> Tensor:
    """What brings notes to the level that their key and velocity mean, as natural logarithms of amplitudes, [notes].

    Left alone, levels follow an S between the three velocities that the net has heard (all soft keys nearly alike, and
    a decibel for each velocity near 45), and wander by ten decibels between the keys. Here they are what was recorded,
    and go straight from one recorded key and velocity to the next.

    Args:
        net: The net.
        notes: What is played.
        hz: Frequencies of their partials.
        prepared: Of `NeuralInstrument.prepare_to_play`.
    """
    hardness = notes.velocity.clamp(_SOFTEST_VELOCITY, RECORDED_VELOCITIES[-1])
    wanted = net.recorded_power(replace(notes, velocity=hardness))
    gain = 0.5 * (wanted - mean_power(net, prepared, hz))
    return torch.where(net.neighbours(notes).known, gain, 0.0)


def mean_power(net: NeuralInstrument, prepared: Prepared, hz: Tensor, until_s: Tensor | float = SEEN_S) -> Tensor:
    """Logarithm of the mean power of held notes from their beginning until some time, [notes]."""
    grid = torch.tensor(_POWER_TIMES)
    times = (grid * torch.as_tensor(until_s).reshape(-1, 1)).expand(len(hz), -1)
    powers = power_of(controls_of(net.levels_at(prepared, times, times - 1e6), hz))
    mean = torch.trapezoid(powers, grid, dim=-1)
    return mean.clamp_min(SILENT_POWER).log()


def louder(levels: Levels, gain: Tensor) -> Levels:
    """Levels by a gain for each note, see `dynamics`."""
    by = gain.view(-1, 1, 1)
    return replace(
        levels,
        partials=levels.partials + by,
        noise_mid=levels.noise_mid + by,
        noise_side=levels.noise_side + by,
    )


@one_thread()
@torch.no_grad()
def sounding_s(net: NeuralInstrument, events: Sequence[Event]) -> list[float]:
    """How long notes sound until they have rung out, in seconds."""
    notes = pressed(events)
    hz = net.frequencies(notes)
    held = torch.tensor([[max(e.held_s, _SHORTEST_S)] for e in events], dtype=torch.float32)
    tails, steps = torch.tensor(_TAIL_TIMES_S).expand(len(events), -1), torch.tensor(_HELD_TIMES_S)
    prepared = net.prepare_to_play(notes)
    gain, long = dynamics(net, notes, hz, prepared), steps.expand(len(events), -1)
    fading = loudest(louder(net.levels_at(prepared, long, long - 1e6), gain), hz)
    after = loudest(louder(net.levels_at(prepared, held + tails, tails), gain), hz)
    found = []
    for event, dying, falling in zip(events, fading.tolist(), after.tolist(), strict=True):
        tail = next((t for t, level in zip(_TAIL_TIMES_S, falling, strict=True) if level < SILENT), _TAIL_TIMES_S[-1])
        whole = max(event.held_s, _SHORTEST_S) + tail
        # A piano key that is held for a minute sounds for ten seconds.
        gone = next((t for t, level in zip(_HELD_TIMES_S, dying, strict=True) if level < SILENT), math.inf)
        whole = min(whole, gone)
        found.append(whole if event.length_s is None else min(whole, event.length_s))
    return found


def loudest(levels: Levels, hz: Tensor) -> Tensor:
    """The highest amplitude of anything in frames, [notes, frames]."""
    tones = torch.where((hz > 0).unsqueeze(1), levels.partials, -20.0).amax(dim=-1)
    return torch.maximum(tones, torch.maximum(levels.noise_mid, levels.noise_side).amax(dim=-1)).exp()


@one_thread()
@torch.no_grad()
def render(net: NeuralInstrument, events: Sequence[Event]) -> list[Floats]:
    """Sounds of notes, the same for the same events.

    Args:
        net: The net.
        events: Notes.

    Returns:
        For each note [2, samples] at 48 kHz, from the moment the key is struck, nowhere above full scale.
    """
    lengths = [max(1, math.ceil(s / FRAME_S)) + 1 for s in sounding_s(net, events)] if events else []
    order = sorted(range(len(events)), key=lambda k: (_moves(net, events[k]), lengths[k]))
    sounds: dict[int, Floats] = {}
    start = 0
    while start < len(order):
        stop = start + 1
        while stop < len(order) and _fit(net, events, lengths, order[start : stop + 1]):
            stop += 1
        chosen = order[start:stop]
        made = _together(net, [events[k] for k in chosen], max(lengths[k] for k in chosen))
        for k, sound in zip(chosen, made, strict=True):
            sounds[k] = _shaped(sound, lengths[k], events[k])
        start = stop
    return [sounds[k] for k in range(len(events))]


def _fit(net: NeuralInstrument, events: Sequence[Event], lengths: Sequence[int], chosen: Sequence[int]) -> bool:
    """Whether notes are of about one length and kind, and few enough to be made together."""
    longest, shortest = max(lengths[k] for k in chosen), min(lengths[k] for k in chosen)
    same = len({_moves(net, events[k]) for k in chosen}) == 1
    return same and longest * len(chosen) <= _MOST_ROWS and longest <= 1.3 * shortest + 16


def _moves(net: NeuralInstrument, event: Event) -> bool:
    """Whether its pitch moves."""
    return bool(event.bends) or (event.vibrato > 0 and float(net.vibrato_of(event.row)[1]) > 0)


def _together(net: NeuralInstrument, events: Sequence[Event], frames: int) -> Floats:
    notes = pressed(events)
    hz = net.frequencies(notes)
    speed = None
    if _moves(net, events[0]):
        time_s = torch.arange(frames) * FRAME_S
        speed = torch.exp2(torch.stack([pitch_curve(net, event, time_s) for event in events]))
    phases = torch.stack([phases_of(event, hz.shape[1]) for event in events])
    passed = passed_s(speed, frames, hz.device)
    # In two halves, one a core; and a key that is held for minutes would not fit into memory whole.
    size = min(max(math.ceil((frames - 1) / 2), _LEAST_PART), _MOST_ROWS)
    ranges = [range(start, min(start + size + 1, frames)) for start in range(0, max(frames - 1, 1), size)]

    def part(some: range, stop: CancelToken) -> Floats:
        stop.check()
        return _part(net, events, some, hz, speed, (passed, phases))

    parts = side_by_side(part, ranges) if len(ranges) > 1 else [part(ranges[0], CancelToken())]
    return np.concatenate(parts, axis=-1) if len(parts) > 1 else parts[0]


@one_thread()
@torch.no_grad()
def _part(
    net: NeuralInstrument,
    events: Sequence[Event],
    frames: range,
    hz: Tensor,
    speed: Tensor | None,
    clock: tuple[Tensor, Tensor],
) -> Floats:
    """Some frames of notes that are made together; `clock` is what has passed at all frames, and the phases at 0."""
    notes = pressed(events)
    held = [max(e.held_s, _SHORTEST_S) for e in events]
    prepared = net.prepare_to_play(notes)
    levels = louder(_levels(net, prepared, held, frames), dynamics(net, notes, hz, prepared))
    seeds, every = torch.tensor([seed_of(event) for event in events]), torch.tensor(frames).unsqueeze(0)
    levels = wavered(net, notes, levels, seeds, every)
    heard = (levels.partials.amax(dim=(0, 1)) > math.log(UNHEARD)) & (hz > 0).any(dim=0)
    kept = Levels(
        levels.partials[..., heard],
        levels.pan[..., heard],
        levels.width[..., heard],
        levels.noise_mid,
        levels.noise_side,
    )
    now = slice(frames.start, frames.stop)
    controls = controls_of(kept, hz[:, heard], None if speed is None else speed[:, now])
    passed, phases = clock
    turns = turns_of(controls.hz, passed[:, now], phases[:, heard])
    sound: Floats = overlap_add(frame_waves(controls, turns, hiss(seeds, every))).numpy()
    return sound


def _levels(net: NeuralInstrument, prepared: Prepared, held: Sequence[float], frames: range) -> Levels:
    """Levels of frames: the net is asked for each where much happens, elsewhere for one in four."""
    busy = {0.0, *held}
    asked = [k for k in frames if k % _SPARSE == 0 or any(0 <= k * FRAME_S - t < _BUSY_S for t in busy)]
    grid = torch.tensor(sorted({*asked, frames[0], frames[-1]}))
    time_s = (grid * FRAME_S).unsqueeze(0)
    found = net.levels_at(prepared, time_s.expand(len(held), -1), time_s - torch.tensor(held).unsqueeze(-1))
    if len(grid) == len(frames):
        return found
    every = torch.tensor(frames)
    after = torch.searchsorted(grid, every).clamp(1, len(grid) - 1)
    share = ((every - grid[after - 1]) / (grid[after] - grid[after - 1])).view(1, -1, 1)
    parts = (found.partials, found.pan, found.width, found.noise_mid, found.noise_side)
    return Levels(*(torch.lerp(part[:, after - 1], part[:, after], share) for part in parts))


def phases_of(event: Event, partials: int) -> Tensor:
    """Where partials begin, in turns: the same for the same key, and no two alike, so that peaks do not add up."""
    return torch.rand(partials, generator=torch.Generator().manual_seed(seed_of(event)))


def wavered(net: NeuralInstrument, notes: Pressed, levels: Levels, seeds: Tensor, frames: Tensor) -> Levels:
    """Levels with the unrest of an instrument's partials, each for itself; `seeds` and `frames` as `hiss` has them."""
    size = cast("Tensor", net.flutter)[notes.instrument].view(-1, 1, 1)
    pool = _waver_pool()
    waver = pool[(frames + seeds.unsqueeze(-1) * _STRIDE) % pool.shape[0], : levels.partials.shape[-1]]
    # As loud as without, by power.
    return replace(levels, partials=levels.partials + size * waver - size * size)


@lru_cache(maxsize=1)
def _waver_pool() -> Tensor:
    """Smooth random curves, [frames, partials]; the mean of their squares is 1, and their end meets their beginning."""
    generator = torch.Generator().manual_seed(1)
    knots = torch.randn((_POOL_FRAMES // _KNOT_FRAMES, _MOST_PARTIALS), generator=generator)
    spectrum = torch.fft.rfft(knots, dim=0)
    smooth: Tensor = torch.fft.irfft(spectrum, _POOL_FRAMES, dim=0)
    return smooth / smooth.square().mean().sqrt()


def hiss(seeds: Tensor, frames: Tensor) -> Tensor:
    """Random numbers for the noise of frames, out of eleven seconds that are made once.

    Args:
        seeds: Of notes, see `seed_of`, [notes].
        frames: Numbers of their frames, [notes or 1, frames].

    Returns:
        Complex, [notes, 2, frames, 257].
    """
    pool = _pool()
    return pool[:, (frames + seeds.unsqueeze(-1) * _STRIDE) % pool.shape[1]].transpose(0, 1)


@lru_cache(maxsize=1)
def _pool() -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn((2, _POOL_FRAMES, NOISE_BINS), dtype=torch.complex64, generator=generator)


def seed_of(event: Event) -> int:
    """What makes the phases and the noise of a key."""
    return int(event.row * 131_071 + round(event.pitch * 100))


def pitch_curve(net: NeuralInstrument, event: Event, time_s: Tensor) -> Tensor:
    """How far a note's pitch is from its key's, as log2, at times since its start, [times]."""
    curve = torch.zeros_like(time_s)
    if event.bends:
        seconds, semitones = zip(*event.bends, strict=True)
        curve += torch.from_numpy(np.interp(time_s.numpy(), seconds, semitones).astype(np.float32)) / 12.0
    return curve + event.vibrato * vibrato_at(net.vibrato_of(event.row), time_s)


def vibrato_at(vibrato: tuple[float, float, float], time_s: Tensor) -> Tensor:
    """A vibrato as log2 of the frequency at times since a note's start; it sets in gently."""
    rate, depth, start = vibrato
    since = time_s - start
    return depth * torch.sin(2 * math.pi * rate * since) * (since / _VIBRATO_RISES_S).clamp(0.0, 1.0)


def _shaped(sound: Floats, frames: int, event: Event) -> Floats:
    """Cut to its length, begun and ended without a click, nowhere above full scale.

    A recording at full scale has peaks that partials with other phases exceed.
    """
    samples = (frames - 1) * HOP
    if event.length_s is not None:
        samples = min(samples, max(1, round(event.length_s * SAMPLE_RATE)))
    part = sound[:, :samples].copy()
    attack, end = min(round(ATTACK_FADE_S * SAMPLE_RATE), samples), min(round(_END_FADE_S * SAMPLE_RATE), samples)
    part[:, :attack] *= np.linspace(0.0, 1.0, attack, dtype=np.float32)
    part[:, samples - end :] *= np.linspace(1.0, 0.0, end, dtype=np.float32)
    return part if np.abs(part).max() < _LIMITED_FROM else limit(Clip(part, SAMPLE_RATE), 0.0).samples
