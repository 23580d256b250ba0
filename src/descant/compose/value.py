"""What a take is worth: how likely the model finds it, and what a listener would notice first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from descant.compose.grid import TICKS, Bar, GridNote
from descant.compose.tokens import Controls, measure

_STRONG_TICKS = TICKS


@dataclass(frozen=True, slots=True)
class Judgement:
    """Parts of a take's value; all but `nats` are shares from 0 to 1.

    Attributes:
        nats: Mean negative log-likelihood of a token under the model.
        clashes: Notes that rub a semitone against the melody or their chord on a beat.
        repetition: Bars that repeat the one before note by note.
        misfit: How far density and dynamics are from what was asked.
    """

    nats: float
    clashes: float
    repetition: float
    misfit: float

    @property
    def value(self) -> float:
        """One number from 0 to 1, higher is better."""
        likely = float(np.exp(-max(0.0, self.nats) / 3.0))
        return float(np.clip(likely - 0.8 * self.clashes - 0.15 * self.repetition - 0.15 * self.misfit, 0.0, 1.0))


def judge(bars: Sequence[Bar], asked: Sequence[Controls], nats: float) -> Judgement:
    """Judge the piano and bridge of a take."""
    return Judgement(nats, _clashes(bars), _repetition(bars), _misfit(bars, asked))


def _clashes(bars: Sequence[Bar]) -> float:
    rubs = notes = 0
    for bar in bars:
        for note in (*bar.piano, *bar.bridge):
            if note.position % _STRONG_TICKS:
                continue
            notes += 1
            tones = bar.chord_at(note.position).pitch_classes if bar.chords else frozenset()
            off_chord = bool(tones) and note.pitch % 12 not in tones
            near_chord = bool({(note.pitch + 1) % 12, (note.pitch - 1) % 12} & tones)
            rubs += (off_chord and near_chord) or _rubs_melody(note, bar.melody)
    return rubs / notes if notes else 0.0


def _rubs_melody(note: GridNote, melody: Sequence[GridNote]) -> bool:
    return any(
        n.position <= note.position < n.position + n.duration and (n.pitch - note.pitch) % 12 in (1, 11) for n in melody
    )


def _repetition(bars: Sequence[Bar]) -> float:
    pairs = [(a, b) for a, b in pairwise(bars) if a.piano and b.piano]
    same = sum({(n.position, n.pitch) for n in a.piano} == {(n.position, n.pitch) for n in b.piano} for a, b in pairs)
    return same / len(pairs) if pairs else 0.0


def _misfit(bars: Sequence[Bar], asked: Sequence[Controls]) -> float:
    errors = []
    for bar, wanted in zip(bars, asked, strict=True):
        found = measure(bar)
        if wanted.density is not None and found.density is not None:
            errors.append(abs(wanted.density - found.density) / 5)
        if wanted.dynamics is not None and found.dynamics is not None:
            errors.append(abs(wanted.dynamics - found.dynamics) / 3)
    return float(np.mean(errors)) if errors else 0.0
