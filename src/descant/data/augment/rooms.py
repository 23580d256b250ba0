"""Rooms: a clip heard through measured impulse responses, or through imagined rooms.

Measured responses begin with the way of the sound through the air and the gear; here they begin with the first
arrival, so that a wet clip stays aligned with its notes and with its dry version.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from descant.audio import io
from descant.audio.clip import Clip
from descant.audio.effects import convolve, reverb
from descant.audio.formats import AUDIO_SUFFIXES
from descant.audio.resample import resample
from descant.data.augment.step import Range, Step, check_range, draw
from descant.errors import InputNotFound, InvalidAudio, InvalidOption

_ARRIVAL_DB = -20.0
"""The first sample this near to the peak is the first arrival."""
_SEEDS = 1 << 32
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ImaginedRoom(Step):
    """A synthetic room (`descant.audio.effects.reverb`), another one each time.

    Attributes:
        decay_s: Range of the reverberation time in seconds, equal ratios equally likely.
        size_m: Range of the room's size in metres.
        amount: Range of the room's level; 1 is as loud as the clip itself.
    """

    decay_s: Range = (0.1, 2.0)
    size_m: Range = (2.0, 20.0)
    amount: Range = (0.05, 0.5)

    def apply(self, clip: Clip, rng: np.random.Generator) -> Clip:
        """See `Step.apply`."""
        return reverb(
            clip,
            draw(rng, self.amount),
            decay_s=draw(rng, self.decay_s, scale="log"),
            size_m=draw(rng, self.size_m),
            seed=int(rng.integers(_SEEDS)),
        )

    def _check(self) -> None:
        check_range("decay_s", self.decay_s, 0.05, 20.0)
        check_range("size_m", self.size_m, 0.1, 1000.0)
        check_range("amount", self.amount, 0.0, 10.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredRoom(Step):
    """One of several recorded rooms, mixed under the dry clip.

    Attributes:
        files: Impulse responses, equally likely (`room_files` lists a folder). One with more than two channels, or
            with more channels than the clip, is heard through its first ones.
        amount: Range of the room's level; responses are scaled to unit energy, so 1 is about as loud as the clip.
        longest_s: Responses are cut (and faded) to this length, which bounds the work.
    """

    files: tuple[Path, ...]
    amount: Range = (0.05, 0.5)
    longest_s: float = 3.0

    def apply(self, clip: Clip, rng: np.random.Generator) -> Clip:
        """See `Step.apply`."""
        amount = draw(rng, self.amount)
        room = impulse_response(self.files[int(rng.integers(len(self.files)))], clip.sample_rate, self.longest_s)
        if room.channels not in {1, clip.channels}:
            count = clip.channels if clip.channels <= room.channels else 1
            room = Clip(room.samples[:count], room.sample_rate)
        return Clip(clip.samples + np.float32(amount) * convolve(clip, room).samples, clip.sample_rate)

    def _check(self) -> None:
        check_range("amount", self.amount, 0.0, 10.0)
        if not self.files or not 0.01 <= self.longest_s <= 60.0:
            raise InvalidOption("A measured room needs files, and a length of 0.01 to 60 s.", "Use room_files(folder).")


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
