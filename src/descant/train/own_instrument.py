"""A new instrument from a handful of notes: the shipped net, taught one more player.

Three steps, none of which needs a run's folder: all of it takes a minute or two.

1. The code: of all instruments that the net knows, those nearest to what was measured in the notes are where the new
   one's code starts; only the code is learned, so that what the net knows of pitches, velocities and time stays.
2. The net: a private copy for this one instrument, tied to what it knew by a penalty on every weight's way (L2-SP; Li
   et al., ICML 2018). The stock instruments are not in it, so there is nothing to forget.
3. The check, where there are four pitches or more: the same with one pitch left out, which is then played, and set
   beside what a sampler would do, which plays the nearest recording faster or slower.

The number of steps is fixed, not the time: the same recordings, net and seed make the same instrument.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from descant.audio.clip import Clip
from descant.audio.resample import resample
from descant.data.notes.families import family_of_name
from descant.errors import InvalidOption, TrainingFailed
from descant.instrument.neural import NeuralInstruments
from descant.instrument.neural_note import Event, mean_power, render
from descant.instrument.note_analysis import (
    Analysed,
    analyse,
    flutter_of,
    hear,
    partial_hz,
    series_of,
    straightened,
    vibrato_of,
)
from descant.instrument.own.recordings import OwnNote
from descant.instrument.roster import Player, Roster
from descant.nets.neural_instrument import (
    FRAME_S,
    RECORDED_VELOCITIES,
    SEEN_S,
    UNRECORDED,
    Levels,
    NeuralInstrument,
    Pressed,
    controls_of,
)
from descant.nets.partial_synth import HOP, SAMPLE_RATE, synthesize
from descant.progress import CancelToken, Monitor, ProgressSink
from descant.train.instrument import levels_distance, recorded_power, sing_distance, sound_distance, teach_places
from descant.train.note_levels import Instrument

ENOUGH_TO_CHECK = 4
"""Pitches from which on one can be left out."""

_STARTS = 3
_RANKED_FRAMES = 24
_CODE_RATE = 0.03
_VIBRATO_S = 1.7
_EARLY_FRAMES, _LATE_FRAMES = 96, 170
_EARLY, _ANYWHERE = 0.3, 0.75
_CLIP = 1.0
_WARMUP = 0.05
_LOUD = 1 / 256
_CHECK_SHARE = 0.4
_SOUND_S = 0.5


@dataclass(frozen=True, slots=True)
class LearningOptions:
    """How much is learned, and how far from what the net knew.

    Attributes:
        code_steps: Steps of the first stage.
        steps: Steps of the second.
        learning_rate: Of the second, at its highest.
        stay: Weight of the penalty on the weights' way.
        pitch_jitter: Semitones by which the net is misled about pitches, so that what it learns of one key counts for
            its neighbours, too.
        notes: Notes in a batch.
        frames: Frames of each.
        sound: Weight of the distance of the synthesised sound, beside that of the measured levels.
        seed: Of batches.
    """

    code_steps: int = 100
    steps: int = 1200
    learning_rate: float = 5e-4
    stay: float = 0.3
    pitch_jitter: float = 3.0
    notes: int = 12
    frames: int = 32
    sound: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        if min(self.code_steps, self.steps, self.notes, self.frames) < 1 or not 0 < self.learning_rate < 0.1:
            raise InvalidOption("These options of learning are impossible.", "Use positive numbers.")


@dataclass(frozen=True, slots=True)
class Check:
    """How a note sounded that the instrument was not told of.

    Attributes:
        pitch: MIDI number.
        learned: SING's log-spectral distance to the recording (up to 8 kHz) of the instrument without it.
        sampled: That of the nearest other note, played faster or slower.
    """

    pitch: int
    learned: float
    sampled: float


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """A new instrument.

    Attributes:
        instruments: The net, with the new instrument as its only player.
        nearest: Names of the stock instruments that it began from.
        distance: Of the measured levels to what it plays, in nepers and the like; see `_levels_loss`.
        check: Of a note that was left out; None with too few pitches.
    """

    instruments: NeuralInstruments
    nearest: tuple[str, ...]
    distance: float
    check: Check | None


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """A note taken apart.

    Attributes:
        note: It.
        levels: What was measured.
        straight: Its sound at a constant pitch, [2, samples].
    """

    note: OwnNote
    levels: Analysed
    straight: np.ndarray

    @property
    def frames(self) -> int:
        """Of the levels."""
        return len(self.levels.wander)


def learn_instrument(
    notes: Sequence[OwnNote],
    start: NeuralInstruments,
    name: str,
    options: LearningOptions | None = None,
    *,
    check: bool = True,
    progress: ProgressSink | None = None,
    cancel: CancelToken | None = None,
) -> Learned:
    """Learn an instrument.

    Args:
        notes: At least one.
        start: The net to begin from.
        name: Of the new instrument.
        options: How much.
        check: Whether a pitch is left out first, to see how well it is guessed.
        progress: Receives the share that is done.
        cancel: Stops between steps.

    Raises:
        InvalidOption: There are no notes.
        TrainingFailed: What is learned is no number any more.
        Cancelled: `cancel` was raised.
    """
    options = options or LearningOptions()
    if not notes:
        raise InvalidOption("An instrument is learned from notes, and there are none.", "Give some recordings.")
    monitor = Monitor(progress, cancel, "learning")
    pitches = sorted({round(note.pitch) for note in notes})
    checked = None
    before = 0.0
    if check and len(pitches) >= ENOUGH_TO_CHECK:
        before = 0.3
        checked = _check(notes, pitches, start, options, monitor.part("checking", 0.0, before))
    learned = _learned(notes, start, name, options, monitor.part("learning", before, 1.0))
    monitor.report(1.0)
    return replace(learned, check=checked)


def _learned(
    notes: Sequence[OwnNote], start: NeuralInstruments, name: str, options: LearningOptions, monitor: Monitor
) -> Learned:
    lessons, instrument = lessons_of(notes, start.net, monitor.part("listening", 0.0, 0.15))
    rows = _nearest_rows(start.net, lessons)[:_STARTS]
    codes = start.net.codes.weight.detach()[rows]
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(options.seed)
        several = _private(start.net, torch.cat((codes, codes.mean(dim=0, keepdim=True))), instrument)
        _fit_code(several, lessons, options, monitor.part("finding the nearest", 0.15, 0.3))
        places = range(len(several.codes.weight))
        best = min(places, key=lambda row: _distance(several, lessons, row))
        net = _private(start.net, several.codes.weight.detach()[best : best + 1], instrument)
        _fit_net(net, lessons, options, monitor.part("learning", 0.3, 1.0))
        _teach_levels(net, lessons)
    distance = _distance(net, lessons, 0)
    if not np.isfinite(distance):
        raise TrainingFailed("What was learned makes no sound any more.", "Tell us about these recordings.")
    players = start.roster.players
    player = _player(name, notes, players[rows[0]].family)
    return Learned(
        NeuralInstruments(net, Roster([player])), tuple(players[row].name for row in rows), distance, check=None
    )


def _player(name: str, notes: Sequence[OwnNote], family: str) -> Player:
    """What the roster says; the family is that of the name, where it tells one, else of the nearest instrument."""
    told = family_of_name(name)
    pitches = [round(note.pitch) for note in notes]
    own = told if told != "keyboard" or family_of_name(f"{name} flute") == "keyboard" else family
    return Player(name, own, -1, max(min(pitches), 0), min(max(pitches), 127), "own recordings")


def lessons_of(
    notes: Sequence[OwnNote], net: NeuralInstrument, monitor: Monitor
) -> tuple[tuple[Lesson, ...], Instrument]:
    """Notes taken apart, and what they have in common."""
    config = net.config
    heard = [hear(note.samples[:, : max(round(note.held_s * SAMPLE_RATE), 1)], note.pitch) for note in notes]
    series = series_of([note.pitch for note in notes], heard, config.extras)
    lessons = []
    for done, (note, one) in enumerate(zip(notes, heard, strict=True)):
        monitor.report(done / len(notes))
        levels = analyse(note.samples, partial_hz(one, series, config.harmonics))
        lessons.append(Lesson(note, levels, straightened(note.samples, levels.wander)))
    # Both are read from what sounds while a key is held, and from notes long enough to tell.
    held = [
        replace(x.levels, partials=x.levels.partials[:count], wander=x.levels.wander[:count])
        for x in lessons
        if x.note.held_s >= _VIBRATO_S and (count := round(x.note.held_s / FRAME_S))
    ]
    vibrato = vibrato_of([levels.wander for levels in held])
    return tuple(lessons), Instrument(series, vibrato, flutter_of(held))


def _private(start: NeuralInstrument, codes: Tensor, instrument: Instrument) -> NeuralInstrument:
    """A copy of a net in which all rows are the new instrument, with these codes."""
    net = NeuralInstrument(replace(start.config, instruments=len(codes)))
    own = net.state_dict()
    shared = {key: value for key, value in start.state_dict().items() if key in own and own[key].shape == value.shape}
    net.load_state_dict({**own, **shared, "codes.weight": codes.clone()})
    teach_places(net, [instrument] * len(codes))
    cast("Tensor", net.recorded).fill_(UNRECORDED)
    return net


def _nearest_rows(net: NeuralInstrument, lessons: Sequence[Lesson]) -> list[int]:
    """Rows of a net, that first which plays most like what was measured; extra partials are each one's own."""
    chosen = [np.linspace(0, x.frames - 1, _RANKED_FRAMES).round().astype(int) for x in lessons]
    notes, hz, time_s, released_s, levels = _stacked(lessons, chosen)
    hz = hz.clone()
    hz[:, net.config.harmonics :] = 0.0
    with torch.no_grad():
        distances = [
            float(
                _levels_loss(
                    levels,
                    net(
                        Pressed(torch.full_like(notes.instrument, row), notes.pitch, notes.velocity),
                        hz, time_s, released_s,
                    ),
                    hz,
                )
            )
            for row in range(net.config.instruments)
        ]  # fmt: skip
    return [int(row) for row in np.argsort(distances, kind="stable")]


