"""The writer: samples what the band plays, bar by bar, under a grammar that only lets well-formed music through.

Each bar's condition is read at once, then its music is sampled token by token for all takes together. When the
context outgrows what the model was trained on, the last bars are read again into an empty cache: a long song is
written in the same conditions from beginning to end, and cannot drift.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from descant.compose.grid import TICKS, Bar, GridNote
from descant.compose.tokens import (
    ALONE,
    BRIDGE,
    END,
    FIRST_PITCH,
    FIRST_POSITION,
    FIRST_SOUND,
    PIANO,
    PITCHES,
    POSITIONS,
    VOCABULARY,
    Controls,
    companions,
    decode_music,
    encode_condition,
    with_companions,
)
from descant.nets.decoder import Decoder, one_thread
from descant.nets.relative_transformer import RelativeTransformer
from descant.progress import Monitor

_PITCH_END = FIRST_PITCH + len(PITCHES)
_SOUND_END = VOCABULARY
_POSITION_TICKS = np.array(POSITIONS)
_PITCH_CLASSES = np.array([pitch % 12 for pitch in PITCHES])
_MOST_NOTES_AT_ONCE = 7
_CARRIED_BARS = 4
_ROOM_FOR_A_BAR = 200


@dataclass(frozen=True, slots=True)
class Sampling:
    """How freely the writer chooses."""

    temperature: float = 0.95
    """Below 1 it prefers what is likely."""
    nucleus: float = 0.95
    """Only the most likely tokens that together have this probability are drawn."""
    chord_pull: float = 0.7
    """Added to the logits of chord tones on the beat."""
    clash_push: float = 1.5
    """Taken from the logits of notes a semitone from a chord tone on the beat, unless they belong to the chord."""
    bridge: bool = True
    """Whether the second voice is written at all."""


@dataclass(frozen=True, slots=True)
class Written:
    """What was sampled for one take.

    Attributes:
        bars: The bars with piano and bridge filled in.
        nats: Mean negative log-likelihood a token under the model itself, before bias and nucleus.
    """

    bars: tuple[Bar, ...]
    nats: float


class Writer:
    """Samples piano and bridge for bars whose melody and chords are known.

    Args:
        model: Trained on `compose.tokens`.
        context: Tokens that it may look back on; what it was trained on.
    """

    def __init__(self, model: RelativeTransformer, context: int) -> None:
        self._model = model
        self._context = context

    def __call__(
        self,
        bars: Sequence[Bar],
        controls: Sequence[Sequence[Controls]],
        *,
        seeds: Sequence[int],
        sampling: Sampling = Sampling(),
        monitor: Monitor | None = None,
    ) -> tuple[Written, ...]:
        """Write all takes.

        Args:
            bars: In the key the model knows best (`tokens.home_shift`).
            controls: For each take, what is asked of each bar.
            seeds: One for each take.
            sampling: How freely to choose.
            monitor: Reports after each bar.
        """
        with one_thread():
            return self._write(bars, controls, seeds, sampling, monitor or Monitor())

    def _write(
        self,
        bars: Sequence[Bar],
        controls: Sequence[Sequence[Controls]],
        seeds: Sequence[int],
        sampling: Sampling,
        monitor: Monitor,
    ) -> tuple[Written, ...]:
        takes = [_Take(np.random.default_rng(seed)) for seed in seeds]
        decoder = Decoder(self._model, len(takes), self._context + _ROOM_FOR_A_BAR)
        for index, bar in enumerate(bars):
            following = bars[index + 1] if index + 1 < len(bars) else None
            logits = self._read_conditions(
                decoder, takes, bar, following, [asked[index] for asked in controls], sampling
            )
            while any(take.is_writing for take in takes):
                drawn = [take.draw(row, sampling) for take, row in zip(takes, logits, strict=True)]
                for number, take in enumerate(takes):
                    if take.is_writing and decoder.lengths[number] >= decoder.capacity - 1:
                        take.cut_short()
                together = [[take.together] * len(new) for take, new in zip(takes, drawn, strict=True)]
                logits = decoder.read(drawn, together)
            monitor.report((index + 1) / len(bars))
        return tuple(take.written(bars) for take in takes)

    def _read_conditions(
        self,
        decoder: Decoder,
        takes: Sequence[_Take],
        bar: Bar,
        following: Bar | None,
        asked: Sequence[Controls],
        sampling: Sampling,
    ) -> list[NDArray[np.float32]]:
        """Read a bar's condition for each take, after its last bars again if the context is full."""
        sequences, together = [], []
        for number, (take, controls) in enumerate(zip(takes, asked, strict=True)):
            condition = encode_condition(bar, following, controls)
            pairs = [ALONE] * (len(condition) - 1) + with_companions(bar, [PIANO])
            carried: list[int] = []
            carried_pairs: list[tuple[int, int]] = []
            if decoder.lengths[number] + len(condition) > self._context:
                decoder.forget(number)
                carried, carried_pairs = take.context()
            take.start_bar(bar, condition, sampling)
            sequences.append([*carried, *condition])
            together.append([*carried_pairs, *pairs])
        return decoder.read(sequences, together)


