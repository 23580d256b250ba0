"""Measured rooms: impulse responses in files, made ready for `audio.effects.convolve`.

Recorded responses begin with the way of the sound through the air and the gear; here they begin with the first
arrival, so that a wet clip stays aligned with its notes and with its dry version.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from descant.audio import io
from descant.audio.clip import Clip
from descant.audio.formats import AUDIO_SUFFIXES
from descant.audio.resample import resample
from descant.errors import InputNotFound, InvalidAudio

_ARRIVAL_DB = -20.0
"""The first sample this near to the peak is the first arrival."""
_KEPT_RESPONSES = 64


def room_files(folder: Path) -> tuple[Path, ...]:
    """Impulse responses in a folder and the folders in it, sorted.

    Raises:
        InputNotFound: There are none.
    """
    files = tuple(sorted(p for p in folder.rglob("*") if p.suffix.lower() in AUDIO_SUFFIXES and p.is_file()))
    if not files:
        raise InputNotFound(f"{folder} holds no impulse responses.", "Give a folder of audio files, one per room.")
    return files


@lru_cache(maxsize=_KEPT_RESPONSES)
def impulse_response(path: Path, sample_rate: int, longest_s: float = 3.0) -> Clip:
    """A response from its first arrival on, of unit energy per channel on average; read once per process.

    Raises:
        InvalidAudio: It is silent.
        DescantError: As `descant.audio.io.read`.
    """
    clip = io.read(path)
    level = np.abs(clip.samples).max(axis=0)
    if not level.any():
        raise InvalidAudio(f"{path} is silent: that is no impulse response.", "Get the file again.")
    first = int(np.argmax(level >= level.max() * 10.0 ** (_ARRIVAL_DB / 20.0)))
    stop = first + max(1, round(longest_s * clip.sample_rate))
    cut = clip.samples[:, first:stop].astype(np.float64)
    if clip.frames > stop:
        tail = max(1, cut.shape[1] // 10)
        cut[:, -tail:] *= np.linspace(1.0, 0.0, tail)
    moved = resample(Clip(cut.astype(np.float32), clip.sample_rate), sample_rate).samples
    energy = float(np.sqrt(np.square(moved, dtype=np.float64).sum() / len(moved)))
    return Clip(moved / np.float32(energy), sample_rate)
