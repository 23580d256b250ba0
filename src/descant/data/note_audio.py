"""Raw audio for sequence models: notes played by Descant's own sampler, as mu-law classes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from descant.errors import InvalidOption
from descant.progress import CancelToken
from descant.score.notes import Score
from descant.score.render import render_score
from descant.score.tempo import TempoMap

CLASSES = 256
"""Of mu-law: 8 bits."""
_MU = CLASSES - 1.0
_PEAK = 0.9

Classes = NDArray[np.uint8]


def encode_mu_law(samples: NDArray[np.floating]) -> Classes:
    """Samples of -1..1 to classes 0..255 (ITU-T G.711's curve, mu = 255); silence is class 128."""
    clipped = np.clip(samples.astype(np.float64), -1.0, 1.0)
    curved = np.sign(clipped) * np.log1p(_MU * np.abs(clipped)) / np.log1p(_MU)
    return np.asarray(np.floor((curved + 1.0) / 2.0 * _MU + 0.5), np.uint8)


def decode_mu_law(classes: Classes) -> NDArray[np.float32]:
    """Classes 0..255 to samples of -1..1."""
    curved = 2.0 * classes.astype(np.float64) / _MU - 1.0
    return np.asarray(np.sign(curved) * np.expm1(np.abs(curved) * np.log1p(_MU)) / _MU, np.float32)


def render_notes(
    scores: Sequence[Score],
    soundfont: Path,
    *,
    seconds: float,
    sample_rate: int = 8_000,
    bpm: float = 90.0,
    cancel: CancelToken | None = None,
) -> NDArray[np.float32]:
    """Pieces one after the other, played by a SoundFont's piano until `seconds` are full.

    Returns:
        Mono, [seconds * sample_rate], peak 0.9.

    Raises:
        InvalidOption: The scores do not last that long.
    """
    wanted = round(seconds * sample_rate)
    parts: list[NDArray[np.float32]] = []
    have = 0
    for score in scores:
        if have >= wanted:
            break
        piano = score.with_tracks(type(t)(t.name, t.notes) for t in score.tracks if t.notes)
        played = render_score(Score(piano.tracks, TempoMap.constant(bpm)), soundfont, sample_rate, cancel=cancel)
        mono = sum(stem.samples.mean(0) for stem in played.values())
        parts.append(np.asarray(mono, np.float32))
        have += len(parts[-1])
    if have < wanted:
        raise InvalidOption(f"The scores last {have / sample_rate:.0f} s, less than {seconds:g} s.")
    audio = np.concatenate(parts)[:wanted]
    return audio * np.float32(_PEAK / max(float(np.abs(audio).max()), 1e-9))
