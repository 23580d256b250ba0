"""A neural instrument under somebody's fingers: keys, pedal, bends and vibrato in, blocks of sound out."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from descant.errors import InvalidOption
from descant.instrument.neural import NeuralPlayer
from descant.instrument.neural_note import (
    ATTACK_FADE_S,
    SILENT,
    UNHEARD,
    Event,
    dynamics,
    hiss,
    louder,
    loudest,
    phases_of,
    pressed,
    seed_of,
    vibrato_at,
    wavered,
)
from descant.instrument.neural_score import HEADROOM
from descant.nets.neural_instrument import FRAME_S, Prepared, Pressed, controls_of
from descant.nets.one_thread import one_thread
from descant.nets.partial_synth import HOP, SAMPLE_RATE, Controls, mixed_frame, turns_of

Floats = NDArray[np.float32]

MOST_VOICES = 64
_HELD = -1e6
_AHEAD = 4
"""Frames for which the net is asked at once; a key that moves in between asks anew."""
_SWELLS_S = 2.0
"""A held note may begin in silence; after this it must sound."""
_CEILING, _FALLS = 0.99, 84
_RECOVERY = 2.0 ** (FRAME_S / 0.08)
_WIDEST_BEND, _DEEPEST_VIBRATO = 48.0, 2.0


@dataclass(slots=True, eq=False)
class _Voice:
    """A sounding note.

    Attributes:
        event: Its key.
        is_down: Whether a finger holds it.
        frame: The next frame to be made.
        released_s: When it was let go, in its own time; None while finger or pedal hold it.
        passed_s: Seconds that have passed for its partials; see `partial_synth.passed_s`.
        speed: Of its last frame.
        level: Of its loudest partial in its last frame.
    """

    event: Event
    is_down: bool = True
    frame: int = 0
    released_s: float | None = None
    passed_s: float = 0.0
    speed: float = 1.0
    level: float = math.inf

    def let_go(self) -> None:
        """Finger and pedal have left it."""
        self.is_down = False
        if self.released_s is None:
            self.released_s = max(self.frame - 1, 0) * FRAME_S

    @property
    def is_gone(self) -> bool:
        """Whether it has rung out."""
        may_end = self.released_s is not None or self.frame * FRAME_S > _SWELLS_S
        return may_end and self.level < SILENT


@dataclass(frozen=True, slots=True, eq=False)
class _Stack:
    """What stays the same about voices that are made together, a row each."""

    notes: Pressed
    hz: Tensor
    phases: Tensor
    seeds: Tensor
    prepared: Prepared
    gain: Tensor


class LiveInstrument:
    """One instrument, played now.

    Keys take effect at the next of the frames, which follow each other every 256 samples (5.3 ms). Sound is made as it
    is read, frame by frame: it does not depend on how much is read at a time. Other threads may press keys while one
    reads.

    Args:
        player: The instrument.
        voices: Notes that sound together, 1 to 64; when there are more, the softest ends.

    Raises:
        InvalidOption: The number of voices is impossible.

    Example:
        >>> live = LiveInstrument(NeuralInstruments.load().player("violin"))  # doctest: +SKIP
        >>> live.note_on(69, 90)  # doctest: +SKIP
        >>> block = live.read(512)  # doctest: +SKIP
    """

    sample_rate = SAMPLE_RATE

    def __init__(self, player: NeuralPlayer, *, voices: int = 16) -> None:
        if not 1 <= voices <= MOST_VOICES:
            raise InvalidOption(f"{voices} voices cannot be played.", f"Use 1 to {MOST_VOICES}.")
        self.player = player
        self._most = voices
        self._net = player.instruments.net
        self._row = player.row
        self._vibrato_of = self._net.vibrato_of(player.row)
        self._waiting: deque[Callable[[], None]] = deque()
        self._voices: list[_Voice] = []
        self._stack: _Stack | None = None
        self._ahead: list[tuple[Controls, list[float]]] = []
        self._bend = 0.0
        self._vibrato = 1.0
        self._has_pedal = False
        self._gain = 1.0
        self._tail = torch.zeros(2, HOP)
        self._left: Floats = np.zeros((2, 0), np.float32)
        count = round(ATTACK_FADE_S * SAMPLE_RATE)
        self._attack = torch.cat((torch.linspace(0.0, 1.0, count), torch.ones(HOP - count)))
        self._make([_Voice(Event(player.row, 60.0, 64.0, 0.0))])  # tables are made now, not under the first key

    @property
    def sounding(self) -> int:
        """How many voices sound."""
        return len(self._voices)

    def note_on(self, pitch: float, velocity: int) -> None:
        """Strike a key; one that sounds already is let go. The velocity 0 lets it go, as in MIDI.

        Args:
            pitch: MIDI number, 0 to 127; between two keys is allowed.
            velocity: 0 to 127.

        Raises:
            InvalidOption: There is no such key or velocity.
        """
        if not 0.0 <= pitch <= 127.0 or not 0 <= velocity <= 127:
            raise InvalidOption(f"A key {pitch:g} at the velocity {velocity} does not exist.", "Use 0 to 127 for both.")
        if velocity == 0:
            self.note_off(pitch)
        else:
            self._waiting.append(partial(self._strike, float(pitch), float(velocity)))

    def note_off(self, pitch: float) -> None:
        """Let a key go; nothing happens where it is not down."""
        self._waiting.append(partial(self._leave, float(pitch)))

    def bend(self, semitones: float) -> None:
        """Bend all notes, up to four octaves.

        Raises:
            InvalidOption: It is farther than that.
        """
        if not abs(semitones) <= _WIDEST_BEND:
            raise InvalidOption(f"A bend of {semitones:g} semitones is too far.", f"Use up to {_WIDEST_BEND:g}.")
        self._waiting.append(partial(setattr, self, "_bend", float(semitones)))

    def vibrato(self, depth: float) -> None:
        """Depth of the vibrato, if the instrument has one: 0 none, 1 as recorded (how it begins), up to 2.

        Raises:
            InvalidOption: It is out of range.
        """
        if not 0.0 <= depth <= _DEEPEST_VIBRATO:
            raise InvalidOption(f"A vibrato of {depth:g} cannot be played.", "Use 0 (none) to 2; 1 is as recorded.")
        self._waiting.append(partial(setattr, self, "_vibrato", float(depth)))

    def sustain(self, *, down: bool) -> None:
        """Press or lift the sustain pedal: while it is down, keys that are let go sound on."""
        self._waiting.append(partial(self._tread, down=down))

    def all_off(self) -> None:
        """Lift pedal and fingers."""
        self._waiting.append(self._lift)

    def read(self, samples: int) -> Floats:
        """The next samples, [2, samples] at 48 kHz, nowhere above full scale; zeros where nothing sounds."""
        blocks, count = [self._left], self._left.shape[1]
        while count < samples:
            blocks.append(self._hop())
            count += HOP
        made = np.concatenate(blocks, axis=1)
        self._left = made[:, samples:]
        return made[:, :samples]

    def _strike(self, pitch: float, velocity: float) -> None:
        self._leave(pitch, restruck=True)
        if len(self._voices) == self._most:
            self._voices.remove(min(self._voices, key=lambda voice: voice.level))
        self._voices.append(_Voice(Event(self._row, pitch, velocity, 0.0)))
        self._forget()

    def _leave(self, pitch: float, *, restruck: bool = False) -> None:
        for voice in self._voices:
            if voice.event.pitch == pitch and (voice.is_down or restruck):
                voice.is_down = False
                if restruck or not self._has_pedal:
                    self._let_go(voice)

    def _tread(self, *, down: bool) -> None:
        self._has_pedal = down
        if not down:
            for voice in self._voices:
                if not voice.is_down:
                    self._let_go(voice)

    def _let_go(self, voice: _Voice) -> None:
        voice.let_go()
        self._ahead.clear()

    def _lift(self) -> None:
        self._has_pedal = False
        for voice in self._voices:
            self._let_go(voice)

    @one_thread()
    @torch.no_grad()
    def _hop(self) -> Floats:
        """256 samples: the second half of the last frame and the first half of the next."""
        while self._waiting:
            self._waiting.popleft()()
        struck = [voice for voice in self._voices if voice.frame == 0]
        if struck:
            self._tail = self._tail + self._make(struck)[:, HOP:] * self._attack
        sound, self._tail = self._tail, torch.zeros(2, HOP)
        if self._voices:
            if self._stack is None:
                self._stack = self._stacked(self._voices)
            wave = self._make(self._voices, self._stack)
            sound, self._tail = sound + wave[:, :HOP], wave[:, HOP:]
        staying = [voice for voice in self._voices if not voice.is_gone]
        if len(staying) < len(self._voices):
            self._voices = staying
            self._forget()
        return self._limited(HEADROOM * self.player.player.gain * sound)

    def _limited(self, sound: Tensor) -> Floats:
        """A hop within full scale: the gain falls within a third of it, and recovers by 6 dB in 80 ms."""
        peak = float(sound.abs().max())
        before = self._gain
        self._gain = min(1.0, before * _RECOVERY, _CEILING / peak if peak > 0.0 else 1.0)
        if before < 1.0 or self._gain < 1.0:
            ramp = torch.ones(HOP)
            ramp[:_FALLS] = torch.linspace(0.0, 1.0, _FALLS)
            sound = (sound * torch.lerp(torch.tensor(before), torch.tensor(self._gain), ramp)).clamp(-1.0, 1.0)
        held: Floats = sound.numpy()
        return held

    def _forget(self) -> None:
        """Other voices sound now."""
        self._stack = None
        self._ahead.clear()

    def _stacked(self, voices: Sequence[_Voice]) -> _Stack:
        events = [voice.event for voice in voices]
        notes = pressed(events)
        hz = self._net.frequencies(notes)
        phases = torch.stack([phases_of(event, hz.shape[1]) for event in events])
        seeds = torch.tensor([seed_of(event) for event in events])
        prepared = self._net.prepare_to_play(notes)
        return _Stack(notes, hz, phases, seeds, prepared, dynamics(self._net, notes, hz, prepared))

    @one_thread()
    @torch.no_grad()
    def _make(self, voices: Sequence[_Voice], stack: _Stack | None = None) -> Tensor:
        """The next frame of voices, summed, [2, 512]; they move on. With a stack, some frames are thought ahead."""
        if stack is None:
            stack = self._stacked(voices)
            controls, levels = self._controls(voices, stack, 1)[0]
        else:
            if not self._ahead:
                self._ahead = self._controls(voices, stack, _AHEAD)[::-1]
            controls, levels = self._ahead.pop()
        frames = torch.tensor([[voice.frame] for voice in voices])
        speed = torch.exp2(self._bend / 12.0 + self._vibrato * vibrato_at(self._vibrato_of, frames * FRAME_S))
        for voice, now, level in zip(voices, speed[:, 0].tolist(), levels, strict=True):
            if voice.frame:
                voice.passed_s += FRAME_S * (voice.speed + now) / 2
            voice.speed, voice.level = now, level
            voice.frame += 1
        passed = torch.tensor([[voice.passed_s] for voice in voices], dtype=torch.float64)
        turns = turns_of(stack.hz, passed, stack.phases)
        return mixed_frame(replace(controls, speed=speed), turns, hiss(stack.seeds, frames), UNHEARD)

    def _controls(self, voices: Sequence[_Voice], stack: _Stack, count: int) -> list[tuple[Controls, list[float]]]:
        """Controls of the next frames, and the level of each voice in them."""
        frames = torch.tensor([[voice.frame] for voice in voices]) + torch.arange(count)
        time_s = frames * FRAME_S
        since = [[_HELD if voice.released_s is None else -voice.released_s] for voice in voices]
        levels = louder(self._net.levels_at(stack.prepared, time_s, time_s + torch.tensor(since)), stack.gain)
        levels = wavered(self._net, stack.notes, levels, stack.seeds, frames)
        whole = controls_of(levels, stack.hz)
        strongest = loudest(levels, stack.hz).T.tolist()
        parts = (whole.mid, whole.side, whole.noise_mid, whole.noise_side)
        return [(Controls(stack.hz, *(part[:, k : k + 1] for part in parts)), strongest[k]) for k in range(count)]