class _Take:
    """The state of one take: its random generator, its place in the grammar and what it has written."""

    def __init__(self, generator: np.random.Generator) -> None:
        self._generator = generator
        self._bars: list[list[int]] = []
        self._conditions: list[list[int]] = []
        self._bars_read: list[Bar] = []
        self._nats: list[float] = []
        self.is_writing = False

    def start_bar(self, bar: Bar, condition: list[int], sampling: Sampling) -> None:
        self._bars.append([])
        self._conditions.append(condition)
        self._bars_read.append(bar)
        self._at = companions(bar)
        self._length = round(bar.span.quarters * TICKS)
        self._bias = _chord_bias(bar, sampling)
        self._in_bridge = False
        self._place = self._pitch = -1
        self._at_once = 0
        self._last = "start"
        self.is_writing = True

    def context(self) -> tuple[list[int], list[tuple[int, int]]]:
        """The last bars again, condition and music, with their companions."""
        tokens: list[int] = []
        pairs: list[tuple[int, int]] = []
        recent = zip(self._bars_read[-_CARRIED_BARS:], self._conditions[-_CARRIED_BARS:], self._bars[-_CARRIED_BARS:],
                     strict=True)  # fmt: skip
        for bar, condition, music in recent:
            tokens += condition + music
            pairs += [ALONE] * (len(condition) - 1) + with_companions(bar, [PIANO, *music])
        return tokens, pairs

    @property
    def together(self) -> tuple[int, int]:
        """The companions of the token that was drawn last."""
        return self._at[max(self._place, 0)]

    def draw(self, logits: NDArray[np.float32], sampling: Sampling) -> list[int]:
        """The next token, none when the bar is finished."""
        if not self.is_writing:
            return []
        allowed = self._allowed(sampling)
        scores = logits[allowed].astype(np.float64)
        highest = float(logits.max())
        normaliser = highest + math.log(np.exp(logits - highest).sum(dtype=np.float64))
        biased = scores + self._bias_of(allowed)
        choice = sample(biased, temperature=sampling.temperature, nucleus=sampling.nucleus, generator=self._generator)
        self._nats.append(float(normaliser - scores[choice]))
        token = int(allowed[choice])
        self._advance(token)
        return [token]

    def cut_short(self) -> None:
        """End a bar that has outgrown the cache."""
        if self.is_writing:
            music = self._bars[-1]
            while music and not (music[-1] >= FIRST_SOUND or music[-1] == BRIDGE):
                music.pop()
            music += [END] if self._in_bridge else [BRIDGE, END]
            self.is_writing = False

    def _allowed(self, sampling: Sampling) -> NDArray[np.int64]:
        if self._last == "position":
            return np.arange(FIRST_PITCH, _PITCH_END)
        if self._last == "pitch":
            return np.arange(FIRST_SOUND, _SOUND_END)
        end = END if self._in_bridge else BRIDGE
        if self._in_bridge and not sampling.bridge:
            return np.array([end])
        later = np.flatnonzero((self._length > _POSITION_TICKS) & (np.arange(len(POSITIONS)) > self._place))
        choices = [np.array([end]), later + FIRST_POSITION]
        if self._last == "sound" and self._at_once < _MOST_NOTES_AT_ONCE:
            choices.append(np.arange(self._pitch + 1, _PITCH_END))
        return np.concatenate(choices)

    def _bias_of(self, allowed: NDArray[np.int64]) -> NDArray[np.float64]:
        on_beat = self._place >= 0 and POSITIONS[self._place] % TICKS == 0
        if self._last not in ("position", "sound") or not on_beat:
            return np.zeros(len(allowed))
        chord = self._bias[POSITIONS[self._place] // TICKS]
        is_pitch = (allowed >= FIRST_PITCH) & (allowed < _PITCH_END)
        return np.where(is_pitch, chord[np.clip(allowed - FIRST_PITCH, 0, len(chord) - 1)], 0.0)

    def _advance(self, token: int) -> None:
        self._bars[-1].append(token)
        if token == BRIDGE:
            self._in_bridge, self._place, self._pitch, self._last = True, -1, -1, "start"
        elif token == END:
            self.is_writing = False
        elif FIRST_PITCH <= token < _PITCH_END:
            self._pitch, self._last = token, "pitch"
        elif token >= FIRST_SOUND:
            self._at_once += 1
            self._last = "sound"
        else:
            self._place, self._at_once, self._last = token - FIRST_POSITION, 0, "position"

    def written(self, bars: Sequence[Bar]) -> Written:
        parts = [decode_music(music) for music in self._bars]
        filled = tuple(
            Bar(bar.span, bar.chords, bar.melody, _within(piano, bar), _within(bridge, bar))
            for bar, (piano, bridge) in zip(bars, parts, strict=True)
        )
        return Written(filled, float(np.mean(self._nats)) if self._nats else 0.0)


def _within(notes: tuple[GridNote, ...], bar: Bar) -> tuple[GridNote, ...]:
    return tuple(note for note in notes if note.position < bar.span.quarters * TICKS)


def _chord_bias(bar: Bar, sampling: Sampling) -> list[NDArray[np.float64]]:
    """For each beat the bias of all pitches: towards the chord's tones, away from their neighbours."""
    biases = []
    for beat in range(bar.span.beats):
        tones = bar.chord_at(beat * TICKS).pitch_classes if bar.chords else frozenset()
        by_class = np.zeros(12)
        for pitch_class in range(12):
            if pitch_class in tones:
                by_class[pitch_class] = sampling.chord_pull
            elif {(pitch_class - 1) % 12, (pitch_class + 1) % 12} & tones:
                by_class[pitch_class] = -sampling.clash_push
        biases.append(by_class[_PITCH_CLASSES])
    return biases


def sample(scores: NDArray[np.float64], *, temperature: float, nucleus: float, generator: np.random.Generator) -> int:
    """The index of one of some logits, drawn from the most likely that together have the probability `nucleus`."""
    scaled = scores / temperature
    odds = np.exp(scaled - scaled.max())
    odds /= odds.sum()
    order = np.argsort(-odds, kind="stable")
    running = np.cumsum(odds[order])
    kept = order[: int(np.searchsorted(running, nucleus)) + 1]
    picked = generator.random() * odds[kept].sum()
    return int(kept[min(int(np.searchsorted(np.cumsum(odds[kept]), picked)), len(kept) - 1)])
