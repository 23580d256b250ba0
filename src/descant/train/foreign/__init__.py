"""What others say and sing, for a voice in training to say and sing in its own way.

`orders.opus`: coffee orders by several speakers; `lead.opus`: a sung lead. README.md tells whose they are.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import numpy as np

from descant.audio.clip import Clip
from descant.audio.io import read
from descant.convert.api import Converter
from descant.nets.source_filter import SAMPLE_RATE
from descant.train.voice_pieces import Analyst, Piece

RECORDINGS = {"orders.opus": False, "lead.opus": True}
"""File to whether it is sung."""

_PIECE_S, _SHORTEST_S = 10, 2.0


def foreign_pieces(base: Converter) -> tuple[Piece, ...]:
    """The recordings in pieces, analysed with a converter's own nets.

    Raises:
        DescantError: A file cannot be read: the installation is damaged.
    """
    analyst = Analyst(base.encoder, base.tracker, base.embedder)
    generator = np.random.default_rng(0)
    pieces = []
    for name, is_sung in RECORDINGS.items():
        whole = read(Path(str(files("descant.train.foreign").joinpath(name))), sample_rate=SAMPLE_RATE, channels=1)
        for start in range(0, whole.frames, _PIECE_S * SAMPLE_RATE):
            part = Clip(whole.samples[:, start : start + _PIECE_S * SAMPLE_RATE], SAMPLE_RATE)
            if part.duration_s >= _SHORTEST_S:
                pieces.append(analyst(part, generator, is_sung=is_sung))
    return tuple(pieces)
