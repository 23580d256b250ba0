"""Notes of two instruments made by arithmetic, analysed like recorded ones: what a smoke recipe learns from."""

from __future__ import annotations

import numpy as np

from descant.data.notes.rendering import HELD_S, LENGTH_S
from descant.instrument.note_analysis import Analysed, analyse, hear, partial_hz, series_of
from descant.instrument.roster import Player, Roster
from descant.nets.neural_instrument import InstrumentConfig
from descant.nets.partial_synth import SAMPLE_RATE
from descant.train.note_levels import Instrument, Piece

_PITCHES = tuple(range(48, 73, 4))
_HELD_OUT = 2
_VELOCITY = 100
_KINDS = (("odd", 0.4), ("bright", 2.5))
"""Names, and by how much notes decay per second; the first has odd partials alone."""
_RELEASE = 20.0


def made_pieces(
    config: InstrumentConfig, seed: int
) -> tuple[Roster, tuple[Instrument, ...], tuple[Piece, ...], tuple[Piece, ...]]:
    """Who plays, where their partials lie, notes to learn from, and notes of pitches that are held out.

    Args:
        config: How many partials are looked for.
        seed: Of phases and panorama.
    """
    rng = np.random.default_rng(seed)
    instruments, pieces = [], []
    for row in range(len(_KINDS)):
        sounds = [_sound(rng, row, pitch) for pitch in _PITCHES]
        heard = [hear(sound, pitch) for sound, pitch in zip(sounds, _PITCHES, strict=True)]
        series = series_of(_PITCHES, heard, config.extras)
        instruments.append(Instrument(series, (0.0, 0.0, 0.0), 0.0))
        for pitch, sound, found in zip(_PITCHES, sounds, heard, strict=True):
            levels = analyse(sound, partial_hz(found, series, config.harmonics))
            pieces.append(_piece(row, pitch, sound, levels))
    held = {_PITCHES[_HELD_OUT]}
    roster = Roster(Player(name, "keyboard", -1, _PITCHES[0], _PITCHES[-1]) for name, _ in _KINDS)
    training = tuple(piece for piece in pieces if piece.pitch not in held)
    return roster, tuple(instruments), training, tuple(piece for piece in pieces if piece.pitch in held)


def _piece(row: int, pitch: int, sound: np.ndarray, levels: Analysed) -> Piece:
    samples = np.round(sound * 32767).astype(np.int16)
    return Piece(row, pitch, _VELOCITY, levels, samples, samples)


def _sound(rng: np.random.Generator, row: int, pitch: int) -> np.ndarray:
    """Twelve partials in stereo, the key let go after three of four seconds."""
    time_s = np.arange(round(LENGTH_S * SAMPLE_RATE)) / SAMPLE_RATE
    hz = 440.0 * 2.0 ** ((pitch - 69) / 12.0)
    numbers = np.arange(1, 24, 2) if row == 0 else np.arange(1, 13)
    fall = np.exp(-_KINDS[row][1] * time_s - _RELEASE * np.maximum(time_s - HELD_S, 0.0))
    phases = rng.uniform(0, 2 * np.pi, len(numbers))
    parts = [np.sin(2 * np.pi * hz * n * time_s + p) / n for n, p in zip(numbers, phases, strict=True)]
    mono = 0.3 * fall * np.sum(parts, axis=0)
    return np.stack((mono, (0.6 + 0.2 * row) * mono)).astype(np.float32)
