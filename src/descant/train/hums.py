"""Voices made by arithmetic, for a voice lesson without data: harmonics under formants, vibrato, breath and rests."""

from __future__ import annotations

import numpy as np
import torch

from descant.audio.clip import Clip
from descant.convert.content import ContentEncoder
from descant.convert.speaker import SpeakerEmbedder
from descant.nets.source_filter import SAMPLE_RATE
from descant.nets.speaker_encoder import SpeakerEncoder
from descant.nets.swift_f0 import SwiftF0
from descant.nets.whisper_encoder import WhisperEncoder, WhisperEncoderConfig
from descant.train.voice_pieces import Analyst, Piece

_VOWELS = ((730, 1090, 2440), (530, 1840, 2480), (270, 2290, 3010), (570, 840, 2410), (300, 870, 2240))
"""Formants in Hz of men's vowels (Peterson and Barney 1952)."""
_SYLLABLE_S, _REST_SHARE = 0.35, 0.15


def hummed_pieces(voices: int, pieces: int, seed: int, *, seconds: float = 3.0) -> list[list[Piece]]:
    """Pieces of several voices, analysed by nets with random weights: these say what changes, which is enough here.

    Args:
        voices: How many; each has a size of throat and a pitch of its own.
        pieces: Of each voice.
        seed: Another seed gives other voices.
        seconds: Length of a piece.
    """
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        encoder = ContentEncoder(WhisperEncoder(WhisperEncoderConfig(layers=3)), layer=3)
        analyst = Analyst(encoder, SwiftF0.load(), SpeakerEmbedder(SpeakerEncoder()))
    found = []
    for number in range(voices):
        rng = np.random.default_rng([seed, number])
        size, middle_hz = float(rng.uniform(0.85, 1.25)), float(rng.uniform(110.0, 320.0))
        clips = [babble(rng, middle_hz, size, seconds) for _ in range(pieces)]
        found.append([analyst(clip, rng, is_sung=True) for clip in clips])
    return found


def babble(rng: np.random.Generator, middle_hz: float, size: float, seconds: float) -> Clip:
    """Random vowels on random notes.

    Args:
        rng: Draws vowels, notes and rests.
        middle_hz: About where it sings.
        size: Above 1 for a smaller throat: its formants lie higher.
        seconds: Length.
    """
    frames = round(seconds * SAMPLE_RATE)
    count = -(-frames // round(_SYLLABLE_S * SAMPLE_RATE))
    at = np.minimum(np.arange(frames) // round(_SYLLABLE_S * SAMPLE_RATE), count - 1)
    notes = middle_hz * 2.0 ** (rng.integers(-5, 6, count) / 12.0)
    time_s = np.arange(frames) / SAMPLE_RATE
    f0 = notes[at] * 2.0 ** (0.25 * np.sin(2 * np.pi * 5.5 * time_s) / 12.0)
    phase = 2 * np.pi * np.cumsum(f0) / SAMPLE_RATE
    formants = size * np.array(_VOWELS, float)[rng.integers(0, len(_VOWELS), count)]
    sound = np.zeros(frames)
    for harmonic in range(1, int(8000.0 / f0.max())):
        gain = sum(np.exp(-0.5 * ((harmonic * f0 - formants[at, k]) / (60.0 + 30.0 * k)) ** 2) for k in range(3))
        sound += (gain + 0.02) * np.sin(harmonic * phase)
    sound += 0.02 * rng.standard_normal(frames)
    loud = (rng.random(count) > _REST_SHARE)[at]
    return Clip((0.1 * sound * loud).astype(np.float32)[np.newaxis], SAMPLE_RATE)