def _fit_code(net: NeuralInstrument, lessons: Sequence[Lesson], options: LearningOptions, monitor: Monitor) -> None:
    """Learn the codes of all rows, and nothing else."""
    net.requires_grad_(requires_grad=False)
    net.codes.requires_grad_(requires_grad=True)
    rows = len(net.codes.weight)
    few = replace(options, notes=max(options.notes // 2, 1), frames=max(options.frames // 2, 1))

    def loss(generator: np.random.Generator) -> Tensor:
        notes, hz, time_s, released_s, levels = _batch(lessons, few, generator)
        losses = []
        for row in range(rows):
            asked = Pressed(torch.full_like(notes.instrument, row), notes.pitch, notes.velocity)
            losses.append(_levels_loss(levels, net(asked, hz, time_s, released_s), hz))
        return torch.stack(losses).sum()

    _descend(net.codes.parameters(), loss, options.code_steps, _CODE_RATE, options.seed, monitor)


def _fit_net(net: NeuralInstrument, lessons: Sequence[Lesson], options: LearningOptions, monitor: Monitor) -> None:
    """Learn all weights, which are drawn back to where they were."""
    net.requires_grad_(requires_grad=True)
    named = [value for key, value in net.named_parameters() if key != "codes.weight"]
    origin = [value.detach().clone() for value in named]

    def loss(generator: np.random.Generator) -> Tensor:
        notes, hz, time_s, released_s, levels = _batch(lessons, options, generator)
        unsure = Pressed(
            notes.instrument, notes.pitch + options.pitch_jitter * _normal(generator, len(hz)), notes.velocity
        )
        distance = _levels_loss(levels, net(unsure, hz, time_s, released_s), hz)
        way = torch.stack([(new - old).square().sum() for new, old in zip(named, origin, strict=True)]).sum()
        total = distance + options.stay * way
        return total + options.sound * _sound(net, lessons, options, generator) if options.sound else total

    _descend(list(net.parameters()), loss, options.steps, options.learning_rate, options.seed + 1, monitor)


def _sound(
    net: NeuralInstrument, lessons: Sequence[Lesson], options: LearningOptions, generator: np.random.Generator
) -> Tensor:
    """Distance of the synthesised sound of parts of notes."""
    pieces = [lessons[row] for row in generator.integers(0, len(lessons), max(options.notes // 3, 1))]
    count = min(round(_SOUND_S / FRAME_S), min(piece.frames for piece in pieces))
    starts = [int(generator.integers(0, p.frames - count + 1)) if generator.random() > 0.5 else 0 for p in pieces]
    frames = [np.arange(first, first + count) for first in starts]
    notes, hz, time_s, released_s, _ = _stacked(pieces, frames)
    made = net(notes, hz, time_s, released_s)
    phases = torch.from_numpy(generator.random(tuple(hz.shape), np.float32))
    found = synthesize(controls_of(made, hz), phases)
    parts = [p.straight[:, first * HOP : (first + count - 1) * HOP] for p, first in zip(pieces, starts, strict=True)]
    return sound_distance(torch.from_numpy(np.stack(parts)), found)


def _descend(
    weights: Iterable[nn.Parameter],
    loss: Callable[[np.random.Generator], Tensor],
    steps: int,
    rate: float,
    seed: int,
    monitor: Monitor,
) -> None:
    """Adam; its rate rises for a twentieth of the steps, and falls as a quarter of a cosine."""
    weights = list(weights)
    generator = np.random.default_rng(seed)
    optimiser = torch.optim.Adam(weights, rate)
    warmup = max(round(_WARMUP * steps), 1)

    def factor(step: int) -> float:
        return min((step + 1) / warmup, 1.0) * math.cos(0.5 * math.pi * step / steps)

    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, factor)
    for step in range(steps):
        monitor.report(step / steps)
        optimiser.zero_grad()
        torch.autograd.backward(loss(generator))
        torch.nn.utils.clip_grad_norm_(weights, _CLIP)
        optimiser.step()
        schedule.step()


def _batch(
    lessons: Sequence[Lesson], options: LearningOptions, generator: np.random.Generator
) -> tuple[Pressed, Tensor, Tensor, Tensor, Levels]:
    pieces = [lessons[row] for row in generator.integers(0, len(lessons), options.notes)]
    return _stacked(pieces, [_drawn_frames(generator, piece, options.frames) for piece in pieces])


def _drawn_frames(generator: np.random.Generator, piece: Lesson, count: int) -> np.ndarray:
    """Frames of a note: of its beginning, anywhere, and after its key was let go."""
    last = piece.frames - 1
    early = np.exp(generator.uniform(0, np.log(_EARLY_FRAMES), count)).astype(int) - 1
    anywhere = generator.integers(0, last + 1, count)
    let_go = round(piece.note.held_s / FRAME_S)
    late = let_go + generator.integers(-2, _LATE_FRAMES, count) if piece.note.is_released else anywhere
    kind = generator.random(count)
    return np.where(kind < _EARLY, early, np.where(kind < _ANYWHERE, anywhere, late)).clip(0, last)


def _levels_loss(true: Levels, found: Levels, hz: Tensor) -> Tensor:
    """Distance of levels: over all that can be measured, and again over the partials that are loud.

    Of a hundred partials a dozen make the sound; the first measure alone spends itself on the others.
    """
    one, other = true.partials.exp(), found.partials.exp()
    apart = (torch.log(one + _LOUD) - torch.log(other + _LOUD)).abs() * (hz > 0).unsqueeze(1)
    return levels_distance(true, found, hz) + apart.sum() / (one > _LOUD).sum().clamp(min=1)


def _stacked(lessons: Sequence[Lesson], frames: Sequence[np.ndarray]) -> tuple[Pressed, Tensor, Tensor, Tensor, Levels]:
    """Notes, frequencies of their partials, times since the key was struck and let go, and levels there."""
    columns = [
        torch.from_numpy(np.stack([getattr(x.levels, key)[f] for x, f in zip(lessons, frames, strict=True)])).float()
        for key in ("partials", "pan", "width", "noise_mid", "noise_side")
    ]
    time_s = torch.from_numpy(np.stack(frames).astype(np.float32)) * FRAME_S
    held = torch.tensor([[x.note.held_s] for x in lessons])
    notes = Pressed(
        torch.zeros(len(lessons), dtype=torch.long),
        torch.tensor([x.note.pitch for x in lessons], dtype=torch.float32),
        torch.tensor([x.note.velocity for x in lessons], dtype=torch.float32),
    )
    hz = torch.from_numpy(np.stack([x.levels.hz for x in lessons]))
    return notes, hz, time_s, time_s - held, Levels(*columns)


@torch.no_grad()
def _distance(net: NeuralInstrument, lessons: Sequence[Lesson], row: int) -> float:
    """Of all notes' measured levels."""
    chosen = [np.linspace(0, x.frames - 1, _RANKED_FRAMES).round().astype(int) for x in lessons]
    notes, hz, time_s, released_s, levels = _stacked(lessons, chosen)
    asked = Pressed(torch.full_like(notes.instrument, row), notes.pitch, notes.velocity)
    return float(_levels_loss(levels, net(asked, hz, time_s, released_s), hz))


@torch.no_grad()
def _teach_levels(net: NeuralInstrument, lessons: Sequence[Lesson]) -> None:
    """Write down how loud keys were recorded; what a velocity changes, where few were heard, the net knows."""
    table = cast("Tensor", net.recorded)[0]
    keys = [min(max(round(x.note.pitch), 0), len(table) - 1) for x in lessons]
    table[keys] = 0.0  # the net is asked as it will be played: between keys that are there

    def powers(key: Sequence[float], velocity: Sequence[float], until_s: Sequence[float]) -> Tensor:
        row, pitch = torch.zeros(len(key), dtype=torch.long), torch.tensor(key, dtype=torch.float32)
        notes = Pressed(row, pitch, torch.tensor(velocity, dtype=torch.float32))
        return mean_power(net, net.prepare_to_play(notes), net.frequencies(notes), torch.tensor(until_s))

    until_s = [min(x.note.held_s, SEEN_S, x.note.samples.shape[1] / SAMPLE_RATE) for x in lessons]
    made = powers(keys, [x.note.velocity for x in lessons], until_s).tolist()
    true = [recorded_power(x.note.samples, s) for x, s in zip(lessons, until_s, strict=True)]
    for key in sorted(set(keys)):
        off = float(np.mean([a - b for a, b, k in zip(true, made, keys, strict=True) if k == key]))
        velocities = RECORDED_VELOCITIES
        table[key] = powers([key] * len(velocities), velocities, [SEEN_S] * len(velocities)) + off


def _normal(generator: np.random.Generator, count: int) -> Tensor:
    return torch.from_numpy(generator.standard_normal(count).astype(np.float32))


def _check(
    notes: Sequence[OwnNote], pitches: Sequence[int], start: NeuralInstruments, options: LearningOptions,
    monitor: Monitor,
) -> Check:  # fmt: skip
    """Leave the middle pitch out, learn in fewer steps, and play it."""
    left_out = pitches[len(pitches) // 2]
    known = [note for note in notes if round(note.pitch) != left_out]
    unknown = [note for note in notes if round(note.pitch) == left_out]
    fewer = replace(
        options,
        steps=max(round(_CHECK_SHARE * options.steps), 1),
        code_steps=max(round(_CHECK_SHARE * options.code_steps), 1),
    )
    learned = _learned(known, start, "checked", fewer, monitor)
    player = learned.instruments
    rows = []
    for note in unknown:
        made = render(player.net, [event_of(note)])[0]
        nearest = min(known, key=lambda other: (abs(other.pitch - note.pitch), abs(other.velocity - note.velocity)))
        rows.append((note_distance(note, made), note_distance(note, transposed(nearest, note))))
    learned_mean, sampled_mean = np.mean(np.array(rows), axis=0).tolist()
    return Check(left_out, learned_mean, sampled_mean)


def event_of(note: OwnNote, row: int = 0) -> Event:
    """A recorded note as something to play."""
    return Event(row, note.pitch, note.velocity, note.held_s, length_s=note.samples.shape[1] / SAMPLE_RATE)


def transposed(recorded: OwnNote, wanted: OwnNote) -> np.ndarray:
    """A note as a plain sampler would play it: another recording faster or slower, at its level for the velocity."""
    read_at = round(SAMPLE_RATE * 2.0 ** ((wanted.pitch - recorded.pitch) / 12.0))
    samples = resample(Clip(recorded.samples, read_at), SAMPLE_RATE).samples
    return samples * np.float32((wanted.velocity / recorded.velocity) ** 2)


def note_distance(note: OwnNote, made: np.ndarray) -> float:
    """SING's log-spectral distance of a sound to a recorded note, over the note's length."""
    length = max(note.samples.shape[1], 4 * HOP * 12)
    true, found = (np.pad(x[:, :length], ((0, 0), (0, max(length - x.shape[1], 0)))) for x in (note.samples, made))
    both = [torch.from_numpy(np.ascontiguousarray(x, np.float32)).mean(dim=0, keepdim=True) for x in (true, found)]
    return float(sing_distance(both[0], both[1])[0])
