"""Measured rooms: impulse responses in files, made ready for `audio.effects.convolve`.

Recorded responses begin with the way of the sound through the air and the gear; here they begin with the first
arrival, so that a wet clip stays aligned with its notes and with its dry version. A recording of something else
(speech, a song) is refused: convolved with it, everything would be mud.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from descant.audio import io
from descant.audio.clip import Clip
from descant.audio.formats import AUDIO_SUFFIXES
from descant.audio.resample import resample
from descant.errors import InputNotFound, InvalidAudio

_ARRIVAL_DB = -20.0
"""The first sample this near to the peak is the first arrival."""
_KEPT_RESPONSES = 64
_LONGEST_RESPONSE_S = 30.0
_LATEST_PEAK_S = 0.2
_JUDGED_FROM_S = 0.25
_HALF_BY = 0.25
_FLOOR_DB = 50.0
_TALLEST_RISE_DB = 15.0
_BLOCK_S = 0.05
"""Bounds between answers of rooms and other recordings (`benchmarks/rooms.py`): all 43 responses of the Voxengo and EMT
140 sets are inside, and of 900 recordings of speech, singing, saxophone and songs 9 are, a few short syllables each. A
struck piano key decays like a room, and passes."""


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
        InvalidAudio: It is silent, or no room's response (see `read_response`).
        DescantError: As `descant.audio.io.read`.
    """
    clip = read_response(path)
    first = _first_arrival(np.abs(clip.samples).max(axis=0))
    stop = first + max(1, round(longest_s * clip.sample_rate))
    cut = clip.samples[:, first:stop].astype(np.float64)
    if clip.frames > stop:
        tail = max(1, cut.shape[1] // 10)
        cut[:, -tail:] *= np.linspace(1.0, 0.0, tail)
    moved = resample(Clip(cut.astype(np.float32), clip.sample_rate), sample_rate).samples
    energy = float(np.sqrt(np.square(moved, dtype=np.float64).sum() / len(moved)))
    return Clip(moved / np.float32(energy), sample_rate)


def read_response(path: Path) -> Clip:
    """A response as it lies in its file.

    Raises:
        InvalidAudio: It is silent; or it cannot be a room's response: it is too long, its loudest moment comes late, it
            does not decay, or it grows louder again.
        DescantError: As `descant.audio.io.read`.
    """
    seconds = io.probe(path).duration_s
    if seconds > _LONGEST_RESPONSE_S:
        raise _no_response(path, f"it lasts {seconds:.1f} s, longer than any room ({_LONGEST_RESPONSE_S:g} s)")
    clip = io.read(path)
    level = np.abs(clip.samples).max(axis=0)
    if not level.any():
        raise InvalidAudio(f"{path} is silent: that is no impulse response.", "Get the file again.")
    first = _first_arrival(level)
    late_s = (int(level.argmax()) - first) / clip.sample_rate
    if late_s > _LATEST_PEAK_S:
        raise _no_response(path, f"its loudest moment comes {late_s:.2f} s after its first sound")
    power = np.square(clip.samples[:, first:], dtype=np.float64).sum(axis=0)
    if len(power) < _JUDGED_FROM_S * clip.sample_rate:
        return clip  # a loudspeaker's cabinet: over before anything could be told of its decay
    half = int(np.searchsorted(np.cumsum(power), power.sum() / 2.0)) / len(power)
    if half > _HALF_BY:
        raise _no_response(path, f"it does not decay: half of its energy comes in its last {100 * (1 - half):.0f} %")
    rise_db = _tallest_rise_db(power, round(_BLOCK_S * clip.sample_rate))
    if rise_db > _TALLEST_RISE_DB:
        raise _no_response(path, f"it grows louder again, by {rise_db:.0f} dB")
    return clip


def _first_arrival(level: NDArray[np.float32]) -> int:
    return int(np.argmax(level >= level.max() * 10.0 ** (_ARRIVAL_DB / 20.0)))


def _tallest_rise_db(power: NDArray[np.float64], block: int) -> float:
    """By how much a response rises above what it had fallen to, after its loudest block."""
    blocks = len(power) // block
    levels = 10.0 * np.log10(power[: blocks * block].reshape(blocks, block).mean(axis=1) + 1e-30)
    after = np.maximum(levels[levels.argmax() :], levels.max() - _FLOOR_DB)
    return float((after - np.minimum.accumulate(after)).max())


def _no_response(path: Path, why: str) -> InvalidAudio:
    return InvalidAudio(
        f"{path} is no impulse response: {why}.",
        "Give a folder that holds nothing but recorded answers of rooms to a click.",
    )
