"""Counting the harmoniser's tables from songs with known chords."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from descant.compose.grid import Bar
from descant.compose.harmony import Array, HarmonyTables, Step, phrase_ends, steps_of
from descant.compose.tokens import CHORD_CLASSES, home_shift
from descant.score.harmony import Chord

_COVERED = 0.985
_QUALITIES = {"maj": "maj", "maj7": "maj", "min": "min", "min7": "min7", "7": "7", "sus4": "sus4", "dim": "dim"}

Song = tuple[Bar, ...]


def count_harmony(songs: Sequence[tuple[Song, bool]], *, smoothing: float = 0.4) -> HarmonyTables:
    """Count chords, their successions and the melody over them.

    Args:
        songs: Bars with melody and chords, and whether the song is in a minor key.
        smoothing: Added to every count.
    """
    sequences = [_sequence(song) for song, _ in songs]
    usual = Counter(chord for sequence in sequences for _, chord in sequence if chord is not None)
    states = _states(usual)
    index = {state: i for i, state in enumerate(states)}
    k = len(states)
    first, across, inside = np.zeros((2, k)), np.zeros((2, k, k)), np.zeros((2, k, k))
    closing, overall, heard = np.zeros((2, k)), np.zeros((2, k)), np.zeros((2, k, 12))
    endings, modes = np.zeros((2, 12)), np.ones(2)
    for (song, is_minor), sequence in zip(songs, sequences, strict=True):
        mode = int(is_minor)
        modes[mode] += 1
        shift = home_shift(song)
        for _, note in phrase_ends(song):
            endings[mode, (note.pitch + shift) % 12] += 1
        before: int | None = None
        for step, chord in sequence:
            now = index.get(chord) if chord is not None else None
            if now is not None:
                heard[mode, now] += step.heard
                overall[mode, now] += 1
                closing[mode, now] += step.ends_phrase
                if before is None:
                    first[mode, now] += 1
                else:
                    (across if step.opens_bar else inside)[mode, before, now] += 1
            before = now if now is not None else before
    # A mode with few songs leans on both together.
    for table in (first, across, inside, closing, overall, heard):
        both = table.sum(0)
        table += 0.15 * both
    rate = _log(closing + 2.0) - _log(overall + 2.0)
    return HarmonyTables(
        roots=np.array([root for root, _ in states]),
        qualities=tuple(quality for _, quality in states),
        first=_log_share(first + smoothing),
        across=_log_share(across + smoothing * _prior(across)),
        inside=_log_share(inside + smoothing * _prior(inside)),
        closing=rate - rate.mean(-1, keepdims=True),
        emission=_log_share(heard + 4.0),
        endings=_log_share(endings + 4.0),
        modes=_log_share(modes),
    )


def _sequence(song: Song) -> list[tuple[Step, tuple[int, str] | None]]:
    shift = home_shift(song)
    bars = [bar.transpose(shift) for bar in song]
    return [(step, _state(bars[step.bar].chord_at(step.tick))) for step in steps_of(bars)]


def _state(chord: Chord) -> tuple[int, str] | None:
    seen = _QUALITIES.get(CHORD_CLASSES[chord.quality])
    return None if chord.root is None or seen is None else (chord.root, seen)


def _states(usual: Counter[tuple[int, str]]) -> list[tuple[int, str]]:
    states: list[tuple[int, str]] = []
    covered = 0
    for state, count in usual.most_common():
        states.append(state)
        covered += count
        if covered >= _COVERED * usual.total():
            break
    return sorted(states)


def _prior(counts: Array) -> Array:
    share = counts.sum(1, keepdims=True)
    result: Array = 1.0 + 20.0 * share / share.sum(-1, keepdims=True)
    return result


def _log(values: Array) -> Array:
    result: Array = np.log(values)
    return result


def _log_share(counts: Array) -> Array:
    return _log(counts / counts.sum(-1, keepdims=True))
