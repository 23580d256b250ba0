"""What the tests of continuation share: an invented song of four parts, and a model that has learned nothing."""

from __future__ import annotations

import numpy as np
import torch

from descant.compose.continuation.tokens import VOCABULARY, token_features
from descant.nets.relative_transformer import RelativeTransformer, RelativeTransformerConfig
from descant.score.harmony import Key
from descant.score.notes import Note, Score, Track
from descant.score.tempo import TempoMap, TimeSignature

CHORDS = ((48, 64, 67, 72), (45, 60, 64, 69), (41, 60, 65, 69), (43, 59, 62, 67))


def song(bars: int = 16, beats: int = 4, *, drums: bool = True, seed: int = 0) -> Score:
    """C Am F G in quarters with a bass, a tune that is different in each bar, and a drum on every beat."""
    rng = np.random.default_rng(seed)
    bass, chords, tune, kit = [], [], [], []
    for bar in range(bars):
        low, *upper = CHORDS[bar % 4]
        start = float(bar * beats)
        bass.append(Note(start, float(beats), low, 70))
        for beat in range(beats):
            chords += [Note(start + beat, 0.9, pitch, 60) for pitch in upper]
            kit.append(Note(start + beat, 0.1, 36 if beat % 2 == 0 else 38, 90))
            for half in (0.0, 0.5):
                if rng.random() < 0.7:
                    pitch = int(rng.choice([67, 69, 71, 72, 74, 76, 77, 79]))
                    tune.append(Note(start + beat + half, 0.5, pitch, 100))
    tracks = [Track("Melody", tuple(tune)), Track("Piano", tuple(chords)), Track("Bass", tuple(bass), program=33)]
    if drums:
        tracks.append(Track("Drums", tuple(kit), is_drum=True))
    return Score(tuple(tracks), TempoMap.constant(100.0), (TimeSignature(0.0, beats, 4),), Key(0, "major"))


def untrained(length: int = 128) -> RelativeTransformer:
    """A model with random weights."""
    torch.manual_seed(0)
    config = RelativeTransformerConfig(VOCABULARY, layers=1, width=16, heads=2, feed_forward=16, max_distance=length)
    return RelativeTransformer(config, torch.from_numpy(token_features())).eval()
